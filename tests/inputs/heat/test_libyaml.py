"""PyYAML's C parser alone says what PyYAML says, and the package is whole as soon as somebody asks for more of it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwlint.inputs.heat.document import read
from lwlint.inputs.heat.nodes import Refused
from tests.shared import HERE, shared

pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="THIS PyYAML HAS NO C PARSER: nothing is tested of it")

ALONE = """
import json, sys
from lwlint.inputs.heat.libyaml import Finder
sys.meta_path.insert(0, Finder())
"""
JUDGE = """
from tests.test_libyaml import outcomes
found = outcomes(json.load(sys.stdin))
print(json.dumps([found, "yaml.reader" in sys.modules, "yaml.constructor" in sys.modules]))
"""
PIECES = (
    "a: 1\n",
    "- b\n",
    "? c\n",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x",
    "!!str ",
    "!no ",
    "!",
    "'",
    '"',
    "|\n",
    "\t",
    "\x00",
    "\x07",
    "\ufeff",
    "\ud800",
)
PIECES += (
    "<<: *x\n",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "é",
    "\U0001f600",
    "#",
    ": ",
    ",",
    "  ",
    "\n",
    "\x85",
    "\ufffe",
    "@",
    "a: a: a",
    "2001-01-01",
)


def outcomes(texts: list[str]) -> list[Any]:
    """What becomes of each text: `None` for a document, else the complaint and its place."""
    found: list[Any] = []
    for text in texts:
        try:
            read(text)
            found.append([None])
        except Refused as refused:
            found.append([refused.message, refused.start])
    return found


def in_another_process(script: str, given: str = "", **more: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], input=given, cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def random_texts() -> list[str]:
    chance = random.Random(4)
    return ["".join(chance.choice(PIECES) for _ in range(chance.randint(1, 9))) for _ in range(4000)]


def test_what_is_refused_is_refused_alike_and_at_the_same_place() -> None:
    texts = random_texts()
    found, reader, _ = json.loads(in_another_process(ALONE + JUDGE, json.dumps(texts)))
    assert found == outcomes(texts)
    refused = {outcome[0] for outcome in found}
    assert len(refused) > 40
    assert any("control characters are not allowed" in str(message) for message in refused)
    assert reader  # `!no` made the package whole on the way


def test_the_files_of_a_tree_need_nothing_of_the_rest() -> None:
    texts = [path.read_text("utf-8") for path in sorted(shared("corpus/tht/newton-after").rglob("puppet/**/*.yaml"))]
    texts += ["a: [", "a: \x07", "a: b: c", "a: *x"]
    found, reader, constructor = json.loads(in_another_process(ALONE + JUDGE, json.dumps(texts)))
    assert (found, reader, constructor) == (outcomes(texts), False, False)
    assert sum(outcome[0] is None for outcome in found) > 100


def test_whoever_asks_for_more_gets_all_of_it() -> None:
    names = "print(json.dumps(sorted(name for name in dir(yaml) if name != '__getattr__')))"
    more = """
import yaml
yaml._yaml.CParser("a: 1").get_event()
assert "SafeLoader" not in vars(yaml)
assert yaml.load("a: [1, 2001-01-01]", Loader=yaml.CSafeLoader) == yaml.safe_load("a: [1, 2001-01-01]")
assert yaml.load("a: 1", Loader=yaml.SafeLoader) == {"a": 1}
assert yaml.dump({"a": [1]}, Dumper=yaml.CSafeDumper) == yaml.safe_dump({"a": [1]})
from yaml.reader import ReaderError
from yaml.scanner import ScannerError
for text, error in (("\\x07", ReaderError), ("a: @", ScannerError), ("a: @", yaml.YAMLError)):
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        try:
            yaml.load(text, Loader=loader)
        except error:
            continue
        raise AssertionError((text, loader))
"""
    assert in_another_process(ALONE + more + names) == in_another_process("import json, yaml, yaml._yaml\n" + names)


def test_what_yaml_never_had_it_does_not_have() -> None:
    ask = "import yaml\nprint(hasattr(yaml, '__wrapped__'), 'yaml.reader' in sys.modules, hasattr(yaml, 'nothing'), yaml.__version__)"
    assert in_another_process(ALONE + ask).split() == ["False", "False", "False", yaml.__version__]


@pytest.mark.parametrize("extension", [None, "CParser = None\n", "import yaml\nyaml.error.NoSuchName\n"])
def test_a_package_of_another_make_is_imported_as_ever(extension: str | None, tmp_path: Path) -> None:
    package = tmp_path / "yaml"
    package.mkdir()
    (package / "__init__.py").write_text("whole = True\n")
    for name in ("tokens", "events", "nodes"):
        (package / f"{name}.py").write_text("")
    if extension is not None:
        (package / "error.py").write_text("class YAMLError(Exception): pass\nclass MarkedYAMLError(YAMLError): pass\n")
        (package / "_yaml.py").write_text(extension)
    ask = f"sys.path.insert(0, {str(tmp_path)!r})\nimport yaml\nprint(yaml.__file__, yaml.whole, hasattr(yaml, 'reader'))"
    assert in_another_process(ALONE + ask).split() == [str(package / "__init__.py"), "True", "False"]
