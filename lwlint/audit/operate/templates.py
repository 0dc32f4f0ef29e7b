"""The way from full HA to the lightweight architecture for a deployment that is yet to be made: one more environment, the last of its `-e`.

What the rules find in the merged templates is fixed by lines of a resource registry and by settings of Puppet classes, as far as an
environment can; each line is there because a finding is gone with it, for the templates are judged again with the environment.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.audit.operate.plan import VANISH
from lwlint.checks.heat_retries import retry_keys
from lwlint.core.facts import Facts, Service
from lwlint.core.finding import BROKEN, NOT_EVALUATED, ConfigurationError, Finding, Report
from lwlint.files.tree import Overlay
from lwlint.inputs.heat.facts import NONE, Environment, HieraKey, ServiceMapping, Template
from lwlint.inputs.puppet.facts import ManifestDatabase
from lwlint.policy.rules import Rule
from lwlint.run import Reading, Request, judge, outlines_of, read_facts

AWAY, NOT_DEPLOYED = "active-active-alias-on-pacemaker", "keepalived-with-pacemaker"  # the rules that a line of a registry fixes
BACK = ("core-alias-off-pacemaker", "cinder-volume-off-pacemaker")
FIRST, SECOND = "connection-without-retries", "second-connection-without-retries"  # and those that a setting fixes
REGISTRY, PARAMETERS = "resource_registry", "parameter_defaults"
EVERY = "ExtraConfig"  # the parameter for settings of every role
UNLIMITED = "-1"
_RESOURCE = "_config/"  # in a key of a resource: `nova::config::nova_config/api_database/max_retries`
_KINDS = {"heat", "puppet"}  # of input, which a tree of templates has
_ROUNDS = 4  # a setting in another parameter than the one that is written shows only when that is


class Line(Struct, frozen=True):
    """One line of the environment: `name` in its `section` is `value`; in PARAMETERS, `parameter` holds it.

    `mends` is what is gone with it. In REGISTRY the path of a template is one from the folder of the environment. `option` is that of a
    resource of `name` whose value it is (`api_database/max_retries`); empty where `name` itself has it.
    """

    section: str
    name: str
    value: str
    parameter: str = ""
    option: str = ""
    mends: tuple[Finding, ...] = ()

    @property
    def way(self) -> tuple[str, ...]:
        """The keys that lead to it."""
        return tuple(filter(None, (self.section, self.parameter, self.name, self.option)))


class TemplatesPlan(Struct, frozen=True):
    """What to change for a lightweight deployment: the `lines` of an environment, to be given behind `environments`.

    `path` is where it is to lie: its paths are relative to that. `left` is what is still found with it, to be fixed by hand; `new` are
    those of them that were not found without it; `unseen` says what the rules could not judge, and why. `before` is the answer without it.
    """

    environments: tuple[str, ...]
    path: str
    release: str
    lines: tuple[Line, ...]
    left: tuple[Finding, ...]
    new: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()
    before: Report = field(default_factory=lambda: Report((), ()))


Write = Callable[[Sequence[Line], Sequence[str]], str]


def plan_for_templates(request: Request, path: str, rules: Sequence[Rule], write: Write) -> TemplatesPlan:
    """Return what to change in the templates that `request` names, as an environment at `path`, which is not there yet.

    `write` makes a file of lines, for environments. Raises ConfigurationError where no environment is given, and where there is none.
    """
    if not request.environments:
        raise ConfigurationError("a plan for templates needs the environments of the deployment, in their order (`-e FILE`)")
    request = replace(request, outlines=outlines_of(request))
    reading = read_facts(request)
    if not any(view.merged for view in reading.facts.of(Environment)):
        raise ConfigurationError(f"`{request.environments[-1]}`: cannot be read as a Heat environment (`lwlint check` says why)")
    chosen = [rule for rule in rules if not rule.declared.reads.kinds or _KINDS.intersection(rule.declared.reads.kinds)]
    before = _judge(reading, request, chosen)
    maker = _Maker(reading.facts, request, path, chosen)
    lines: dict[tuple[str, ...], Line] = {}
    report = before
    for _ in range(_ROUNDS):
        fresh = {line.way: line for finding in report.findings for line in maker.lines(finding)}
        if fresh.items() <= lines.items():
            break
        lines.update(fresh)
        report = _with(request, path, tuple(lines.values()), chosen, write)
    left = {_key(finding) for finding in _to_mend(report)}
    gone = [finding for finding in _to_mend(before) if _key(finding) not in left]
    mended = [replace(line, mends=tuple(f for f in gone if line.way in {one.way for one in maker.lines(f)})) for line in lines.values()]
    kept = [line for line in mended if line.mends or any(one.name == line.name for one in mended if one.mends)]
    if len(kept) < len(mended):  # lines that fix nothing, because something else is wrong there
        report = _with(request, path, kept, chosen, write)
    known = {_key(finding) for finding in before.findings}
    return TemplatesPlan(
        request.environments,
        path,
        before.release or "",
        tuple(kept),
        tuple(_to_mend(report)),
        tuple(finding for finding in _to_mend(report) if _key(finding) not in known),
        tuple(
            f"{verdict.code} {verdict.rule}: not evaluated: {verdict.because}"
            for verdict in report.verdicts
            if verdict.outcome == NOT_EVALUATED and verdict.rule in (AWAY, NOT_DEPLOYED, *BACK, FIRST, SECOND)
        ),
        before,
    )


def _judge(reading: Reading, request: Request, rules: Sequence[Rule]) -> Report:
    report = judge(reading, request, rules)
    broken = next((verdict for verdict in report.verdicts if verdict.outcome == BROKEN), None)
    if broken is not None:
        because = f"{broken.code} {broken.rule} is broken ({broken.because}), so that the findings are not all there are"
        raise ConfigurationError(f"no plan: {because}; it is a defect of lwlint: `lwlint check --debug` shows where")
    return report


def _with(request: Request, path: str, lines: Sequence[Line], rules: Sequence[Rule], write: Write) -> Report:
    """Return what the rules say of the templates with the environment as the last one."""
    text = write(lines, request.environments).encode()
    asked = replace(request, tree=Overlay(request.tree, {path: text}), environments=(*request.environments, path))
    return _judge(read_facts(asked), asked, rules)


def _to_mend(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity != "note" and finding.allowed is None]


def _key(finding: Finding) -> tuple[str, str, object]:
    return finding.rule, finding.subject, finding.span


class _Maker:
    """Finds the lines that fix a finding."""

    def __init__(self, facts: Facts, request: Request, path: str, rules: Sequence[Rule]) -> None:
        self._facts, self._folder = facts, posixpath.dirname(path)
        self._rules = {rule.id: rule for rule in rules}
        (self._view,) = [view for view in facts.of(Environment) if view.merged][-1:]
        self._order = {name: number for number, name in enumerate((self._view.base, *self._view.environments))}
        self._mappings: dict[str, list[ServiceMapping]] = {}
        base: Iterable[ServiceMapping] = ()
        if self._view.base:
            alone = replace(request, environments=(), paths=(self._view.base,), text=None)
            base = (one for one in read_facts(alone).facts.of(ServiceMapping) if one.environment == self._view.base)
        for one in (*base, *facts.of(ServiceMapping)):
            self._mappings.setdefault(one.alias.lower(), []).append(one)
        self._templates = {one.span.path: one for one in facts.of(Template)}

    def lines(self, finding: Finding) -> Iterator[Line]:
        """Yield the lines; none for what an environment cannot fix."""
        if finding.severity == "note" or finding.allowed is not None:
            return
        if finding.rule in (AWAY, NOT_DEPLOYED, *BACK):
            alias = finding.subject.removeprefix("mapping ")
            target = NONE if finding.rule == NOT_DEPLOYED else self._target(alias, under_pacemaker=finding.rule != AWAY)
            if target is not None:
                yield Line(REGISTRY, alias, target)
        elif finding.rule in (FIRST, SECOND):
            yield from self._retries(finding)

    def _target(self, alias: str, *, under_pacemaker: bool) -> str | None:
        """Return where an alias is to lead: where an earlier environment has it, else to the template of its service that is there."""
        known = sorted(self._mappings.get(alias.lower(), ()), key=lambda one: self._order.get(one.span.path, 0), reverse=True)
        wrong = next((one for one in known if one.in_force and one.environment == self._view.name), None)
        service = next((one.service for one in known if one.service is not None), None)
        for one in known:
            if one is wrong or one.under_pacemaker != under_pacemaker or not one.final or one.final == NONE:
                continue
            if self._fits(one.final, service, under_pacemaker):
                return self._relative(one.final) if "::" not in one.final else one.final
        found = self._of_service(service, wrong, under_pacemaker)
        if found is not None:
            return self._relative(found)
        # what only ever was a resource of the cluster has no process, and ends with it
        return NONE if not under_pacemaker and service is not None and service.name in VANISH else None

    def _fits(self, path: str, service: Service | None, under_pacemaker: bool) -> bool:
        if "::" in path:
            return not under_pacemaker
        template = self._templates.get(path)
        return template is None or service is None or template.service is None or template.service.name == service.name

    def _of_service(self, service: Service | None, wrong: ServiceMapping | None, under_pacemaker: bool) -> str | None:
        """Return the template of a service that is (or is not) under Pacemaker: the one beside what is wrong, or the only one."""
        if service is None or wrong is None:
            return None
        fitting = [
            path
            for path, one in self._templates.items()
            if one.service is not None and one.service.name == service.name and one.under_pacemaker == under_pacemaker
        ]
        beside = wrong.final.replace("pacemaker/", "", 1)
        if not under_pacemaker and beside in fitting:
            return beside
        kin = [path for path in fitting if path.replace("pacemaker/", "") == wrong.final.replace("pacemaker/", "")]
        return kin[0] if len(kin) == 1 else fitting[0] if len(fitting) == 1 else None

    def _relative(self, path: str) -> str:
        found = posixpath.relpath(path, self._folder or ".")
        return found if "/" in found else f"./{found}"

    def _retries(self, finding: Finding) -> Iterator[Line]:
        """Yield the settings that make the attempts to reach a database endless: in the parameter that sets them now, or for every role."""
        what, _, key = finding.subject.partition(" ")
        if what == "connection":
            names = retry_keys(key, self._rules[finding.rule].parameters, self._facts.release)
        elif what == "retries":
            if any(one.of_one_node and one.span == finding.span for one in self._facts.of(HieraKey)):
                return  # no parameter for a role beats it
            names = (key,)
        else:
            names = next((one.retry_keys for one in self._facts.of(ManifestDatabase) if one.span == finding.span), ())
        set_by_user = [one for one in self._facts.of(HieraKey) if one.name in names and one.in_force and _is_override(one.place)]
        ending = dict.fromkeys((one.place, one.name) for one in set_by_user if one.values != (UNLIMITED,))
        if ending:
            yield from (_setting(parameter, name) for parameter, name in ending)
            return
        # `nova::db` has a parameter for `[api_database]` from puppet-nova 18.1 on only: the option itself works with each
        ordered = sorted(names, key=lambda name: _RESOURCE not in name) if finding.rule == SECOND else names
        if ordered and not self._is_set_elsewhere(ordered[0]):
            yield _setting(EVERY, ordered[0])

    def _is_set_elsewhere(self, name: str) -> bool:
        """Return whether something sets other options of the same resource, which ours would replace as a whole."""
        head, resource, _ = name.partition(_RESOURCE)
        whole = head + resource
        return bool(resource) and any(
            one.name.startswith(whole) and one.name != name and not one.overrides and not one.of_one_node
            for one in self._facts.of(HieraKey)
        )


def _setting(parameter: str, name: str) -> Line:
    head, resource, option = name.partition(_RESOURCE)
    return Line(PARAMETERS, head + resource[:-1] if resource else name, UNLIMITED, parameter, option)


def _is_override(place: str) -> bool:
    return place.lower().endswith(EVERY.lower())


def as_mapping(lines: Iterable[Line]) -> Mapping[str, Any]:
    """Return the environment that the lines make, as Heat reads it."""
    made: dict[str, dict[str, Any]] = {}
    for line in lines:
        section = made.setdefault(line.section, {})
        if line.section == REGISTRY:
            section[line.name] = line.value
            continue
        settings = section.setdefault(line.parameter, {})
        if line.option:
            settings.setdefault(line.name, {})[line.option] = {"value": int(line.value)}
        else:
            settings[line.name] = int(line.value)
    return made
