"""The formats by name, and where `--format` sends them."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from lwlint.core.finding import ConfigurationError
from lwlint.report import FORMATS, How, Output, deliver, json, outputs, text, write
from tests.report.report_sample import CLEAN, REPORT, RULES


def test_without_an_argument_the_report_is_text_on_standard_output() -> None:
    assert outputs([]) == (Output("text"),)


def test_an_argument_names_a_format_and_perhaps_a_file(tmp_path: Path) -> None:
    out = str(tmp_path / "a=b.sarif")
    assert outputs(["json=-", f"sarif={out}"]) == (Output("json"), Output("sarif", out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sarfi"], "`sarfi`: unknown format; did you mean `sarif`?"),
        (["pdf"], f"`pdf`: unknown format; lwlint has {', '.join(FORMATS)}"),
        (["sarif="], "`--format sarif=`: names no file"),
        (["sarif=no/out.sarif"], "`--format sarif=no/out.sarif`: no such folder: `no`"),
        (["sarif=."], "`--format sarif=.`: `.` is a folder"),
        (["text", "json"], "`--format json`: the standard output is already taken by `--format text`"),
        (["csv=a", "json=./a"], "`--format json=./a`: `./a` is already taken by `--format csv=a`"),
        (["csv=a", "json=link"], "`--format json=link`: `link` is already taken by `--format csv=a`"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink("a", "link")
    with pytest.raises(ConfigurationError) as caught:
        outputs(arguments)
    assert str(caught.value) == said


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_ends_with_a_line_break_and_is_the_same_twice(name: str) -> None:
    for report in (REPORT, CLEAN):
        once, twice = (FORMATS[name](report, RULES, How()) for _ in range(2))
        assert (once == twice, once[-1]) == (True, "\n")
        once.encode("utf-8") if name != "text" else None


def test_text_and_json_are_those_of_their_modules() -> None:
    assert FORMATS["text"](REPORT, RULES, How(colour=True, verbose=True)) == text.render(REPORT, colour=True, verbose=True)
    assert FORMATS["json"](REPORT, RULES, How()) == json.render(REPORT)


def test_several_formats_are_delivered_at_once(tmp_path: Path) -> None:
    asked = outputs([f"sarif={tmp_path / 'a'}", "json", f"text={tmp_path / 'b'}"])
    printed = deliver(asked, REPORT, RULES, How(colour=True, exit_code=1))
    assert printed == json.render(REPORT)
    assert '"exitCode": 1' in (tmp_path / "a").read_text("utf-8")
    assert "\x1b[" not in (tmp_path / "b").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_files_alone_leave_standard_output_empty(tmp_path: Path) -> None:
    assert deliver(outputs([f"csv={tmp_path / 'a'}"]), CLEAN, RULES, How()) == ""


def test_a_file_is_replaced_whole_with_its_mode_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old\n")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(ConfigurationError, match="is a link, and nothing is written through one"):
        write(str(tmp_path / "link"), "new\n")
    assert (tmp_path / "real").read_text("utf-8") == "old\n"
    write(str(tmp_path / "real"), "é\udcff\n")
    assert ((tmp_path / "real").read_text("utf-8"), (tmp_path / "real").stat().st_mode & 0o777) == ("é\ufffd\n", 0o640)


def test_what_the_shell_opened_is_written_to_behind_what_is_there(tmp_path: Path) -> None:
    read, written = os.pipe()
    write(f"/dev/fd/{written}", "a\n")
    os.close(written)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"a\n"
    out = tmp_path / "out"
    out.write_text("said before\n")
    with open(out, "ab") as file:
        write(f"/dev/fd/{file.fileno()}", "a\n")
        file.write(b"said after\n")
    assert out.read_text() == "said before\na\nsaid after\n"


def test_a_pipe_with_a_name_is_written_to_as_soon_as_somebody_reads_and_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, text = str(tmp_path / "pipe"), "é" * 100_000 + "\n"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Timer(0.3, lambda: read.append(Path(pipe).read_text("utf-8")))
    reader.start()
    write(pipe, text)
    reader.join()
    assert read == [text]
    monkeypatch.setattr("lwlint.report._PATIENCE", 0.2)
    with pytest.raises(ConfigurationError, match="cannot be written \\(a pipe that no program reads from\\)"):
        write(pipe, text)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def test_a_file_that_was_judged_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = next(iter(REPORT.sources))
    with pytest.raises(ConfigurationError, match="is a file that was judged, and is not overwritten"):
        deliver((Output("json", "a"), Output("csv", f"./{path}")), REPORT, RULES, How())
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_written_to_and_not_replaced() -> None:
    write("/dev/null", "x")
    assert not Path("/dev/null").is_file()


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for call in ("link", "replace"):
        monkeypatch.setattr(os, call, full)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write(str(tmp_path / "a"), "x")
    assert list(tmp_path.iterdir()) == []


def test_a_format_is_loaded_when_it_is_used_only() -> None:
    import subprocess

    program = "import sys, lwlint.report as f; f.outputs([]); print([m for m in sys.modules if m.startswith('lwlint.report.')])"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not [name for name in FORMATS if name != "text" and f"'lwlint.report.{name}'" in out]
