"""An editor is told of the folder as it is there: driven by a client of the protocol (pytest-lsp) that starts the real program."""

from __future__ import annotations

import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli.arguments import parse
from lwlint.cli.server import Session, prepared, units
from lwlint.files.tree import Disk, Memory, Overlay
from lwlint.run import Request, check, load_rules
from tests.shared import HERE

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


TREE = HERE / "fixtures" / "newton"
SWAPS = (("-1", "10"), ("10", "-1"), ("pacemaker", "apache"), ("OS::", "OS:"), ("true", "false"), (":", "="), ("services", "service"))


def edited(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines)) if lines else 0
    way = chance.randrange(4)
    if way == 0 and lines:
        del lines[at]
    elif way == 1 and lines:
        lines.insert(at, chance.choice(lines))
    elif way == 2 and lines:
        old, new = chance.choice(SWAPS)
        lines[at] = lines[at].replace(old, new)
    else:
        lines.insert(at, "# a comment\n")
    return "".join(lines)


@pytest.mark.long
def test_200_random_edits_are_judged_as_check_judges_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TREE)
    options = parse(["server", "--no-cache", "--no-config"])
    session = Session(prepared(options))
    files = {str(path.relative_to(TREE)): path.read_text() for path in sorted(TREE.rglob("*")) if path.is_file()}
    names = [name for name in files if name.endswith((".yaml", ".service", ".conf", ".xml"))]
    rules = load_rules(examples=False)
    chance, different = random.Random(11), 0
    for _ in range(200):
        name = chance.choice(names)
        text = session.texts[name].decode() if name in session.texts and chance.random() < 0.8 else files[name]
        session.texts[name] = edited(text, chance).encode()
        if chance.random() < 0.1:
            session.texts.clear()
        state = session.judge()
        whole = check(Request(tree=Overlay(Disk(), dict(session.texts)), met=True, gitignore=True), rules)
        assert state.report.findings == whole.findings
        different += len(whole.findings)
    assert different > 200


def test_columns_are_counted_in_units_of_utf_16() -> None:
    assert units("\U0001f600 b"[:2]) == 3
