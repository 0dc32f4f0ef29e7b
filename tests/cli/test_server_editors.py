"""An editor calls files by names of its own, sends texts of any characters, and asks while a run is under way: the raw protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="PYGLS IS MISSING: the language server is not started")

TEXT = "[database]\nconnection = mysql://k@db/k\nmax_retries = 3\n"
SLOW = """
import time
from lwlint.cli import entry, server
judge = server.Session.judge
def slow(self):
    time.sleep(1.5 if self.texts else 0)
    return judge(self)
server.Session.judge = slow
entry()
"""


class Editor:
    """A server in a folder, and what it was asked."""

    def __init__(self, folder: Path, *program: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *(program or ("-m", "lwlint")), "server", "--no-cache"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if program else subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._asked = 0

    def tell(self, method: str, params: Any, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def ask(self, method: str, params: Any) -> Any:
        """Return the result of a request; what is told before it is passed over."""
        self._asked += 1
        self.tell(method, params, id=self._asked)
        return self.until(lambda message: message.get("id") == self._asked and "method" not in message)["result"]

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next message that is wanted."""
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := self.process.stdout.readline()).strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert length, "the server has ended"
            message: dict[str, Any] = json.loads(self.process.stdout.read(length))
            if wanted(message):
                return message

    def diagnostics(self, uri: str) -> list[str]:
        """Return the codes that are told next of a file of this name; what is told of other names is passed over."""
        told = self.until(lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri)
        return [each["code"] for each in told["params"]["diagnostics"]]

    def begin(self, root: Path | None, *folders: Path) -> Any:
        listed = [{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
        where = {"rootUri": root and root.as_uri(), "workspaceFolders": listed or None}
        answer = self.ask("initialize", {"processId": None, "capabilities": {}, **where})
        self.tell("initialized", {})
        return answer

    def open(self, uri: str, text: str) -> None:
        self.tell("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "ini", "version": 1, "text": text}})

    def change(self, uri: str, text: str, version: int = 2) -> None:
        self.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]})


@pytest.fixture
def editor() -> Iterator[Callable[..., Editor]]:
    started: list[Editor] = []

    def start(folder: Path, *program: str) -> Editor:
        started.append(Editor(folder, *program))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def option_file(folder: Path, name: str = "etc/keystone/keystone.conf") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    return path


def test_a_folder_behind_a_link_has_the_name_by_which_the_editor_knows_it(editor: Callable[..., Editor], tmp_path: Path) -> None:
    option_file(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    server, uri = editor(tmp_path), (tmp_path / "link/etc/keystone/keystone.conf").as_uri()
    server.begin(tmp_path / "link")
    assert server.diagnostics(uri) == ["LW301"], "before it is opened"
    server.open(uri, TEXT.replace("3", "-1"))
    assert server.diagnostics(uri) == []
    server.open(uri, TEXT)
    assert server.diagnostics(uri) == ["LW301"]
    asked = {"textDocument": {"uri": uri}, "range": {"start": {"line": 2, "character": 14}, "end": {"line": 2, "character": 14}}}
    offered = server.ask("textDocument/codeAction", {**asked, "context": {"diagnostics": []}})
    assert [list(each["edit"]["changes"]) for each in offered] == [[uri], [uri]]


def test_a_name_that_is_no_utf_8_is_the_same_file_when_it_is_opened(editor: Callable[..., Editor], tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.makedirs(folder)
    except OSError:
        pytest.skip("no file system for such a name")
    option_file(Path(os.fsdecode(folder)))
    server = editor(tmp_path)
    server.begin(tmp_path)
    uri = f"{tmp_path.as_uri()}/caf%E9/etc/keystone/keystone.conf"
    assert server.diagnostics(uri) == ["LW301"]
    server.open(uri, TEXT.replace("3", "-1"))
    assert server.diagnostics(uri) == []


def test_without_a_root_the_first_folder_is_judged_and_of_the_others_it_is_said_that_they_are_not(
    editor: Callable[..., Editor], tmp_path: Path
) -> None:
    first, second = option_file(tmp_path / "first"), option_file(tmp_path / "second")
    server = editor(tmp_path)
    server.begin(None, tmp_path / "first", tmp_path / "second")
    said = server.until(lambda message: message.get("method") == "window/logMessage")["params"]["message"]
    assert ((tmp_path / "second").as_uri() in said, "is not judged" in said) == (True, True)
    assert server.diagnostics(first.as_uri()) == ["LW301"]
    server.open(second.as_uri(), TEXT)
    assert server.ask("textDocument/documentSymbol", {"textDocument": {"uri": second.as_uri()}}) == []


def test_the_editor_sends_whole_texts_since_lines_end_elsewhere_for_the_protocol_of_python(
    editor: Callable[..., Editor], tmp_path: Path
) -> None:
    uri = option_file(tmp_path).as_uri()
    server = editor(tmp_path)
    synced = server.begin(tmp_path)["capabilities"]["textDocumentSync"]
    assert synced["change"] == 1, "1: full"
    odd = f"# form\x0cfeed, line\u2028separator, next\x85line\n{TEXT}"
    server.open(uri, odd)
    place = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 14}}
    assert "LW301" in server.ask("textDocument/hover", place)["contents"]["value"]
    server.change(uri, odd.replace("= 3", "= -1"))
    assert "LW301" not in server.ask("textDocument/hover", place)["contents"]["value"]


def test_what_is_asked_during_a_run_is_answered_of_the_text_as_it_is(editor: Callable[..., Editor], tmp_path: Path) -> None:
    uri = option_file(tmp_path).as_uri()
    server = editor(tmp_path, "-c", SLOW)
    server.begin(tmp_path)
    assert server.diagnostics(uri) == ["LW301"]
    server.open(uri, f"# one line more\n{TEXT}")
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(0.5)  # longer than the server waits for the next key: the run is under way
    where = {"start": {"line": 3, "character": 14}, "end": {"line": 3, "character": 15}}
    asked = {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": []}}
    offered = server.ask("textDocument/codeAction", asked)
    assert [edit["range"] for each in offered[:1] for edit in each["edit"]["changes"][uri]] == [where]


def test_while_the_configuration_is_wrong_nothing_is_said_of_a_text_that_has_changed(editor: Callable[..., Editor], tmp_path: Path) -> None:
    uri = option_file(tmp_path).as_uri()
    server = editor(tmp_path)
    server.begin(tmp_path)
    assert server.diagnostics(uri) == ["LW301"]
    (tmp_path / ".lwlint.yaml").write_text("selct: LW3\n")
    server.open(uri, f"# one line more\n{TEXT}")
    assert "selct" in server.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
    assert server.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 2, "character": 14}}) is None


@pytest.mark.parametrize(("last", "code"), [(("shutdown", "exit"), 0), (("exit",), 1), ((), 0)])
def test_an_editor_that_ends_in_the_middle_leaves_no_traceback(
    last: tuple[str, ...], code: int, editor: Callable[..., Editor], tmp_path: Path
) -> None:
    option_file(tmp_path)
    server = editor(tmp_path)
    server.begin(tmp_path)
    for word in last:
        server.ask(word, None) if word == "shutdown" else server.tell(word, None)
    if last:
        server.process.wait(timeout=60)  # the editor keeps its end open
    _, said = server.process.communicate(timeout=60)
    assert (server.process.returncode, said) == (code, b"")


def test_a_name_that_no_file_can_have_is_none_of_the_folders(editor: Callable[..., Editor], tmp_path: Path) -> None:
    path = option_file(tmp_path)
    server = editor(tmp_path)
    server.begin(tmp_path)
    server.open(f"{tmp_path.as_uri()}/a%00b.conf", TEXT)
    server.open(path.as_uri(), TEXT.replace("3", "4"))
    told = server.until(lambda m: m.get("method") == "window/showMessage" or m.get("params", {}).get("uri") == path.as_uri())
    assert told["method"] == "textDocument/publishDiagnostics"
