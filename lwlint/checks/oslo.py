"""Options: that must stand where they are read, that stand where nothing reads them, and that bound how often a service tries.

A bound says which values never give up, and what type a value must be of. Programs whose worker outlives its last attempt are told of
too: a web server runs them, stays up, and they answer 500 for good. Nothing brings them back: the web server is the unit's process, and
that has not failed. Which programs do so is told by what was observed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, Optional

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from lwlint.checks.containers import lacking_units, strangers, units
from lwlint.checks.parameters import Driver, OptionName, Project, Regex, ReleaseName, nothing_in, wrong_bounds
from lwlint.core.check import Check, Reads, Saw, Unknown
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import ACTIVE_ACTIVE, Database, Facts, Release, Service
from lwlint.core.finding import AddOption, DropLines, Fix, Problem, Related, Replace, SetOption
from lwlint.core.lazy import begins
from lwlint.core.observed import describe, nearest
from lwlint.core.source import Span
from lwlint.inputs.oslo.facts import (
    ENVIRONMENT,
    FILE,
    Name,
    Option,
    OptionFiles,
    OptionSet,
    Unresolved,
    applies,
    boolean,
    integer,
    needs_option_files,
    option_sets,
    split_name,
    substitute,
)
from lwlint.inputs.oslo.layout import below_folder
from lwlint.inputs.systemd.facts import Unit

_RETRIES = ("max_retries", "sql_max_retries", "db_max_retries", "rabbit_max_retries")


def is_ours(option: Option) -> bool:
    """Return whether the option stands in a file that may be edited: not in a unit's environment, nor in a package's own file."""
    return option.origin == FILE and re.search(r"(^|/)usr/(local/)?share/|-dist\.conf$", option.file) is None


def set_value(option_set: OptionSet, option: Option, value: str, names: Iterable[Name]) -> Optional[Fix]:
    """Return the fix that gives the option another value. It is safe unless a `$reference` to one of its `names` ties others to it."""
    if not is_ours(option):
        return None
    return Fix(
        f"set `{option.name}` to `{value}`",
        (SetOption(option.key, value),),
        safe="$" not in option.value and not _is_referenced(option_set, option, *(name for _, name in names)),
    )


def add_beside(option_set: OptionSet, connection: Option, names: Sequence[Name], value: str) -> Optional[Fix]:
    """Return the fix that adds an option, by the first of its `names`, to the file of another one. It is safe unless others refer to it."""
    if not is_ours(connection):
        return None
    section, option = names[0]
    tied = _is_referenced(option_set, connection, *(name for _, name in names))
    return Fix(f"add `{option} = {value}` to `[{section}]`", (AddOption(connection.key, section, option, value),), safe=not tied)


def take_away(option_set: OptionSet, option: Option) -> Optional[Fix]:
    """Return the fix that takes away an option which nothing reads, and all values of it that this one beats."""
    spans = [option.key, *(text.span for text in option.beaten)]
    if (
        not is_ours(option)
        or any(text.span.path != option.file for text in option.beaten)
        or _is_referenced(option_set, option, option.option)
    ):
        return None
    return Fix(f"take `{option.name}` away", tuple(DropLines(span) for span in spans))


def rename(option_set: OptionSet, option: Option, to: Name) -> Optional[Fix]:
    """Return the fix that gives an option the name (section and option) under which it is read; none if that is taken.

    It is safe if the value is as it should be, for then to be read is what was meant, and no other rule sets the option to something
    else at the same time; not where other options refer to the name that it gets, or to any other of retries, which it may be an old
    name of.
    """
    section, name = to
    if not is_ours(option) or to in option_set.options or option.beaten or _is_referenced(option_set, option, option.option):
        return None
    safe = option.value.strip() == "-1" and not _is_referenced(option_set, option, name, *_RETRIES)
    if section == option.section:
        return Fix(f"call it `{name}`", (Replace(option.key, name),), safe=safe)
    if not re.fullmatch(r"[+-]?\d+", option.value):
        return None
    changes = (DropLines(option.key), AddOption(option.key, section, name, option.value))
    return Fix(f"move it to `[{section}]` as `{name}`", changes, safe=safe)


def _is_referenced(option_set: OptionSet, option: Option, *names: str) -> bool:
    """Return whether the value of an option other than this one refers to an option with one of the names, in whatever section."""
    pattern = re.compile(rf"\$\{{?(?:[\w-]+\.)?(?:{'|'.join(map(re.escape, names))})\b")
    others = (value for other in option_set.options.values() if other is not option for value in (other.value, *other.values))
    return any("$" in value and pattern.search(value) for value in others)


_ASSIGNMENT = re.compile(r"(?P<key>[\w-]+)\s*[=:]")


class Presence(Document, frozen=True):
    """Options whose presence says something. The first of `options` (`section/option`) that is set is blamed, with `message`.

    It counts for `projects` (all if empty, less `not_projects`), from release `since` to `until`, where none of `unless` is set;
    with `known`, only where the release is known. `value` is an expression for the beginning of its value, `unless_value` one for values
    that are not meant, `only_if` are such ones for other options that must be set. `query` is a name in the query string of the option,
    whose presence is meant.
    A fix calls it `instead` (`section/option`), or takes it away if `needless`.
    """

    options: Annotated[tuple[OptionName, ...], Meta(description="options, of which the first that is set is blamed", min_length=1)]
    message: Annotated[str, Meta(description="what the message says of it")]
    projects: Annotated[tuple[Project, ...], Meta(description="judge only these projects")] = ()
    not_projects: Annotated[tuple[Project, ...], Meta(description="do not judge these projects")] = ()
    unless: Annotated[tuple[OptionName, ...], Meta(description="options of which one, where it is set, excuses it")] = ()
    since: Annotated[Optional[ReleaseName], Meta(description="the first release in which it counts")] = None
    until: Annotated[Optional[ReleaseName], Meta(description="the last release in which it counts")] = None
    known: Annotated[bool, Meta(description="judge only where the release is known")] = False
    severity: Annotated[Optional[Literal["error", "warning", "note"]], Meta(description="instead of the rule's severity")] = None
    instead: Annotated[Optional[OptionName], Meta(description="the option that a fix renames it to")] = None
    needless: Annotated[bool, Meta(description="a fix takes it away")] = False
    value: Annotated[Optional[Regex], Meta(description="an expression: it counts only where the option's value begins so")] = None
    unless_value: Annotated[Optional[Regex], Meta(description="an expression: it does not count where the value begins so")] = None
    only_if: Annotated[
        Mapping[OptionName, Regex], Meta(description="other options that must be set, and expressions for how their values begin")
    ] = field(default_factory=dict)
    query: Annotated[str, Meta(description="its name in the query string of the URL that the option holds")] = ""


class Presences(Document, frozen=True):
    """What `option-present` looks for."""

    presences: Annotated[tuple[Presence, ...], Meta(description="what is looked for", min_length=1)]


def _find_refusal(option_set: OptionSet) -> Optional[Unknown]:
    files = option_set.files
    if files.refused is None:
        return None
    return Unknown(f"oslo.config refuses `{files.refused}`, so that nothing is known of `{files.name}`", files.span)


def _elsewhere(option_set: OptionSet, facts: Facts) -> Optional[Unknown]:
    """Return what to say of a set whose program takes options that its files lack from what they name; None for any other."""
    group = option_set.elsewhere
    if not group or not applies(facts.release, _SOURCES_SINCE, None):
        return None
    files = option_set.files
    return Unknown(f"`{files.name}` takes options that its files lack from what `[{group}]` names, which is not known", files.span)


def _run_present(facts: Facts, params: Presences) -> Iterator[Saw]:
    for option_set in option_sets(facts):
        refused = _find_refusal(option_set)
        if refused is not None:
            yield refused
            continue
        elsewhere = _elsewhere(option_set, facts)
        if elsewhere is not None:
            yield elsewhere
        project = option_set.files.project
        for presence in params.presences:
            if (presence.projects and project not in presence.projects) or project in presence.not_projects:
                continue
            if not applies(facts.release, presence.since, presence.until) or (presence.known and facts.release.name is None):
                continue
            if any(split_name(name) in option_set.options for name in presence.unless):
                continue
            if not all(_set_to(option_set, name, value) for name, value in presence.only_if.items()):
                continue
            found = (option_set.options.get(split_name(name)) for name in presence.options)
            option = next((o for o in found if o is not None and o.value.strip() and _is_meant(o, presence)), None)
            if option is not None:
                called = f"`{presence.query}` in `{option.name}`" if presence.query else f"`{option.name}`"
                message = f"{_base(option)}: {called} {presence.message}"
                fix = _fix(option_set, option, presence)
                yield Problem(option.key, message, f"option {option.name}", (), presence.severity, host=option.host, fix=fix)


def _is_meant(option: Option, presence: Presence) -> bool:
    """Return whether the value of the option is one that the presence is about."""
    if presence.query and _read_query(option.value, presence.query) is None:
        return False
    if presence.unless_value is not None and begins(presence.unless_value, option.value):
        return False
    return presence.value is None or begins(presence.value, option.value)


def _set_to(option_set: OptionSet, name: str, value: str) -> bool:
    option = option_set.options.get(split_name(name))
    return option is not None and begins(value, option.value)


def _fix(option_set: OptionSet, option: Option, presence: Presence) -> Optional[Fix]:
    if presence.query:
        return None
    if presence.needless:
        return take_away(option_set, option)
    if not presence.instead:
        return None
    return rename(option_set, option, split_name(presence.instead))


class Home(Document, frozen=True):
    """Where one option is read: `sections` as oslo.config compares them. `anywhere` tells that no other option has this name,
    so that it is misplaced in every other section; else it is in the sections `misplaced`."""

    option: Annotated[str, Meta(description="the option")]
    sections: Annotated[tuple[str, ...], Meta(description="the sections in which it is read", min_length=1)]
    misplaced: Annotated[tuple[str, ...], Meta(description="other sections in which it is judged to be misplaced")] = ()
    anywhere: Annotated[bool, Meta(description="it is misplaced in every other section")] = False


class Foreign(Document, frozen=True):
    """A section that some projects do not read for its retries, up to release `until`; `instead` is the one that they do read."""

    section: Annotated[str, Meta(description="the section")]
    projects: Annotated[tuple[Project, ...], Meta(description="the projects that do not read it", min_length=1)]
    instead: Annotated[str, Meta(description="the section that they read")]
    until: Annotated[Optional[ReleaseName], Meta(description="the last release in which they do not read it")] = None


class Homes(Document, frozen=True):
    """What `option-misplaced` knows of: the options, and sections that are not read by some."""

    homes: Annotated[tuple[Home, ...], Meta(description="the options, and where each is read", min_length=1)]
    foreign: Annotated[tuple[Foreign, ...], Meta(description="sections that some projects do not read")] = ()


def _run_misplaced(facts: Facts, params: Homes) -> Iterator[Saw]:
    homes = {home.option: home for home in params.homes}
    for option_set in option_sets(facts):
        refused = _find_refusal(option_set)
        if refused is not None:
            yield refused
            continue
        for option in option_set.options.values():
            if option.origin == ENVIRONMENT:
                continue
            yield from _judge_swallowed(option, homes)
            home = homes.get(option.option.lower().replace("-", "_"))
            wrong = _find_misplacement(option, home, params, option_set.files, facts.release) if home is not None else None
            if wrong is not None:
                message, to = wrong
                fix = rename(option_set, option, to) if to is not None else None
                yield Problem(option.key, f"{_base(option)}: {message}", f"option {option.name}", host=option.host, fix=fix)


def _find_misplacement(
    option: Option, home: Home, params: Homes, files: OptionFiles, release: Release
) -> Optional[tuple[str, Optional[Name]]]:
    """Return what keeps the option from being read, if anything does, and the name that it must have."""
    meant = _guess_section(option.section, home)
    spelt = f"`{option.option}` in `[{option.written}]`"
    if meant is None:
        if not home.anywhere and option.section not in home.misplaced:
            return None
        return f"{spelt} is not read; it must be in `[{home.sections[0]}]`", (home.sections[0], home.option)
    if meant != option.section:
        return f"{spelt} is not read; the section must be `[{meant}]`", (meant, home.option)
    if option.option != home.option:
        return f"{spelt} is not read; the name must be `{home.option}`", (meant, home.option)
    for foreign in params.foreign:
        if foreign.until is not None and (release.name is None or not applies(release, None, foreign.until)):
            continue
        if foreign.section == option.section and files.project in foreign.projects:
            return f"{spelt} is not read by {files.project}; it must be in `[{foreign.instead}]`", (foreign.instead, home.option)
    if not files.read:
        if re.search(r"\.conf\.d/[^/]+$", option.file) and not option.file.endswith(".conf"):
            return f"{spelt} is in a file that is not read; its name must end with `.conf`", None
        folder = below_folder(option.file)
        if folder:
            return f"{spelt} is in a file that is not read; it must lie in `{folder}` itself", None
        return f"{spelt} is in a file that none of the units given reads", None
    return None


def _guess_section(section: str, home: Home) -> Optional[str]:
    """Return the section that `section` is or was meant to be: equal but for blanks, and `DEFAULT` in another spelling."""
    if section in home.sections:
        return section
    bare = section.strip().lower()
    return next((known for known in home.sections if known.lower() == bare), None)


def _judge_swallowed(option: Option, homes: dict[str, Home]) -> Iterator[Problem]:
    for line in option.continued:
        match = _ASSIGNMENT.match(line.value)
        if match and match["key"].lower().replace("-", "_") in homes:
            what = f"`{line.value}` is indented and so continues the value of `{option.name}`"
            message = f"{_base(option)}: {what}; it must begin in the first column"
            yield Problem(line.span, message, f"option {option.name} continued", host=option.host)


def _base(option: Option) -> str:
    return option.key.path.rsplit("/", 1)[-1]


_READS = Reads(("oslo",))


_SEEN = "\0seen"  # in a message, where what programs were seen to do will stand
_SCRUBBED = re.compile(r"\*{5,}")  # what sos puts in the place of a secret
_SCHEME = re.compile(r"\s*([a-z][a-z0-9.-]*)(?:\+[a-z0-9+.-]+)?:")
_MOST_REFERENCES = 8
_SOURCES_SINCE = "rocky"  # oslo.config 6.4
_NO_SERVER = re.compile(r"\s*(<None>\s*)?$|\s*sqlite")  # an SQLite database is a file: nothing waits for it


class Limit(Document, frozen=True):
    """One option that bounds attempts.

    `option` and the other names are `section/option`; releases after `old_names_until` do not read `old_names`. `unlimited` tells the
    values that never give up. `default` is what an absent option means; without it, absence is no problem. With it, absence matters where
    one of `used_by` names a server and none of `unless` is set. `since` and `until` are the releases that know the option,
    `enforced_until` the last one that obeys it, `refused_until` the last one in which a service does not start with a value below -1.
    `query` is the name in the query string of one of `urls`, which wins from `query_since` on. `distribution` is a distribution's file
    that may set the option where it cannot be seen. `remark` ends every message. `value` is what a fix sets, one that never gives up, and
    `must_be` says so in a message: it names that value. `drivers` are schemes: where the URLs are set and none of them has one, nobody
    reads the option; `backend` names the driver where no URL is set. With `known` it counts only where the release is known. Releases
    from `then_since` on, which lwlint does not know by name, read the option `then` in its stead. It is read where all options of `only_if`
    are set so. Releases after that of `used_by_until` do not read that name of the server.
    """

    option: Annotated[OptionName, Meta(description="the option that bounds attempts")]
    unlimited: Annotated[Literal["-1", "negative", "negative-or-empty", "at-most-0"], Meta(description="which values never give up")]
    must_be: Annotated[str, Meta(description="what the message says must be; it names `value` in backticks")]
    projects: Annotated[tuple[Project, ...], Meta(description="judge only these projects")] = ()
    not_projects: Annotated[tuple[Project, ...], Meta(description="do not judge these projects")] = ()
    old_names: Annotated[tuple[OptionName, ...], Meta(description="older names of the option")] = ()
    old_names_until: Annotated[Optional[ReleaseName], Meta(description="the last release that reads the older names")] = None
    used_by: Annotated[tuple[OptionName, ...], Meta(description="the options that name the server")] = ()
    unless: Annotated[tuple[OptionName, ...], Meta(description="options of which one, where it is set, excuses absence")] = ()
    default: Annotated[Optional[int], Meta(description="what an absent option means; without it, absence is no problem")] = None
    since: Annotated[Optional[ReleaseName], Meta(description="the first release that knows the option")] = None
    until: Annotated[Optional[ReleaseName], Meta(description="the last release that knows the option")] = None
    enforced_until: Annotated[Optional[ReleaseName], Meta(description="the last release that obeys it")] = None
    refused_until: Annotated[
        Optional[ReleaseName], Meta(description="the last release that does not start with a value below `-1`; others then do not retry")
    ] = None
    urls: Annotated[tuple[OptionName, ...], Meta(description="URLs whose query string may set it")] = ()
    query: Annotated[str, Meta(description="its name in a query string")] = ""
    query_since: Annotated[Optional[ReleaseName], Meta(description="the first release in which the query string wins")] = None
    drivers: Annotated[
        tuple[Driver, ...], Meta(description="schemes of the URLs, of which one must have one for the option to be read")
    ] = ()
    backend: Annotated[Optional[OptionName], Meta(description="the option that names the driver where no URL is set")] = None
    distribution: Annotated[str, Meta(description="a distribution's file that may set it where it cannot be seen")] = ""
    severity: Annotated[Optional[Literal["error", "warning", "note"]], Meta(description="instead of the rule's severity")] = None
    remark: Annotated[str, Meta(description="what ends every message")] = ""
    value: Annotated[str, Meta(description="what a fix sets; empty: `-1`, or `0` where `unlimited` is `at-most-0`")] = ""
    known: Annotated[bool, Meta(description="judge only where the release is known")] = False
    then: Annotated[Optional[OptionName], Meta(description="the option that releases from `then_since` on read in its stead")] = None
    then_since: Annotated[str, Meta(description="the first of these releases, as a message calls it")] = ""
    only_if: Annotated[
        Mapping[OptionName, Regex], Meta(description="other options that must be set, and expressions for how their values begin")
    ] = field(default_factory=dict)
    used_by_until: Annotated[
        Mapping[OptionName, ReleaseName], Meta(description="the last release that reads some of the options that name the server")
    ] = field(default_factory=dict)

    @property
    def later(self) -> str:
        """The option that later releases read in its stead; empty for none."""
        return self.then or ""

    @property
    def names(self) -> list[Name]:
        """The option's name and its old names, in the order in which oslo.config looks for them."""
        return [split_name(name) for name in (self.option, *self.old_names)]

    @property
    def lasting(self) -> str:
        """The value that a fix sets."""
        return self.value or ("0" if self.unlimited == "at-most-0" else "-1")

    def misfits(self) -> Iterator[Mismatch]:
        """Yield a value that gives up, and a `must_be` that does not name the value."""
        if self.value and not never_gives_up(self.unlimited, self.value):
            best = "`0` or less" if self.unlimited == "at-most-0" else "`-1`"
            yield Mismatch(("value",), f"`{self.value}`: is not a value that never gives up; it must be {best}")
        elif f"`{self.lasting}`" not in self.must_be:
            said = f"must name the value that a fix sets, in backticks; did you mean `` `{self.lasting}` ``?"
            yield Mismatch(("must_be",), f"`{self.must_be}`: {said}")

    def is_for(self, project: str, facts: Facts) -> bool:
        """Return whether programs of `project` (empty: one that is not known) have this option in the release of `facts`."""
        if project and (project in self.not_projects or (self.projects and project not in self.projects)):
            return False
        return applies(facts.release, self.since, self.until) and not (self.known and facts.release.name is None)


class Typed(Document, frozen=True):
    """Options (`section/option`) that must be of one type, and the projects (all if empty) and releases that have them.

    `at_least` and `at_most` bound the value from `bounds_since` on, which a message calls `library` (`oslo.messaging 16.1`). Releases
    after `old_names_until` do not read the `old_names` that some of the options have. `drivers`, `urls` and `backend` tell who reads
    them, as for a limit.
    """

    type: Annotated[Literal["integer", "number", "boolean"], Meta(description="the type that the options must be of")]
    options: Annotated[tuple[OptionName, ...], Meta(description="the options", min_length=1)]
    projects: Annotated[tuple[Project, ...], Meta(description="the projects that have them; all, if empty")] = ()
    since: Annotated[Optional[ReleaseName], Meta(description="the first release that has them")] = None
    until: Annotated[Optional[ReleaseName], Meta(description="the last release that has them")] = None
    at_least: Annotated[Optional[float], Meta(description="the least value, from `bounds_since` on")] = None
    at_most: Annotated[Optional[float], Meta(description="the greatest value, from `bounds_since` on")] = None
    bounds_since: Annotated[Optional[ReleaseName], Meta(description="the first release with these bounds")] = None
    library: Annotated[str, Meta(description="what sets the bounds, as a message calls it")] = ""
    old_names: Annotated[Mapping[OptionName, tuple[OptionName, ...]], Meta(description="older names of some of the options")] = field(
        default_factory=dict
    )
    old_names_until: Annotated[Optional[ReleaseName], Meta(description="the last release that reads the older names")] = None
    urls: Annotated[tuple[OptionName, ...], Meta(description="URLs that name the driver which reads the options")] = ()
    drivers: Annotated[
        tuple[Driver, ...], Meta(description="schemes of the URLs, of which one must have one for the options to be read")
    ] = ()
    backend: Annotated[Optional[OptionName], Meta(description="the option that names the driver where no URL is set")] = None

    def names(self, option: str, release: Release) -> list[Name]:
        """Return the names under which a release reads one of the options, in the order in which oslo.config looks for them."""
        old = self.old_names.get(option, ()) if applies(release, None, self.old_names_until) else ()
        return [split_name(option), *map(split_name, old)]

    def misfits(self) -> Iterator[Mismatch]:
        """Yield bounds that no number is within."""
        yield from wrong_bounds(self.at_least, self.at_most)


class Bounds(Document, frozen=True):
    """`limits` are looked at in order; of those for one option and an unknown project, the first counts. `types` bound values otherwise.

    `nothing` is the reason that is given when no option set holds anything to judge; empty if that is a pass. `registered` are
    other options that the programs have in the sections of the limits, with their defaults: a value may refer to them.
    """

    limits: Annotated[
        tuple[Limit, ...],
        Meta(description="options that bound attempts; of those for one option and an unknown project, the first counts", min_length=1),
    ] = ()
    types: Annotated[tuple[Typed, ...], Meta(description="options by their type, and the least and the greatest value", min_length=1)] = ()
    nothing: Annotated[str, Meta(description="why nothing can be said where no file holds anything to judge; empty: that is a pass")] = ""
    registered: Annotated[
        Mapping[str, str], Meta(description="other options of the same sections that values may refer to, with their defaults")
    ] = field(default_factory=dict)
    server: Annotated[
        Optional[Literal["database", "broker"]],
        Meta(description="the server that is tried: a message says what programs do when attempts at it end"),
    ] = None

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "limits", "types")


def _run_bounds(facts: Facts, params: Bounds) -> Iterator[Saw]:
    if params.limits:
        yield from _run_limits(facts, params)
    if params.types:
        yield from _run_types(facts, params)


def _run_limits(facts: Facts, params: Bounds) -> Iterator[Saw]:
    judged = False
    alike: dict[tuple[Span, str], tuple[Problem, list[Service]]] = {}  # sets of one program may have a value of one file
    for option_set in option_sets(facts):
        files = option_set.files
        refused = _find_refusal(option_set)
        if refused is not None:
            yield refused
            judged = True
            continue
        if files.untold:
            yield Unknown(files.untold, files.span)
            judged = True
            continue
        limits = [one for one in _limits(files.project, params, facts) if _is_in_use(option_set, one)] if files.read else []
        elsewhere = _elsewhere(option_set, facts)
        if elsewhere is not None and any(_is_open(option_set, limit, facts) for limit in limits):
            judged = True
            yield elsewhere
        for limit in limits:
            if elsewhere is not None and _is_open(option_set, limit, facts):
                continue
            found = list(_judge(option_set, limit, _Registered(option_set, limits, params.registered), facts))
            judged = judged or bool(found)
            for item in found:
                if isinstance(item, Problem) and _SEEN in item.message:
                    alike.setdefault((item.span, item.message), (item, []))[1].extend(_find_watched(option_set, params.server, facts))
                elif item is not None:
                    yield item
    for problem, services in alike.values():
        yield replace(problem, message=problem.message.replace(_SEEN, _say_seen(services, params.server, facts)))
    if not judged and params.nothing:
        yield Unknown(params.nothing)


def _is_in_use(option_set: OptionSet, limit: Limit) -> bool:
    """Return whether other options are set so that the program reads this one."""
    return all(_set_to(option_set, name, value) for name, value in limit.only_if.items())


def _is_open(option_set: OptionSet, limit: Limit, facts: Facts) -> bool:
    """Return whether the files of a set leave it to what they may name elsewhere to set an option."""
    return option_set.choose(limit.names) is None and not any(_from_urls(option_set, limit, facts))


def _find_watched(option_set: OptionSet, server: Optional[str], facts: Facts) -> list[Service]:
    """Return the services of an option set that were watched when attempts at a server ended."""
    files = option_set.files
    services = [s for s in facts.services if s.outcomes and s.project == files.project and (not files.services or s.name in files.services)]
    return [service for service in services if server != "database" or service.databases]


def _say_seen(services: Sequence[Service], server: Optional[str], facts: Facts) -> str:
    """Return what services were seen to do when attempts end, as a message ends with it; empty if none was watched."""
    once = {service.name: [outcome for outcome in service.outcomes if outcome.server == server] for service in services}
    return f" (seen: {describe(once.values(), facts.release.name)})" if any(once.values()) else ""


def _limits(project: str, params: Bounds, facts: Facts) -> Iterator[Limit]:
    seen = set()
    for limit in params.limits:
        if limit.option not in seen and limit.is_for(project, facts):
            seen.add(limit.option)
            yield limit if applies(facts.release, None, limit.old_names_until) else replace(limit, old_names=())


def _judge(option_set: OptionSet, limit: Limit, registered: _Registered, facts: Facts) -> Iterator[Optional[Saw]]:
    """Yield what is wrong with one limit in one set; None for a limit that is there and right, nothing if it is not in use.

    The message of a value with which attempts end has `_SEEN` at its end.
    """
    option = option_set.choose(limit.names)
    urls = list(_from_urls(option_set, limit, facts))
    if urls:
        yield from (_verdict(option_set, limit, url, value, f"`{limit.query}` in `{url.name}`", facts) for url, value in urls)
    elif option is None:
        connection = _connection(option_set, limit, facts)
        later = option_set.options.get(split_name(limit.later)) if limit.then and facts.release.name is None else None
        if later is not None:
            yield _for_later_ones(option_set, limit, later, connection, facts)
        elif connection is not None and limit.default is not None:
            yield _for_all_releases(option_set, limit, _absent(option_set, limit, connection), facts)
    elif limit.then and facts.release.name is None and _judge_moved(option_set, limit, option, facts) is not None:
        yield _judge_moved(option_set, limit, option, facts)
    else:
        subject = f"`{option.name}`" if option.name == ".".join(limit.names[0]) else f"`{option.name}`, old name of `{_join_name(limit)}`,"
        try:
            value = substitute(option.value, limit.names[0][0], registered.text)  # whatever section an old name stands in
        except Unresolved as unresolved:
            yield Unknown(f"`{option.name}` is `{_line(option.value)}`, and what `{unresolved.reference}` holds is not known", option.span)
        else:
            if _SCRUBBED.fullmatch(value):
                yield Unknown(f"`{option.name}` was scrubbed from the report", option.span)
                return
            verdict = _verdict(option_set, limit, option, value, subject, facts)
            idle = _in_vain(option_set, limit) or _is_of_another_driver(option_set, limit)
            yield _for_all_releases(option_set, limit, verdict, facts) if not idle or not _is_integer(value) else None


def _for_all_releases(option_set: OptionSet, limit: Limit, problem: Optional[Problem], facts: Facts) -> Optional[Problem]:
    """Return the problem; where the release is not known, with a fix of both names of which releases read one or the other."""
    if problem is None or problem.fix is None or not limit.then or facts.release.name is not None:
        return problem
    connection = _connection(option_set, limit, facts)
    return problem if connection is None else replace(problem, fix=_both(option_set, limit, connection, facts))


def _both(option_set: OptionSet, limit: Limit, connection: Option, facts: Facts) -> Optional[Fix]:
    """Return the fix that sets an option, and the one that later releases read in its stead, as far as they are not right."""
    fixes = []
    for one in (limit, replace(limit, option=limit.later, old_names=())):
        option = option_set.choose(one.names)
        if option is None:
            fixes.append(add_beside(option_set, connection, one.names, one.lasting))
        elif _find_wrong(one, option.value, facts) is not None:
            fixes.append(set_value(option_set, option, one.lasting, one.names))
    known = [fix for fix in fixes if fix is not None]
    if not known or len(known) < len(fixes):
        return None
    changes = tuple(change for fix in known for change in fix.changes)
    return Fix(", ".join(fix.what for fix in known), changes, safe=all(fix.safe for fix in known))


def _judge_moved(option_set: OptionSet, limit: Limit, option: Option, facts: Facts) -> Optional[Problem]:
    """Return the problem of an option that is right for older releases, where later ones read another, which is not; else None."""
    later = option_set.options.get(split_name(limit.later))
    connection = _connection(option_set, limit, facts)
    right = later is not None and _find_wrong(limit, later.value, facts) is None
    if connection is None or right or _find_wrong(limit, option.value, facts) is not None:
        return None
    project = option_set.files.project
    actual = f"not set (default `{limit.default}`)" if later is None else f"`{_line(later.value)}`"
    then = limit.later.replace("/", ".")
    message = (
        f"{_base_name(option.span.path)}: `{option.name}` is `{_line(option.value)}`, which {project} reads before {limit.then_since} only;"
        f" from then on it is `{then}`, which is {actual}; both must be {limit.must_be}"
    )
    fix = _both(option_set, limit, connection, facts)
    return Problem(option.span, message, f"option {_join_name(limit)}", (), "warning", host=option.host, fix=fix)


def _for_later_ones(option_set: OptionSet, limit: Limit, later: Option, connection: Optional[Option], facts: Facts) -> Optional[Problem]:
    """Return the problem of an option that only later releases read: of its value, or a note that older ones read another."""
    then = replace(limit, option=limit.later, old_names=())
    problem = _verdict(option_set, then, later, later.value, f"`{later.name}`", facts)
    if problem is not None or connection is None:
        return _for_all_releases(option_set, limit, problem, facts)
    message = (
        f"{_base_name(connection.span.path)}: `{_join_name(limit)}` is not set (default `{limit.default}`), which"
        f" {option_set.files.project} reads before {limit.then_since} in the stead of `{later.name}`; it must be {limit.must_be} there"
    )
    fix = _both(option_set, limit, connection, facts)
    place = Span(connection.file, connection.key.start, connection.span.end)
    return Problem(place, message, f"option {_join_name(limit)}", (), "note", host=connection.host, fix=fix)


def _in_vain(option_set: OptionSet, limit: Limit) -> bool:
    """Return whether the attempts are never made: the connection that they are for is set, and names no server."""
    found = [option for name in limit.used_by if (option := option_set.options.get(split_name(name))) is not None]
    return bool(found) and all(_NO_SERVER.match(option.value) for option in found)


def _is_of_another_driver(option_set: OptionSet, limit: Limit | Typed) -> bool:
    """Return whether nobody reads the option: URLs are set, and none of them has the scheme of its driver.

    Without a URL the driver is what `rpc_backend` names, which goes by a scheme, or by a module of old (`nova.rpc.impl_kombu`).
    """
    urls = [option.value for name in limit.urls if (option := option_set.options.get(split_name(name))) is not None]
    schemes = [match[1] if (match := _SCHEME.match(url)) else "" for url in urls]  # of `zmq+redis:` the driver is `zmq`
    backend = option_set.options.get(split_name(limit.backend)) if limit.backend else None
    if backend is not None and not schemes:
        value = backend.value.strip()
        schemes = [value if "." not in value else value.rpartition(".impl_")[2] if ".impl_" in value else ""]
    return bool(limit.drivers and schemes) and all(scheme and scheme not in limit.drivers for scheme in schemes)


def _is_integer(value: str) -> bool:
    try:
        integer(value)
    except ValueError:
        return False
    return True


def _verdict(option_set: OptionSet, limit: Limit, option: Option, value: str, subject: str, facts: Facts) -> Optional[Problem]:
    wrong = _find_wrong(limit, value, facts)
    if wrong is None:
        return None
    what, fatal = wrong
    severity, seen = limit.severity, _SEEN
    release = facts.release.name
    if not fatal and limit.enforced_until is not None and release is not None and not applies(facts.release, None, limit.enforced_until):
        what, severity, seen = f"{what}, which {release} does not enforce", "note", ""
    remark = f" ({limit.remark})" if limit.remark else "" if fatal else seen
    message = f"{_base_name(option.span.path)}: {subject} is {what}; it must be {limit.must_be}{remark}"
    others = [o for name in limit.names for o in [option_set.options.get(name)] if o is not None and o is not option]
    related = [Related(text.span, f"beats `{_line(text.value)}`") for text in option.beaten]
    related += [Related(o.span, f"beats `{o.name}` = `{_line(o.value)}`") for o in others if option.key != o.key]
    of_its_own = (option.section, option.option) in limit.names  # not a part of a URL
    fix = set_value(option_set, option, limit.lasting, limit.names) if of_its_own else None
    return Problem(option.span, message, f"option {_join_name(limit)}", tuple(related), severity, host=option.host, fix=fix)


def never_gives_up(unlimited: str, text: str) -> bool:
    """Return whether a value means that attempts never end, by the word of `Limit.unlimited`."""
    try:
        value = integer(text)
    except ValueError:
        return False
    if unlimited == "at-most-0":
        return value is None or value <= 0
    if value is None:
        return unlimited == "negative-or-empty"
    return value == -1 or (unlimited != "-1" and value < 0)


def _find_wrong(limit: Limit, text: str, facts: Facts) -> Optional[tuple[str, bool]]:
    """Return what is wrong with the value, and whether the service fails on it; None if it never gives up."""
    try:
        value = integer(text)
    except ValueError:
        return f"`{_line(text)}`, no integer, and the service does not start", True
    if limit.unlimited == "at-most-0":
        return None if value is None or value <= 0 else (f"`{_line(text)}`", False)
    if never_gives_up(limit.unlimited, text):
        return None
    if value is None:
        return "empty, which means no retry at all", False
    if value == 0:
        return "`0`, which means no retry at all", False
    if value < 0 and (limit.refused_until is None or not applies(facts.release, None, limit.refused_until)):
        return f"`{_line(text)}`, which means no retry at all", False
    if value < 0:
        known = facts.release.name is not None
        return f"`{_line(text)}`, and the service does not start" + ("" if known else " or does not retry at all"), True
    return f"`{_line(text)}`", False


def _absent(option_set: OptionSet, limit: Limit, connection: Option) -> Problem:
    place = connection.span if connection.origin == ENVIRONMENT else Span(connection.file, connection.key.start, connection.span.end)
    base, remark = _base_name(place.path), f" ({limit.remark})" if limit.remark else _SEEN
    what, severity = f"is not set (default `{limit.default}`)", limit.severity
    if limit.distribution and not option_set.files.complete:
        what, severity = f"is not set here, and what applies is unknown, likely `-1` from {limit.distribution}", "note"
        remark = f" ({limit.remark})" if limit.remark else ""
    message = f"{base}: `{_join_name(limit)}` {what}; it must be {limit.must_be}{remark}"
    fix = add_beside(option_set, connection, limit.names, limit.lasting)
    return Problem(place, message, f"option {_join_name(limit)}", (), severity, host=connection.host, fix=fix)


def _connection(option_set: OptionSet, limit: Limit, facts: Facts) -> Optional[Option]:
    """Return the option that names the server, if the programs of the set use it."""
    if option_set.files.partial or any(split_name(name) in option_set.options for name in limit.unless):
        return None
    names = [split_name(name) for name in limit.used_by if applies(facts.release, None, limit.used_by_until.get(name))]
    services = [s for s in facts.services if s.name in option_set.files.services]
    sections = {database.section for service in services for database in service.databases}
    if services and not sections.intersection(section for section, _ in (*names, *limit.names)):
        return None
    found = (option_set.options.get(name) for name in names)
    return next((option for option in found if option is not None and not _NO_SERVER.match(option.value)), None)


def _from_urls(option_set: OptionSet, limit: Limit, facts: Facts) -> Iterator[tuple[Option, str]]:
    """Yield each URL whose query string sets the option, and the value there."""
    if not limit.query or not applies(facts.release, limit.query_since, limit.until):
        return
    for name in limit.urls:
        option = option_set.options.get(split_name(name))
        value = _read_query(option.value, limit.query) if option is not None else None
        if option is not None and value is not None:
            yield option, value


def _read_query(url: str, name: str) -> Optional[str]:
    """Return what the query string of a URL says of a name, as oslo.messaging reads it: decoded, if it stands there again with a comma
    between, and None where it is empty."""
    from urllib.parse import parse_qs, urlsplit

    try:
        values = parse_qs(urlsplit(url).query).get(name)
    except ValueError:  # no URL at all
        return None
    return ",".join(values) if values else None


class _Registered(Struct, frozen=True):
    """The options that the programs of a set are known to have, for a `$reference` to one of them."""

    option_set: OptionSet
    limits: Sequence[Limit]
    others: Mapping[str, str]

    def text(self, name: Name, depth: int = 0) -> Optional[str]:
        """Return the text of an option, its own references replaced; None for one that is not known."""
        limit = next((limit for limit in self.limits if limit.names[0] == name), None)
        limit = limit or next((limit for limit in self.limits if name in limit.names), None)  # an old name stands for today's
        if depth >= _MOST_REFERENCES:
            return None
        if limit is not None:
            option, default = self.option_set.choose(limit.names), "" if limit.default is None else str(limit.default)
        elif name[1] in self.others and any(name[0] == limit.names[0][0] for limit in self.limits):
            option, default = self.option_set.options.get(name), self.others[name[1]]
        else:
            return None
        section = name[0] if limit is None else limit.names[0][0]
        return default if option is None else substitute(option.value, section, lambda other: self.text(other, depth + 1))


def _join_name(limit: Limit) -> str:
    return ".".join(limit.names[0])


def _line(value: str) -> str:
    return value.replace("\n", "\\n")


def _base_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _number(text: str) -> Optional[float]:
    return float(text) if text.strip() else None


_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType({"integer": integer, "number": _number, "boolean": boolean})
_WORDS: Mapping[str, str] = MappingProxyType({"integer": "a whole number", "number": "a number", "boolean": "`true` or `false`"})


def _outside(typed: Typed, value: Any) -> bool:
    return value is not None and (
        (typed.at_least is not None and value < typed.at_least) or (typed.at_most is not None and value > typed.at_most)
    )


def _range(typed: Typed) -> str:
    bounds = [f"at least `{typed.at_least:g}`"] if typed.at_least is not None else []
    bounds += [f"at most `{typed.at_most:g}`"] if typed.at_most is not None else []
    return " and ".join(bounds)


def _run_types(facts: Facts, params: Bounds) -> Iterator[Saw]:
    for option_set in option_sets(facts):
        files = option_set.files
        yield from (each for each in (_find_refusal(option_set), _elsewhere(option_set, facts)) if each is not None)
        for typed in params.types:
            if not files.read or not applies(facts.release, typed.since, typed.until):
                continue
            if typed.projects and files.project and files.project not in typed.projects:
                continue
            if _is_of_another_driver(option_set, typed):
                continue
            unsure = facts.release.name is None
            for name in typed.options:
                option = option_set.choose(typed.names(name, facts.release))
                if option is None or "$" in option.value:
                    continue
                by_old_name = (option.section, option.option) != split_name(name)
                limited = typed.old_names_until if by_old_name else typed.since
                severity: Optional[Literal["error", "warning", "note"]] = None
                try:
                    value = _READ[typed.type](option.value)
                except ValueError:
                    so, wanted = "and the service does not start", _WORDS[typed.type]
                    if unsure and limited is not None:
                        so, severity = "and a service of a release that has the option does not start", "warning"
                else:
                    if not _outside(typed, value) or not applies(facts.release, typed.bounds_since, None):
                        continue
                    so, wanted = "and the service does not start", _range(typed)
                    if unsure and typed.bounds_since is not None:
                        so, severity = f"which {typed.library} and later refuse, so that the service does not start", "warning"
                shown = option.value.replace("\n", "\\n")
                called = f"`{option.name}`" + (f", old name of `{'.'.join(split_name(name))}`," if by_old_name else "")
                message = f"{_base_name(option.span.path)}: {called} is `{shown}`, {so}; it must be {wanted}"
                yield Problem(option.span, message, f"option {option.name}", severity=severity, host=option.host)


_NAMES = {"uwsgi": "uWSGI"}


class WorkerParams(Document, frozen=True):
    """`runner` is the web server, `server` what its program was seen to be without for good, `option` what bounds the attempts.

    `old_names` are older names, by the name of an option (all `section/option`), which releases up to `old_names_until` read.
    """

    runner: Annotated[Literal["uwsgi"], Meta(description="the web server that runs the program")]
    server: Annotated[Literal["database"], Meta(description="the server that is tried")]
    option: Annotated[str, Meta(description="the option that bounds the attempts, in the section of each database")]
    default: Annotated[int, Meta(description="what the option is where it is not set")]
    old_names: Annotated[
        Mapping[OptionName, tuple[OptionName, ...]], Meta(description="older names of the options that name databases and bound attempts")
    ] = field(default_factory=dict)
    old_names_until: Annotated[Optional[ReleaseName], Meta(description="the last release that reads the older names")] = None

    def names(self, section: str, option: str, release: Release) -> list[Name]:
        """Return the names under which a release reads an option, in the order in which oslo.config looks for them."""
        old = self.old_names.get(f"{section}/{option}", ()) if applies(release, None, self.old_names_until) else ()
        return [(section, option), *map(split_name, old)]


def _run(facts: Facts, params: WorkerParams) -> Iterator[Saw]:
    sets = option_sets(facts)
    yield from (Unknown(because, unit.span) for because, unit in strangers(facts) if unit.runner == params.runner)
    for unit in units(facts):
        service = unit.service
        if service is None or unit.runner != params.runner or not _stays_broken(service, params, facts.release.name):
            continue
        mine = [one for one in sets if one.files.host == unit.host and _is_of(one, service)]
        if not mine:
            yield Unknown(f"no option file of {service.title} was given", unit.span)
        for option_set in mine:
            yield from _judge_worker(unit, service, option_set, params, facts)


def _stays_broken(service: Service, params: WorkerParams, release: Optional[str]) -> bool:
    """Return whether a program of the service was seen to stay up broken, in the release nearest to this one; in any, if not known."""
    found = [one for one in service.outcomes if (one.server, one.under) == (params.server, params.runner)]
    return any(one.broken for one in nearest(found, release))


def _is_of(option_set: OptionSet, service: Service) -> bool:
    files = option_set.files
    if files.refused is not None or files.untold or not files.read or files.project != service.project:
        return False
    return not files.services or service.name in files.services


def _judge_worker(unit: Unit, service: Service, option_set: OptionSet, params: WorkerParams, facts: Facts) -> Iterator[Saw]:
    seen, release, elsewhere = False, facts.release, _elsewhere(option_set, facts)
    for database in service.databases:
        section = database.retry_section or database.section
        connection = option_set.choose(params.names(database.section, database.option, release))
        seen = seen or connection is not None
        if connection is None or _NO_SERVER.match(connection.value):
            continue
        option = option_set.choose(params.names(section, params.option, release))
        name = f"{section}.{params.option}"
        if option is None and elsewhere is not None:
            yield elsewhere
        elif option is None and not option_set.files.complete and _may_lie_below(database):
            yield Unknown(f"what `{name}` is in the distribution's own file is not known", connection.span)
        elif option is None:
            yield _problem(unit, connection, f"`{name}` is not set (default `{params.default}`)", name)
        elif not never_gives_up("-1", option.value):
            yield _judge_attempts(unit, option, name)
    if not seen:
        yield Unknown(f"no database connection of {service.title} is in what was given", unit.span)


def _judge_attempts(unit: Unit, option: Option, name: str) -> Saw:
    """Return the problem of a number of attempts that ends; Unknown for what is no such number, of which nothing was seen."""
    value = integer(option.value) if _is_integer(option.value) else None
    if value is None or value < 0:
        return Unknown(f"what comes of `{option.name}` = `{_line(option.value)}` was not seen", option.span)
    called = f"`{name}`" if option.name == name else f"`{option.name}`, old name of `{name}`,"
    return _problem(unit, option, f"{called} is `{_line(option.value)}`", name)


def _may_lie_below(database: Database) -> bool:
    """Return whether RDO's file of the distribution sets the retries of a database: of the first of nova's, which others lack."""
    return database.section == "database"


def _problem(unit: Unit, place: Option, what: str, name: str) -> Problem:
    runner = _NAMES.get(unit.runner, unit.runner)
    started = unit.lists.get("Service.ExecStart", ())
    message = (
        f"{unit.name}: {runner} runs it, and {what}: after the last attempt it was seen to answer 500 for good"
        " while the unit is active, so that nothing restarts it; it must be `-1`"
    )
    related = (Related(place.span, f"`{place.name}` is here"),)
    return Problem(started[-1].span if started else unit.span, message, f"unit {unit.name} {name}", related, host=unit.host)


def _evidence(facts: Facts, _: WorkerParams) -> str | None:
    return lacking_units(facts, (ACTIVE_ACTIVE,))


CHECKS = (
    Check("option-present", _run_present, needs_option_files, Presences, _READS),
    Check("retries-not-read", _run_misplaced, needs_option_files, Homes, _READS),
    Check("option-bounds", _run_bounds, needs_option_files, Bounds, Reads(("oslo",))),
    Check("worker-that-answers-500", _run, _evidence, WorkerParams, Reads(("unit",))),
)
