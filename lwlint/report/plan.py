"""A plan as text, as JSON, and as what a person can read and use.

For a cluster that is a shell script to run, resume and take back. For templates it is an environment that people keep, with a comment on
each line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from lwlint import __version__
from lwlint.audit.operate.plan import Outcome, Promise
from lwlint.audit.operate.steps import CLUSTER, EACH, MANUAL, ORPHANS, Create, Edit, Plan, Step
from lwlint.audit.operate.templates import PARAMETERS, REGISTRY, Line, TemplatesPlan, as_mapping
from lwlint.core.finding import ConfigurationError, Finding
from lwlint.core.harmless import count_of, safe
from lwlint.core.secret import mask_secrets
from lwlint.core.source import beginning
from lwlint.files.tree import read_bounded
from lwlint.policy.round_trip import write_commented
from lwlint.report.html import Html, element, grid, prose
from lwlint.report.json import Output, write
from lwlint.report.picture import page

if TYPE_CHECKING:
    from lwlint.core.source import Source


_WHERE = {CLUSTER: "once in the cluster", EACH: "on each node, one after the other"}
VERSION = 1  # of the JSON form of a plan for a cluster
_PLACE = re.compile(r"@[A-Z]+@")  # of a value, in a template
_INVENTORY = ("all", "ungrouped", "localhost")  # what Ansible takes for more hosts, or for itself
_COPY, _QUOTED = "CIB_file=$C ", 'CIB_file="$C" '  # how a command names the copy that it changes


class RefusalOutput(Output, frozen=True):
    """Why nobody is to take a step as yet: what it is about, and what to do first."""

    about: str
    because: str
    first: str


class HandedOutput(Output, frozen=True):
    """One resource that leaves Pacemaker. `how` is systemd, once, stopped, down, mount or nothing; `unit` is the unit that it becomes."""

    resource: str
    top: str
    project: str
    how: str
    unit: str


class StepOutput(Output, frozen=True):
    """One step. `where` is `cluster` or `each` (node); `effect` is none, starts or manual; commands with `$C` are for a copy of the CIB."""

    id: str
    phase: str
    title: str
    where: str
    effect: str
    why: str
    subjects: tuple[str, ...]
    commands: tuple[str, ...]
    checks: tuple[str, ...]
    undo: tuple[str, ...]
    starts: tuple[str, ...]
    disturbs: tuple[str, ...]


class LeftOutput(Output, frozen=True):
    """A finding that the CIB has at the end; `new` tells that it did not have it before."""

    code: str
    rule: str
    message: str
    new: bool


class PlanOutput(Output, frozen=True):
    """A plan from the full to the lightweight architecture."""

    version: int
    source: str
    pacemaker: str
    proved_on: str
    nodes: tuple[str, ...]
    core: tuple[str, ...]
    leaving: tuple[HandedOutput, ...]
    steps: tuple[StepOutput, ...]
    refusals: tuple[RefusalOutput, ...]
    notes: tuple[str, ...]
    left: tuple[LeftOutput, ...]


def output_of(plan: Plan) -> PlanOutput:
    """Return the plan in the form in which it is printed; secrets of the CIB are masked."""

    def each(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(mask_secrets, texts))

    return PlanOutput(
        version=VERSION,
        source=plan.source,
        pacemaker=plan.pacemaker,
        proved_on=plan.proved_on,
        nodes=each(plan.nodes),
        core=each(plan.core),
        leaving=tuple(HandedOutput(*each((one.name, one.top, one.project, one.how, one.unit))) for one in plan.handed),
        steps=tuple(
            StepOutput(
                step.id,
                step.phase,
                mask_secrets(step.title),
                step.where,
                step.effect,
                mask_secrets(step.why),
                subjects=each(step.subjects),
                commands=each(step.commands),
                checks=each(step.checks),
                undo=each(step.undo),
                starts=each(step.starts),
                disturbs=each(step.disturbs),
            )
            for step in plan.steps
        ),
        refusals=tuple(RefusalOutput(*each((one.about, one.because, one.first))) for one in plan.refusals),
        notes=each(plan.notes),
        left=tuple(LeftOutput(one.code, one.rule, mask_secrets(one.message), one in plan.new) for one in plan.left),
    )


def render_json(plan: Plan) -> str:
    """Return the plan as JSON, after docs/plan.schema.json."""
    return write(output_of(plan))


_LONGEST_PLAN = 16_000_000  # bytes


def read_promise(path: str) -> Promise:
    """Return what the plan in a file (of `--format json`) ends in; raises ConfigurationError for what is no such plan."""
    try:
        plan = msgspec.json.decode(read_bounded(path, _LONGEST_PLAN), type=PlanOutput)
    except OSError as error:
        raise ConfigurationError(f"`--check {path}`: {(error.strerror or str(error)).lower()}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"`--check {path}`: no plan of `lwlint plan --format json` ({error})") from None
    if plan.refusals:
        raise ConfigurationError(f"`--check {path}`: the plan is refused, and so nothing was to be done")
    ends = [re.search(rf"{ORPHANS}=(\S*)$", line) for step in plan.steps if step.phase == "finish" for line in step.commands]
    return Promise(
        plan.nodes,
        plan.core,
        tuple((one.resource, one.how, one.unit) for one in plan.leaving),
        next((found[1] for found in ends if found is not None), None),
        frozenset((one.code, one.message) for one in plan.left),
    )


def render_outcome(found: Outcome, promise: Promise) -> str:
    """Return how what is differs from what was planned, as text."""
    lines = [f"not as planned: {line}" for line in found.wrong] + [f"not seen: {line}" for line in found.unseen]
    sums = f"{count_of(len(promise.leaving), 'resource')} left Pacemaker, {len(promise.core)} stay"
    lines.append(f"{count_of(len(found.wrong), 'difference')} from the plan" if found.wrong else f"as planned: {sums}")
    return "".join(f"{safe(mask_secrets(line))}\n" for line in lines)


def render_text(plan: Plan) -> str:
    """Return the plan as text."""
    return "".join(f"{safe(line)}\n" for line in _lines(output_of(plan)))


def _lines(plan: PlanOutput) -> Iterator[str]:
    yield _title(plan)
    yield _say_proof(plan)
    yield from _say_how(plan)
    if not plan.steps and not plan.refusals:
        yield "Nothing to do: all that Pacemaker runs here belongs to it."
    for step in plan.steps:
        yield ""
        yield f"{step.id} {step.title}"
        yield f"   {_where_of(step)}"
        yield f"   {step.why}"
        yield from (f"     {command}" for command in step.commands)
        yield from (f"     check: {command}" for command in step.checks)
    for title, lines in _lists(plan):
        if lines:
            yield ""
            yield title
            yield from (f"  {line}" for line in lines)
    yield ""
    yield _summary(plan)


def _lists(plan: PlanOutput) -> Iterator[tuple[str, Sequence[str]]]:
    yield "Refused", [f"{one.about}: {one.because}; first: {one.first}" for one in plan.refusals]
    yield "Notes", plan.notes
    yield "Left at the end", [f"{one.code} {one.message}" + (" (new)" if one.new else "") for one in plan.left]


def render_html(plan: Plan) -> str:
    """Return the plan as a page: what it comes to, what leaves and stays, and each step with its commands."""
    shown = output_of(plan)
    parts = [element("h1", _title(shown)), element("p", prose(_summary(shown))), element("p", _say_proof(shown))]
    parts += [element("p", prose(line)) for line in _say_how(shown)]
    for title, lines in _lists(shown):
        if lines:
            parts += [element("h2", title), element("ul", (element("li", prose(line)) for line in lines))]
    if shown.leaving:
        rows = ((f"`{one.resource}`", one.project, one.how, f"`{one.unit}`" if one.unit else "") for one in shown.leaving)
        parts += [element("h2", "What leaves Pacemaker"), grid(("Resource", "Project", "Becomes", "Unit"), rows)]
    for step in shown.steps:
        parts += [element("h2", f"{step.id} {step.title}"), element("p", _where_of(step)), element("p", prose(step.why))]
        for name, commands in (("", step.commands), ("check", step.checks), ("undo", step.undo)):
            if commands:
                parts += [
                    element("p", name) if name else Html(""),
                    element("div", element("pre", element("code", "\n".join(commands))), class_="frame", tabindex=0),
                ]
    return page(_title(shown), parts)


def _title(plan: PlanOutput) -> str:
    return f"From full HA to lightweight: {plan.source}"


def _say_proof(plan: PlanOutput) -> str:
    return f"simulated by Pacemaker {plan.pacemaker} on {plan.proved_on}"


def _say_how(plan: PlanOutput) -> Iterator[str]:
    """Yield what the commands on a copy are for, where a plan that may be taken has any."""
    if not plan.refusals and any("$C" in line for step in plan.steps for line in step.commands):
        yield (
            "Commands with `$C` change a copy of the CIB; a step pushes all of them as one change. The script (`--format sh`) does that, "
            "simulates each step first, and can take it back."
        )


def _where_of(step: StepOutput) -> str:
    where = _WHERE.get(step.where, f"on {step.where}") if step.effect != MANUAL else f"on {step.where}"
    return f"{where}; effect: {step.effect}" + (f" ({', '.join(step.starts)})" if step.starts else "")


def _summary(plan: PlanOutput) -> str:
    count = f"{count_of(len(plan.steps), 'step')}, {count_of(len(plan.leaving), 'resource')} leave Pacemaker, {len(plan.core)} stay"
    if plan.refusals:
        return f"{count}: refused ({len(plan.refusals)}), no step to take"
    if not plan.steps:
        return count
    starts = sum(len(step.starts) for step in plan.steps)
    return f"{count}; nothing is stopped, demoted or moved" + (f", {starts} are started" if starts else "")


def render_sh(plan: Plan) -> str:
    """Return the plan as a script for bash; of a plan with refusals, one that only says why."""
    if plan.refusals:
        lines = [
            f"echo {shlex.quote(safe(mask_secrets(f'refused: {one.about}: {one.because}; first: {one.first}')))} >&2"
            for one in plan.refusals
        ]
        return "\n".join(["#!/bin/bash", *lines, "exit 1", ""])
    return "\n".join(_script(plan)) + "\n"


def _fill(name: str, values: Mapping[str, str]) -> str:
    """Return a template of this folder with the values in the place of their names."""
    text = resources.files("lwlint.report").joinpath(name).read_text("utf-8")
    return _PLACE.sub(lambda place: values.get(place[0], place[0]), text)  # once: a value may hold the name of another


def _script(plan: Plan) -> Iterator[str]:
    units = " ".join(shlex.quote(unit) for step in plan.steps for unit in step.units + step.enabled if not unit.endswith(".mount"))
    values = {
        "@VERSION@": __version__,
        "@SOURCE@": shlex.quote(safe(mask_secrets(plan.source))),
        "@NODES@": " ".join(map(shlex.quote, plan.nodes)),
        "@CORE@": " ".join(map(shlex.quote, plan.core)),
        "@UNITS@": shlex.quote(units),
        "@PROGRAMS@": shlex.quote(" ".join(sorted({"systemctl"} | {word for step in plan.steps for word in _programs(step)}))),
    }
    yield _fill("plan.sh", values)
    for step in plan.steps:
        if step.where == CLUSTER and not step.node:
            yield from _function(f"untie_{step.id}", step.untie)
            yield from _function(f"edit_{step.id}", step.edits)
    yield 'if [ "$MODE" != undo ]; then'
    for step in plan.steps:
        yield from _forward(step)
    yield "else"
    for step in reversed(plan.steps):
        yield from _backward(step)
    yield "fi"
    yield 'rm -f "$S/dry.xml" "$S/now.xml" "$S/mid.xml" "$S/new.xml" "$S/patch.xml"'
    yield 'echo "all is done"'


def render_ansible(plan: Plan) -> str:
    """Return the plan as a playbook of Ansible that carries the script, and runs it on the first node.

    Raises ConfigurationError where the script or the name of the node has a character that a playbook cannot hold as it is.
    """
    if plan.refusals:
        return f"---\n{_comment(plan)}[]\n"
    lines, node = render_sh(plan).rstrip("\n").split("\n"), plan.nodes[0]
    if not all(map(str.isprintable, lines)) or re.fullmatch(r"[\w.-]+", node) is None:
        raise ConfigurationError("names of this cluster have characters that a playbook cannot hold; `--format sh` can")
    if node in _INVENTORY:
        raise ConfigurationError(f"node `{node}`: to Ansible that is no name of one host; `--format sh` can")
    text = _fill("plan.yaml", {"@NODE@": node, "@VERSION@": __version__})
    return text.replace("      @SCRIPT@\n", "".join(f"      {line}\n" if line else "\n" for line in lines))


def _comment(plan: Plan) -> str:
    told = (f"refused: {one.about}: {one.because}; first: {one.first}" for one in plan.refusals)
    return "".join(f"# {safe(mask_secrets(line))}\n" for line in told)


def _programs(step: Step) -> Iterator[str]:
    """Yield what a step runs on one node besides systemd's own: it may be on none."""
    if step.node:
        yield from (shlex.split(line)[0] for line in step.commands)


def _function(name: str, edits: Sequence[Edit]) -> Iterator[str]:
    yield f"{name}() {{"
    for edit in edits:
        line = edit.command().replace(_COPY, _QUOTED, 1)
        if isinstance(edit, Create):  # which is there already when the step was interrupted
            line = f"{_QUOTED}cibadmin --query --xpath {shlex.quote(edit.xpath)} >/dev/null 2>&1 || {line}"
        yield f"  {line} || return 1"
    yield "  return 0"
    yield "}"


def _forward(step: Step) -> Iterator[str]:
    id = step.id
    yield ""
    yield f"# {safe(step.title)}. {safe(step.why)}"
    yield f"if ! is_done {id}; then"
    yield f"  echo {shlex.quote(safe(f'{id} {step.title}'))}"
    if step.node:
        yield f"  each {id} {_script_of(*step.commands)} {shlex.quote(step.node)}"
    elif step.where == CLUSTER:
        if step.starts:
            words = " ".join(shlex.quote(start.replace(" on ", " ")) for start in step.starts)
            yield f"  printf '%s\\n' {words} >\"$S/{id}.starts\""
        yield f"  change {id}"
        if step.forget:
            yield "  settle"
            yield f"  forget {' '.join(map(shlex.quote, step.forget))}"
        yield "  settle"
        yield f"  unmoved {id}"
    else:
        yield f"  remember {id} {shlex.quote(shlex.join((*step.units, *step.enabled)))}"
        yield f"  each {id} {_script_of(*step.commands, *step.checks)}"
        yield f"  unmoved {id}"
    yield f"  mark {id}"
    yield "fi"


def _script_of(*lines: str) -> str:
    return shlex.quote("\n".join(lines))


def _backward(step: Step) -> Iterator[str]:
    id = step.id
    if step.node:
        return  # what was fixed stays so
    yield ""
    yield f'if is_done {id} || [ -e "$S/{id}.after.xml" ] || [ -n "$(find "$S" -name \'{id}.*.enabled\' 2>/dev/null)" ]; then'
    yield f"  echo {shlex.quote(safe(f'undo {id} {step.title}'))}"
    if step.where == CLUSTER:
        yield f"  back {id}"
        yield "  settle"
    else:
        disables = next(at for at, line in enumerate(step.undo) if line.startswith("systemctl disable "))
        first, last = step.undo[:disables], step.undo[disables + 1 :]
        yield from [f"  each {id} {_script_of(*first)}"] if first else []
        yield f"  disable {id} {shlex.join((*step.units, *step.enabled))}"
        yield from [f"  each {id} {_script_of(*last)}"] if last else []
        yield f'  rm -f "$S/{id}".*.enabled'
    yield f'  rm -f "$S/{id}.done" "$S/{id}.starts"'
    yield "fi"


TEMPLATES_VERSION = 1  # of the JSON form of a plan for templates
_SECTIONS = (REGISTRY, PARAMETERS)


class FoundOutput(Output, frozen=True):
    """A finding: where it is, and what to do. `fixed` tells that `lwlint fix` (or `lwlint fix --unsafe`) can fix it in its file."""

    code: str
    rule: str
    severity: str
    path: str
    line: int
    column: int
    message: str
    remedy: str
    fixed: bool


class LineOutput(Output, frozen=True):
    """One line of the environment: `name` (or its `option`) is `value`, in `resource_registry`, or in a `parameter` of
    `parameter_defaults`. `mends` are the findings that are gone with it."""

    section: str
    parameter: str
    name: str
    option: str
    value: str
    mends: tuple[FoundOutput, ...]


class TemplatesLeftOutput(FoundOutput, frozen=True):
    """A finding that no environment fixes; `new` tells that it was not there without this one."""

    new: bool


class TemplatesPlanOutput(Output, frozen=True):
    """A plan for templates: the environment to be given as the last one, behind `environments`, and what is left to be done by hand.

    `unseen` is what no rule could judge. `file` is the text of the environment; its paths are relative to the folder of `path`.
    """

    version: int
    release: str
    environments: tuple[str, ...]
    path: str
    lines: tuple[LineOutput, ...]
    left: tuple[TemplatesLeftOutput, ...]
    unseen: tuple[str, ...]
    file: str


def render_templates_json(plan: TemplatesPlan) -> str:
    """Return the plan as JSON, after docs/plan-templates.schema.json."""
    sources = plan.before.sources
    return write(
        TemplatesPlanOutput(
            TEMPLATES_VERSION,
            plan.release,
            plan.environments,
            plan.path,
            tuple(
                LineOutput(
                    one.section,
                    one.parameter,
                    mask_secrets(one.name),
                    one.option,
                    one.value,
                    tuple(FoundOutput(*_read_finding(f, sources)) for f in one.mends),
                )
                for one in plan.lines
            ),
            tuple(TemplatesLeftOutput(*_read_finding(one, sources), one in plan.new) for one in plan.left),
            tuple(map(mask_secrets, plan.unseen)),
            render_environment(plan),
        )
    )


def _read_finding(finding: Finding, sources: Mapping[str, Source]) -> tuple[str, str, str, str, int, int, str, str, bool]:
    line, column = beginning(finding.span, sources)
    said = mask_secrets(finding.message), mask_secrets(finding.remedy)
    return finding.code, finding.rule, finding.severity, finding.span.path, line, column, *said, finding.fix is not None


def render_templates_text(plan: TemplatesPlan) -> str:
    """Return what the environment fixes and what is left, as text."""
    return "".join(f"{safe(mask_secrets(line))}\n" for line in _text(plan))


def _text(plan: TemplatesPlan) -> Iterator[str]:
    for section in _SECTIONS:
        lines = [line for line in plan.lines if line.section == section]
        if lines:
            yield section
            yield from (f"  {_show(line)}  # {', '.join(_mends(line, plan))}" for line in lines)
            yield ""
    if plan.left:
        yield "By hand"
        yield from (f"  {line}" for line in _list_left(plan))
        yield ""
    if plan.unseen:
        yield "Not judged"
        yield from (f"  {line}" for line in plan.unseen)
        yield ""
    yield _templates_summary(plan)


def _show(line: Line) -> str:
    if line.section == REGISTRY:
        return f"{line.name}: {line.value}"
    value = f"{{{line.option}: {{value: {line.value}}}}}" if line.option else line.value
    return f"{line.parameter}: {line.name}: {value}"


def _mends(line: Line, plan: TemplatesPlan) -> Iterator[str]:
    """Yield the findings that a line fixes: code and place; of many the first, and their number."""
    most = 3
    for finding in line.mends[:most]:
        yield f"{finding.code} {finding.span.path}:{beginning(finding.span, plan.before.sources)[0]}"
    if len(line.mends) > most:
        yield f"and {len(line.mends) - most} more"
    if not line.mends:
        yield "goes with the other options of the resource"


def _list_left(plan: TemplatesPlan) -> Iterator[str]:
    """Yield what is left: the places of each rule, with what to do once for all that is done alike."""
    of: dict[tuple[str, str], list[Finding]] = {}
    for finding in plan.left:
        of.setdefault((finding.code, finding.remedy), []).append(finding)
    for (code, remedy), findings in sorted(of.items()):
        fixed = " `lwlint fix` does it." if all(one.fix is not None and one.fix.safe for one in findings) else ""
        yield f"{code} {findings[0].rule}: {remedy}{fixed}"
        for finding in findings:
            line, column = beginning(finding.span, plan.before.sources)
            new = " (new)" if finding in plan.new else ""
            yield f"  {finding.span.path}:{line}:{column} {finding.message}{new}"


def _templates_summary(plan: TemplatesPlan) -> str:
    if not plan.lines and not plan.left and not plan.unseen:
        return "Nothing to change: the rules find nothing in these templates with these environments"
    gone = len({(one.rule, one.subject, one.span) for line in plan.lines for one in line.mends})
    left = count_of(len(plan.left), "finding")
    verb = "fixes" if len(plan.lines) == 1 else "fix"
    return f"{count_of(len(plan.lines), 'line')} {verb} {count_of(gone, 'finding')}; {left} left to fix by hand"


def render_environment(plan: TemplatesPlan) -> str:
    """Return the environment, with what each line fixes and what is left by hand as comments."""
    return environment(plan.lines, plan.environments, plan)


def environment(lines: Sequence[Line], environments: Sequence[str], plan: TemplatesPlan | None = None) -> str:
    """Return the lines as a file that Heat reads, to be given behind `environments`; with a plan, what it says as comments."""
    comments = {one.way: safe(mask_secrets(", ".join(_mends(one, plan)))) for one in lines} if plan is not None else {}
    body = write_commented(as_mapping(lines) or {PARAMETERS: {}}, comments)
    head = [
        f"From full HA to lightweight, by lwlint {__version__}: the last environment of the deployment, behind",
        *(f"  -e {name}" for name in environments),
        "Paths are relative to the folder of this file. Above each line is what it fixes, by rule and place.",
    ]
    tail = ["", "No environment fixes these; first, or afterwards, by hand:", *_list_left(plan)] if plan is not None and plan.left else []
    if plan is not None and plan.unseen:
        tail += ["", "Not judged:", *(f"  {line}" for line in plan.unseen)]
    return _with_comments(head) + body + _with_comments(tail)


def _with_comments(lines: Iterable[str]) -> str:
    return "".join(f"# {safe(mask_secrets(line))}\n" if line else "\n" for line in lines)
