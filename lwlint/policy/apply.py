"""Settings put to work: on rules before a run, on findings after it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from lwlint.core.config_reader import Mismatch, near
from lwlint.core.facts import UnusedAllow
from lwlint.core.finding import NOT_EVALUATED, ConfigurationError, Finding, Report
from lwlint.core.secret import masked
from lwlint.core.source import Source, Span
from lwlint.files.gitignore import Ignored, covered, patterns, verdict
from lwlint.inputs import KINDS
from lwlint.policy.rules import Rule, choose
from lwlint.policy.settings import Allowance, Key, Layer, Placed, RuleSettings, Settings, complaint, position, until_of


def matches(lines: tuple[str, ...], path: str, folder: str) -> bool:
    """Return whether the patterns, which count from `folder`, cover `path` (from where lwlint runs)."""
    below = os.path.relpath(path, folder).replace(os.sep, "/")
    return not below.startswith("../") and covered(lines, below)


class Selection:
    """The choice of files by the settings of a configuration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ignored = Ignored(KINDS.may_hold) if settings.gitignore else None

    def refusal(self, path: str, given: str | None = None) -> str | None:
        """Return why the file at `path` is left out, or None if it is taken.

        `given` is the folder that the user named and below which the file was found (None for a file that was named
        itself). What was named is read even if git ignores it, but not against `paths.exclude`.
        """
        entry = covering(self._settings.exclude, path)
        if entry is not None:
            line, column = position(entry.layer, entry.key)
            return f"excluded by `{entry.value}` ({entry.layer.name}:{line}:{column})"
        if given is None:
            return None
        if self._settings.include and covering(self._settings.include, path) is None:
            return "matches nothing of `paths.include`"
        return self._ignored.refusal(path, given) if self._ignored is not None else None


def covering(entries: Sequence[Placed], path: str) -> Placed | None:
    """Return the pattern that covers `path` or one of its folders: the last that speaks of it, as in one file of git's."""
    if not entries:
        return None
    below = {folder: _below_folder(path, folder) for folder in {entry.layer.folder for entry in entries}}
    longest = max(len(parts) for parts in below.values())
    entry: Placed
    for dropped in range(longest - 1, -1, -1):
        for entry in reversed(entries):
            parts = below[entry.layer.folder]
            end = len(parts) - dropped
            said = verdict(patterns(entry.value), "/".join(parts[:end]), folder=dropped > 0) if end > 0 else None
            if said:
                return entry
            if said is not None:
                break
    return None


def _below_folder(path: str, folder: str) -> list[str]:
    """Return the steps that lead from `folder` to `path`; none if it lies elsewhere."""
    steps = os.path.relpath(path, folder).replace(os.sep, "/").split("/")
    return [] if steps[0] == ".." else steps


def configured(rules: Sequence[Rule], settings: Settings, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """Return the rules to run, with the severities and parameters of the settings.

    `select` stands instead of that of the settings, if it names anything; `ignore` adds to theirs. Raises
    ConfigurationError for the name of no rule, with its place, and for parameters that the rule's check does not take.
    """
    for layer in settings.layers:
        _check_names(layer, rules)
    changed = {rule.id: rule for rule in rules}
    for name, change in settings.rules.items():
        rule = next(rule for rule in rules if name in (rule.id, rule.code))
        changed[rule.id] = _changed(changed[rule.id], name, change, settings)
    return choose(changed.values(), select or settings.select, (*settings.ignore, *ignore))


def _check_names(layer: Layer, rules: Sequence[Rule]) -> None:
    file = layer.file
    groups: list[tuple[Key, str]] = [((key, i), name) for key in ("select", "ignore") for i, name in enumerate(getattr(file, key) or ())]
    single: list[tuple[Key, str]] = [(("rules", name), name) for name in file.rules or ()]
    single += [(("allow", i, "rule"), entry.rule) for i, entry in enumerate(file.allow or ())]
    for i, override in enumerate(file.overrides or ()):
        groups += [(("overrides", i, "ignore", j), name) for j, name in enumerate(override.ignore)]
        single += [(("overrides", i, "severity", name), name) for name in override.severity]
    known = [word for rule in rules for word in (rule.id, rule.code)]
    for key, name in single:
        if name not in known:
            raise complaint(layer.text, layer.name, Mismatch(key, f"`{name}`: unknown rule{near(name, known)}", key=key[-1] == name))
    for key, name in groups:
        try:
            choose(rules, [name], [])
        except ConfigurationError as error:
            raise complaint(layer.text, layer.name, Mismatch(key, str(error))) from None


def _changed(rule: Rule, name: str, change: RuleSettings, settings: Settings) -> Rule:
    rule = rule.with_severity(change.severity) if change.severity else rule
    if change.params is None:
        return rule
    rule = rule.with_params({**(rule.params or {}), **change.params})
    try:
        rule.compare()
    except Mismatch as mismatch:
        key = ("rules", name, *mismatch.path)
        blamed = [one for one in settings.layers if _says(one, key[:4])] or [one for one in settings.layers if _says(one, key[:2])]
        raise complaint(blamed[-1].text, blamed[-1].name, Mismatch(key, str(mismatch), key=mismatch.key)) from None
    return rule


def _says(layer: Layer, key: Key) -> bool:
    found: object = layer.plain
    for part in key:
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True


def overridden(findings: Iterable[Finding], settings: Settings, rules: Sequence[Rule]) -> list[Finding]:
    """Return the findings as the `overrides` have them: some left out, some with another severity (the last one that says)."""
    result = []
    for finding in findings:
        here = [e.value for e in settings.overrides if matches(e.value.paths, finding.span.path, e.layer.folder)]
        if any(_is_of(name, finding, rules) for override in here for name in override.ignore):
            continue
        told = [s for override in here for s in (override.severity.get(finding.rule), override.severity.get(finding.code)) if s]
        result.append(replace(finding, severity=told[-1]) if told else finding)
    return result


def _is_of(name: str, finding: Finding, rules: Sequence[Rule]) -> bool:
    try:
        return any(rule.id == finding.rule for rule in choose(rules, [name], []))
    except ConfigurationError:  # the name of a rule that does not run
        return False


def allowed(report: Report, settings: Settings, today: datetime.date, *, folders: Sequence[str] = ()) -> tuple[Report, list[UnusedAllow]]:
    """Return the report with the findings that the `allow` entries are for marked, and the entries without effect.

    An entry whose last day is before `today` has no effect and is always among the latter. One that matches nothing is if
    the run could have found it: its rule was evaluated, and a file of its `path` was read, or all was that its configuration
    is about. `folders` are those that were read whole, if nothing else was read. The report's sources then hold the
    configuration, so that its lines can be shown.
    """
    outcomes = {name: verdict.outcome for verdict in report.verdicts for name in (verdict.rule, verdict.code)}
    findings, unused, sources = list(report.findings), [], dict(report.sources)
    for entry in settings.allow:
        allowance: Allowance = entry.value
        until = until_of(allowance.until)
        if until is not None and until < today:
            unused.append(_unused(entry, f"held until {until.isoformat()}"))
        elif _mark(findings, entry) or outcomes.get(allowance.rule, NOT_EVALUATED) == NOT_EVALUATED:
            continue
        elif allowance.path is not None and any(_below(entry, s.path) for s in report.sources.values() if s.judged):
            unused.append(_unused(entry, "matches no finding; take it away"))
        elif _is_whole(folders, entry.layer.folder, named=entry.layer is settings.layers[-1]):
            said = "matches no finding" if allowance.path is None else f"no file was read that `{allowance.path}` matches"
            unused.append(_unused(entry, f"{said}; take it away"))
        else:
            continue
        sources[entry.layer.name] = Source(entry.layer.name, entry.layer.text, "configuration")
    return replace(report, findings=tuple(findings), sources=sources), unused


def _mark(findings: list[Finding], entry: Placed) -> bool:
    hit = False
    for i, finding in enumerate(findings):
        if finding.allowed is None and _covers(entry, finding):
            findings[i] = replace(finding, allowed=masked(" ".join(entry.value.because.split())), elsewhere=True)
            hit = True
    return hit


def _covers(entry: Placed, finding: Finding) -> bool:
    allowance: Allowance = entry.value
    if allowance.rule not in (finding.rule, finding.code):
        return False
    if allowance.fact is not None:
        names = (finding.subject, finding.subject.partition(" ")[2])  # `resource haproxy-clone`, `haproxy-clone`
        if not any(fnmatchcase(name, allowance.fact) for name in names):
            return False
    return allowance.path is None or _below(entry, finding.span.path)


def _is_whole(folders: Sequence[str], about: str, *, named: bool) -> bool:
    """Return whether these folders are all that a configuration in the folder `about` can speak of, and not a part below it only.

    One that lies elsewhere speaks of them if it was `named` itself; one that was only extended may be there for others, too.
    """
    for folder in folders:
        steps = os.path.relpath(folder, about).split(os.sep)
        if all(step in (".", "..") for step in steps) or (named and steps[0] == ".."):
            return True
    return False


def _below(entry: Placed, path: str) -> bool:
    return matches((entry.value.path,), path, entry.layer.folder)


def _unused(entry: Placed, because: str) -> UnusedAllow:
    line, column = position(entry.layer, entry.key)
    source = Source(entry.layer.name, entry.layer.text, "configuration")
    start = source.line_starts()[line - 1] + column - 1
    return UnusedAllow(entry.value.rule, Span(source.path, start, start + len(source.line(line)) - column + 1), because)
