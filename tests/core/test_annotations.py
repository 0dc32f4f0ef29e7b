"""The annotations of records: what lwlint makes of their texts is what msgspec does."""

from __future__ import annotations

import contextlib
import re
from importlib import import_module
from pkgutil import walk_packages
from typing import Annotated, Any, Optional

import msgspec
import pytest

import lwlint
from lwlint.core.config_reader import Document, Mismatch, _evaluate, build


def records(kind: type) -> list[type]:
    return [kind, *(below for each in kind.__subclasses__() for below in records(each))]


def types_of(record: type) -> object:
    try:
        return re.sub(r" object at 0x\w+", "", repr({field.name: field.type for field in msgspec.structs.fields(record)}))
    except Exception as error:
        return repr(error)


def test_texts_mean_what_they_mean_to_msgspec() -> None:
    for module in walk_packages(lwlint.__path__, "lwlint."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # of a library that is not installed
                import_module(module.name)
    own = [record for record in records(msgspec.Struct) if record.__module__.startswith("lwlint.")]
    assert len(own) > 200
    before = [types_of(record) for record in own]
    _evaluate.cache_clear()
    for record in own:
        _evaluate(record)
    assert [types_of(record) for record in own] == before
    params = [record for record in own if issubclass(record, Document)]
    assert not [hint for record in params for hint in record.__annotations__.values() if isinstance(hint, str)]


class Inner(Document, frozen=True):
    int: str  # a name that the module knows as something else
    many: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ()


class Outer(Document, frozen=True):
    inner: Optional[Inner] = None
    others: Annotated[dict[str, Inner], msgspec.Meta(description="more")] = msgspec.field(default_factory=dict)
    number: int = 0


class Unknown(Document, frozen=True):
    inner: NowhereToBeFound  # type: ignore[name-defined]  # noqa: F821


def test_a_record_in_a_record_is_read() -> None:
    found: Any = build({"inner": {"int": "a", "many": ["b"]}, "others": {"x": {"int": "c"}}, "number": 1}, Outer)
    assert found == Outer(Inner("a", ("b",)), {"x": Inner("c")}, 1)
    for wrong in ({"number": "1"}, {"inner": {"int": 1}}, {"others": {"x": {"int": "c", "many": [""]}}}):
        with pytest.raises(Mismatch):
            build(wrong, Outer)


def test_an_annotation_that_means_nothing_is_left_to_msgspec() -> None:
    with pytest.raises(NameError):
        build({"inner": 1}, Unknown)
