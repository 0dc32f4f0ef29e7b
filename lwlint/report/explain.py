"""Rules, clauses, services, settings and what was observed, for a reader: lists, one explained, and their pages in the documentation."""

from __future__ import annotations

import re
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, NamedTuple, Union

import msgspec
from msgspec import Struct

from lwlint.checks.parameters import FactMessage, FactPath, Places, Shape, Word
from lwlint.core.config_reader import description_of, fields_of, list_required
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE, LAST_OF_TRIPLEO, RELEASES, Service
from lwlint.core.harmless import count_of
from lwlint.core.kind import Kind
from lwlint.core.observed import NOT_OBSERVED, WHEN, WITH, Claim, Observed, Seen, ready_seen
from lwlint.core.secret import mask_secrets
from lwlint.inputs import KINDS
from lwlint.policy.rules import Clause, Example, Rule
from lwlint.policy.settings import Key, Layer, Settings, position
from lwlint.report.fixes import encodable, one_line
from lwlint.report.json import dump
from lwlint.run.examples import Branch, Way

_WORDS: Mapping[Any, str] = types.MappingProxyType(
    {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "anything"}
)
_LANGUAGES = ("ini", "json", "puppet", "xml", "yaml")  # those that the site colours


class Parameter(NamedTuple):
    """One parameter: its name (`limits[].option` for one of the records in a list), type, default (empty: required) and meaning."""

    name: str
    type: str
    default: str
    meaning: str


def parameters(kind: Any, above: str = "") -> Iterator[Parameter]:
    """Yield the parameters of a record in the order of its fields, those of the records in it after the one that holds them."""
    required = list_required(kind)
    for name, (key, hint) in (fields_of(kind) or {}).items():
        default = "" if key in required else _default(kind, name)
        yield Parameter(above + key, type_in_words(hint), default, description_of(hint))
        inner, way = _record(hint)
        if inner is not None:
            yield from parameters(inner, f"{above}{key}{way}.")


def type_in_words(hint: Any) -> str:
    """Return what a value of this type is."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint == FactPath:
        return "attribute of a fact"
    if hint == FactMessage:
        return "message with attributes of a fact in braces"
    if origin is Annotated:
        named = next((note for note in inside[1:] if isinstance(note, (Word, Shape, Places))), None)
        if isinstance(named, Places):
            return "message with " + ", ".join(f"`{{{name}}}`" for name in named.names)
        return named.what if named is not None else type_in_words(inside[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inside)
    if origin is tuple:
        return f"list: {type_in_words(inside[0])}"
    if origin is Union or isinstance(hint, types.UnionType):
        return " or ".join(dict.fromkeys(type_in_words(each) for each in inside if each is not type(None)))
    if origin is not None:
        return f"mapping: {type_in_words(inside[0])} to {type_in_words(inside[1])}"
    return "record" if fields_of(hint) is not None else _WORDS.get(hint, "value")


def _record(hint: Any) -> tuple[Any, str]:
    """Return the record that values of this type are or hold, and the way from the one to the other."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _record(inside[0])
    if origin is tuple:
        inner, way = _record(inside[0])
        return inner, f"[]{way}"
    return (hint, "") if origin is None and fields_of(hint) is not None else (None, "")


def _default(kind: Any, name: str) -> str:
    if not issubclass(kind, msgspec.Struct):
        value = getattr(kind, name, None)
        return "none" if value in (None, "", (), {}) else f"`{_yaml(value)}`"
    field = next(field for field in msgspec.structs.fields(kind) if field.name == name)
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "none" if value in (None, "", (), {}) else f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_yaml, value))}]" if isinstance(value, tuple) else str(value)


def parameter_table(kind: Any) -> list[str]:
    """Return the parameters as the lines of a table in Markdown; none where there are none."""
    found = list(parameters(kind))
    lines = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    return [*lines, *(f"| `{p.name}` | {p.type} | {p.default or 'required'} | {p.meaning} |" for p in found)] if found else []


def parameter_lines(kind: Any) -> list[str]:
    """Return the parameters as lines for a terminal: name, type and default, and the meaning below."""
    lines: list[str] = []
    for p in parameters(kind):
        lines += [f"  {p.name} ({p.type}; {f'default {p.default}' if p.default else 'required'})", f"      {p.meaning}"]
    return lines or ["  none"]


class Reached(Struct, frozen=True):
    """The branches that each example of one rule takes through its check, in the order of the examples."""

    rule: Rule
    way: Way
    taken: tuple[tuple[Example, AbstractSet[Branch]], ...]


def render_reached(reached: Sequence[Reached]) -> str:
    """Return, for each rule, its examples with what they reach and what none does; then each check over all rules."""
    return "".join(f"{line}\n" for line in (*_by_rule(reached), *_by_check(reached)))


def _by_rule(reached: Sequence[Reached]) -> Iterator[str]:
    for one in reached:
        every = len(one.way.branches)
        taken = [branches for _, branches in one.taken]
        yield f"{one.rule.code} {one.rule.id}: {len(_all(taken))} of {every} branches of `{one.rule.check}` ({one.way.shown})"
        for i, (example, branches) in enumerate(one.taken):
            alone = len(branches - _all(taken[:i] + taken[i + 1 :]))
            more = f", {alone} by no other example" if alone else ""
            yield f"  {'good' if example.good else 'bad'}: {example.title}: {len(branches)}{more}"
        yield from _never(one.way, _all(taken))
        yield ""


def _by_check(reached: Sequence[Reached]) -> Iterator[str]:
    checks: dict[str, list[Reached]] = {}
    for one in reached:
        checks.setdefault(one.rule.check, []).append(one)
    yield "Over all rules"
    for name, rules in sorted(checks.items()):
        taken = _all([branches for one in rules for _, branches in one.taken])
        yield f"  {name}: {len(taken)} of {len(rules[0].way.branches)} ({', '.join(one.rule.code for one in rules)})"
        if len(rules) > 1:
            yield from (f"  {line}" for line in _never(rules[0].way, taken))


def _never(way: Way, taken: AbstractSet[Branch]) -> Iterator[str]:
    for branch in way.branches:
        if branch not in taken:
            yield f"  never: {way.shown}:{branch.line} {branch.outcome}: {branch.text}"


def _all(taken: Sequence[AbstractSet[Branch]]) -> set[Branch]:
    return set().union(*taken)


def rules_text(rules: Sequence[Rule]) -> str:
    """Return one line a rule: code, severity, id, title."""
    width = max(len(rule.id) for rule in rules)
    return "".join(f"{r.code}  {r.severity:7}  {r.id:{width}}  {r.title}\n" for r in rules)


def rules_json(rules: Sequence[Rule]) -> str:
    """Return the rules as a JSON array, without their examples; `params` are those in effect, as a configuration would write them."""
    keys = ("code", "id", "title", "severity", "clause", "why", "remedy", "check")
    return dump([{**{key: getattr(rule, key) for key in keys}, "params": rule.params or {}} for rule in rules])


def explain_parameters(rule: Rule) -> str:
    """Return the parameters of a rule's check, each with its type, default and meaning, and what the rule sets."""
    set_here = dump(rule.params or {}).rstrip().splitlines()
    head = f"{rule.code} {rule.id}: the parameters of its check `{rule.check}`"
    return "\n".join([head, "", *parameter_lines(rule.bound.params), "", "The rule sets:", *(f"  {line}" for line in set_here)]) + "\n"


def explain_clause(clause: Clause, rules: Sequence[Rule]) -> str:
    """Return one clause: the requirement, what it means for each kind of input, and the rules that serve it."""
    parts = [f"{clause.id} ({clause.level})", clause.title, "", *wrap(clause.requirement)]
    if clause.upstream:
        parts.append(f"Upstream: {clause.upstream}")
    parts += [""] + [line for kind, meaning in clause.inputs.items() for line in wrap(f"{kind}: {meaning}", "  ")]
    if clause.differs:
        parts += ["", *wrap(f"Differs: {clause.differs}")]
    serving = [f"  {r.code}  {r.id}  {r.title}" for r in rules if r.clause == clause.id]
    parts += ["", "Rules:", *(serving or [f"  none yet; served by {clause.served_by}"])]
    return "\n".join(parts) + "\n"


def wrap(text: str, indent: str = "") -> list[str]:
    """Return a text as lines for a terminal."""
    lines = []
    for paragraph in text.strip().split("\n"):
        lines += textwrap.wrap(paragraph, 110, initial_indent=indent, subsequent_indent=indent) or [""]
    return lines


_KINDS = {
    CORE: "core: Pacemaker must run it",
    ACTIVE_PASSIVE: "active/passive: Pacemaker may run it",
    ACTIVE_ACTIVE: "active/active: Pacemaker must not run it",
    INFRASTRUCTURE: "infrastructure of the cluster",
}
_WIDTH = 110


class _Architecture(Struct, frozen=True):
    title: str
    first: str
    last: str

    @property
    def releases(self) -> tuple[str, ...]:
        return RELEASES[RELEASES.index(self.first) : RELEASES.index(self.last) + 1]


_FULL = _Architecture("everything under Pacemaker", "liberty", "mitaka")
_HOST = _Architecture("lightweight, on the host", "newton", "rocky")
_DOCKER = _Architecture("lightweight, docker", "pike", "train")
_PODMAN = _Architecture("lightweight, podman", "stein", LAST_OF_TRIPLEO)


def service_table(services: Sequence[Service]) -> str:
    """Return one line for each service: its title, its kind, and the releases in which Pacemaker may run it."""
    rows = [(s.title, s.kind.replace("_", "/"), _span(s.under_pacemaker) or "-", ", ".join(s.units or s.containers)) for s in services]
    rows.insert(0, ("service", "kind", "under Pacemaker", "units"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "".join(
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:{widths[2]}}  {textwrap.shorten(row[3], 60, placeholder=' ...')}".rstrip()
        + "\n"
        for row in rows
    )


def one_service(service: Service, seen: Sequence[str] = ()) -> str:
    """Return all that is known of one service: its kind, the command for it in each architecture, its names, and what was `seen`."""
    lines = [service.title, f"  {_KINDS[service.kind]}" + (f", {_span(service.under_pacemaker)}" if service.under_pacemaker else "")]
    if not service.daemon:
        lines.append("  no daemon of its own")
    if service.note:
        lines += _wrap_service(service.note, "  ", 2)
    if service.once:
        lines.append("  never stopped or restarted: it runs once at boot, and its stop undoes what it did")
    managed = [] if service.once else [(a, command) for a in (_FULL, _HOST, _DOCKER, _PODMAN) for command in _commands(service, a)]
    if managed:
        lines += ["", "  restarted by (`pcs` once in the cluster, the others on each node)"]
        for architecture, command in managed:
            lines += _wrap_service(command, f"    {architecture.title + ', ' + _span(architecture.releases):47} ", 52)
    lines += ["", *_names(service)]
    lines += [line for text in seen for line in _wrap_service(text.strip(), text[: len(text) - len(text.lstrip())], 8) or [""]]
    return "\n".join(lines).rstrip() + "\n"


def _commands(service: Service, architecture: _Architecture) -> Iterator[str]:
    """Yield the commands that restart a service."""
    if not set(service.releases) & set(architecture.releases):
        return
    if architecture is _FULL:
        ids = service.full_ha_ids
        if not ids and set(service.httpd) & set(architecture.releases):
            ids = ("httpd-clone",)
    else:
        ids = _lightweight_ids(service, architecture)
    if ids:
        yield from (f"{'pcs stonith cleanup' if service.name == 'stonith' else 'pcs resource restart'} {id}" for id in ids)
    elif architecture is _DOCKER and service.containers:
        yield "docker restart " + " ".join(service.containers)
    elif architecture is _PODMAN and service.containers:
        yield "systemctl restart " + " ".join(f"tripleo_{container}" for container in service.containers)
    else:
        yield from _on_host(service, architecture)


def _lightweight_ids(service: Service, architecture: _Architecture) -> tuple[str, ...]:
    if not set(service.under_pacemaker) & set(architecture.releases):
        return ()
    host_ids = tuple(id for id in service.resource_ids if id not in service.bundle_ids)
    return (host_ids or service.resource_ids) if architecture is _HOST else service.bundle_ids


def _on_host(service: Service, architecture: _Architecture) -> Iterator[str]:
    releases = architecture.releases
    httpd = [release for release in releases if release in service.httpd]
    units = _real(service.units)
    if units and httpd != list(releases):
        yield "systemctl restart " + " ".join(units)
    if httpd:
        yield "systemctl restart httpd" + (f" (from {httpd[0]})" if units and httpd != list(releases) else "")


def _real(units: Iterable[str]) -> list[str]:
    """Return RDO's name of a service's unit: the first; all where it has several programs of its own."""
    named = [unit for unit in units if not unit.endswith("@") and "*" not in unit]
    prefix = named[0].rpartition("-")[0] if named else ""
    return [unit for unit in named if unit == named[0] or (prefix.count("-") and unit.startswith(prefix))]


def _names(service: Service) -> Iterator[str]:
    for title, values in (
        ("units", service.units),
        ("containers", service.containers),
        ("aliases", service.aliases),
        ("resource ids", service.resource_ids),
        ("agents", service.agents),
        ("option files", service.config_files),
        ("databases", tuple(f"[{d.section}] {d.option}" for d in service.databases)),
        ("Puppet modules", service.modules),
    ):
        if values:
            yield from _wrap_service(", ".join(values), f"  {title + ':':16}", 18)


def _wrap_service(text: str, start: str, indent: int) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def _span(releases: Sequence[str]) -> str:
    if not releases:
        return ""
    return releases[0] if len(releases) == 1 else f"{releases[0]} to {releases[-1]}"


_DEFAULTS: dict[Key, str] = {
    ("release",): "auto",
    ("select",): "all rules",
    ("paths", "include"): "all files that are lwlint's",
    ("paths", "gitignore"): "true",
}
_OF_CHECK = ("fail_on", "strict", "baseline", "environments", "format", "limit")
_REPLACED = (*_DEFAULTS, *((name,) for name in _OF_CHECK))  # of the last layer that has them


def render_settings(settings: Settings) -> str:
    """Return one line for every value, `key: value  # path:line:column`; an index counts within its own file."""
    rows = [*_files(settings), *_values(settings)]
    width = min(60, max(len(left) for left, _ in rows))
    return encodable("".join(f"{left:{width}}  # {right}\n" for left, right in rows))


def _files(settings: Settings) -> Iterator[tuple[str, str]]:
    for layer in settings.layers:
        yield f"configuration: {one_line(layer.name)}", f"paths count from {one_line(layer.folder)}"
    if not settings.layers:
        yield (
            "configuration: none",
            "no .lwlint.yaml, [tool.lwlint] in a pyproject.toml, [lwlint] in a tox.ini or setup.cfg, upwards",
        )


def _values(settings: Settings) -> Iterator[tuple[str, str]]:
    said: dict[Key, list[tuple[Key, Any, Layer]]] = {}
    for layer in settings.layers:
        fresh: dict[Key, list[tuple[Key, Any, Layer]]] = {}
        for key, value in _leaves(layer.plain, ()) if layer.plain else ():
            fresh.setdefault(_group(key), []).append((key, value, layer))
        for group, leaves in fresh.items():
            said[group] = leaves if group in _REPLACED or group[0] == "rules" else [*said.get(group, []), *leaves]
    for group, default in _DEFAULTS.items():
        if group not in said:
            yield f"{_join_key(group)}: {default}", "default"
    for group in sorted(said):
        for key, value, layer in said[group]:
            line, column = position(layer, key)
            yield f"{_join_key(key)}: {_show(value)}", f"{one_line(layer.name)}:{line}:{column}"


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _leaves(below, (*key, name))
    elif isinstance(value, list) and value:
        for i, below in enumerate(value):
            yield from _leaves(below, (*key, i))
    else:
        yield key, value


def _group(key: Key) -> Key:
    """Return the part of the key that a later layer replaces as a whole, or adds to."""
    if key[0] == "rules":
        return key[:4] if key[2:3] == ("params",) else key[:3]
    return key[:2] if key[0] == "paths" else key[:1]


def _join_key(key: Key) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return one_line(text[1:] if text.startswith(".") else text)


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return mask_secrets(one_line(str(value))) if value not in ({}, []) else "(empty)"


def explain_rule(rule: Rule, clauses: Sequence[Clause], claims: Sequence[str] = (), *, examples: bool = False) -> str:
    """Return what is to be known of one rule, with one example of what is bad and what to use instead; or with all `examples`.

    `claims` are what it says of programs, each with what that stands on.
    """
    shown = list(rule.examples) if examples else list(pair(rule))
    parts = [f"{rule.code} {rule.id} ({rule.severity})", rule.title, ""]
    if examples:
        return "\n".join([*parts, *(line for one in shown for line in _example(one, "Good" if one.good else "Bad"))]).rstrip() + "\n"
    parts += [*wrap(f"Why: {rule.why}"), ""]
    for one in shown:
        parts += _example(one, "Use instead" if one.good else "Bad")
    parts += [*wrap(f"Remedy: {rule.remedy}"), ""]
    clause = next((c for c in clauses if c.id == rule.clause), None)
    if clause is not None:
        parts += [*wrap(f"Clause {clause.id}: {clause.requirement}"), ""]
    if claims:
        parts += ["What it says of programs", *(line for claim in claims for line in wrap(claim, "  ")), ""]
    names = [p.name for p in parameters(rule.bound.params) if not re.search(r"[\[.]", p.name)]
    if names:
        parts += [*wrap(f"Parameters: {', '.join(names)}. `lwlint explain {rule.code} --params` tells of each."), ""]
    parts += [*wrap(f"To allow it: {allowing(rule)}"), ""]
    rest = len(rule.examples) - len(shown)
    if rest:
        parts += [f"{count_of(rest, 'more example')}: `lwlint explain {rule.code} --examples`"]
    return "\n".join(parts).rstrip() + "\n"


def pair(rule: Rule) -> Iterator[Example]:
    """Yield the first example of what is bad, and the first of what to use instead; its author puts them there to be shown."""
    for good in (False, True):
        yield from [example for example in rule.examples if bool(example.good) is good][:1]


def allowing(rule: Rule) -> str:
    """Return how a finding of the rule is put up with: by a comment, where files of that kind may have one, or by the configuration."""
    command = f'`lwlint allow {rule.code} PATH --because "..."`'
    kind = next(_kinds(rule), None)
    if kind is None or kind.comments is None:
        return f"{command} writes that into the configuration, with the reason."
    if kind.comments.marks.startswith("<"):
        comment = f"<!-- lwlint: allow {rule.code} because ... -->"
    else:
        comment = f"{kind.comments.marks[0]} lwlint: allow {rule.code} -- because ..."
    where = "on its line or the line above it" if kind.comments.inline else "on the line above it"
    return f"`{comment}` {where}, or {command} for the configuration. The reason is shown in every report."


def _kinds(rule: Rule) -> Iterator[Kind]:
    """Yield the kinds of input in which the bad examples of a rule have their defects."""
    for example in rule.examples:
        for place in example.finds:
            path = place.split(":")[0]
            content = example.files.get(path, "")
            kind, _ = KINDS.of(path, content if isinstance(content, str) else "", named=True)
            found = KINDS.find_printed(path) or kind
            if found is not None:
                yield found


def _example(example: Example, head: str) -> list[str]:
    lines = [f"{head}: {example.title}{''.join(f' ({remark})' for remark in _remarks(example))}"]
    for path, content in example.files.items():
        lines.append(f"  {path}")
        text = content if isinstance(content, str) else f"(link to {content['link']})"
        lines += [f"    {line}" for line in text.splitlines()]
    lines += [f"  finds {line}" for line in example.finds]
    return [*lines, ""]


def _remarks(example: Example) -> Iterator[str]:
    if example.release:
        yield f"release {example.release}"
    if example.environments:
        yield f"given with `-e`, in this order: {', '.join(example.environments)}"


def rules_page(rules: Sequence[Rule]) -> str:
    """Return `docs/rules.md`: a line for every rule, with its page."""
    parts = [
        "# Rules",
        "",
        "What lwlint judges. Each rule has a page; `lwlint explain RULE` prints what that begins with, and `lwlint rules` prints this",
        "list. The first digit of a code is the area: 1 Pacemaker, 2 systemd, 3 retries, 4 Heat and Puppet, 5 hosts and clusters",
        "(which an audit alone knows), 9 the input itself.",
        "",
        "| code | rule | what it finds | severity | clause |",
        "|---|---|---|---|---|",
    ]
    parts += [f"| {r.code} | [{r.id}]({page_of(r)}) | {r.title} | {r.severity} | [{r.clause}](spec.md#{r.clause}) |" for r in rules]
    return _page(parts, "rules/")


def _page(parts: Sequence[str], source: str) -> str:
    """Return a page, which says at its end, to its editors only, what it was made from."""
    return "\n".join([*parts, "", f"<!-- Generated from `{source}` by `docs/generate.py`; do not edit. -->"]) + "\n"


def page_of(rule: Rule) -> str:
    """Return where the page of a rule lies, from `docs/`."""
    return f"rules/{rule.id}.md"


def rule_page(rule: Rule, clauses: Sequence[Clause], claims: Sequence[str] = ()) -> str:
    """Return the page of one rule: what is bad, what to use instead, why, what to do, how to allow it, and all other examples."""
    shown = list(pair(rule))
    parts = [f"# {rule.code} {rule.id}", "", f"**{rule.title}** ({rule.severity})"]
    for one in shown:
        parts += ["", f"## {'Use instead' if one.good else 'Bad'}", "", f"{one.title[:1].upper()}{one.title[1:]}:", *_file_blocks(one)]
    parts += ["", "## Why", "", rule.why.strip()]
    clause = next((c for c in clauses if c.id == rule.clause), None)
    if clause is not None:
        parts += ["", f"Clause [{clause.id}](../spec.md#{clause.id}): {clause.requirement.strip()}"]
    parts += ["", "## What to do", "", rule.remedy.strip(), "", "## To allow it", "", f"{allowing(rule)} [Exceptions](../exceptions.md)"]
    if claims:
        parts += ["", "## What it says of programs", "", *(f"- {claim}" for claim in claims), "", "[What was observed](../observed.md)"]
    found = parameter_table(rule.bound.params)
    if found:
        said = f"of the check `{rule.check}`; `rules: {{{rule.code}: {{params: ...}}}}` of a configuration sets them."
        parts += ["", "## Parameters", "", f"These are the parameters {said}", "", *found]
    rest = [one for one in rule.examples if one not in shown]
    if rest:
        parts += ["", "## More examples"]
    for one in rest:
        parts += ["", f"### {'Good' if one.good else 'Bad'}: {one.title}", *_file_blocks(one)]
    return _page(parts, "rules/")


def _file_blocks(example: Example) -> Iterator[str]:
    """Yield an example's files in Markdown, and what is found in them."""
    if example.release:
        yield from ("", f"Release: {example.release}")
    if example.environments:
        yield from ("", "Given with `-e`, in this order: " + ", ".join(f"`{path}`" for path in example.environments))
    for path, content in example.files.items():
        text = content if isinstance(content, str) else f"(link to {content['link']})"
        kind = (KINDS.find_printed(path) or KINDS.of(path, text, named=True)[0]) if isinstance(content, str) else None
        language = kind.language if kind is not None and kind.language in _LANGUAGES else "text"
        yield from ("", f"`{path}`", "", *_fence(text, language))
    if example.finds:
        yield from ("", "lwlint finds", "", *_fence("\n".join(example.finds)))


def _fence(text: str, language: str = "text") -> Iterable[str]:
    fence = "````" if "```" in text else "```"
    return [f"{fence}{language}", *text.rstrip("\n").split("\n"), fence]


UPSTREAM = "https://blueprints.launchpad.net/tripleo/+spec/pacemaker-lightweight-architecture"
# The names in `inputs` of a clause, which are those of the kinds of source, and what a reader calls them, in the order of the page.
_INPUTS = tuple((kind.name, kind.title) for kind in sorted(KINDS, key=lambda kind: kind.printed) if not kind.stands_for)


def spec_page(clauses: Sequence[Clause], rules: Sequence[Rule]) -> str:
    """Return `docs/spec.md` as text.

    The rules must have been loaded with their examples: the kinds of input that a rule serves are those of its bad ones.
    """
    parts = [
        "# The specification, as clauses",
        "",
        f"The TripleO specification *[Pacemaker Lightweight Architecture]({UPSTREAM})*, told in our own words.",
        "Each clause names the section that it is based on, says what it means for each kind of input, and from which",
        "release a practice differs.",
        "",
        "## Coverage",
        "",
        "| clause | rules | kinds of input |",
        "|---|---|---|",
    ]
    parts += [_row(clause, [rule for rule in rules if rule.clause == clause.id]) for clause in clauses]
    for clause in clauses:
        parts += ["", *_section(clause, [rule for rule in rules if rule.clause == clause.id])]
    return _page(parts, "rules/clauses.yaml")


def inputs_of(rule: Rule) -> list[str]:
    """Return the kinds of input in which the bad examples of a rule have their defects, as a reader calls them."""
    seen = {kind.stands_for or kind.name for kind in _kinds(rule)}
    return [title for name, title in _INPUTS if name in seen]


def _row(clause: Clause, rules: Sequence[Rule]) -> str:
    named = ", ".join(_link(rule) for rule in rules) or (f"served by {clause.served_by}" if clause.served_by else "none")
    found = {words for rule in rules for words in inputs_of(rule)}
    inputs = ", ".join(words for _, words in _INPUTS if words in found) or "-"
    return f"| [{clause.id}](#{clause.id}) | {named} | {inputs} |"


def _section(clause: Clause, rules: Sequence[Rule]) -> list[str]:
    parts = [f'<a id="{clause.id}"></a>', f"## {clause.title}", ""]
    parts += [f"`{clause.id}` ({clause.level}), from *{clause.upstream}*", "", clause.requirement.strip()]
    named = [f"- **{words}**: {clause.inputs[name].strip()}" for name, words in _INPUTS if name in clause.inputs]
    if named:
        parts += ["", *named]
    if clause.differs:
        parts += ["", f"*By release.* {clause.differs.strip()}"]
    served = ", ".join(_link(rule) for rule in rules) or clause.served_by or "nothing yet"
    return [*parts, "", f"Served by: {served}"]


def _link(rule: Rule) -> str:
    return f"[{rule.code}]({page_of(rule)})"


_REPORTED = "reported"
_UNDER = {"": "", "uwsgi": " under uWSGI", "mod_wsgi": " under mod_wsgi"}
_THEN = {"never: deaf": "is deaf on its queue for good", "never: 500": "answers 500 for good", "never: hangs": "hangs requests for good"}


def sentence(run: Seen) -> str:
    """Return what a program did, as it follows its name: `waits, and serves once it is back`."""
    if run.status is not None:
        return f"exits with status {run.status}"
    does = "forks its children again" if run.does == "forks again" else run.does
    if run.then in _THEN:
        return _THEN[run.then]
    if run.then == "serves":
        return "serves on" if run.does == "serves" else f"{does}, and serves once it is back"
    return (
        f"{does}; what follows was not observed" if run.then == NOT_OBSERVED and run.when.endswith(("-killed", "-away-at-start")) else does
    )


def rows(runs: Iterable[Seen]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what was seen of one service: what failed, with which setting, what which program did, and who saw it in which release."""
    found: dict[tuple[str, str, str, str], list[Seen]] = {}
    order = (*WHEN,)
    for run in sorted(runs, key=lambda run: (order.index(run.when), list(WITH).index(run.setting), RELEASES.index(run.release))):
        name = f"{run.program}{_UNDER[run.under]}"
        only = f" ({run.only})" if run.only else ""
        found.setdefault((run.when, run.setting, name, f"{sentence(run)}{only}"), []).append(run)
    for (when, setting, name, did), alike in found.items():
        yield WHEN[when], WITH[setting], f"{name} {did}", "; ".join(_sources(alike))


def _sources(runs: Sequence[Seen]) -> Iterator[str]:
    for word, mine in (("observed", [r for r in runs if r.by != _REPORTED]), (_REPORTED, [r for r in runs if r.by == _REPORTED])):
        if mine:
            yield f"{word}: " + ", ".join(dict.fromkeys(f"{run.release} ({run.version})" if run.version else run.release for run in mine))


def service_lines(service: Service, observed: Observed) -> list[str]:
    """Return what a service does when its database or broker fails it, as lines for a terminal; none for one that has neither."""
    runs = observed.services.get(service.name, ())
    if not runs:
        return ["", "  when its database or broker fails it", "    assumed: nobody saw it"] if needs_others(service) else []
    lines = ["", "  when its database or broker fails it"]
    last = ""
    for when, setting, did, by in rows(runs):
        if when != last:
            lines.append(f"    {when}")
            last = when
        lines.append(f"      {setting}: {did} ({by})")
    return lines


def needs_others(service: Service) -> bool:
    """Return whether a service of OpenStack runs for long and needs a database or the broker."""
    return service.openstack and service.daemon and not service.ends and (bool(service.databases) or service.broker)


def claim_lines(claims: Iterable[Claim], observed: Observed, code: str) -> list[str]:
    """Return the claims of a rule, each with its state, as paragraphs; none for a rule that claims nothing of programs."""
    lines = []
    for claim in claims:
        if code in claim.rules:
            lines.append(f"{claim.state}: {claim.says}{_stands_on(claim, observed)}")
    return lines


def _stands_on(claim: Claim, observed: Observed) -> str:
    if claim.state == "read":
        return f" ({claim.read})"
    if claim.state == "assumed":
        return ""
    picked = dict(claim.picks(observed))
    number = f"{len(picked)} observation{'s' if len(picked) != 1 else ''}"
    return f" ({number}{'; ' if claim.but else ''}{'; '.join(f'not {id}: {why}' for id, why in claim.but.items())})"


def _assume(needs: bool) -> str:
    return "assumed: waits with `-1`; with a limit it ends, or is of no use for good" if needs else "it has none"


def _assume_of_broker(needs: bool) -> str:
    return "assumed: waits without a limit; up to ocata it ends with one" if needs else "it has none"


def _ready_first(service: Service, runs: Iterable[Seen]) -> str:
    """Return in which releases a service was seen to tell READY=1 early, and for which LW210 takes that to be so."""
    seen = sorted((release for release, first in ready_seen(runs).items() if first), key=RELEASES.index)
    return (
        f"It was seen to send READY=1 to systemd before it has a connection in {', '.join(seen)}; LW210 takes it that it does in"
        f" {_span(service.ready_first)}."
    )


def write_observed_page(services: Iterable[Service], observed: Observed, claims: Iterable[Claim]) -> str:
    """Return `docs/observed.md`: service by service what happens when the database or the broker is away, and where it was seen."""
    every = [service for service in services if needs_others(service) or service.name in observed.services]
    seen = [service for service in every if service.name in observed.services]
    parts = [
        "# What services do when the database or the broker fails them",
        "",
        "Each row was seen with the real program against a real MariaDB and RabbitMQ: *observed* by the [failure lab](lab.md), or",
        "*reported* of a prototype of it. Where nobody saw a service, what lwlint says of it is *assumed*.",
        "",
        "## Sources",
        "",
        "| source | what | date | versions | set-up |",
        "|---|---|---|---|---|",
    ]
    for name, source in observed.sources.items():
        versions = ", ".join(f"{what} {version}" for what, version in source.versions.items())
        parts.append(f"| {name} | {source.what} | {source.date} | {versions} | {source.set_up and f'`{source.set_up}`'} |")
    for service in seen:
        parts += ["", f"## {service.name}", ""]
        if service.leaves_with_success:
            parts += ["It was seen to leave with exit status 0: `Restart=` must be `always` (LW201).", ""]
        if service.ready_first:
            parts += [_ready_first(service, observed.services[service.name]), ""]
        parts += ["| what fails | setting | what was seen | where |", "|---|---|---|---|"]
        parts += [f"| {when} | {setting} | {did} | {by} |" for when, setting, did, by in rows(observed.services[service.name])]
    others = [service for service in every if service.name not in observed.services]
    parts += [
        "",
        "## Assumed",
        "",
        "Nobody saw these; lwlint takes it that they do as most of those above do that have the same servers.",
        "",
        "| service | the database is away | the broker is away |",
        "|---|---|---|",
    ]
    parts += [f"| {service.name} | {_assume(bool(service.databases))} | {_assume_of_broker(service.broker)} |" for service in others]
    parts += [
        "",
        "## Claims",
        "",
        "What the rules say about programs and systemd, and what that is based on.",
        "",
        "| claim | rules | state | what it says |",
        "|---|---|---|---|",
    ]
    parts += [f"| {claim.id} | {', '.join(claim.rules)} | {claim.state} | {claim.says}{_stands_on(claim, observed)} |" for claim in claims]
    if observed.varies:
        parts += ["", "## Where two runs differ", "", *(f"- `{cell}`" for cell in observed.varies)]
    return (
        "\n".join([*parts, "", "Generated from `rules/observed.yaml` and `rules/claims.yaml` by `docs/generate.py`; do not edit."]) + "\n"
    )
