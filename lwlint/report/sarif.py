"""The report as SARIF 2.1.0 (OASIS standard, errata 01), as code scanning, editors and security tools read it.

No piece of a source is quoted: option files hold passwords, and a SARIF file is made to be sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lwlint import __version__
from lwlint.core.finding import BROKEN, NOT_EVALUATED, Finding, Report, Verdict
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.policy.rules import Rule, own_folder
from lwlint.report.fixes import LISTED, encodable, ordered, region, stream
from lwlint.report.text import summary

SITE = "https://lwlint.readthedocs.io/en/latest/"  # the documentation, as `site_url` in mkdocs.yml
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_NOTICES = {
    "not-evaluated": ("note", "The rule, or part of it, was not evaluated: what it needs was not given or not readable"),
    "broken": ("error", "The rule is broken, which is a defect of lwlint or of the rule"),
}


def render(report: Report, rules: Sequence[Rule], *, exit_code: int | None = None) -> str:
    """Return a SARIF log with one run; `exit_code` is that of the process, where it is known.

    A result names its rule by the code; lines and columns count from 1 in characters, end columns are excluded.
    """
    return "".join(pieces(report, rules, exit_code=exit_code))


def pieces(report: Report, rules: Sequence[Rule], *, exit_code: int | None = None) -> Iterator[str]:
    """Yield the log result by result."""
    ranked = sorted(rules, key=lambda rule: rule.code)
    index = {rule.code: i for i, rule in enumerate(ranked)}
    sources = [report.sources[path] for path in sorted(report.sources)]
    files = {source.path: i for i, source in enumerate(sources)}
    run = {
        "tool": {"driver": _driver(ranked)},
        "invocations": [_invocation(report, index, exit_code)],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which lwlint ran"}}},
        "artifacts": [_artifact(source) for source in sources],
        "results": LISTED,
        "properties": {
            "summary": summary(report),
            "release": report.release or "",
            "releaseBecause": report.release_because,
            "skipped": len(report.skipped),
        },
    }
    results = (_result(finding, report, index, files) for finding in ordered(report))
    return stream({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, results)


def _driver(rules: Sequence[Rule]) -> dict[str, Any]:
    own = {path.stem for path in Path(str(own_folder())).rglob("*.yaml")}
    return {
        "name": "lwlint",
        "semanticVersion": __version__,
        "version": __version__,
        "rules": [_rule(rule, own) for rule in rules],
        "notifications": [
            {"id": name, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
            for name, (level, text) in _NOTICES.items()
        ],
    }


def _rule(rule: Rule, own: Collection[str]) -> dict[str, Any]:
    why, remedy = rule.why.strip(), rule.remedy.strip()
    return {
        "id": rule.code,
        "name": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": why},
        **({"helpUri": f"{SITE}rules/{rule.id}/"} if rule.id in own else {}),
        "help": {
            "text": f"{why}\n\nRemedy: {remedy}\n\nClause: {rule.clause}",
            "markdown": f"{why}\n\n**Remedy.** {remedy}\n\nClause `{rule.clause}`",
        },
        "defaultConfiguration": {"level": rule.severity},
        "properties": {
            "tags": [rule.clause],
            "problem.severity": "recommendation" if rule.severity == "note" else rule.severity,
        },
    }


def _invocation(report: Report, index: Mapping[str, int], exit_code: int | None) -> dict[str, Any]:
    notices = sorted(_notices(report), key=lambda notice: notice[0].code)
    return {
        "executionSuccessful": not report.count(BROKEN),
        **({} if exit_code is None else {"exitCode": exit_code}),
        "toolExecutionNotifications": [
            {
                "descriptor": {"id": name, "index": list(_NOTICES).index(name)},
                "associatedRule": {"id": verdict.code, **_indexed(index, verdict.code)},
                "level": _NOTICES[name][0],
                "message": {"text": f"{verdict.rule}: {verdict.because}"},
            }
            for verdict, name in notices
        ],
    }


def _notices(report: Report) -> Iterator[tuple[Verdict, str]]:
    for verdict in report.verdicts:
        if verdict.outcome == BROKEN:
            yield verdict, "broken"
        elif verdict.outcome == NOT_EVALUATED or verdict.because:
            yield verdict, "not-evaluated"


def _artifact(source: Source) -> dict[str, Any]:
    kind = KINDS.get(source.kind)
    return {
        "location": _uri(source.path),
        **({"roles": ["analysisTarget"]} if source.judged else {}),
        **({"sourceLanguage": kind.language} if kind is not None and kind.language else {}),
        **({"properties": {"host": source.host}} if source.host else {}),
    }


def _result(finding: Finding, report: Report, index: Mapping[str, int], files: Mapping[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        **{"ruleIndex" if key == "index" else key: i for key, i in _indexed(index, finding.code).items()},
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _physical(finding.span, report, files), **_logical(finding)}],
        "partialFingerprints": {"lwlint/v1": finding.fingerprint},
        "suppressions": [],
        "properties": {"clause": finding.clause, "remedy": finding.remedy, "subject": finding.subject, "host": finding.host},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": i, "message": {"text": related.message}, "physicalLocation": _physical(related.span, report, files)}
            for i, related in enumerate(finding.related, 1)
        ]
    if finding.allowed is not None:
        kind = "external" if finding.elsewhere else "inSource"
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": finding.allowed}]
    fix = _fix(finding, report, files) if finding.fix is not None else None
    return result if fix is None else {**result, "fixes": [fix]}


def _fix(finding: Finding, report: Report, files: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the fix of a finding; None for one that makes a new file, which SARIF has no words for."""
    from lwlint.report.fixes import certain

    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in certain(finding, report):
        physical = _physical(edit.span, report, files)
        if "region" not in physical:
            return None
        replacement = {"deletedRegion": physical["region"], "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.span.path, []).append(replacement)
    if finding.fix is None or not changes:
        return None
    text = finding.fix.what + ("" if finding.fix.safe else " (unsafe)")
    places = {path: _physical(Span(path, 0, 0), report, files)["artifactLocation"] for path in changes}
    located = [{"artifactLocation": places[path], "replacements": found} for path, found in changes.items()]
    return {"description": {"text": text}, "artifactChanges": located}


def _indexed(index: Mapping[str, int], code: str) -> dict[str, int]:
    return {"index": index[code]} if code in index else {}


def _physical(span: Span, report: Report, files: Mapping[str, int]) -> dict[str, Any]:
    place = region(span, report)
    location = {**_uri(span.path), **_indexed(files, span.path)}
    if place is None:
        return {"artifactLocation": location}
    keys = ("startLine", "startColumn", "endLine", "endColumn")
    return {"artifactLocation": location, "region": dict(zip(keys, place))}


def _logical(finding: Finding) -> dict[str, Any]:
    if not finding.subject:
        return {}
    full = f"{finding.host}/{finding.subject}" if finding.host else finding.subject
    return {"logicalLocations": [{"name": finding.subject, "fullyQualifiedName": full}]}


def _uri(path: str) -> dict[str, str]:
    """Return the path as a URI reference; bytes of its name that are not UTF-8 are kept as they are on disk."""
    try:
        name = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        name = encodable(path).encode("utf-8")
    return {"uri": quote(name)} if path.startswith("/") else {"uri": quote(name), "uriBaseId": _ROOT}
