"""A plan for templates: as an environment that people keep, with a comment on each line, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lwlint import __version__
from lwlint.core.finding import Finding
from lwlint.core.harmless import counted, safe
from lwlint.core.secret import masked
from lwlint.core.source import beginning
from lwlint.operate.templates import PARAMETERS, REGISTRY, Line, TemplatesPlan, as_mapping
from lwlint.policy.round_trip import commented
from lwlint.report.json import Output, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lwlint.core.source import Source

VERSION = 1  # of the JSON form
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


class LeftOutput(FoundOutput, frozen=True):
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
    left: tuple[LeftOutput, ...]
    unseen: tuple[str, ...]
    file: str


def render_json(plan: TemplatesPlan) -> str:
    """Return the plan as JSON, after docs/plan-templates.schema.json."""
    sources = plan.before.sources
    return written(
        TemplatesPlanOutput(
            VERSION,
            plan.release,
            plan.environments,
            plan.path,
            tuple(
                LineOutput(
                    one.section,
                    one.parameter,
                    masked(one.name),
                    one.option,
                    one.value,
                    tuple(FoundOutput(*_found(f, sources)) for f in one.mends),
                )
                for one in plan.lines
            ),
            tuple(LeftOutput(*_found(one, sources), one in plan.new) for one in plan.left),
            tuple(map(masked, plan.unseen)),
            render_environment(plan),
        )
    )


def _founds(findings: Iterable[Finding], sources: Mapping[str, Source]) -> tuple[FoundOutput, ...]:
    return tuple(FoundOutput(*_found(one, sources)) for one in findings)


def _found(finding: Finding, sources: Mapping[str, Source]) -> tuple[str, str, str, str, int, int, str, str, bool]:
    line, column = beginning(finding.span, sources)
    said = masked(finding.message), masked(finding.remedy)
    return finding.code, finding.rule, finding.severity, finding.span.path, line, column, *said, finding.fix is not None


def render_text(plan: TemplatesPlan) -> str:
    """Return what the environment fixes and what is left, as text."""
    return "".join(f"{safe(masked(line))}\n" for line in _text(plan))


def _text(plan: TemplatesPlan) -> Iterator[str]:
    for section in _SECTIONS:
        lines = [line for line in plan.lines if line.section == section]
        if lines:
            yield section
            yield from (f"  {_shown(line)}  # {', '.join(_mends(line, plan))}" for line in lines)
            yield ""
    if plan.left:
        yield "By hand"
        yield from (f"  {line}" for line in _left(plan))
        yield ""
    if plan.unseen:
        yield "Not judged"
        yield from (f"  {line}" for line in plan.unseen)
        yield ""
    yield _summary(plan)


def _shown(line: Line) -> str:
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


def _left(plan: TemplatesPlan) -> Iterator[str]:
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


def _summary(plan: TemplatesPlan) -> str:
    if not plan.lines and not plan.left and not plan.unseen:
        return "Nothing is to be changed: the rules find nothing in these templates with these environments"
    gone = len({(one.rule, one.subject, one.span) for line in plan.lines for one in line.mends})
    left = counted(len(plan.left), "finding")
    verb = "fixes" if len(plan.lines) == 1 else "fix"
    return f"{counted(len(plan.lines), 'line')} {verb} {counted(gone, 'finding')}; {left} left to fix by hand"


def render_environment(plan: TemplatesPlan) -> str:
    """Return the environment, with what each line fixes and what is left by hand as comments."""
    return environment(plan.lines, plan.environments, plan)


def environment(lines: Sequence[Line], environments: Sequence[str], plan: TemplatesPlan | None = None) -> str:
    """Return the lines as a file that Heat reads, to be given behind `environments`; with a plan, what it says as comments."""
    comments = {one.way: safe(masked(", ".join(_mends(one, plan)))) for one in lines} if plan is not None else {}
    body = commented(as_mapping(lines) or {PARAMETERS: {}}, comments)
    head = [
        f"From full HA to lightweight, by lwlint {__version__}: the last environment of the deployment, behind",
        *(f"  -e {name}" for name in environments),
        "Paths are relative to the folder of this file. Above each line is what it fixes, by rule and place.",
    ]
    tail = ["", "No environment fixes these; first, or afterwards, by hand:", *_left(plan)] if plan is not None and plan.left else []
    if plan is not None and plan.unseen:
        tail += ["", "Not judged:", *(f"  {line}" for line in plan.unseen)]
    return _commented(head) + body + _commented(tail)


def _commented(lines: Iterable[str]) -> str:
    return "".join(f"# {safe(masked(line))}\n" if line else "\n" for line in lines)
