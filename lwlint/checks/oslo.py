"""Options that must stand where they are read, and those that stand where nothing reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Optional

from msgspec import Meta, field

from lwlint.checks.parameters import OptionName, Project, ReleaseName
from lwlint.core.check import Check, Reads, Saw, Unknown
from lwlint.core.config_reader import Document
from lwlint.core.facts import Facts, Release
from lwlint.core.finding import AddOption, DropLines, Fix, Problem, Replace, SetOption
from lwlint.inputs.oslo.facts import (
    ENVIRONMENT,
    FILE,
    Name,
    Option,
    OptionFiles,
    OptionSet,
    applies,
    needs_option_files,
    option_sets,
    split_name,
)

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
        safe="$" not in option.value and not _named(option_set, option, *(name for _, name in names)),
    )


def add_beside(option_set: OptionSet, connection: Option, names: Sequence[Name], value: str) -> Optional[Fix]:
    """Return the fix that adds an option, by the first of its `names`, to the file of another one. It is safe unless others refer to it."""
    if not is_ours(connection):
        return None
    section, option = names[0]
    tied = _named(option_set, connection, *(name for _, name in names))
    return Fix(f"add `{option} = {value}` to `[{section}]`", (AddOption(connection.key, section, option, value),), safe=not tied)


def take_away(option_set: OptionSet, option: Option) -> Optional[Fix]:
    """Return the fix that takes away an option which nothing reads, and all values of it that this one beats."""
    spans = [option.key, *(text.span for text in option.beaten)]
    if not is_ours(option) or any(text.span.path != option.file for text in option.beaten) or _named(option_set, option, option.option):
        return None
    return Fix(f"take `{option.name}` away", tuple(DropLines(span) for span in spans))


def rename(option_set: OptionSet, option: Option, to: Name, *, alike: bool = False) -> Optional[Fix]:
    """Return the fix that gives an option the name (section and option) under which it is read; none if that is taken.

    It is safe if both names are `alike`, or if the value is as it should be, for then to be read is what was meant; not
    where other options refer to the name that it gets, or to any other of retries, which it may be an old name of.
    """
    section, name = to
    if not is_ours(option) or to in option_set.options or option.beaten or _named(option_set, option, option.option):
        return None
    safe = (alike or option.value.strip() == "-1") and not _named(option_set, option, name, *_RETRIES)
    if section == option.section:
        return Fix(f"call it `{name}`", (Replace(option.key, name),), safe=safe)
    if not re.fullmatch(r"[+-]?\d+", option.value):
        return None
    changes = (DropLines(option.key), AddOption(option.key, section, name, option.value))
    return Fix(f"move it to `[{section}]` as `{name}`", changes, safe=safe)


def _named(option_set: OptionSet, option: Option, *names: str) -> bool:
    """Return whether the value of an option other than this one refers to an option with one of the names, in whatever section."""
    pattern = re.compile(rf"\$\{{?(?:[\w-]+\.)?(?:{'|'.join(map(re.escape, names))})\b")
    others = (value for other in option_set.options.values() if other is not option for value in (other.value, *other.values))
    return any("$" in value and pattern.search(value) for value in others)


_ASSIGNMENT = re.compile(r"(?P<key>[\w-]+)\s*[=:]")


class Presence(Document, frozen=True):
    """Options whose presence says something. The first of `options` (`section/option`) that is set is blamed, with `message`.

    It counts for `projects` (all if empty, less `not_projects`), from release `since` to `until`, where none of `unless` is set;
    with `known`, only where the release is known. `value` is an expression for the beginning of its value, `only_if` such ones for other
    options that must be set. `query` is a name in the query string of the option, whose presence is meant.
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
    value: Annotated[Optional[str], Meta(description="it counts only where the option has this value")] = None
    only_if: Annotated[Mapping[OptionName, str], Meta(description="other options that must have these values")] = field(
        default_factory=dict
    )
    query: Annotated[str, Meta(description="its name in the query string of the URL that the option holds")] = ""


class Presences(Document, frozen=True):
    """What `option-present` looks for."""

    presences: Annotated[tuple[Presence, ...], Meta(description="what is looked for", min_length=1)]


def _refused(option_set: OptionSet) -> Optional[Unknown]:
    files = option_set.files
    if files.refused is None:
        return None
    return Unknown(f"oslo.config refuses `{files.refused}`, so that nothing is known of `{files.name}`", files.span)


def _run_present(facts: Facts, params: Presences) -> Iterator[Saw]:
    for option_set in option_sets(facts):
        refused = _refused(option_set)
        if refused is not None:
            yield refused
            continue
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
    if presence.query and not re.search(rf"[?&]{re.escape(presence.query)}=", option.value):
        return False
    return presence.value is None or re.match(presence.value, option.value) is not None


def _set_to(option_set: OptionSet, name: str, value: str) -> bool:
    option = option_set.options.get(split_name(name))
    return option is not None and re.match(value, option.value) is not None


def _fix(option_set: OptionSet, option: Option, presence: Presence) -> Optional[Fix]:
    if presence.query:
        return None
    if presence.needless:
        return take_away(option_set, option)
    if not presence.instead:
        return None
    return rename(option_set, option, split_name(presence.instead), alike=True)  # wherever the old one is read


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
        refused = _refused(option_set)
        if refused is not None:
            yield refused
            continue
        for option in option_set.options.values():
            if option.origin == ENVIRONMENT:
                continue
            yield from _swallowed(option, homes)
            home = homes.get(option.option.lower().replace("-", "_"))
            wrong = _misplaced(option, home, params, option_set.files, facts.release) if home is not None else None
            if wrong is not None:
                message, to = wrong
                fix = rename(option_set, option, to) if to is not None else None
                yield Problem(option.key, f"{_base(option)}: {message}", f"option {option.name}", host=option.host, fix=fix)


def _misplaced(option: Option, home: Home, params: Homes, files: OptionFiles, release: Release) -> Optional[tuple[str, Optional[Name]]]:
    """Return what keeps the option from being read, if anything does, and the name that it must have."""
    meant = _meant(option.section, home)
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
        if ".conf.d/" in option.file and not option.file.endswith(".conf"):
            return f"{spelt} is in a file that is not read; its name must end with `.conf`", None
        return f"{spelt} is in a file that none of the units given reads", None
    return None


def _meant(section: str, home: Home) -> Optional[str]:
    """Return the section that `section` is or was meant to be: equal but for blanks, and `DEFAULT` in another spelling."""
    if section in home.sections:
        return section
    bare = section.strip().lower()
    return next((known for known in home.sections if known.lower() == bare), None)


def _swallowed(option: Option, homes: dict[str, Home]) -> Iterator[Problem]:
    for line in option.continued:
        match = _ASSIGNMENT.match(line.value)
        if match and match["key"].lower().replace("-", "_") in homes:
            what = f"`{line.value}` is indented and so continues the value of `{option.name}`"
            message = f"{_base(option)}: {what}; it must begin in the first column"
            yield Problem(line.span, message, f"option {option.name} continued", host=option.host)


def _base(option: Option) -> str:
    return option.key.path.rsplit("/", 1)[-1]


_READS = Reads(("oslo",))
CHECKS = (
    Check("option-present", _run_present, needs_option_files, Presences, _READS),
    Check("retries-not-read", _run_misplaced, needs_option_files, Homes, _READS),
)
