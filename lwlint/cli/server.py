"""`lwlint server`: an editor is told of the folder that it has open as it is there, unsaved texts included (LSP 3.17).

What an editor shows of a report comes first: what is wrong at a place, what is configured there, where it leads, and what fixes it. Places
are offsets of characters in a source. The protocol is pygls's; what is said comes from a run like that of `lwlint check`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Optional
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from lwlint import __version__
from lwlint.cli import arguments
from lwlint.core.facts import Fact, Service
from lwlint.core.finding import SEVERITIES, ConfigurationError, Finding, Replace, Report
from lwlint.core.harmless import count_of, safe
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Span, Text
from lwlint.files.discover import normal
from lwlint.files.tree import FILE, Bytes, Overlay, Remembered
from lwlint.inputs import KINDS
from lwlint.inputs.heat.facts import GetFile
from lwlint.policy.rules import Rule
from lwlint.report.ci import code, prose
from lwlint.report.fixes import certain, one_line
from lwlint.report.json import Shown
from lwlint.run import Reading, Request, judge, outlines_of, read_facts
from lwlint.run.engine import Memory

try:
    from lsprotocol import types
    from pygls.lsp.server import LanguageServer
except ImportError:  # which `server` tells
    pass

if TYPE_CHECKING:
    import argparse

    from lwlint.policy.settings import Settings


_WORD = pattern(r"[\w.:/@%-]+")
_MOST = 12  # facts that are told of one place


class Symbol(NamedTuple):
    """Something that is configured: its name, the word for what it is, and the place of its name."""

    name: str
    kind: str
    span: Span


def findings_at(report: Report, path: str, start: int, end: int) -> list[Finding]:
    """Return the findings, those that are not allowed, whose place touches the characters from `start` to `end`."""
    return [
        found
        for found in report.findings
        if found.allowed is None and found.span.path == path and found.span.start <= end and start <= max(found.span.end, found.span.start)
    ]


def hover_text(report: Report, reading: Reading, rules: Sequence[Rule], path: str, at: int) -> str:
    """Return as Markdown what is wrong at a place and what is in effect there; empty where there is neither."""
    named = {rule.id: rule for rule in rules}
    parts = [_describe(found, named.get(found.rule)) for found in findings_at(report, path, at, at)]
    shown = Shown(reading.input.sources)
    parts += [_fact(fact, shown) for fact in facts_at(reading, path, at)]
    return "\n\n---\n\n".join(dict.fromkeys(parts))


def _describe(found: Finding, rule: Rule | None) -> str:
    why = f"\n\n{prose(rule.why)}" if rule is not None and rule.why else ""
    remedy = "<br>".join(prose(line) for line in found.remedy.strip().splitlines())
    return f"**{found.severity} {found.code}** {code(found.rule)}\n\n{prose(found.message)}{why}\n\n{remedy}"


def facts_at(reading: Reading, path: str, at: int) -> list[Fact]:
    """Return the facts that are told at a place, those of the shortest text first."""
    found: list[tuple[int, Fact]] = []
    for fact in reading.facts:
        lengths = [span.end - span.start for span in _spans(fact) if span.path == path and span.start <= at <= span.end]
        if lengths:
            found.append((min(lengths), fact))
    found.sort(key=lambda pair: pair[0])
    return [fact for _, fact in found[:_MOST]]


def _spans(value: Any) -> Iterator[Span]:
    """Yield the places in a fact."""
    if isinstance(value, Span):
        yield value
    elif isinstance(value, Text):
        yield value.span
    elif isinstance(value, Service):
        return
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _spans(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _spans(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _spans(item)


def _fact(fact: Fact, shown: Shown) -> str:
    plain = shown.fact(fact)
    lines = [f"{prose(str(plain.get('kind', '')).replace('_', ' '))} {code(str(plain.get('name', '')))}"]
    for name, value in plain.items():
        if name in ("kind", "name", "path", "line", "column", "host") or value in (None, "", [], {}, False):
            continue
        lines.append(f"- {prose(name.replace('_', ' '))}: {_value(value)}")
    place = f"{plain['path']}:{plain['line']}"
    lines.append(f"- from {code(place)}")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        if "value" in value:
            place = f" ({one_line(str(value['path']))}:{value['line']})" if "path" in value and "line" in value else ""
            return f"{code(str(value['value']))}{prose(place)}"
        if {"path", "line"} <= set(value):
            return code(f"{value['path']}:{value['line']}")
        return ", ".join(f"{prose(str(key))} = {_value(item)}" for key, item in list(value.items())[:_MOST])
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value[:_MOST]) + (" ..." if len(value) > _MOST else "")
    return code(str(value))


def symbols_of(reading: Reading, path: str) -> list[Symbol]:
    """Return what is configured in a file, in the order of the text."""
    found = {(fact.span, fact.kind): Symbol(one_line(fact.name), fact.kind, fact.span) for fact in reading.facts if fact.span.path == path}
    return sorted(found.values(), key=lambda symbol: symbol.span)


def definitions(report: Report, reading: Reading, path: str, at: int, exists: Callable[[str], bool]) -> list[Span]:
    """Return what a place leads to: the file that is named there, what has the name that stands there, and what a drop-in is of."""
    source = reading.input.sources.get(path)
    if source is None:
        return []
    word = _word(source, at)
    found: list[Span] = []
    for fact in facts_at(reading, path, at):
        for name in ("resolved", "final", "template", "fragment"):
            target = getattr(fact, name, None)
            if isinstance(target, str) and target and target != path and exists(target):
                found.append(Span(target, 0, 0))
        if isinstance(fact, GetFile) and exists(fact.name):
            found.append(Span(fact.name, 0, 0))
    if word:
        below = posixpath.normpath(posixpath.join(posixpath.dirname(path), word))
        if below != path and ("/" in word or "." in word) and exists(below):
            found.append(Span(below, 0, 0))
        found += [fact.span for fact in reading.facts if fact.name == word and not _holds(fact.span, path, at) and _defines(fact)]
    found += [related.span for finding in findings_at(report, path, at, at) for related in finding.related]
    found += _unit_of(reading, path)
    return list(dict.fromkeys(found))


def _defines(fact: Fact) -> bool:
    return fact.kind in ("resource", "unit", "role", "node", "environment", "template")


def _holds(span: Span, path: str, at: int) -> bool:
    return span.path == path and span.start <= at <= span.end


def _unit_of(reading: Reading, path: str) -> Iterator[Span]:
    """Yield the file of the unit that a drop-in belongs to."""
    for fact in reading.facts:
        fragment = getattr(fact, "fragment", "")
        if path in getattr(fact, "drop_ins", ()) and fragment in reading.input.sources:
            yield Span(fragment, 0, 0)


def _word(source: Source, at: int) -> str:
    """Return the word around an offset: a name, a path, an alias."""
    line = source.position(at).line
    start = source.line_starts()[line - 1]
    text = source.line(line)
    return next((match[0] for match in _WORD.finditer(text) if start + match.start() <= at <= start + match.end()), "")


def exception_for(found: Finding, report: Report) -> Replace | None:
    """Return the edit that allows a finding in its file: a comment above its line, whose reason is yet to be written.

    None where files of its kind have no comments, or where a comment would stand inside a value.
    """
    source = report.sources.get(found.span.path)
    kind = KINDS.get(source.kind) if source is not None else None
    if source is None or kind is None or kind.comments is None or not source.text:
        return None
    line = source.position(found.span.start).line
    start = source.line_starts()[line - 1] + (1 if line == 1 and source.text[:1] == "\ufeff" else 0)
    text = source.line(line)
    blank = text[: len(text) - len(text.lstrip())] if kind.comments.indented else ""
    mark = kind.comments.marks[:1]
    words = f"lwlint: allow {found.code}"
    comment = f"{blank}<!-- {words} because: -->\n" if mark == "<" else f"{blank}{mark} {words} -- because:\n"
    return Replace(Span(source.path, start, start), comment)


def counts(report: Report, path: str) -> str:
    """Return how many findings a file has, by severity, worst first; empty where it has none."""
    own = [found.severity for found in report.findings if found.span.path == path and found.allowed is None]
    told = [(own.count(severity), severity) for severity in reversed(SEVERITIES)]
    return ", ".join(count_of(number, word) for number, word in told if number)


_WAIT = 0.1  # seconds after the last key before the folder is judged again
_NAME = "lwlint"
_LINE = 8192  # bytes of a header
_MESSAGE = 256_000_000  # bytes of a message


class State(Struct, frozen=True):
    """What one run came to."""

    report: Report
    reading: Reading
    rules: tuple[Rule, ...]


class Session:
    """The folder that an editor has open, the texts in it that are not saved yet, and what the last run said."""

    def __init__(self, options: Any) -> None:
        self._options = options
        self._outlines: Any = None
        self._memory = Memory()
        self._bytes: Bytes = {}
        self._rules: tuple[Any, tuple[Rule, ...]] | None = None
        self.texts: dict[str, bytes] = {}
        self.state: Optional[State] = None
        self.end = ""  # what the editor has said of it: `shutdown`, or `exit` without that before it, which the protocol has end with 1

    def judge(self) -> State:
        """Judge the folder with the unsaved texts, and return what has come of it. Raises ConfigurationError as `lwlint check` does."""
        self.state = None  # what is said of a text must be of the text as it is
        settings = arguments.settings(self._options)
        rules = self._choose_rules(settings)
        request = arguments.request(self._options, settings)
        below = Remembered(request.boundary, self._bytes) if request.boundary is not None else request.tree
        self._memory.begin()
        request = replace(request, tree=Overlay(below, dict(self.texts)), jobs=1, memory=self._memory)
        if self._outlines is None:
            self._outlines = outlines_of(request)
        request = replace(request, outlines=self._outlines)
        reading = read_facts(request)
        self.state = State(judge(reading, request, rules), reading, rules)
        if isinstance(below, Remembered):
            self._bytes = below.bytes
        return self.state

    def _choose_rules(self, settings: Settings | None) -> tuple[Rule, ...]:
        """Return the rules to judge by. lwlint's own are read once, those in folders of the user for each run."""
        folders = self._options.rules or (settings is not None and settings.rule_directories)
        if self._rules is None or folders or self._rules[0] != settings:
            self._rules = settings, tuple(arguments.rules(self._options, settings))
        return self._rules[1]

    def exists(self, path: str) -> bool:
        """Return whether there is a file at a path of the folder."""
        request: Request = arguments.request(self._options, None)
        return path in self.texts or request.tree.real_kind(path) == FILE


def server(options: argparse.Namespace) -> int:
    """`lwlint server`: serve until the editor ends it."""
    try:
        import pygls.lsp.server  # noqa: F401
    except ImportError as error:
        raise ConfigurationError("`lwlint server` needs pygls; `pip install 'lwlint[lsp]'` brings it") from error
    try:
        ends = os.dup(0), os.dup(1)  # pygls closes what it is given
    except OSError:
        raise ConfigurationError("standard input or output is closed; an editor starts `lwlint server` and keeps both open") from None
    loggers = logging.getLogger("pygls"), logging.getLogger("asyncio")
    said = logging.StreamHandler()
    said.setFormatter(_Briefly())
    said.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)))  # at the end
    for logger in loggers:
        logger.addHandler(said)
        logger.propagate = False
    session = Session(prepare(options))
    try:
        with os.fdopen(ends[0], "rb") as asked, os.fdopen(ends[1], "wb") as answered:
            make_server(session).start_io(Asked(asked), answered)  # type: ignore[arg-type]
    finally:
        for logger in loggers:
            logger.removeHandler(said)
            logger.propagate = True
    return 1 if session.end == "exit" else 0


class Asked:
    """What the editor sends. Reading raises ConfigurationError for a header after which nobody can tell where a message ends."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readline(self) -> bytes:
        """Return the next line of the headers, empty at the end."""
        line = self._stream.readline(_LINE)
        name, colon, value = line.partition(b":")
        wrong = line.strip() and not colon
        if name.strip().lower() == b"content-length":
            wrong = not (line.startswith(b"Content-Length: ") and line.endswith(b"\r\n") and value.strip().isdigit() and len(value) < 12)
            wrong = wrong or int(value) > _MESSAGE
        if wrong:
            shown = line[:40].decode("ascii", "replace").strip()
            raise ConfigurationError(
                f"standard input: `{shown}` is no header of the Language Server Protocol; an editor starts `lwlint server`"
            )
        return line

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        return self._stream.read(size)

    def close(self) -> None:
        """Close what is read from."""
        self._stream.close()


class _Briefly(logging.Formatter):
    """Says what the protocol's own code could not do in one line, without a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        because = "it is no message of JSON-RPC 2.0" if isinstance(error, AttributeError) else " ".join(str(error or "").split())
        return f"lwlint: {record.getMessage().partition(chr(10))[0].strip()}" + (f": {because}" if because else "")


def prepare(options: Any) -> Any:
    """Return the options with those that a run on a whole folder has."""
    options.paths, options.kind, options.stdin_filename = ["."], None, None
    options.hook, options.jobs = True, 1  # what only the user's naming it would make an input is none
    return options


def path_of(uri: str) -> str:
    """Return the path of a file in the current folder as reports show it; the whole path for one elsewhere, empty for what is no file."""
    parts = urlsplit(uri)
    named = unquote_to_bytes(parts.path)
    if parts.scheme != "file" or b"\0" in named:
        return ""
    path = os.path.realpath(os.fsdecode(named))
    return normal(os.path.relpath(path)) if Path(path).is_relative_to(os.getcwd()) else path


def uri_of(path: str, root: str = "") -> str:
    """Return the URI of a file, by its path as reports show it; `root` is what the editor calls the current folder, if it did."""
    if root and not os.path.isabs(path) and not path.startswith("../"):
        return f"{root.rstrip('/')}/{quote_from_bytes(os.fsencode(path))}"
    return Path(os.path.abspath(path)).as_uri()


def units(text: str) -> int:
    """Return how many units of UTF-16 a text has, in which the protocol counts columns."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def make_server(session: Session) -> LanguageServer:
    """Return a server for the folder that its editor will name; nothing is read yet."""
    # Full: pygls would look for the lines of a change behind form feeds and other characters too that end no line for an editor
    ls = LanguageServer(_NAME, __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
    editor = Editor(session, ls)
    answers: dict[str, Callable[..., Any]] = {
        types.INITIALIZED: editor.begin,
        types.SHUTDOWN: editor.shut_down,
        types.EXIT: editor.end,
        types.TEXT_DOCUMENT_DID_OPEN: editor.take_text,
        types.TEXT_DOCUMENT_DID_CHANGE: editor.take_text,
        types.TEXT_DOCUMENT_DID_CLOSE: editor.drop_text,
        types.TEXT_DOCUMENT_DID_SAVE: editor.judge_again,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: editor.judge_again,
        types.TEXT_DOCUMENT_HOVER: editor.describe,
        types.TEXT_DOCUMENT_DEFINITION: editor.define,
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: editor.list_symbols,
        types.TEXT_DOCUMENT_CODE_LENS: editor.count_findings,
        types.TEXT_DOCUMENT_CODE_ACTION: editor.offer_actions,
    }
    options = {types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])}
    for name, answer in answers.items():
        ls.feature(name, options.get(name))(partial(answer))  # pygls notes on it what it is for, which a method does not take
    return ls


def _position_of(source: Source, offset: int) -> types.Position:
    line = source.position(offset).line
    start = source.line_starts()[line - 1] + (1 if line == 1 and source.text[:1] == "\ufeff" else 0)
    return types.Position(line - 1, units(source.text[start:offset]))


def _range_of(source: Source | None, span: Span) -> types.Range:
    if source is None:
        return types.Range(types.Position(0, 0), types.Position(0, 0))
    return types.Range(_position_of(source, span.start), _position_of(source, span.end))


def _offset_of(source: Source, place: types.Position) -> int:
    starts = source.line_starts()
    if place.line >= len(starts):
        return len(source.text)
    start = starts[place.line] + (1 if place.line == 0 and source.text[:1] == "\ufeff" else 0)
    end = starts[place.line + 1] if place.line + 1 < len(starts) else len(source.text)
    text = source.text[start:end].encode("utf-16-le", "surrogatepass")[: 2 * place.character]
    return start + len(text.decode("utf-16-le", "replace"))


class Editor:
    """The editor that a server answers: what it has said of its folder and texts, and what it was told."""

    def __init__(self, session: Session, ls: LanguageServer) -> None:
        self._session = session
        self._ls = ls
        self._told: dict[str, Any] = {}  # what the editor was told of each file
        self._versions: dict[str, Optional[int]] = {}
        self._names: dict[str, str] = {"": ""}  # the editor's own URI of each file that it has open; of the folder under the empty name
        self._waiting: Optional[asyncio.Task[None]] = None
        self._turn = asyncio.Lock()
        self._refreshes = False

    async def begin(self, params: types.InitializedParams) -> None:
        """Take the folder that the editor has open, and judge it."""
        workspace = self._ls.workspace
        folders = [folder.uri for folder in workspace.folders.values()]
        root = workspace.root_uri or next(iter(folders), "")
        folder = path_of(root)
        if folder and os.path.isdir(folder):
            os.chdir(folder)
            self._names[""] = root
        for other in folders:
            if path_of(other) not in (".", ""):
                said = f"lwlint: `{safe(other)}`: is not judged; a server judges one folder, `{safe(root or os.getcwd())}`"
                self._ls.window_log_message(types.LogMessageParams(types.MessageType.Warning, said))
        able = self._ls.client_capabilities.workspace
        self._refreshes = bool(able is not None and able.code_lens is not None and able.code_lens.refresh_support)
        await self._run()

    def shut_down(self, params: None) -> None:
        """Note that the editor is about to end the session."""
        self._session.end = "shutdown"

    def end(self, params: None) -> None:
        """Note that the editor ends the session."""
        self._session.end = self._session.end or "exit"

    async def take_text(self, params: types.DidOpenTextDocumentParams | types.DidChangeTextDocumentParams) -> None:
        """Take the text of a file as it is in the editor now."""
        uri = params.text_document.uri
        path = path_of(uri)
        if path and not os.path.isabs(path):
            self._session.texts[path] = self._ls.workspace.get_text_document(uri).source.encode("utf-8", "surrogatepass")
            self._versions[path], self._names[path] = params.text_document.version, uri
            self._judge_later()

    async def drop_text(self, params: types.DidCloseTextDocumentParams) -> None:
        """Go by the disk again for a file that the editor has closed."""
        path = path_of(params.text_document.uri)
        self._session.texts.pop(path, None)
        self._versions.pop(path, None)
        self._judge_later()

    async def judge_again(self, params: Any) -> None:
        """Judge once more, for something has changed on the disk."""
        self._judge_later()

    async def describe(self, params: types.HoverParams) -> Optional[types.Hover]:
        """Return what is wrong and what is configured at a place."""
        state, source = await self._look_at(params.text_document.uri)
        if state is None or source is None:
            return None
        text = hover_text(state.report, state.reading, state.rules, source.path, _offset_of(source, params.position))
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None

    async def define(self, params: types.DefinitionParams) -> list[types.Location]:
        """Return where a place leads to."""
        state, source = await self._look_at(params.text_document.uri)
        if state is None or source is None:
            return []
        spans = definitions(state.report, state.reading, source.path, _offset_of(source, params.position), self._session.exists)
        return [self._locate(span, state.reading.input.sources) for span in spans]

    async def list_symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """Return what is configured in a file."""
        state, source = await self._look_at(params.text_document.uri)
        if state is None or source is None:
            return []
        found = []
        for symbol in symbols_of(state.reading, source.path):
            place = _range_of(source, symbol.span)
            kind = types.SymbolKind.Property if symbol.kind in ("option", "hiera_key") else types.SymbolKind.Object
            found.append(types.DocumentSymbol(symbol.name or symbol.kind, kind, place, place, symbol.kind.replace("_", " ")))
        return found

    async def count_findings(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        """Return the line above a file that says how many findings it has."""
        state, source = await self._look_at(params.text_document.uri)
        if state is None or source is None or not source.judged:
            return []
        said = counts(state.report, source.path) or "nothing found"
        return [types.CodeLens(_range_of(source, Span(source.path, 0, 0)), types.Command(f"lwlint: {said}", ""))]

    async def offer_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Return what can be done about the findings at a place."""
        state, source = await self._look_at(params.text_document.uri)
        if state is None or source is None:
            return []
        start, end = _offset_of(source, params.range.start), _offset_of(source, params.range.end)
        return [action for found in findings_at(state.report, source.path, start, end) for action in self._mend(found, state.report)]

    def _judge_later(self) -> None:
        """Judge once more, a moment after the last change."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        await asyncio.sleep(_WAIT)
        self._waiting = None
        await self._run()

    async def _run(self) -> None:
        async with self._turn:
            try:
                state = await asyncio.to_thread(self._session.judge)
            except ConfigurationError as error:
                self._ls.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"lwlint: {error}"))
                return
        self._publish(state)
        if self._refreshes:
            self._ls.workspace_code_lens_refresh(None)

    async def _look_at(self, uri: str) -> tuple[Optional[State], Optional[Source]]:
        """Return what the text as it is now comes to, and the source; None where it is none of lwlint's."""
        while self._waiting is not None or self._turn.locked():
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None
                await self._run()
            else:
                async with self._turn:  # a run that is under way; what was told last is in it, or waits
                    pass
        state = self._session.state
        return state, state.reading.input.sources.get(path_of(uri)) if state is not None else None

    def _publish(self, state: State) -> None:
        """Tell the editor what is wrong with each file, where it does not know it yet."""
        by_path: dict[str, list[Finding]] = defaultdict(list)
        for found in state.report.findings:
            if found.allowed is None:
                by_path[found.span.path].append(found)
        for path in sorted({*self._told, *by_path, *self._session.texts}):
            findings, version = by_path.get(path, []), self._versions.get(path)
            places = sorted({path, *(related.span.path for found in findings for related in found.related)})
            said = findings, [state.report.sources.get(place) for place in places], version
            if self._told.get(path) != said:
                diagnostics = [self._diagnose(found, state.report) for found in findings]
                self._ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(self._name(path), diagnostics, version))
            if findings or path in self._session.texts:
                self._told[path] = said
            else:
                self._told.pop(path, None)

    def _diagnose(self, found: Finding, report: Report) -> types.Diagnostic:
        severities = {
            "error": types.DiagnosticSeverity.Error,
            "warning": types.DiagnosticSeverity.Warning,
            "note": types.DiagnosticSeverity.Information,
        }
        related = [
            types.DiagnosticRelatedInformation(self._locate(each.span, report.sources), each.message)
            for each in found.related
            if each.span.path in report.sources
        ]
        return types.Diagnostic(
            range=_range_of(report.sources.get(found.span.path), found.span),
            message=found.message,
            severity=severities[found.severity],
            code=found.code,
            source=_NAME,
            related_information=related or None,
            data=found.fingerprint,
        )

    def _mend(self, found: Finding, report: Report) -> Iterator[types.CodeAction]:
        """Yield the fix of a finding, where it has one, and the comment that allows it."""
        about = [self._diagnose(found, report)]
        edits = certain(found, report)
        if found.fix is not None and edits:
            title = f"{found.code}: {found.fix.what}" + ("" if found.fix.safe else " (may change more than this)")
            edit = self._edit(edits, report)
            yield types.CodeAction(title, types.CodeActionKind.QuickFix, about, is_preferred=found.fix.safe, edit=edit)
        allowed = exception_for(found, report)
        if allowed is not None:
            title = f"{found.code}: allow it here (write the reason)"
            yield types.CodeAction(title, types.CodeActionKind.QuickFix, about, edit=self._edit([allowed], report))

    def _edit(self, edits: Sequence[Any], report: Report) -> types.WorkspaceEdit:
        changes: dict[str, list[types.TextEdit]] = defaultdict(list)
        new = []
        for each in edits:
            source = report.sources.get(each.span.path)
            uri = self._name(each.span.path)
            if source is None:
                new.append(uri)
            changes[uri].append(types.TextEdit(_range_of(source, each.span), each.text))
        if not new:
            return types.WorkspaceEdit(changes=dict(changes))
        documents: list[Any] = [types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True)) for uri in dict.fromkeys(new)]
        documents += [
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, None), list(each)) for uri, each in changes.items()
        ]
        return types.WorkspaceEdit(document_changes=documents)

    def _locate(self, span: Span, sources: Mapping[str, Source]) -> types.Location:
        return types.Location(self._name(span.path), _range_of(sources.get(span.path), span))

    def _name(self, path: str) -> str:
        """Return the URI of a file, as the editor has it."""
        return self._names.get(path) or uri_of(path, self._names[""])
