"""What a fleet is given: a folder, patterns, and lists of URLs on standard input, each archive once."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from tests.audit.fleet.looking import Here, need
from tests.audit.fleet.made import fleet

need()


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize(
    ("targets", "stdin", "archives"),
    [
        (["{}"], "", 6),
        (["{}/elsewhere"], "", 2),
        (["{}/case-00?/*controller-[02]*"], "", 4),
        (["file://{}/**/*controller-0*"], "", 2),
        (["-"], "# two of one cluster\nfile://{}/elsewhere/sosreport-c001-controller-1.tar.gz\n\n{}/case-001/*-0.tar.gz\r\n", 2),
        (["-", "{}"], "{}/elsewhere/*.gz\n{}/elsewhere/\n", 6),
    ],
)
def test_targets_of_each_kind_come_to_their_archives_each_once(
    targets: list[str], stdin: str, archives: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwlint.audit.fleet.work.Engine", lambda *_: Here())
    folder = str(tmp_path / "in")
    fleet(tmp_path / "in", range(1, 3))
    (tmp_path / "in" / "elsewhere" / "sosreport-c001-controller-1.tar.gz.md5").write_text("0\n")
    monkeypatch.setattr(sys, "stdin", Stdin(stdin.replace("{}", folder).encode()))
    assert main(["fleet", "run", *(target.replace("{}", folder) for target in targets), "--into", str(tmp_path / "store")]) == 1
    assert f": {archives} archives: {archives} judged, 0 damaged, 0 failed\n" in capsys.readouterr().out


@pytest.mark.parametrize("pattern", ["**/*.tar.gz", "*/*/*.gz", "b/c/*.gz", "[b]/c/*", "**"])
def test_a_folder_that_cannot_be_listed_is_not_passed_over(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet(tmp_path / "a", range(1, 2))
    (tmp_path / "b/c").mkdir(parents=True)
    real = os.scandir

    def refused(path: Any = ".") -> Any:
        if os.fspath(path) == str(tmp_path / "b/c"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert main(["fleet", "run", f"{tmp_path}/{pattern}", "--into", str(tmp_path / "store")]) == 2
    assert "b/c`: cannot be listed (Permission denied)" in capsys.readouterr().err
