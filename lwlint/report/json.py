"""Reports and facts as JSON. What is a secret stands as asterisks among the facts, whose author of a rule sees what there is to match."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Optional

from msgspec import Meta, Struct, field, to_builtins
from msgspec.json import encode, format

from lwlint import __version__
from lwlint.core.facts import Fact, Service
from lwlint.core.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, Finding, Report
from lwlint.core.harmless import escape_json
from lwlint.core.secret import Known, is_secret, mask_value, stars
from lwlint.core.source import Source, Span, Text, beginning
from lwlint.policy.redaction import Redaction
from lwlint.policy.settings import File, Severity
from lwlint.report.fixes import certain, decode_names
from lwlint.report.text import summary
from lwlint.run import Reading

Code = Annotated[str, Meta(pattern="^[A-Z]{2,4}[0-9]{3,4}$")]
Said = Annotated[str, Meta(min_length=1)]
Line = Annotated[int, Meta(ge=1)]
Column = Annotated[int, Meta(ge=1, description="in characters, from 1")]
EndColumn = Annotated[int, Meta(ge=1, description="excluded")]
Judged = Literal["pass", "fail", "not evaluated", "broken"]


class Output(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a document that lwlint prints. Its fields, in their order, are the keys; its schema is made of it."""


class ReleaseOutput(Output, frozen=True):
    """The release that was judged by, and the evidence for it."""

    name: Optional[str]
    because: str


class PlaceOutput(Output, frozen=True):
    """A place in an input file."""

    path: Annotated[str, Meta(description="relative, with /")]
    line: Line
    column: Column
    end_line: Line
    end_column: EndColumn


class RelatedOutput(PlaceOutput, frozen=True):
    """Another place that explains the finding."""

    message: str


class EditOutput(PlaceOutput, frozen=True):
    """An edit of a fix."""

    text: Annotated[str, Meta(description="replaces what is there; a path that does not exist is a new file")]


class FixOutput(Output, frozen=True):
    """What `lwlint fix` does about a finding."""

    description: Said
    safe: Annotated[bool, Meta(description="false: only with --unsafe")]
    edits: Annotated[tuple[EditOutput, ...], Meta(min_length=1)]


class CommandOutput(Output, frozen=True):
    """A command line that fixes a finding."""

    on: Annotated[
        Literal["cluster", "each host", "host"],
        Meta(description="once on any node of the cluster, on each that is to run the service, or on the host of the finding"),
    ]
    line: Annotated[str, Meta(description="one line for a POSIX shell")]


class FindingOutput(Output, frozen=True):
    """One finding of a rule, and its place."""

    code: Code
    rule: str
    severity: Severity
    clause: str
    message: Said
    path: Annotated[str, Meta(description="relative, with /")]
    line: Line
    column: Column
    end_line: Line
    end_column: EndColumn
    host: str
    subject: str
    allowed: Annotated[Optional[str], Meta(description="the reason, when the finding is suppressed")]
    related: tuple[RelatedOutput, ...]
    remedy: Said
    fingerprint: Annotated[str, Meta(pattern="^[0-9a-f]{20}$")]
    fix: Annotated[Optional[FixOutput], Meta(description="what `lwlint fix` does about it; null where nothing is certain")]
    commands: Annotated[
        tuple[CommandOutput, ...],
        Meta(description="the commands that fix just this, in order, for what no file is edited for (a CIB, the state of a unit)"),
    ]


class VerdictOutput(Output, frozen=True):
    """What one rule came to."""

    rule: str
    code: str
    outcome: Judged
    because: str


class SkippedOutput(Output, frozen=True):
    """A path that was passed over, and the reason."""

    path: str
    because: str


class CountsOutput(Output, frozen=True):
    """How many findings of each severity are not allowed."""

    error: int
    warning: int
    note: int


class SummaryOutput(Output, frozen=True):
    """How many rules came to what, and the last line of the text."""

    passed: int = field(name="pass")
    fail: int
    not_evaluated: int
    broken: int
    allowed: int
    findings: CountsOutput
    text: str


class ReportOutput(Output, frozen=True):
    """What `lwlint check --format json` prints."""

    version: str
    release: ReleaseOutput
    findings: tuple[FindingOutput, ...]
    verdicts: tuple[VerdictOutput, ...]
    skipped: tuple[SkippedOutput, ...]
    summary: SummaryOutput


def render(report: Report) -> str:
    """Return the whole report as one JSON document with a final line break."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Yield the document finding by finding."""
    counts = Counter(f.severity for f in report.findings if f.allowed is None)
    for (_, severity), count in report.unlisted.items():
        counts[severity] += count
    around = write(
        ReportOutput(
            version=__version__,
            release=ReleaseOutput(report.release, report.release_because),
            findings=(),
            verdicts=tuple(VerdictOutput(v.rule, v.code, v.outcome, v.because) for v in report.verdicts),  # type: ignore[arg-type]
            skipped=tuple(SkippedOutput(path, because) for path, because in report.skipped),
            summary=SummaryOutput(
                passed=report.count(PASS),
                fail=report.count(FAIL),
                not_evaluated=report.count(NOT_EVALUATED),
                broken=report.count(BROKEN),
                allowed=report.allowed,
                findings=CountsOutput(error=counts["error"], warning=counts["warning"], note=counts["note"]),
                text=summary(report),
            ),
        )
    )
    head, empty, tail = around.partition('\n "findings": []')
    yield head + empty[:-1]
    before = "\n  "
    for finding in report.findings:
        yield before + write(_finding(finding, report)).rstrip("\n").replace("\n", "\n  ")
        before = ",\n  "
    yield ("\n ]" if report.findings else "]") + tail


def write(document: Output) -> str:
    """Return the document as JSON text with a final line break."""
    try:
        return escape_json(format(encode(document), indent=1).decode() + "\n")
    except UnicodeEncodeError:  # the name of a file may hold bytes that are no UTF-8
        return dump(to_builtins(document))


def dump(plain: Any) -> str:
    """Return plain values as JSON text with a final line break; a byte that is no UTF-8 stands as `?`."""
    text = decode_names(json.dumps(plain, indent=1, ensure_ascii=False)) + "\n"
    return escape_json(text.encode("utf-8", "replace").decode("utf-8"))


def schema_of(kind: type[Struct], title: str, **more: Any) -> str:
    """Return the schema (draft 2020-12) of a document that is read into `kind`, or written from it, as JSON text; `more` is said of it."""
    from inspect import cleandoc

    from msgspec.json import schema_components

    _, parts = schema_components((kind,), ref_template="#/$defs/{name}")
    for part in parts.values():
        if "description" in part:  # of a docstring; msgspec takes its indentation away from 0.23 on
            part["description"] = cleandoc(part["description"])
    top = parts.pop(kind.__name__)
    return dump({"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "title": title, **more, "$defs": parts})


def schema() -> str:
    """Return the schema of `.lwlint.yaml`, and of `[tool.lwlint]`, as JSON text."""
    return schema_of(File, "Configuration of lwlint", type=["object", "null"])  # null: nothing but comments, as `lwlint init` writes


def _range(span: Span, report: Report) -> tuple[str, int, int, int, int]:
    """Return a span as path, line, column, end line and end column (from 1, end excluded)."""
    source = report.sources.get(span.path)
    start, end = (source.position(span.start), source.position(span.end)) if source is not None else ((1, 1), (1, 1))
    return span.path, *start, *end


def _finding(finding: Finding, report: Report) -> FindingOutput:
    return FindingOutput(
        finding.code,
        finding.rule,
        finding.severity,  # type: ignore[arg-type]
        finding.clause,
        finding.message,
        *_range(finding.span, report),
        finding.host,
        finding.subject,
        finding.allowed,
        tuple(RelatedOutput(*_range(related.span, report), related.message) for related in finding.related),
        finding.remedy,
        finding.fingerprint,
        _fix(finding, report),
        tuple(CommandOutput(on, line) for line, on in finding.commands),  # type: ignore[arg-type]
    )


def _fix(finding: Finding, report: Report) -> FixOutput | None:
    if finding.fix is None:
        return None
    edits = tuple(EditOutput(*_range(edit.span, report), edit.text) for edit in certain(finding, report))
    return FixOutput(finding.fix.what, finding.fix.safe, edits) if edits else None


_NAMES = ("name", "option", "key", "setting", "parameter")  # fields that tell what a record's value is of
_VALUES = ("value", "values", "beaten", "default", "continued", "text", "written", "candidates")
_PLACE = ("path", "line", "column", "span")


def render_facts(reading: Reading) -> str:
    """Return every fact: kind, name, path, line, column, host, and the fields of its own."""
    sources = Shown(reading.input.sources)
    facts = sorted(reading.facts, key=lambda fact: (fact.span, fact.kind, fact.name))
    release = reading.facts.release
    return dump(
        {
            "release": {"name": release.name, "because": release.because},
            "sources": [{"path": s.path, "kind": s.kind, "host": s.host, "judged": s.judged} for s in sources.values()],
            "facts": [_fact(fact, sources) for fact in facts],
        }
    )


class Shown(dict[str, Source]):
    """The sources, and what may be shown of them."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        super().__init__(sources)
        self.redaction = Redaction(self)
        self._known = Known(secret for path in self for secret in self.redaction.find_known(path))

    def fact(self, fact: Fact) -> dict[str, Any]:
        """Return a fact as plain values: its kind, name, place and host, and the fields of its own, without secrets."""
        return _fact(fact, self)

    def show(self, value: str) -> str:
        """Return a value without the secrets in it, those too that only another place tells to be ones."""
        return mask_value(self._known.hide(value))


def _fact(fact: Fact, sources: Shown) -> dict[str, Any]:
    head = {"kind": fact.kind, "name": sources.show(fact.name), **_place(fact.span, sources), "host": fact.host}
    return {**_fields(fact, sources), **head}


def _fields(record: Any, sources: Shown) -> dict[str, Any]:
    named = [getattr(record, name, None) for name in _NAMES]
    secret = any(isinstance(name, str) and is_secret(name) for name in named)
    text = getattr(record, "value", None)
    in_part = isinstance(text, str) and mask_value(text) != text  # in which of the lines it goes on in, the value as a whole tells
    fields = {}
    for name in record.__struct_fields__:
        if name != "span":
            value = _plain(getattr(record, name), sources)
            fields[name] = _hide(value) if (secret and name in _VALUES) or (in_part and name == "continued") else value
    return fields


def _hide(value: Any) -> Any:
    """Return a value with every text in it as asterisks, but for the places."""
    if isinstance(value, str):
        return stars(value)
    if isinstance(value, dict):
        return {key: item if key in _PLACE else _hide(item) for key, item in value.items()}
    return [_hide(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any, sources: Shown) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return sources.show(value)
    if isinstance(value, Text):
        shown = sources.show(value.value)
        return stars(shown) if shown == value.value and value.value and sources.redaction.is_hidden(value.span) else shown
    if isinstance(value, Span):
        return _place(value, sources)
    if isinstance(value, Service):
        return value.name
    if isinstance(value, Mapping):
        plain = ((str(key), _plain(item, sources)) for key, item in value.items())
        return {key: _hide(item) if is_secret(key) else item for key, item in plain}
    if isinstance(value, Struct):
        span = getattr(value, "span", None)
        return {**_fields(value, sources), **(_place(span, sources) if isinstance(span, Span) else {})}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(item, sources) for key, item in value._asdict().items()}
    return [_plain(item, sources) for item in value]


def _place(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    line, column = beginning(span, sources)
    return {"path": span.path, "line": line, "column": column}
