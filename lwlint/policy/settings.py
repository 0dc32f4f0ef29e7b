"""Configuration: what a `.lwlint.yaml` or `[tool.lwlint]` says, what it extends, what they come to, and settings put to work.

They are applied to rules before a run, and to findings after it.
"""

import datetime
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType, ModuleType
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from lwlint.core.config_reader import Document, Mismatch, build, locate, near
from lwlint.core.config_reader import load as load_yaml
from lwlint.core.facts import NUMBERED, RELEASES, UnusedAllow
from lwlint.core.finding import NOT_EVALUATED, ConfigurationError, Finding, Report
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span
from lwlint.files.gitignore import Ignored, covers, patterns, verdict
from lwlint.files.tree import Boundary
from lwlint.inputs import KINDS
from lwlint.policy.location import DISK, Disk, around_configuration, nearest, show_path, text_of
from lwlint.policy.rules import Rule, choose, is_named

PROFILES: Mapping[str, str] = MappingProxyType(
    {
        "templates": "# for trees of Heat templates and Puppet manifests\nselect: [LW4, LW9]\n",
        "controllers": "# for what was taken from controllers: CIBs, units, option files\nselect: [LW1, LW2, LW3, LW9]\n",
    }
)


Severity = Literal["error", "warning", "note"]
# the formats of `lwlint.report`, whose room is above this one; here for the standard output only, as a stranger's file may ask for it
FormatName = Literal[
    "text", "json", "sarif", "junit", "github", "github-summary", "github-review", "gerrit", "gitlab", "checkstyle", "markdown", "csv"
]
Strings = tuple[str, ...]
_DATE = {"type": ["string", "null"], "format": "date"}


class RuleSettings(Document, frozen=True):
    """How one rule is judged."""

    severity: Annotated[Optional[Severity], Meta(description="instead of the rule's own severity")] = None
    params: Annotated[Optional[Mapping[str, Any]], Meta(description="instead of the rule's own parameters, key by key")] = None


class Paths(Document, frozen=True):
    """Which files are read. Patterns are those of `.gitignore`, from the folder of the configuration."""

    include: Annotated[Optional[Strings], Meta(description="read only what matches one of these, when a folder is read")] = None
    exclude: Annotated[Optional[Strings], Meta(description="leave out what matches one of these, files that are named too")] = None
    gitignore: Annotated[Optional[bool], Meta(description="leave out what git ignores, when a folder is read (default: true)")] = None


class Allowance(Document, frozen=True):
    """An exception: findings of one rule about one fact, or below a path, are allowed."""

    rule: Annotated[str, Meta(description="an id or a code")]
    because: Annotated[str, Meta(description="the reason, which is shown in every report", extra_json_schema={"minLength": 1})]
    fact: Annotated[Optional[str], Meta(description="the name of the fact, as in `resource haproxy-clone`; `*` and `?` stand for any")] = (
        None
    )
    path: Annotated[Optional[str], Meta(description="a pattern as in `.gitignore`, from the folder of the configuration")] = None
    until: Annotated[Any, Meta(description="the last day on which it holds", extra_json_schema=_DATE)] = None


class Override(Document, frozen=True):
    """Other settings for some files."""

    paths: Annotated[
        Strings, Meta(description="patterns as in `.gitignore`, from the folder of the configuration", extra_json_schema={"minItems": 1})
    ]
    ignore: Annotated[Strings, Meta(description="rules that find nothing there: ids, codes, beginnings of codes")] = ()
    severity: Annotated[Mapping[str, Severity], Meta(description="the severity of rules there, by id or code")] = field(
        default_factory=dict
    )


# what `_check` asks for, for the schema
_OF_SOMETHING = {"anyOf": [{"required": [key], "properties": {key: {"type": "string"}}} for key in ("fact", "path")]}
_CHANGES_SOMETHING = {
    "anyOf": [
        {"required": ["ignore"], "properties": {"ignore": {"minItems": 1}}},
        {"required": ["severity"], "properties": {"severity": {"minProperties": 1}}},
    ]
}


class File(Document, frozen=True):
    """`.lwlint.yaml`, or the table `tool.lwlint` of pyproject.toml; what is not said, or is null, keeps its default."""

    extends: Annotated[
        Optional[Union[str, Strings]],
        Meta(description="files, from the folder of this one, and profiles of lwlint's own, that this one extends"),
    ] = None
    release: Annotated[
        Optional[Annotated[str, Meta(extra_json_schema={"enum": ["auto", *RELEASES, *NUMBERED]})]],
        Meta(description="the release to judge by; `auto` goes by evidence"),
    ] = None
    select: Annotated[Optional[Strings], Meta(description="run only these rules: ids, codes, beginnings of codes")] = None
    ignore: Annotated[Optional[Strings], Meta(description="leave these rules out")] = None
    rules: Annotated[Optional[Mapping[str, RuleSettings]], Meta(description="settings of single rules, by id or code")] = None
    paths: Annotated[Optional[Paths], Meta(description="which files are read")] = None
    rule_directories: Annotated[Optional[Strings], Meta(description="folders with rules of your own, from the folder of this file")] = None
    allow: Annotated[
        Optional[tuple[Annotated[Allowance, Meta(extra_json_schema=_OF_SOMETHING)], ...]],
        Meta(description="exceptions, each with its reason"),
    ] = None
    overrides: Annotated[
        Optional[tuple[Annotated[Override, Meta(extra_json_schema=_CHANGES_SOMETHING)], ...]],
        Meta(description="other settings for some files; a later one wins"),
    ] = None
    fail_on: Annotated[Optional[Severity], Meta(description="least severity that fails (default: warning)")] = None
    strict: Annotated[Optional[bool], Meta(description="a rule that is not evaluated fails the run too")] = None
    baseline: Annotated[Optional[str], Meta(description="the baseline whose findings are allowed, from the folder of this file")] = None
    environments: Annotated[
        Optional[Strings], Meta(description="Heat environments as after `-e`, in their order, from the folder of this file")
    ] = None
    format: Annotated[Optional[FormatName], Meta(description="the format of what `check` prints (default: text)")] = None
    limit: Annotated[
        Optional[Annotated[int, Meta(extra_json_schema={"minimum": 0})]],
        Meta(description="how many findings are listed as text (default: 50 on a terminal, else all)"),
    ] = None


Key = tuple[Union[str, int], ...]  # the way to a value from the top of a file: ("allow", 0, "rule")


class Layer(Struct, frozen=True):
    """One file that was read (or a profile): its name as shown, its folder from where lwlint runs, and what it says."""

    name: str
    folder: str
    text: str
    plain: Mapping[str, Any]
    file: File

    def __repr__(self) -> str:
        return f"<Layer {self.name!r}: {len(self.text)} characters>"


class Placed(NamedTuple):
    """Something of a layer, with its key there: an exception, an override, a pattern."""

    layer: Layer
    key: Key
    value: Any


class Settings(Struct, frozen=True):
    """What all layers come to, the later ones over the earlier; without any, the defaults.

    `release`, `select`, `include`, `gitignore`, and what `lwlint check` has arguments for (`fail_on` ... `limit`), are of the last layer
    that sets them; the settings of a rule are, key by key; everything else adds up. The paths of `baseline` and `environments` are
    from where lwlint runs. Patterns and exceptions keep their layer, whose folder they count from.
    """

    release: str = "auto"
    select: Strings = ()
    ignore: Strings = ()
    rules: Mapping[str, RuleSettings] = field(default_factory=dict)
    rule_directories: Strings = ()
    include: tuple[Placed, ...] = ()
    exclude: tuple[Placed, ...] = ()
    gitignore: bool = True
    allow: tuple[Placed, ...] = ()
    overrides: tuple[Placed, ...] = ()
    layers: tuple[Layer, ...] = ()
    fail_on: Optional[Severity] = None
    strict: Optional[bool] = None
    baseline: Optional[str] = None
    environments: Strings = ()
    format: Optional[FormatName] = None
    limit: Optional[int] = None


_OUTSIDE = "lies outside of the checkout, or folder, of this file; `--trust`, or `--config` with this file, lets it"


def load(path: str | None = None, *, trusted: bool = False, disk: Disk = DISK) -> Settings:
    """Return the settings of the file `path` or, without it, of the nearest one from the current folder upwards.

    What a file that is not `trusted` extends, and its `rule_directories`, lie in its own checkout or, without one, in its folder.
    Raises ConfigurationError, with the place, for everything that does not fit.
    """
    found = path if path is not None else nearest(trusted=trusted, disk=disk)
    if found is None:
        return Settings()
    return merge(_layers(found, (), None if trusted else around_configuration(found), disk))


def layer(text: str, name: str, folder: str = ".") -> Layer:
    """Return the configuration `text` as a layer; the end of `name` tells its form: `.toml` (pyproject.toml), `.ini`, `.cfg`, else YAML.

    Raises ConfigurationError with `name:line:column` for what does not fit.
    """
    form = _form(name)
    try:
        plain = load_yaml(text, name) if form is None else form.table(text, name)
        plain = {} if plain is None else plain
        file: File = build(plain, File)
        _check(file)
    except Mismatch as mismatch:
        raise complaint(text, name, mismatch) from None
    except ConfigurationError:
        raise
    except Exception as error:  # whatever a reader raises, it is this file that cannot be read
        raise ConfigurationError(f"{name}: cannot be read, by a defect of lwlint ({type(error).__name__})") from error
    return Layer(name, folder, text, plain, file)


def complaint(text: str, name: str, mismatch: Mismatch) -> ConfigurationError:
    """Return the mismatch as an error with its place in the configuration `text`."""
    form = _form(name)
    if form is None:
        return locate(mismatch, text, name)
    line, column = form.place(text, name, mismatch.path)
    return ConfigurationError(f"{name}:{line}:{column}: {mismatch}")


def _form(name: str) -> ModuleType | None:
    """Return the module that reads a configuration of this name where it is in a file of other programs, else None."""
    if not name.endswith((".toml", ".ini", ".cfg")):
        return None
    from lwlint.policy import shared_files

    return shared_files


def _check(file: File) -> None:
    if file.release is not None and file.release not in ("auto", *RELEASES, *NUMBERED):
        raise Mismatch(("release",), f"`{file.release}`: unknown release{near(file.release, ('auto', *RELEASES))}")
    if file.limit is not None and file.limit < 0:
        raise Mismatch(("limit",), f"`{file.limit}`: must be 0 or more")
    for key, pattern in _patterns(file):
        from lwlint.files.gitignore import useless

        if why := useless(pattern):
            raise Mismatch(key, f"`{pattern}`: {why}")
    for i, entry in enumerate(file.allow or ()):
        if not entry.because.strip():
            raise Mismatch(("allow", i, "because"), "an exception needs a reason")
        if entry.fact is None and entry.path is None:
            raise Mismatch(("allow", i), "an exception needs a `fact` or a `path`; to leave out a rule altogether, `ignore` it")
        if (entry.path or "").startswith("!"):
            raise Mismatch(("allow", i, "path"), f"`{entry.path}`: takes back what a pattern before it covers, and there is none")
        until_of(entry.until, ("allow", i, "until"))
    for i, override in enumerate(file.overrides or ()):
        if not override.paths:
            raise Mismatch(("overrides", i, "paths"), "names no path")
        if not override.ignore and not override.severity:
            raise Mismatch(("overrides", i), "changes nothing; it has `ignore` or `severity`")


def _patterns(file: File) -> Iterator[tuple[Key, str]]:
    """Yield every pattern for paths, with its key."""
    paths = file.paths or Paths()
    for name, found in (("include", paths.include), ("exclude", paths.exclude)):
        yield from ((("paths", name, i), pattern) for i, pattern in enumerate(found or ()))
    yield from ((("allow", i, "path"), entry.path) for i, entry in enumerate(file.allow or ()) if entry.path is not None)
    for i, override in enumerate(file.overrides or ()):
        yield from ((("overrides", i, "paths", j), pattern) for j, pattern in enumerate(override.paths))


def until_of(until: str | datetime.date | None, key: Key = ()) -> datetime.date | None:
    """Return the last day of an exception; raise Mismatch for what is no date."""
    if isinstance(until, str):
        try:
            return datetime.date.fromisoformat(until)
        except ValueError:
            raise Mismatch(key, f"`{until}`: must be a date, as `2030-12-31`") from None
    if isinstance(until, datetime.datetime):
        raise Mismatch(key, f"`{until}`: must be a date without a time, as `2030-12-31`")
    return until


def _layers(path: str, trail: Sequence[str], within: Boundary | None, disk: Disk) -> Iterator[Layer]:
    """Yield the layers that the file goes on from, lowest first, then its own."""
    real = os.path.realpath(path)
    name = show_path(path)
    if real in trail:
        raise ConfigurationError(f"`{name}`: extends itself, through {', '.join(f'`{show_path(p)}`' for p in trail)}")
    top = layer(text_of(path, within, disk), name, os.path.dirname(name) or ".")
    for i, folder in enumerate(top.file.rule_directories or ()):
        if within is not None and not within.holds(os.path.join(top.folder, folder)):
            raise complaint(top.text, name, Mismatch(("rule_directories", i), f"`{folder}`: {_OUTSIDE}"))
        if not os.path.isdir(os.path.join(top.folder, folder)):
            raise complaint(top.text, name, Mismatch(("rule_directories", i), f"`{folder}`: no such folder"))
    files: list[tuple[Key, str]] = [(("environments", i), other) for i, other in enumerate(top.file.environments or ())]
    files += [(("baseline",), top.file.baseline)] if top.file.baseline is not None else []
    for key, other in files:
        there = os.path.join(top.folder, other)
        if within is not None and not within.holds(there):
            raise complaint(top.text, name, Mismatch(key, f"`{other}`: {_OUTSIDE}"))
        if not disk.is_file(there):
            raise complaint(top.text, name, Mismatch(key, f"`{other}`: no such file{_near_file(there)}"))
    extends = () if top.file.extends is None else top.file.extends
    for i, other in enumerate((extends,) if isinstance(extends, str) else extends):
        if other in PROFILES:
            yield layer(PROFILES[other], f"profile {other}")
            continue
        below = os.path.join(os.path.dirname(path), other)
        key = ("extends",) if isinstance(extends, str) else ("extends", i)
        if within is not None and not within.holds(below):
            raise complaint(top.text, name, Mismatch(key, f"`{other}`: {_OUTSIDE}"))
        if not disk.is_file(below):
            said = f"`{other}`: no such file, and no profile{near(other, PROFILES)}"
            raise complaint(top.text, name, Mismatch(key, said))
        yield from _layers(below, (*trail, real), within, disk)
    yield top


def _near_file(path: str) -> str:
    """Return a near match among the names beside a file that is not there."""
    try:
        return near(os.path.basename(path), os.listdir(os.path.dirname(path) or "."))
    except OSError:
        return ""


def merge(layers: Iterable[Layer]) -> Settings:
    """Return what the layers, lowest first, come to."""
    settings = Settings()
    for one in layers:
        file, paths = one.file, one.file.paths or Paths()
        folders = tuple(show_path(os.path.join(one.folder, folder)) for folder in file.rule_directories or ())
        settings = Settings(
            release=file.release or settings.release,
            select=settings.select if file.select is None else file.select,
            ignore=(*settings.ignore, *(file.ignore or ())),
            rules=_rules(settings.rules, file.rules or {}),
            rule_directories=(*settings.rule_directories, *folders),
            include=settings.include if paths.include is None else tuple(_place(one, paths.include, "paths", "include")),
            exclude=(*settings.exclude, *_place(one, paths.exclude, "paths", "exclude")),
            gitignore=settings.gitignore if paths.gitignore is None else paths.gitignore,
            allow=(*settings.allow, *_place(one, file.allow, "allow")),
            overrides=(*settings.overrides, *_place(one, file.overrides, "overrides")),
            layers=(*settings.layers, one),
            fail_on=file.fail_on or settings.fail_on,
            strict=settings.strict if file.strict is None else file.strict,
            baseline=settings.baseline if file.baseline is None else show_path(os.path.join(one.folder, file.baseline)),
            environments=settings.environments
            if file.environments is None
            else tuple(show_path(os.path.join(one.folder, path)) for path in file.environments),
            format=file.format or settings.format,
            limit=settings.limit if file.limit is None else file.limit,
        )
    return settings


def _place(one: Layer, values: Sequence[Any] | None, *key: str) -> Iterator[Placed]:
    return (Placed(one, (*key, i), value) for i, value in enumerate(values or ()))


def _rules(below: Mapping[str, RuleSettings], above: Mapping[str, RuleSettings]) -> Mapping[str, RuleSettings]:
    result = dict(below)
    for name, new in above.items():
        old = result.get(name, RuleSettings())
        params = {**(old.params or {}), **(new.params or {})} if old.params or new.params else None
        result[name] = replace(old, severity=new.severity or old.severity, params=params)
    return result


def position(one: Layer, key: Key) -> tuple[int, int]:
    """Return line and column, from 1, of what `key` leads to in the layer, or of what holds it."""
    form = _form(one.name)
    if form is not None:
        line, column = form.place(one.text, one.name, key)
        return line, column
    match = re.search(r":(\d+):(\d+): $", str(locate(Mismatch(key, ""), one.text, one.name)))
    return (int(match[1]), int(match[2])) if match else (1, 1)


def matches(lines: tuple[str, ...], path: str, folder: str) -> bool:
    """Return whether the patterns, which count from `folder`, cover `path` (from where lwlint runs)."""
    below = os.path.relpath(path, folder).replace(os.sep, "/")
    return not below.startswith("../") and covers(lines, below)


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


def configure(rules: Sequence[Rule], settings: Settings, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """Return the rules to run, with the severities and parameters of the settings.

    `select` stands instead of that of the settings, if it names anything; `ignore` adds to theirs. Raises
    ConfigurationError for the name of no rule, with its place, and for parameters that the rule's check does not take.
    """
    for layer in settings.layers:
        _check_names(layer, rules)
    changed = {rule.id: rule for rule in rules}
    for name, change in settings.rules.items():
        rule = next(rule for rule in rules if name in (rule.id, rule.code))
        changed[rule.id] = _change(changed[rule.id], name, change, settings)
    return choose(changed.values(), select or settings.select, (*settings.ignore, *ignore))


def _check_names(layer: Layer, rules: Sequence[Rule]) -> None:
    file = layer.file
    groups: list[tuple[Key, str]] = [((key, i), name) for key in ("select", "ignore") for i, name in enumerate(getattr(file, key) or ())]
    single: list[tuple[Key, str]] = [(("rules", name), name) for name in file.rules or ()]
    single += [(("allow", i, "rule"), entry.rule) for i, entry in enumerate(file.allow or ())]
    for i, override in enumerate(file.overrides or ()):
        groups += [(("overrides", i, "ignore", j), name) for j, name in enumerate(override.ignore)]
        single += [(("overrides", i, "severity", name), name) for name in override.severity]
    known = {word: rule.id for rule in rules for word in (rule.id, rule.code)}
    seen: dict[tuple[str, str], str] = {}  # by the rule and what is set of it: the name under which it was set first
    for name, change in (file.rules or {}).items():
        for what in (*(["severity"] if change.severity else ()), *(change.params or ())):
            first = seen.setdefault((known.get(name, name), what), name)
            if first != name:
                said = f"`{name}`: is the rule `{first}`, of which `{what}` is set already; write its settings together"
                raise complaint(layer.text, layer.name, Mismatch(("rules", name), said, key=True))
    for key, name in single:
        if name not in known:
            raise complaint(layer.text, layer.name, Mismatch(key, f"`{name}`: unknown rule{near(name, known)}", key=key[-1] == name))
    places: dict[str, Key] = {}
    for key, name in groups:
        places.setdefault(name, key)
    for name, key in places.items():
        try:
            choose(rules, [name], [])
        except ConfigurationError as error:
            raise complaint(layer.text, layer.name, Mismatch(key, str(error))) from None


def _change(rule: Rule, name: str, change: RuleSettings, settings: Settings) -> Rule:
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
    names = {name for entry in settings.overrides for name in entry.value.ignore}
    ignored = {name: {rule.id for rule in rules if is_named(rule, name)} for name in names}
    for finding in findings:
        here = [e.value for e in settings.overrides if matches(e.value.paths, finding.span.path, e.layer.folder)]
        if any(finding.rule in ignored[name] for override in here for name in override.ignore):
            continue
        told = [s for override in here for s in (override.severity.get(finding.rule), override.severity.get(finding.code)) if s]
        result.append(replace(finding, severity=told[-1]) if told else finding)
    return result


def mark_allowed(
    report: Report, settings: Settings, today: datetime.date, *, folders: Sequence[str] = ()
) -> tuple[Report, list[UnusedAllow]]:
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
            unused.append(_make_unused(entry, f"held until {until.isoformat()}"))
        elif _mark(findings, entry) or outcomes.get(allowance.rule, NOT_EVALUATED) == NOT_EVALUATED:
            continue
        elif allowance.path is not None and any(_below(entry, s.path) for s in report.sources.values() if s.judged):
            unused.append(_make_unused(entry, "matches no finding; take it away"))
        elif _is_whole(folders, entry.layer.folder, named=entry.layer is settings.layers[-1]):
            said = "matches no finding" if allowance.path is None else f"no file was read that `{allowance.path}` matches"
            unused.append(_make_unused(entry, f"{said}; take it away"))
        else:
            continue
        sources[entry.layer.name] = Source(entry.layer.name, entry.layer.text, "configuration")
    return replace(report, findings=tuple(findings), sources=sources), unused


def _mark(findings: list[Finding], entry: Placed) -> bool:
    hit = False
    for i, finding in enumerate(findings):
        if finding.allowed is None and _covers(entry, finding):
            findings[i] = replace(finding, allowed=mask_secrets(" ".join(entry.value.because.split())), elsewhere=True)
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


def _make_unused(entry: Placed, because: str) -> UnusedAllow:
    line, column = position(entry.layer, entry.key)
    source = Source(entry.layer.name, entry.layer.text, "configuration")
    start = source.line_starts()[line - 1] + column - 1
    return UnusedAllow(entry.value.rule, Span(source.path, start, start + len(source.line(line)) - column + 1), because)
