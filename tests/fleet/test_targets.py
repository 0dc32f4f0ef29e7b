"""What a fleet is given: a folder, patterns, and lists of URLs on standard input, each archive once."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.fleet.looking import Here, need
from tests.fleet.made import fleet

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
    monkeypatch.setattr("lwlint.fleet.work.Engine", lambda *_: Here())
    folder = str(tmp_path / "in")
    fleet(tmp_path / "in", range(1, 3))
    (tmp_path / "in" / "elsewhere" / "sosreport-c001-controller-1.tar.gz.md5").write_text("0\n")
    monkeypatch.setattr(sys, "stdin", Stdin(stdin.replace("{}", folder).encode()))
    assert main(["fleet", "run", *(target.replace("{}", folder) for target in targets), "--into", str(tmp_path / "store")]) == 1
    assert f": {archives} archives: {archives} judged, 0 damaged, 0 failed\n" in capsys.readouterr().out
