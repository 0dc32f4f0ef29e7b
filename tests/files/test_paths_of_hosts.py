"""What is looked for in a path before an expression is asked of it: where it is not there, the expression finds nothing either."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lwlint.files import discover
from lwlint.files.tree import _HOST, around

PARTS = (
    "etc",
    "usr",
    "lib",
    "share",
    "local",
    "run",
    "systemd",
    "containers",
    "var",
    "sos_commands",
    "pacemaker",
    "a",
    "etc.d",
    "xetc",
    "",
)


def test_no_path_of_a_host_is_passed_over() -> None:
    chance = random.Random(0)
    for _ in range(20_000):
        path = "/".join(chance.choices(PARTS, k=chance.randint(1, 7)))
        match = discover._ROOT.match(path)
        assert discover._host_of(path) == (match.group("root") if match is not None else None)
        assert not discover._DUMP.search(path) or "sos_commands/" in path


def test_no_folder_of_a_host_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(0)
    for number in range(300):
        inside = Path("/".join(filter(None, chance.choices(PARTS, k=chance.randint(1, 5)))) or "a", f"n{number}")
        inside.mkdir(parents=True)
        (inside / "x").write_text("")
        host = _HOST.match(f"{inside.as_posix()}/")
        expected = [str(tmp_path)] + ([str(tmp_path / host["root"])] if host is not None and host["root"] else [])
        assert list(around([str(inside / "x")]).roots) == expected
