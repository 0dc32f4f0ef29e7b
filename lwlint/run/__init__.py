"""One run: paths become sources, facts, findings and verdicts; fixes and the examples of rules are runs too.

This is the public API behind `lwlint.check`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue
from lwlint.core.config_reader import near
from lwlint.core.facts import NUMBERED, RELEASES, Fact, Facts, Release, Unreadable, UnusedAllow
from lwlint.core.finding import FAIL, PASS, ConfigurationError, Finding, Report, Verdict
from lwlint.core.kind import UNREADABLE, Kind, Material
from lwlint.core.secret import without
from lwlint.core.source import Source
from lwlint.files.cache import Cache
from lwlint.files.discover import Discovery, Input, defect, normal
from lwlint.files.tree import FOLDER, Boundary, Confined, Disk, Tree, around
from lwlint.inputs import KINDS
from lwlint.inputs.heat import HEAT, rest_of_trees
from lwlint.policy import compiled
from lwlint.policy.rules import Rule, choose, load_folder, own_folder, unique
from lwlint.run import allow
from lwlint.run.engine import Answer, Costs, Memory, evaluate

if TYPE_CHECKING:
    import datetime

    from lwlint.inputs.heat.outline import Outlines
    from lwlint.policy.settings import Settings

Given = TypeVar("Given")

AUTO = "auto"
_OF_AUDITS = ("audit", "hosts")


class Request(Struct, frozen=True):
    """What to read and how: the arguments of one run.

    `environments` are Heat environments in the order of `-e`; `text` is standard input, to be read as the file `text_path`; `kind`
    overrides the kind of every file that is read. `met` tells that a program chose the paths, as a hook is given all files of a commit:
    what only the user's naming it would make an input is none. `settings` are those of a configuration, whose exceptions hold until a
    day that is compared with `today`; without any, `gitignore` leaves out what git ignores. What readers and rules take is added to
    `costs`. `hosts` tells that the input is hosts of one cluster, so that the rules of audits run too. `cache` keeps between runs what
    is made of lwlint's own files and of those that are read. Runs that have `outlines` in common read equal files once; with a `memory` in
    common the one that follows another one judges only what has changed. `rule_folders`
    have the rules beside lwlint's own, whether or not they run. `jobs` processes may read files (0: as many as pay); more than one fork
    this process. `boundary` is what the tree ends at (None: it does not).
    `schemas` is a folder with Pacemaker's schemas, to validate CIBs with.
    """

    paths: tuple[str, ...] = (".",)
    environments: tuple[str, ...] = ()
    release: str = AUTO
    kind: str | None = None
    met: bool = False
    text: bytes | None = None
    text_path: str = ""
    settings: Settings | None = None
    gitignore: bool = False
    rule_folders: tuple[str, ...] = ()
    today: datetime.date | None = None
    tree: Tree = field(default_factory=Disk)
    costs: Costs = field(default_factory=Costs)
    hosts: bool = False
    cache: Cache = Cache()
    outlines: Outlines | None = None
    memory: Memory | None = None
    jobs: int = 1
    schemas: str = ""
    boundary: Boundary | None = None


def confine(request: Request) -> Request:
    """Return the request for the same paths of the disk, of which no link leads out of what was named (`boundary.around`)."""
    named = (*request.paths, *request.environments, *((request.text_path,) if request.text is not None else ()))
    boundary = around(named)
    return replace(request, tree=Confined(boundary), boundary=boundary)


class Reading(Struct, frozen=True):
    """All that was read in one run: the facts, and the input that they are of."""

    facts: Facts
    input: Input


def read_facts(request: Request) -> Reading:
    """Return the facts of everything that `request` names.

    Raises ConfigurationError for a path that does not exist and for an unknown release or kind.
    """
    return _read(discover(request), request)


def read_release(name: str) -> str:
    """Return the name of a release, of its number too (`2023.1`), or AUTO. Raises ConfigurationError, with a near match, for another."""
    name = NUMBERED.get(name, name)
    if name not in (AUTO, *RELEASES):
        raise ConfigurationError(f"`{name}`: unknown release{near(name, RELEASES)}")
    return name


def discover(request: Request) -> Discovery:
    """Return what is found at everything that `request` names, not read yet; raises as `read_facts` does."""
    read_release(request.release)
    if request.kind is not None and request.kind not in KINDS.names:
        raise ConfigurationError(f"`{request.kind}`: unknown kind{near(request.kind, KINDS.names)}")
    boundary = request.boundary
    is_beyond = (lambda path: not boundary.names(path)) if boundary is not None else lambda path: False
    taken = request.memory.taken if request.memory is not None else None
    discovery = Discovery(request.tree, KINDS, request.kind, _refusal(request), is_beyond, taken)
    with request.costs.of("reader", "files"):
        if request.text is not None:
            discovery.add_text(request.text, request.text_path)
        discovery.add_as(HEAT, request.environments)
        discovery.add(request.paths, met=request.met)
    return discovery


def _read(discovery: Discovery, request: Request, release: Release | None = None) -> Reading:
    found = discovery.found
    release = release or _release(request, discovery)
    services = load_catalogue(request.cache)
    return Reading(Facts(_facts(discovery, request, release, services), release=release, services=services.services), found)


def outlines_of(request: Request) -> Outlines:
    """Return what is kept of the Heat files of earlier runs on the same paths."""
    from lwlint.inputs.heat.outline import Kept, Known, Outlines

    parts = Known() if request.memory is not None else None
    return Outlines(Kept(request.cache, (*request.paths, "-e", *request.environments)), parts=parts)


def check(request: Request, rules: Sequence[Rule]) -> Report:
    """Return what the `rules` say of everything that `request` names."""
    discovery = discover(request)
    rules = _choose_own(rules, request)
    if request.cache.folder is None or request.hosts or request.costs.measured or request.schemas:
        reading = _read(discovery, request)
        return _report(_answer(reading, request, rules), reading.facts.release, discovery.found, request, rules)
    from lwlint.run.answers import Answers

    release = _release(request, discovery)
    answers = Answers(request.cache, (release.name, release.because, request.kind, request.environments), rules, discovery)
    known = answers.find()
    if known is not None:
        return _report(known.answer, known.release, discovery.found, request, rules)
    reading = _read(discovery, request, release)
    answer = _answer(reading, request, rules)
    answers.keep(answer, reading.facts.release)
    return _report(answer, reading.facts.release, discovery.found, request, rules)


def judge(reading: Reading, request: Request, rules: Sequence[Rule]) -> Report:
    """Return what the `rules` say of what was read for `request`."""
    rules = _choose_own(rules, request)
    return _report(_answer(reading, request, rules), reading.facts.release, reading.input, request, rules)


def _choose_own(rules: Sequence[Rule], request: Request) -> Sequence[Rule]:
    return rules if request.hosts else [rule for rule in rules if rule.declared.reads.of not in _OF_AUDITS]


def _runs_last(rule: Rule) -> bool:
    """Return whether a rule is about what is left of the suppressions when all others have run."""
    return rule.declared.reads.of == "allows"


def _answer(reading: Reading, request: Request, rules: Sequence[Rule]) -> Answer:
    kept = request.memory.rules if request.memory is not None else None
    return evaluate(reading.facts, [rule for rule in rules if not _runs_last(rule)], reading.input.sources, request.costs, kept)


def _report(answer: Answer, release: Release, read: Input, request: Request, rules: Sequence[Rule]) -> Report:
    """Return the report: the answer as the suppressions and the configuration leave it."""
    sources = read.sources
    first = [rule for rule in rules if not _runs_last(rule)]
    marked, unused = allow.apply(answer.findings, sources, first, answer.verdicts, lambda: _every_rule(request))
    findings, shown, more = _by_settings(marked, answer, request, sources, first)
    last = evaluate(Facts([*unused, *more]), [rule for rule in rules if _runs_last(rule)], shown, request.costs)
    findings = sorted((*findings, *last.findings), key=lambda f: (f.span, f.code, f.message))
    return Report(
        findings=tuple(findings),
        verdicts=tuple(sorted(settle((*answer.verdicts, *last.verdicts), findings), key=lambda v: v.code)),
        sources=shown,
        skipped=tuple(item for item in read.skipped if item[0] not in sources),
        release=release.name,
        release_because=release.because,
        tracebacks=(*map(without_secrets, read.traces), *answer.tracebacks, *last.tracebacks),
        unread=tuple(read.defects),
    )


def without_secrets(trace: str) -> str:
    """Return a traceback without what looks like a secret in it."""
    return without(trace, ())


def _every_rule(request: Request) -> Sequence[Rule]:
    """Return the rules that there are, whether or not they run, but for the one that tells of exceptions, which has none."""
    found = load_rules(request.rule_folders, examples=False, cache=request.cache, trusted=request.boundary is None)
    return [rule for rule in found if not _runs_last(rule)]


def settle(verdicts: Iterable[Verdict], findings: Iterable[Finding]) -> Iterator[Verdict]:
    """Yield the verdicts: a rule all of whose findings are allowed, or left out by the configuration, passes."""
    failing = {finding.rule for finding in findings if finding.allowed is None}
    for verdict in verdicts:
        passes = verdict.outcome == FAIL and verdict.rule not in failing
        yield replace(verdict, outcome=PASS) if passes else verdict


def _by_settings(
    findings: list[Finding], answer: Answer, request: Request, sources: Mapping[str, Source], rules: Sequence[Rule]
) -> tuple[Iterable[Finding], Mapping[str, Source], list[UnusedAllow]]:
    """Return the findings and sources as the exceptions and overrides of a configuration leave them, and exceptions without effect."""
    if request.settings is None or request.today is None:
        return findings, sources, []
    from lwlint.policy import settings

    findings = settings.overridden(findings, request.settings, rules)
    whole = request.text is None and all(request.tree.real_kind(normal(path)) == FOLDER for path in request.paths)
    folders = request.paths if whole else ()
    report, unused = settings.mark_allowed(
        Report(tuple(findings), answer.verdicts, sources), request.settings, request.today, folders=folders
    )
    return report.findings, report.sources, unused


def _refusal(request: Request) -> Callable[[str, str | None], str | None]:
    if request.settings is not None:
        from lwlint.policy.settings import Selection

        return Selection(request.settings).refusal
    if not request.gitignore or all(request.tree.real_kind(normal(path)) != FOLDER for path in request.paths):
        return lambda path, given: None
    from lwlint.files.gitignore import Ignored

    return Ignored(KINDS.may_hold).refusal


def load_rules(
    folders: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    *,
    examples: bool = True,
    cache: Cache = Cache(),  # noqa: B008
    trusted: bool = False,
) -> list[Rule]:
    """Return lwlint's own rules and those in `folders`, as far as `select` and `ignore` leave them.

    Without `examples` lwlint's own rules come without theirs, which is faster: from their compiled form, where there is one.
    Links in folders that are not `trusted` lead nowhere outside of their checkout or, without one, of themselves.
    Raises ConfigurationError for a rule that does not load, and for an unknown or empty selection.
    """
    rules = _with_examples() if examples else compiled.rules(cache)
    if folders:
        from pathlib import Path

        for folder in folders:
            if not os.path.isdir(folder):
                raise ConfigurationError(f"`{folder}`: no such folder")
            known = {name for rule in rules for name in (rule.id, rule.code)}
            found = load_folder(Path(folder), folder.rstrip("/"), within=None if trusted else around((folder,)))
            for name in (name for rule in found for name in (rule.id, rule.code) if name in known):
                raise ConfigurationError(f"`{folder}`: a rule is named `{name}`, as one of lwlint's own, or of another folder, is already")
            rules += found
    return choose(unique(rules), select, ignore)


def _with_examples() -> list[Rule]:
    from pathlib import Path

    return load_folder(Path(own_folder()), "rules")


def _take_printed(discovery: Discovery) -> None:
    """Put what commands printed among the sources, if it is not there yet: a configuration of the cluster as text tells the release too."""
    for _ in discovery.take_printed():
        pass


def _release(request: Request, discovery: Discovery) -> Release:
    """Return the release to judge by: what was asked for, or what the input tells with the trees that it is a part of."""
    if request.release != AUTO:
        return Release(read_release(request.release), "as given")
    if request.hosts:
        _take_printed(discovery)
    known = discovery.found.sources
    sources = list(known.values())
    if not request.hosts and any(source.judged and KINDS.in_tree(source) for source in sources):
        named = [
            normal(path) for path in (*request.paths, *request.environments, *((request.text_path,) if request.text is not None else ()))
        ]
        sources += (source for source in rest_of_trees(named, request.tree, _refusal(request)) if source.path not in known)
        sources.sort(key=lambda source: source.path)
    try:
        return KINDS.release(sources)
    except ConfigurationError:
        raise
    except Exception:
        bad = {source.path: error for source in sources if (error := _catch(KINDS.release, [source])) is not None}
        if not bad:
            raise  # no file is to blame
        for path in sorted(bad.keys() & known.keys()):
            _note(discovery.found, known[path], bad[path])
        return KINDS.release(source for source in sources if source.path not in bad)


def load_catalogue(cache: Cache = Cache()) -> Catalogue:  # noqa: B008
    """Return lwlint's own catalogue of services."""
    return compiled.services(cache)


def _facts(discovery: Discovery, request: Request, release: Release, services: Catalogue) -> Iterator[Fact]:
    found = discovery.found
    if request.hosts:
        _take_printed(discovery)
    outlines = request.outlines or outlines_of(request) if found.of("heat") else None
    facts: list[Fact] = []
    material = Material(
        found.sources,
        found.links,
        facts,
        services,
        release,
        discovery.load,
        discovery.exists,
        environments=tuple(map(normal, request.environments)),
        hosts=request.hosts,
        schemas=request.schemas,
        kept=outlines,
        jobs=request.jobs,
    )
    for kind in KINDS:
        if request.hosts or not kind.printed or material.of(kind.name):
            facts += _guard(kind, material, found, request.costs)
    if outlines is not None:
        outlines.keep()
    return iter((*facts, *found.unreadable))


def _guard(kind: Kind, material: Material, found: Input, costs: Costs) -> list[Fact]:
    """Return the facts of a kind. Sources over which its reader raises are unreadable; the rest is read again without them."""

    def read(some: Material) -> list[Fact]:
        found = kind.facts(some)
        return list(costs.each("reader", kind.name, found) if some.of(kind.name) else found)

    try:
        return read(material)
    except ConfigurationError:
        raise
    except Exception:
        own = [source for source in found.sources.values() if kind.name in KINDS.list_given(source)]
        if not own:
            raise  # no file is to blame
        bad = {source.path: error for source in own if (error := _catch(read, _only(material, own, [source]))) is not None}
        rest = [source for source in own if source.path not in bad]
        together = _catch(read, _only(material, own, rest))
        if together is not None:  # none of them by itself, but all of them together
            bad.update((source.path, together) for source in rest)
        for path, error in bad.items():
            _note(found, found.sources[path], error)
        return read(material) if together is None else []


def _only(material: Material, own: Sequence[Source], some: Sequence[Source]) -> Material:
    """Return the material with only `some` of the sources that are a kind's `own`."""
    lost = {source.path for source in own} - {source.path for source in some}
    sources = {path: source for path, source in material.sources.items() if path not in lost}
    return replace(material, sources=sources, links=[link for link in material.links if link.path not in lost], jobs=1)


def _catch(read: Callable[[Given], object], given: Given) -> Exception | None:
    try:
        read(given)
    except Exception as error:
        return error
    return None


def _note(found: Input, source: Source, error: Exception) -> None:
    """Tell of a source that cannot be read by a defect of lwlint."""
    import traceback

    found.unreadable.append(Unreadable(source.path, source.span(0, 0), defect(error), source.host))
    found.defects.append(source.path)
    found.traces.append("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    found.sources[source.path] = replace(source, kind=UNREADABLE)
    found.links[:] = [link for link in found.links if link.path != source.path]
