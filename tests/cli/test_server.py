"""An editor is told of the folder as it is there: driven by a client of the protocol (pytest-lsp) that starts the real program."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli.arguments import parse
from lwlint.cli.server import Session, prepare, units
from lwlint.files import tree as tree_module
from lwlint.files.tree import Confined, Memory, Overlay, around
from lwlint.run import Request, check, engine, judge, load_rules, outlines_of, read_facts
from tests.shared import HERE, shared

pytest_lsp = pytest.importorskip("pytest_lsp", reason="PYTEST-LSP IS MISSING: the language server is not driven by a client")
types = pytest.importorskip("lsprotocol.types")
LanguageClient = pytest_lsp.LanguageClient

UNIT = """[Unit]
Description=nova
[Service]
Type=notify
ExecStart=/usr/bin/nova-api
Restart=no
[Install]
WantedBy=multi-user.target
"""
FILES = {
    "etc/systemd/system/openstack-nova-api.service": UNIT,
    "etc/systemd/system/openstack-nova-api.service.d/10.conf": "[Service]\nTimeoutStartSec=0\n",
    "etc/nova/nova.conf": "[DEFAULT]\n# \U0001f600 first\n[database]\nconnection = mysql://nova:pa55word@10.0.0.1/nova\nmax_retries = 10\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest_lsp.fixture(config=pytest_lsp.ClientServerConfig(server_command=[sys.executable, "-m", "lwlint", "server", "--no-cache"]))
async def client(lsp_client: LanguageClient, folder: Path) -> AsyncIterator[None]:
    await lsp_client.initialize_session(types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=folder.as_uri()))
    yield
    await lsp_client.shutdown_session()


async def told(client: Any, uri: str, *codes: str) -> list[Any]:
    """Wait until just these codes are told of a file, and return the diagnostics."""
    while sorted(each.code for each in client.diagnostics.get(uri, ())) != sorted(codes):
        await client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    return list(client.diagnostics.get(uri, ()))


def expected(files: dict[str, str]) -> dict[str, list[str]]:
    """What `lwlint check` says of the same folder, by file."""
    report = check(Request(tree=Memory(files)), load_rules(examples=False))
    found: dict[str, list[str]] = {name: [] for name in files}
    for finding in report.findings:
        found[finding.span.path].append(finding.code)
    return found


def opened(client: Any, uri: str, text: str) -> None:
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "ini", 1, text)))


def changed(client: Any, uri: str, text: str, version: int = 2) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(version, uri), [types.TextDocumentContentChangeWholeDocument(text)]
        )
    )


@pytest.mark.asyncio
async def test_what_is_told_is_what_check_says_before_and_after_an_edit_that_is_not_saved(client: Any, folder: Path) -> None:
    for name, codes in expected(FILES).items():
        if codes:
            await told(client, (folder / name).as_uri(), *codes)
    uri = (folder / "etc/nova/nova.conf").as_uri()
    assert client.diagnostics[uri][0].range.start == types.Position(4, 14)
    opened(client, uri, FILES["etc/nova/nova.conf"])
    after = FILES["etc/nova/nova.conf"].replace("= 10", "= -1")
    changed(client, uri, after)
    await told(client, uri, *expected({**FILES, "etc/nova/nova.conf": after})["etc/nova/nova.conf"])
    changed(client, uri, FILES["etc/nova/nova.conf"], 3)
    await told(client, uri, *expected(FILES)["etc/nova/nova.conf"])


@pytest.mark.asyncio
async def test_a_place_tells_what_is_wrong_what_is_in_effect_and_no_secret(client: Any, folder: Path) -> None:
    uri = (folder / "etc/nova/nova.conf").as_uri()
    await told(client, uri, *expected(FILES)["etc/nova/nova.conf"])

    async def hover(line: int, column: int) -> str:
        found = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line, column)))
        return str(found.contents.value) if found is not None else ""

    text = await hover(4, 15)
    assert all(part in text for part in ("LW301", "etc/nova/nova.conf:5", "max_retries"))
    text = await hover(3, 20)
    assert "connection" in text
    assert "pa55word" not in text
    unit = (folder / "etc/systemd/system/openstack-nova-api.service").as_uri()
    found = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(unit), types.Position(5, 9)))
    assert all(part in found.contents.value for part in ("LW201", "10.conf:2"))


@pytest.mark.asyncio
async def test_a_fix_and_an_exception_are_offered_and_do_what_they_say(client: Any, folder: Path) -> None:
    uri = (folder / "etc/nova/nova.conf").as_uri()
    before = await told(client, uri, *expected(FILES)["etc/nova/nova.conf"])
    place = before[0].range
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(uri), place, types.CodeActionContext([]))
    )
    fix, allow = (next(a for a in actions if word in a.title) for word in ("-1", "allow"))
    lines = FILES["etc/nova/nova.conf"].splitlines(keepends=True)
    (edit,) = fix.edit.changes[uri]
    line = lines[edit.range.start.line]
    fixed = [*lines]
    fixed[edit.range.start.line] = line[: edit.range.start.character] + edit.new_text + line[edit.range.end.character :]
    assert "max_retries = -1\n" in "".join(fixed)
    assert "LW301" not in expected({**FILES, "etc/nova/nova.conf": "".join(fixed)})["etc/nova/nova.conf"]
    (edit,) = allow.edit.changes[uri]
    assert edit.range.start == edit.range.end
    assert edit.range.start.character == 0
    lines.insert(edit.range.start.line, edit.new_text)
    bare = expected({**FILES, "etc/nova/nova.conf": "".join(lines)})["etc/nova/nova.conf"]
    assert "LW902" in bare, "an exception without a reason is told"
    lines[edit.range.start.line] = edit.new_text.rstrip("\n") + " it is a lab\n"
    report = check(Request(tree=Memory({**FILES, "etc/nova/nova.conf": "".join(lines)})), load_rules(examples=False))
    assert [f.allowed for f in report.findings if f.code == "LW301"] == ["it is a lab"]


@pytest.mark.asyncio
async def test_a_drop_in_leads_to_its_unit_and_a_file_tells_what_is_in_it(client: Any, folder: Path) -> None:
    unit = (folder / "etc/systemd/system/openstack-nova-api.service").as_uri()
    drop_in = (folder / "etc/systemd/system/openstack-nova-api.service.d/10.conf").as_uri()
    await told(client, unit, *expected(FILES)["etc/systemd/system/openstack-nova-api.service"])
    found = await client.text_document_definition_async(types.DefinitionParams(types.TextDocumentIdentifier(drop_in), types.Position(1, 3)))
    assert unit in [each.uri for each in found]
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(types.TextDocumentIdentifier(unit)))
    assert "openstack-nova-api.service" in [each.name for each in symbols]
    (lens,) = await client.text_document_code_lens_async(types.CodeLensParams(types.TextDocumentIdentifier(unit)))
    assert lens.command.title.startswith("lwlint: 1 error")


@pytest.mark.asyncio
async def test_a_configuration_that_is_wrong_is_said_and_the_server_goes_on(client: Any, folder: Path) -> None:
    (folder / ".lwlint.yaml").write_text("selekt: [LW4]\n")
    client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier((folder / ".lwlint.yaml").as_uri())))
    await client.wait_for_notification(types.WINDOW_SHOW_MESSAGE)
    assert "selekt" in client.messages[-1].message
    (folder / ".lwlint.yaml").write_text("select: [LW201]\n")
    client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier((folder / ".lwlint.yaml").as_uri())))
    await told(client, (folder / "etc/nova/nova.conf").as_uri())
    await told(client, (folder / "etc/systemd/system/openstack-nova-api.service").as_uri(), "LW201")


SWAPS = (
    ("-1", "10"), ("10", "-1"), ("pacemaker", "apache"), ("OS::", "OS:"), ("true", "false"), (":", "="), ("services", "service"),
    (".yaml", "x.yaml"), ("../", ""), ("Restart", "# Restart"), ("hidden", "hiden"), ("{%", "{"), ("id=", "if="),
)  # fmt: skip
DEEDS = ("text", "text", "text", "several", "save", "delete", "restore", "copy", "move", "close", "hidden", "exception")
SPOTS = ("registry", "roles", "environments/", "base", "hiera", ".j2.", "etc/", "cib", ".d/", "containers/")
OURS = "# lwlint: allow LW301, LW404 -- because it is a lab\n"


def edited(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines)) if lines else 0
    way = chance.randrange(6)
    if way == 0 and lines:
        del lines[at]
    elif way == 1 and lines:
        lines.insert(at, chance.choice(lines))
    elif way == 2:
        old, new = chance.choice(SWAPS)
        found = [number for number, line in enumerate(lines) if old in line]
        if found:
            at = chance.choice(found)
            lines[at] = lines[at].replace(old, new)
    elif way == 3:
        return text[: len(text) // 2]
    elif way == 4:
        at = chance.randrange(len(text) + 1)
        return text[:at] + chance.choice("{}[]:%'\"\n#<\u20ac") + text[at:]
    else:
        lines.insert(at, "# a comment\n")
    return "".join(lines)


class Desk:
    """A folder in which somebody works with an editor and without one: one deed after the other, some of them not saved."""

    def __init__(self, session: Session, chance: random.Random) -> None:
        self._session = session
        self._chance = chance
        self._gone: dict[Path, bytes] = {}
        self._files = sorted(path for path in Path().rglob("*") if path.is_file() and not path.is_symlink() and ".git" not in path.parts)
        self._spots = [path for path in self._files if any(word in str(path) for word in SPOTS)]

    def does(self) -> str:
        """Do something to some file; return what."""
        chance = self._chance
        deed, path = chance.choice(DEEDS), chance.choice(self._spots if self._spots and chance.random() < 0.6 else self._files)
        if deed in ("text", "several"):
            for each in (path, *chance.sample(self._files, 3))[: 1 if deed == "text" else 4]:
                self._types(each, edited(self._text(each), chance))
        elif deed == "exception":
            self._types(path, OURS + self._text(path))
        elif deed == "hidden":
            self._types(path, self._text(path) + "\n# hidden: true\n")
        elif deed == "close":
            self._session.texts.clear()
        elif deed == "restore":
            for gone in list(self._gone)[:1]:
                gone.write_bytes(self._gone.pop(gone))
        elif path.exists():
            data = path.read_bytes()
            if deed == "save":
                path.write_bytes(edited(data.decode("utf-8", "replace"), chance).encode())
            elif deed == "copy":
                path.with_name(f"{chance.randrange(3)}-{path.name}").write_bytes(data)
            else:
                self._gone[path] = data
                path.unlink()
                if deed == "move":
                    path.with_name(f"moved-{path.name}").write_bytes(data)
        return f"{deed} {path}"

    def _text(self, path: Path) -> str:
        known = self._session.texts.get(str(path))
        return (known if known is not None else path.read_bytes() if path.exists() else b"").decode("utf-8", "replace")

    def _types(self, path: Path, text: str) -> None:
        self._session.texts[str(path)] = text.encode()


TREES = ("newton", "lightweight", "full-pacemaker", "containers", "malformed")


@pytest.mark.long
@pytest.mark.parametrize(("seed", "trees", "git"), [(11, TREES, True), (12, TREES[:3], False), (13, ("corpus",), True)])
def test_200_random_edits_are_judged_as_check_judges_them(
    seed: int, trees: tuple[str, ...], git: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all kinds of files: facts, findings, verdicts and what was read are those of a run that knows nothing of the last one."""
    if trees == ("corpus",):
        shutil.copytree(shared("corpus/tht/newton-before"), tmp_path, dirs_exist_ok=True)
    for name in trees if trees != ("corpus",) else ():
        shutil.copytree(HERE / "fixtures" / name, tmp_path / name, symlinks=True)
    for path in tmp_path.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.chdir(tmp_path)
    if git:
        (tmp_path / ".gitignore").write_text("*.orig\n2-*\n")
        subprocess.run(["git", "init", "-q"], check=True)
    session = Session(prepare(parse(["server", "--no-cache", "--no-config"])))
    chance = random.Random(seed)
    desk = Desk(session, chance)
    rules = load_rules(examples=False)
    outlines, different, said = outlines_of(Request()), 0, set()
    for number in range(200):
        deed = f"edit {number}: {desk.does()}"
        state = session.judge()
        boundary = around(["."])
        request = Request(
            tree=Overlay(Confined(boundary), dict(session.texts)), boundary=boundary, met=True, gitignore=True, outlines=outlines
        )
        reading = read_facts(request)
        whole = judge(reading, request, rules)
        assert list(state.reading.facts) == list(reading.facts), deed
        assert state.report == whole, deed
        assert list(state.report.sources) == list(whole.sources), deed
        different += len(whole.findings)
        said.add(whole.findings)
    assert different > 200
    assert len(said) > 50, "most edits change what is found"


@pytest.mark.long
def test_the_settings_of_a_folder_count_after_each_edit_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(HERE / "fixtures/newton", tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    options = ["server", "--no-cache"]
    session = Session(prepare(parse(options)))
    texts = (
        "",
        "select: [LW2, LW3]\n",
        "rules: {LW201: {severity: note}}\n",
        "paths: {exclude: [usr/]}\n",
        "release: pike\n",
        "overrides:\n- {paths: [etc/], ignore: [LW3]}\n",
        "",
    )
    said = []
    for text in texts:
        (tmp_path / ".lwlint.yaml").write_text(text)
        assert session.judge().report == Session(prepare(parse(options))).judge().report, text
        said.append(session.state.report if session.state is not None else None)
    assert said[0] == said[-1]
    assert sum(one != said[0] for one in said[1:-1]) > 2


def test_a_file_that_another_program_changes_at_once_again_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two changes within what a file system tells apart, with the same size: the second is seen too."""
    (tmp_path / "etc/nova").mkdir(parents=True)
    path = tmp_path / "etc/nova/nova.conf"
    monkeypatch.chdir(tmp_path)
    session = Session(prepare(parse(["server", "--no-cache", "--no-config"])))
    codes = []
    for value in ("10", "-1", "10", "-1"):
        path.write_text(f"[database]\nconnection = mysql://k@db/n\nmax_retries = {value}\n")
        os.utime(path, ns=(5, 5))
        codes.append([found.code for found in session.judge().report.findings if found.code == "LW301"])
    assert codes == [["LW301"], [], ["LW301"], []]


def test_what_a_template_runs_through_others_counts_after_an_edit_of_any_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The template of the environment runs one by an alias, and that one another: none of these two is the one that is judged."""
    monkeypatch.chdir(tmp_path)
    role = "heat_template_version: pike\nresources:\n  Base: {type: %s}\noutputs:\n  role_data:\n    value: {get_attr: [Base, role_data]}\n"
    step = "heat_template_version: pike\noutputs:\n  role_data:\n    value: {service_name: x, step_config: include ::%s}\n"
    (tmp_path / "environments").mkdir()
    paced, other = step % "tripleo::profile::pacemaker::keystone", step % "tripleo::profile::base::keystone"
    texts = {
        "overcloud-resource-registry-puppet.yaml": "resource_registry:\n  OS::TripleO::Services::Middle: middle.yaml\n",
        "environments/env.yaml": "resource_registry:\n  OS::TripleO::Services::Keystone: ../own.yaml\n",
        "own.yaml": role % "OS::TripleO::Services::Middle",
        "middle.yaml": role % "low.yaml",
        "low.yaml": paced,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    session = Session(prepare(parse(["server", "--no-cache", "--no-config"])))
    edits = [
        ("low.yaml", other),
        ("low.yaml", paced),
        ("low.yaml", step % "tripleo::profile::pacemaker::nova"),  # which makes no resource
        ("low.yaml", step % "tripleo::profile::pacemaker::heat_engine"),  # of another service
        ("middle.yaml", role % "none.yaml"),
        ("middle.yaml", role % "low.yaml"),
        ("overcloud-resource-registry-puppet.yaml", "resource_registry: {}\n"),
        ("overcloud-resource-registry-puppet.yaml", texts["overcloud-resource-registry-puppet.yaml"]),
        ("own.yaml", role % "low.yaml"),
    ]
    codes = []
    for name, text in [("low.yaml", paced), *edits]:
        session.texts[name] = text.encode()
        found = session.judge().report
        fresh = Session(prepare(parse(["server", "--no-cache", "--no-config"])))
        fresh.texts.update(session.texts)
        assert found == fresh.judge().report, name
        codes.append("LW401" in [one.code for one in found.findings])
    assert codes == [True, False, True, False, True, False, True, False, True, True]


def test_an_edit_of_one_file_reads_no_other_and_runs_only_the_rules_that_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(HERE / "fixtures/newton", tmp_path, symlinks=True, dirs_exist_ok=True)
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, ns=(5, 5))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lwlint.files.tree._SETTLED", -(10**18))  # as if the files had been written long ago
    session = Session(prepare(parse(["server", "--no-cache", "--no-config"])))
    session.judge()
    ran: list[str] = []
    run = engine._run
    monkeypatch.setattr(engine, "_run", lambda rule, *others: (ran.append(rule.code), run(rule, *others))[1])
    last = ["LW902"]  # what is left of the exceptions is asked each time
    read: list[str] = []
    regular = tree_module.read_regular
    monkeypatch.setattr(tree_module, "read_regular", lambda path, most=-1: (read.append(path), regular(path, most))[1])
    session.judge()
    assert (ran, read) == (last, [])
    ran.clear()
    name = "etc/nova/nova.conf"
    session.texts[name] = (tmp_path / name).read_bytes().replace(b"-1", b"10")
    before = session.state
    after = session.judge()
    assert before is not None
    assert after.report.findings != before.report.findings
    assert read == []
    assert "LW301" in ran
    assert not any(code.startswith("LW4") for code in ran), "no template was changed"
    assert len(ran) < len(before.rules) / 2, ran


def test_columns_are_counted_in_units_of_utf_16() -> None:
    assert units("\U0001f600 b"[:2]) == 3


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (b"Content-Length: x\r\n\r\n{}", 2, "standard input: `Content-Length: x` is no header"),
        (b"Content-Length: -5\r\n\r\n{}", 2, "standard input: `Content-Length: -5` is no header"),
        (b"Content-Length: 99999999999999999999\r\n\r\n{}", 2, "`Content-Length: 99999999999999999999` is no header"),
        (b"content-length: 2\n\n{}", 2, "`content-length: 2` is no header"),
        (b"lwlint check\n", 2, "`lwlint check` is no header"),
        (b"Content-Length: 5\r\n\r\nhello", 0, "Unable to handle message: Expecting value"),
        (b"Content-Length: 2\r\n\r\n[]", 0, "Unable to handle message: it is no message of JSON-RPC 2.0"),
        (b"Content-Length: 2\r\n\r\n{}", 0, "Unable to handle message: it is no message of JSON-RPC 2.0"),
        (b'Content-Length: 17\r\n\r\n{"jsonrpc":"2.0"}', 0, "Unable to deserialize message"),
        (b"Content-Length: 50\r\n\r\n{", 0, "Unable to handle message: Expecting"),
        (b"", 0, ""),
    ],
)
def test_what_no_editor_sends_is_said_in_a_line_without_a_traceback(asked: bytes, code: int, said: str, tmp_path: Path) -> None:
    pytest.importorskip("pygls")
    done = subprocess.run(
        [sys.executable, "-m", "lwlint", "server"], input=asked, capture_output=True, cwd=tmp_path, timeout=60, check=False
    )
    words = done.stderr.decode()
    assert done.returncode == code
    assert said in words
    assert "Traceback" not in words


def test_a_closed_standard_input_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pygls")
    command = [shutil.which("sh") or "sh", "-c", f"exec '{sys.executable}' -m lwlint server <&-"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, b"standard input or output is closed" in done.stderr) == (2, True)
