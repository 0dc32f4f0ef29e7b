"""The annotations of records: what lwlint makes of their texts is what msgspec does, and a run on one file has none compiled."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Annotated, Any, Optional

import msgspec
import pytest

import lwlint
from lwlint.core.config_reader import Document, Mismatch, _evaluate, build
from tests.shared import HERE

FILE = "fixtures/lightweight/templates/puppet/services/keystone.yaml"
RUN = """
import builtins, os, sys
given, real = [], builtins.compile
builtins.compile = lambda text, file, *rest, **how: given.append((text, file)) or real(text, file, *rest, **how)
os._exit = lambda code: print(code, [text for text, file in given if file == "<string>"], file=sys.stderr)
from lwlint.cli import entry
entry()
"""


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


def test_a_run_on_one_file_has_no_annotation_compiled(tmp_path: Path) -> None:
    for _ in range(2):  # the first keeps the compiled rules, and Python's own compiled modules
        for kept in (*tmp_path.glob("answer-*"), *tmp_path.glob("outlines-*")):
            kept.unlink()
        command = (sys.executable, "-c", RUN, "check", "--no-config", "--cache-dir", str(tmp_path), FILE)
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "0 []\n")
