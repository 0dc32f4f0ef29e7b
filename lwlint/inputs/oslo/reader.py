"""Option files -> option sets and their effective options, as the programs that read them see them.

Of the text of each file every header, key and value is found with its span. The grammar is that of oslo.config's own reader (the same from
3.9 to 10.7): lines as Python's text files have them (`\\n`, `\\r\\n` and `\\r` end one, a form feed does not), trailing white space of any
kind dropped, `#` and `;` a comment only in the first column, a line that begins with a blank or a tab the continuation of the value above,
the first of `=` and `:` the end of a key, one pair of quotes around a value's first line taken off.

One line is read otherwise: one of nothing but asterisks is what a support report's scrubbing leaves of a line that held a secret.
oslo.config would refuse it, but never saw it; it is kept apart in `masked`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.catalogue import PROJECTS, Catalogue
from lwlint.core.facts import Fact, NotEvaluated, Release, Unreadable
from lwlint.core.kind import UNREADABLE, Piece
from lwlint.core.secret import is_secret, mask_secrets
from lwlint.core.secret_names import ADDRESSES, OPTIONS_HERE
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.oslo import layout as layout
from lwlint.inputs.oslo.facts import ENVIRONMENT, Name, Option, OptionFiles, normal
from lwlint.inputs.oslo.layout import Command, Place, Reader, Variable, commands, is_from_rdo, read_container
from lwlint.inputs.systemd.facts import Unit

_LINE = re.compile(r"\n([^#;\n].*)")  # a line that is neither empty nor a comment, with the break in front of it
_MASK = "*********"
_USER = re.compile(r"[^:;/%@\s]*(?:[:;/]|%3[aA])")  # a user, and what is written between it and its password
NO_ASSIGNMENT = "no `=` or `:` in the line"
EMPTY_KEY = "no key before `=` or `:`"
CONTINUES_NOTHING = "the line is indented, but there is no value above that it could continue"
SECTION_NOT_CLOSED = "a section header must end with `]`"
SECTION_EMPTY = "the section has no name"
NO_UTF8 = "its bytes are no UTF-8"
BEFORE_ANY_SECTION = "the key comes before any section"
BYTE_ORDER_MARK = "the file begins with a byte order mark, which oslo.config takes as part of the first line"
_KOLLA = "etc/kolla/"
_OVERRIDES = "etc/kolla/config/"
_MOST_BEATEN = 50  # more of them explain nothing
_TELLING = (
    "database", "api_database", "placement_database", "storage:sqlalchemy", "indexer", "oslo_messaging_rabbit",
    "oslo_messaging_notifications",
)  # fmt: skip


class Setting(NamedTuple):
    """One assignment, kept small, for a file may hold very many.

    `value` is what oslo.config sees: quotes of the first line off, lines joined by `\\n`. Its span reaches from the first to
    the last character of the value as written, quotes included; an empty value's span is empty and lies behind the `=`.
    `continued` are the lines that continue the value.
    """

    section: Text
    name: str
    text: str
    key_start: int
    start: int
    end: int
    continued: tuple[Text, ...] = ()

    @property
    def key(self) -> Text:
        """The key as written, and where it stands."""
        return Text(self.name, Span(self.section.span.path, self.key_start, self.key_start + len(self.name)))

    @property
    def value(self) -> Text:
        """The value, and where it stands."""
        return Text(self.text, Span(self.section.span.path, self.start, self.end))


class OptionText(Struct, frozen=True):
    """One option file as read. `headers` are the section names as written, with the span of `[name]`.

    `masked` are lines that a report's scrubbing took away. `refused` tells where and why oslo.config refuses the whole
    file; the rest is then what stands above.
    """

    path: str
    headers: tuple[Text, ...]
    settings: tuple[Setting, ...]
    refused: Unreadable | None = None
    masked: tuple[Span, ...] = ()


Texts = Mapping[str, OptionText]  # by path in the place


class _Refusal(Exception):
    def __init__(self, start: int, end: int, message: str) -> None:
        super().__init__(message)
        self.start, self.end = start, end


def read(source: Source) -> OptionText:
    """Return the headers and settings of `source`, in order; none of one whose bytes are no UTF-8, as oslo.config has it."""
    if source.kind == UNREADABLE:
        return OptionText(source.path, (), (), Unreadable(source.path, source.span(0, 0), NO_UTF8, source.host))
    reader = _Reader(source)
    refused = None
    try:
        reader.read_lines()
    except _Refusal as refusal:
        at_mark = refusal.start == 0 and source.text[:1] == "\ufeff"
        message = BYTE_ORDER_MARK if at_mark else str(refusal)
        refused = Unreadable(source.path, source.span(refusal.start, refusal.end), message, source.host)
    return OptionText(source.path, tuple(reader.headers), tuple(reader.settings), refused, tuple(reader.masked))


class _Reader:
    def __init__(self, source: Source) -> None:
        self._path = source.path
        text = source.text
        if "\r" in text:  # same length, so that offsets stay true; a blank at the end of a line means nothing
            text = text.replace("\r\n", " \n").replace("\r", "\n")
        self._text = "\n" + text
        self._section: Text | None = None
        self._open: tuple[str, str, int, int, int] | None = None  # an assignment that may be continued, as in Setting
        self._continued: list[Text] = []
        self.headers: list[Text] = []
        self.settings: list[Setting] = []
        self.masked: list[Span] = []

    def _span(self, start: int, end: int) -> Span:
        return Span(self._path, start, end)

    def read_lines(self) -> None:
        """Read every line; raise _Refusal where oslo.config does."""
        after = 0  # where the line behind the last one begins
        for match in _LINE.finditer(self._text):
            start = match.start()
            line = match.group(1).rstrip()
            if self._open is not None and (start != after or not line):
                self._close()
            after = match.end()
            if not line:
                continue
            if line[0] in " \t":
                self._continue(line, start)
                continue
            if self._open is not None:
                self._close()
            if line[0] == "[":
                self._header(line, start)
            elif line == _MASK:
                self.masked.append(self._span(start, start + len(line)))
            else:
                self._assignment(line, start)
        if self._open is not None:
            self._close()

    def _continue(self, line: str, start: int) -> None:
        stripped = line.lstrip()
        end = start + len(line)
        if self._open is None:
            raise _Refusal(end - len(stripped), end, CONTINUES_NOTHING)
        self._continued.append(Text(stripped, self._span(end - len(stripped), end)))

    def _header(self, line: str, start: int) -> None:
        end = start + len(line)
        if line[-1] != "]":
            raise _Refusal(start, end, SECTION_NOT_CLOSED)
        if len(line) <= 2:
            raise _Refusal(start, end, SECTION_EMPTY)
        self._section = Text(line[1:-1], self._span(start, end))
        self.headers.append(self._section)

    def _assignment(self, line: str, start: int) -> None:
        equal, colon = line.find("="), line.find(":")
        split = equal if colon < 0 or 0 <= equal < colon else colon
        if split < 0:
            raise _Refusal(start, start + len(line), NO_ASSIGNMENT)
        key = line[:split].strip()
        if not key:
            raise _Refusal(start, start + len(line), EMPTY_KEY)
        value = line[split + 1 :].strip()
        value_end = start + len(line) if value else start + split + 1
        value_start = value_end - len(value)
        if value and value[0] in "\"'" and value[0] == value[-1]:
            value = value[1:-1]
        self._open = key, value, start + line.find(key), value_start, value_end

    def _close(self) -> None:
        assert self._open is not None
        key, value, key_start, start, end = self._open
        if self._section is None:
            raise _Refusal(key_start, key_start + len(key), BEFORE_ANY_SECTION)
        continued = tuple(self._continued)
        if continued:
            start = start if start < end else continued[0].span.start
            end = continued[-1].span.end
            value = "\n".join((value, *(line.value for line in continued)))
            self._continued.clear()
        self.settings.append(Setting(self._section, key, value, key_start, start, end, continued))
        self._open = None


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the settings and the sections of an option file."""
    options = read(source)
    heads = [header.span.start for header in options.headers]
    yield from ((setting.key_start, setting.end) for setting in options.settings)
    yield from zip(heads, [*heads[1:], len(source.text) + 1])


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the values of options that are secrets, with the lines that they go on in, and of passwords in odd addresses."""
    for setting in read(source).settings:
        if setting.name in ADDRESSES and "@" in setting.text:
            yield from _in_address(source.text, setting)
        elif setting.name.lower().replace("-", "_") in OPTIONS_HERE or is_secret(setting.name):
            yield setting.start, setting.end


def _in_address(text: str, setting: Setting) -> Iterator[Piece]:
    """Yield what may be a password in an address over several lines, or in one that no line shows to be one (`nova:hunter2@db`)."""
    written = text[setting.start : setting.end]
    if "\n" not in written and mask_secrets(written) != written:
        return
    begin = written.find("://") + 3 if "://" in written else 0
    end = written.rfind("@")
    user = _USER.match(written, begin, max(end, begin))
    if user is not None and user.end() < end:
        yield setting.start + user.end(), setting.start + end


class _Set(Struct, frozen=True):
    """An option set before its files are merged; `paths` are those that were given, in load order. `explicit`: a unit names
    them; `bare`: no distribution's file can lie under them."""

    project: str
    program: str
    paths: tuple[str, ...]
    services: tuple[str, ...] = ()
    partial: bool = False
    read: bool = True
    explicit: bool = False
    bare: bool = False
    missing: tuple[str, ...] = ()
    environment: tuple[Variable, ...] = ()
    untold: str = ""


def _nothing(path: str) -> str | None:
    """Return None: the reader of a run that has no file beside those that it is given."""
    return None


def option_facts(
    sources: Sequence[Source],
    units: Sequence[Unit],
    catalogue: Catalogue,
    release: Release,
    read_beside: Reader = _nothing,
    refused: Sequence[Source] = (),
) -> Iterator[Fact]:
    """Yield, for all option files: `Unreadable` where oslo.config refuses one, the option sets, their effective options.

    Units that start programs tell what these read; without them it is oslo.config's own search, and what the
    services' usual units add. Where a project's files for containers are given, the host's own are not read by anything.
    `read_beside` gives the text of a file that is no option file: a unit's environment, or what kolla starts a container by.
    `refused` are option files whose bytes are no UTF-8, of which was told before: oslo.config refuses them too.
    """
    started = commands(units, read_beside)
    sources = [*sources, *refused]
    told = {source.path for source in refused}
    hosts = {source.path: source.host for source in sources}
    taken: set[str] = set()
    for place, texts, spare in _places(sources, catalogue):
        for text in (*texts.values(), *spare):
            if text.refused is not None and text.path not in told:
                yield text.refused
            for span in text.masked:
                yield NotEvaluated(text.path, span, "the line was masked when the report was made", hosts[text.path])
        sets = _sets(place, texts, started, catalogue, read_beside)
        sets += [_Set("", text.path, (text.path,), partial=True) for text in spare]
        every = {**texts, **{text.path: text for text in spare}}
        names = _names(place, sets, taken)
        distribution = any(path.startswith("usr/share/") for path in every)
        files = [_files(place, item, name, every, hosts, distribution) for item, name in zip(sets, names)]
        yield from files
        environment = release.at_least("stein") is not False
        yield from _options([(s, f) for s, f in zip(sets, files) if f.refused is None], every, environment)


def _places(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[tuple[Place, dict[str, OptionText], list[OptionText]]]:
    """Yield each place with its files by path, and those whose path is taken already (two copies in one folder)."""
    found: dict[Place, dict[str, Source]] = {}
    spare: dict[Place, list[Source]] = {}
    for source in sources:
        place, path = layout.locate(source, lambda program: catalogue.of_program(program) is not None)
        if layout.is_foreign(path):
            continue
        if found.setdefault(place, {}).setdefault(path, source) is not source:
            spare.setdefault(place, []).append(source)
    generated: set[tuple[str, str]] = set()
    contained: set[tuple[str, str]] = set()
    for place, files in found.items():
        if place.name:
            owned = {_find_owner(place, path) for path in files}
            contained |= owned
            generated |= owned if place.generated else set()
    for place, files in found.items():
        if layout.PLUGIN in files and layout.ML2 in files and files[layout.PLUGIN].text == files[layout.ML2].text:
            del files[layout.PLUGIN]  # a link, whose file is judged where it lies
        if not place.generated and not place.loose:  # copies made for containers are read in its stead
            better = {_find_owner(place, path) for path in files if path.startswith(_KOLLA) and not path.startswith(_OVERRIDES)}
            better |= {one for one in {_find_owner(place, path) for path in files} if one in (generated if place.name else contained)}
            files = {
                path: source for path, source in files.items() if _find_owner(place, path) not in better or path.startswith("etc/kolla/")
            }
        if files:
            yield place, {path: read(source) for path, source in files.items()}, [read(source) for source in spare.get(place, ())]


def _find_owner(place: Place, path: str) -> tuple[str, str]:
    return place.root, layout.project_of(path)


def _sets(place: Place, texts: Texts, started: Iterable[Command], catalogue: Catalogue, read_beside: Reader) -> list[_Set]:
    ours = [] if place.name else [command for command in started if command.root == place.root]
    index = layout.Paths(texts if ours else ())
    sets = _merge(_of_command(place, command, texts, index, catalogue) for command in ours)
    covered = {path for item in sets for path in item.paths}
    told = {item.project for item in sets if item.explicit}
    programs = {command.program for command in ours if command.files or command.folders}
    unsure = {layout.project_of_program(command.program) for command in ours if command.untold or command.unordered}
    groups: dict[tuple[str, str], list[str]] = {}
    for path in texts:
        project = layout.project_of(path)
        home = "" if _is_at_home(path, project) else layout.home(path)
        groups.setdefault((home, project), []).append(path)
    unnamed = groups.pop(("", ""), [])
    for (home, project), paths in groups.items():
        if home:
            sets += _sets_of_folder(place, home, project, [path for path in paths if path not in covered], catalogue, read_beside)
            continue
        for found in layout.searches(project, paths):
            if any(path.startswith("etc/") and path not in covered for path in found.paths) or not covered.issuperset(found.paths):
                service = catalogue.of_program(found.program) if any(f"/{found.program}.conf.d/" in path for path in found.paths) else None
                services = (service.name,) if service is not None else _readers(place, found.paths, catalogue)
                told_otherwise = ((project in told and found.partial) or found.program in programs) and project not in unsure
                read = found.read and not told_otherwise
                files = tuple(path for path in found.paths if path not in covered) if told_otherwise else found.paths
                sets.append(_Set(project, found.program, files, services, found.partial, read=read))
    for name, paths in layout.find_unnamed([path for path in unnamed if path not in covered]):
        sets.append(_Set(_common(paths), name, tuple(paths)))
    return sets


def _is_at_home(path: str, project: str) -> bool:
    """Return whether a file lies where the distributions of `project` have its files, or in no folder at all."""
    parts = path.split("/")
    return len(parts) <= 2 or parts[0] != "etc" or parts[1] == project or (len(parts) == 3 and parts[1].endswith(".conf.d"))


def _common(paths: Sequence[str]) -> str:
    """Return the project that loose files of one set are of, by their names; empty if these tell none, or several."""
    found = {layout.project_named(path.rsplit("/", 1)[-1]) or "" for path in paths}
    return found.pop() if len(found) == 1 else ""


def _sets_of_folder(
    place: Place, home: str, project: str, paths: Sequence[str], catalogue: Catalogue, read_beside: Reader
) -> Iterator[_Set]:
    """Yield the sets of the files of one project in a folder that is not its own (`etc/kolla/nova-api/`, `etc/openstack/nova/`)."""
    if home.startswith(_OVERRIDES):
        for path in (path for path in paths if not layout.is_hidden(path)):  # which kolla-ansible merges into files of its own
            program = path.rsplit("/", 1)[-1].removesuffix(".conf")
            one = catalogue.of_program(program) if program != project else None
            yield _Set(project, path[len("etc/kolla/") :], (path,), (one.name,) if one is not None else (), partial=True)
        return
    called = home.rstrip("/").rsplit("/", 1)[-1]
    container = read_container(read_beside(place.root + home + "config.json")) if home.startswith(_KOLLA) else None
    if container is not None:
        called = container.program or called
        moved = {container.files.get(path[len(home) :], path): path for path in paths}
        there = {(to if to != path else layout.find_installed(path[len(home) :], project)): path for to, path in moved.items()}
    else:
        there = {layout.find_installed(path[len(home) :], project): path for path in paths}
    service = catalogue.of_program(called) or catalogue.of_container(called.replace("-", "_"))
    for found in layout.searches(project, there):
        order = _in_order(container.arguments, there) if container is not None else []
        order = order or list(found.paths)
        services = (service.name,) if service is not None else _readers(place, found.paths, catalogue)
        program = called if service is not None else f"{home.split('/', 1)[-1]}{found.program}"
        yield _Set(project, program, tuple(there[path] for path in order), services, found.partial, read=found.read, bare=True)


def _in_order(arguments: Iterable[str], there: Iterable[str]) -> list[str]:
    """Return those of the files that are `there` which the arguments name, in their order; folders end with `/`."""
    every = list(there)
    paths: list[str] = []
    for argument in arguments:
        paths += layout.folder(every, argument) if argument.endswith("/") else [path for path in (argument,) if path in every]
    return _last(paths)


def _last(paths: Sequence[str]) -> list[str]:
    """Return each path once, where it stands last: a file that is read again beats what was read since."""
    return list(dict.fromkeys(reversed(paths)))[::-1]


def _of_command(place: Place, command: Command, texts: Texts, index: layout.Paths, catalogue: Catalogue) -> _Set | None:
    """Return what a unit's program reads of the files of its place, whose paths are in the `index`; None if that is nothing."""
    service = command.unit.service or catalogue.of_unit(command.unit.name)
    paths: list[str] = []
    missing: list[str] = []
    for argument in command.arguments:
        inside = argument.lstrip("/")
        if inside == layout.PLUGIN and inside not in texts:
            inside = layout.ML2  # to which it is a link
        if place.loose and inside not in texts:
            inside = inside if inside.endswith("/") else inside.rsplit("/", 1)[-1]
        found = layout.folder(index.directly_in(inside), inside) if inside.endswith("/") else [path for path in (inside,) if path in texts]
        paths += found
        if not found and not argument.endswith("/"):
            missing.append(argument)
    projects = [project for project in map(layout.project_of, paths) if project in PROJECTS]
    project = max(projects, key=projects.count) if projects else layout.project_of_program(command.program) or ""
    untold = command.untold
    if project and not (command.files and command.folders):
        found = layout.search(project, command.program, index)
        files = [] if command.files else [path for path in found if ".conf.d/" not in path]
        if command.instead and not command.files:
            files = [path for path in (name.lstrip("/") for name in command.instead) if path in texts]
        by_default = [] if command.folders else [path for path in found if ".conf.d/" in path]
        # folders that nobody names are read with the files that nobody names, and so before those of the command line
        paths = files + by_default + paths
        untold = untold or (command.unordered if by_default else "")
    paths = _last(paths)
    if not any(path.startswith("etc/") or place.loose for path in paths):
        return None
    services = (service.name,) if service is not None else ()
    return _Set(
        project,
        command.program,
        tuple(paths),
        services,
        explicit=command.files,
        bare=command.files or not is_from_rdo(command.unit.name, project),
        missing=tuple(missing),
        environment=command.environment,
        untold=untold,
    )


def _merge(sets: Iterable[_Set | None]) -> list[_Set]:
    """Return the sets with those of the same files and environment made one."""
    found: dict[tuple[object, ...], _Set] = {}
    for item in sets:
        if item is None:
            continue
        key = (item.paths, item.missing, item.environment, item.untold)
        first = found.get(key)
        if first is None:
            found[key] = item
            continue
        together = tuple(dict.fromkeys((*first.services, *item.services))) if first.services and item.services else ()
        found[key] = replace(first, services=together, explicit=first.explicit and item.explicit, bare=first.bare and item.bare)
    return list(found.values())


def _readers(place: Place, paths: Iterable[str], catalogue: Catalogue) -> tuple[str, ...]:
    prefix = f"/var/lib/config-data/puppet-generated/{place.name}/" if place.generated else "/"
    readers = [s.name for path in paths if path.startswith("etc/") for s in catalogue.of_config_file(prefix + path)]
    return tuple(dict.fromkeys(readers))


def _names(place: Place, sets: Iterable[_Set], taken: set[str]) -> Iterator[str]:
    """Yield a name for each set that is not `taken` (by a loose file beside a host's tree, say), and take it."""
    prefix = place.root + (f"{place.name}:" if place.name else "")
    numbers: dict[str, int] = {}  # of the names that were given, the next one to try
    for item in sets:
        name = prefix + item.program
        number = numbers.get(name, 2)
        while name in taken:
            name = f"{prefix}{item.program}#{number}"
            number += 1
        numbers[prefix + item.program] = number
        taken.add(name)
        yield name


def _files(place: Place, item: _Set, name: str, texts: Texts, hosts: Mapping[str, str], distribution: bool) -> OptionFiles:
    """Return the fact of one set; `distribution` tells whether a file of a distribution is among those of the place."""
    shown = tuple(texts[path].path for path in item.paths)
    refused = next((texts[path].path for path in item.paths if texts[path].refused is not None), None)
    if place.loose:
        distribution = any(path.startswith("usr/share/") for path in item.paths)
    unseen = any(path.startswith("/usr/share/") for path in item.missing)
    complete = not place.name and (distribution or item.bare) and not unseen
    return OptionFiles(
        name=name,
        span=Span(shown[0], 0, 0),
        project=item.project,
        program=item.program,
        files=shown,
        services=item.services,
        complete=complete,
        partial=item.partial,
        read=item.read,
        refused=refused,
        missing=item.missing,
        untold=item.untold,
        known=item.project in PROJECTS or any(_tells(texts[path]) for path in item.paths),
        host=hosts.get(shown[0], ""),
    )


def _tells(text: OptionText) -> bool:
    """Return whether a file of an unknown program has a section or an option that rules judge."""
    return any(
        normal(setting.section.value) in _TELLING
        or setting.name in ("transport_url", "sql_connection", "sql_max_retries", "rabbit_max_retries")
        for setting in text.settings
    )


def _options(sets: Sequence[tuple[_Set, OptionFiles]], texts: Texts, environment: bool) -> Iterator[Option]:
    """Yield the effective options of the sets; what is the same in several sets is one fact."""
    if len(sets) == 1:
        yield from _effective(*sets[0], texts, environment)
        return
    found: dict[tuple[object, ...], tuple[Option, list[str], dict[str, None]]] = {}
    for item, files in sets:
        for option in _effective(item, files, texts, environment):
            key = (option.span, option.key, option.origin, option.beaten)
            same = found.get(key)
            if same is None:
                found[key] = option, [files.name], dict.fromkeys(option.services)
            else:
                same[1].append(files.name)
                same[2].update(dict.fromkeys(option.services))
    for option, names, services in found.values():
        yield option if len(names) == 1 else replace(option, sets=tuple(names), services=tuple(services))


def _effective(item: _Set, files: OptionFiles, texts: Texts, environment: bool) -> Iterator[Option]:
    settings: dict[Name, list[Setting]] = {}
    for path in item.paths:
        for setting in texts[path].settings:
            settings.setdefault((normal(setting.section.value), setting.name), []).append(setting)
    of_variables = {(v.section, v.option): settings.get((v.section, v.option), []) for v in item.environment}
    for section, option in list(settings):
        every = settings.pop((section, option))  # let go of at once: a file may hold very many
        last = every[-1]
        span = last.value.span if last.end > last.start else last.key.span
        yield Option(
            name=f"{section}.{option}",
            section=section,
            option=option,
            value=last.text,
            span=span,
            key=last.key.span,
            file=span.path,
            project=item.project,
            sets=(files.name,),
            services=item.services,
            beaten=tuple(setting.value for setting in every[:-1][-_MOST_BEATEN:][::-1]),
            values=tuple(setting.text for setting in every),
            continued=last.continued,
            written=last.section.value,
            host=files.host,
        )
    for variable in item.environment if environment else ():
        beaten = tuple(setting.value for setting in of_variables[variable.section, variable.option][::-1])
        yield _of_variable(variable, item, files, beaten)


def _of_variable(variable: Variable, item: _Set, files: OptionFiles, beaten: tuple[Text, ...]) -> Option:
    return Option(
        name=f"{variable.section}.{variable.option}",
        section=variable.section,
        option=variable.option,
        value=variable.value,
        span=variable.span,
        key=variable.span,
        file=variable.span.path,
        project=item.project,
        sets=(files.name,),
        services=item.services,
        beaten=beaten,
        values=(variable.value,),
        origin=ENVIRONMENT,
        written=variable.section,
        host=files.host,
    )
