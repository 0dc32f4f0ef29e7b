"""`lwlint.core.record` makes what `dataclasses` makes: every case runs through both."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import typing
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar, Generic, Optional, TypeVar

import pytest

from lwlint.core import record
from tests.shared import HERE

P = TypeVar("P")
BOTH = pytest.mark.parametrize("how", [dataclasses, record], ids=["standard", "record"])


def classes(how: Any) -> SimpleNamespace:
    @how.dataclass(frozen=True)
    class Plain:
        """Has a docstring."""

        kind: ClassVar[str] = "plain"
        name: str
        at: int = 3
        found: Mapping[str, int] = how.field(default_factory=dict)
        hidden: Optional[str] = how.field(default=None, repr=False, metadata={"about": "nothing"})

    @how.dataclass(frozen=True)
    class One:
        only: tuple[str, ...]

    @how.dataclass(frozen=True)
    class Empty:
        pass

    @how.dataclass(frozen=True)
    class Of(Generic[P]):
        value: P
        made: type = dict

    @how.dataclass
    class Open:
        items: list[str] = how.field(default_factory=list)
        count: int = 0

        def __post_init__(self) -> None:
            self.count += len(self.items)

    return SimpleNamespace(**{name: made for name, made in locals().items() if isinstance(made, type)})


def answer(name: str, how: Any, *, compiled: bool = False) -> str:
    made = classes(how)
    for cls in vars(made).values() if compiled else ():
        cls.__record__.few = 0
    try:
        return repr(ACTIONS[name](made)).replace("classes.<locals>.", "")
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace("classes.<locals>.", "")


ACTIONS = {
    "by position": lambda c: c.Plain("a", 1, {"b": 2}, "c"),
    "by name": lambda c: c.Plain(name="a", hidden="x"),
    "defaults": lambda c: (c.Plain("a").at, c.Plain("a").found, c.Plain("a").hidden, c.Plain.at, c.Plain.hidden, c.Plain.kind),
    "no attribute of the class for a factory": lambda c: c.Plain.found,
    "a factory is called anew": lambda c: c.Plain("a").found is c.Plain("a").found,
    "missing": lambda c: c.Plain(),
    "too many": lambda c: c.One(("a",), 2),
    "unknown": lambda c: c.Empty(a=1),
    "equal": lambda c: (c.Plain("a") == c.Plain("a"), c.Plain("a") == c.Plain("b"), c.Plain("a") == 3, c.Plain("a") != c.Plain("a")),
    "equal with one field": lambda c: (c.One(("a",)) == c.One(("a",)), c.One(("a",)) == c.One(("b",)), c.Empty() == c.Empty()),
    "equal only within a class": lambda c: c.Empty() == c.One(()),
    "hash": lambda c: len({c.One(("a",)), c.One(("a",)), c.One(("b",)), c.Empty(), c.Empty()}),
    "hash of a mapping": lambda c: hash(c.Plain("a")),
    "no hash where it can change": lambda c: hash(c.Open()),
    "set": lambda c: setattr(c.Plain("a"), "name", "b"),
    "set another": lambda c: setattr(c.Plain("a"), "other", "b"),
    "delete": lambda c: delattr(c.Plain("a"), "name"),
    "open": lambda c: (c.Open(["a", "b"]), c.Open().items is c.Open().items),
    "generic": lambda c: (c.Of(1), c.Of[int](2), c.Of(1).made),
    "replace": lambda c: (dataclasses.replace(c.Plain("a"), at=4), dataclasses.replace(c.One(()), only=("b",))),
    "replace what is not there": lambda c: dataclasses.replace(c.Plain("a"), nothing=4),
    "fields": lambda c: [(f.name, f.type, f.repr, dict(f.metadata)) for f in dataclasses.fields(c.Plain)],
    "fields of an instance": lambda c: [f.name for f in dataclasses.fields(c.Of(1))],
    "is one": lambda c: [dataclasses.is_dataclass(x) for x in (c.Plain, c.Empty(), c.Open, int)],
    "as a dict": lambda c: dataclasses.asdict(c.Plain("a", found={"b": 1})),
    "hints": lambda c: typing.get_type_hints(c.Plain),
    "patterns": lambda c: (c.Plain.__match_args__, c.Empty.__match_args__),
    "docstring": lambda c: c.Plain.__doc__,
    "dict": lambda c: vars(c.Plain("a")),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_record_answers_as_a_dataclass_does(name: str) -> None:
    assert answer(name, dataclasses) == answer(name, record) == answer(name, record, compiled=True)


def test_replace_takes_both_kinds() -> None:
    for how in (dataclasses, record):
        made = classes(how)
        assert record.replace(made.Plain("a"), at=4) == made.Plain("a", 4)
        assert record.replace(made.One(("a",)), only=()) == made.One(())
        assert record.replace(made.Empty()) == made.Empty()


@BOTH
def test_fields_are_described_alike(how: Any) -> None:
    made = classes(how)
    assert record.described(made.Plain) == (("name", "at", "found", "hidden"), ("name",))
    assert record.described(made.Open) == (("items", "count"), ())


def test_what_a_record_cannot_do_is_refused_where_it_is_written() -> None:
    made = classes(record)
    with pytest.raises(TypeError, match="derives from a dataclass"):
        record.dataclass(frozen=True)(type("Below", (made.Plain,), {}))
    with pytest.raises(TypeError, match="knows nothing of compare"):
        record.field(compare=False)
    with pytest.raises(TypeError, match="mutable default"):
        record.dataclass(type("Bad", (), {"__annotations__": {"a": "list"}, "a": []}))
    with pytest.raises(TypeError, match="without default after"):
        record.dataclass(type("Bad", (), {"__annotations__": {"a": "int", "b": "int"}, "a": 1}))


def test_making_and_using_records_does_not_import_dataclasses() -> None:
    code = (
        "import sys\nfrom lwlint.core.record import dataclass, field, replace\n"
        "@dataclass(frozen=True)\nclass A:\n    a: int\n    b: dict = field(default_factory=dict)\n"
        "A.__annotations__\nx = replace(A(1), a=2); assert x == A(2) and repr(x) and hasattr(x, 'a')\n"
        "print([name for name in ('dataclasses', 'inspect') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-S", "-c", code], cwd=HERE, capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("[]\n", "")
