"""Rules, clauses, services and settings for a reader: lists, and one explained. Rules have pages in `rule_pages`."""

from __future__ import annotations

import textwrap
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal, NamedTuple, Union

import msgspec
from msgspec import Struct

from lwlint.checks.parameters import FactMessage, FactPath, Places, Shape, Word
from lwlint.core.config_reader import description_of, fields_of, required_of
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE, LAST_OF_TRIPLEO, RELEASES, Service
from lwlint.core.secret import masked
from lwlint.policy.rules import Clause, Example, Rule
from lwlint.policy.settings import Key, Layer, Settings, position
from lwlint.report.fixes import encodable, one_line
from lwlint.report.json import dump
from lwlint.run.examples import Branch, Way

_WORDS: Mapping[Any, str] = types.MappingProxyType(
    {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "anything"}
)


class Parameter(NamedTuple):
    """One parameter: its name (`limits[].option` for one of the records in a list), type, default (empty: required) and meaning."""

    name: str
    type: str
    default: str
    meaning: str


def parameters(kind: Any, above: str = "") -> Iterator[Parameter]:
    """Yield the parameters of a record in the order of its fields, those of the records in it after the one that holds them."""
    required = required_of(kind)
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
    parts = [f"{clause.id} ({clause.level})", clause.title, "", *wrapped(clause.requirement)]
    if clause.upstream:
        parts.append(f"Upstream: {clause.upstream}")
    parts += [""] + [line for kind, meaning in clause.inputs.items() for line in wrapped(f"{kind}: {meaning}", "  ")]
    if clause.differs:
        parts += ["", *wrapped(f"Differs: {clause.differs}")]
    serving = [f"  {r.code}  {r.id}  {r.title}" for r in rules if r.clause == clause.id]
    parts += ["", "Rules:", *(serving or [f"  none yet; served by {clause.served_by}"])]
    return "\n".join(parts) + "\n"


def wrapped(text: str, indent: str = "") -> list[str]:
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
            yield f"{_dotted(group)}: {default}", "default"
    for group in sorted(said):
        for key, value, layer in said[group]:
            line, column = position(layer, key)
            yield f"{_dotted(key)}: {_shown(value)}", f"{one_line(layer.name)}:{line}:{column}"


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


def _dotted(key: Key) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return one_line(text[1:] if text.startswith(".") else text)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return masked(one_line(str(value))) if value not in ({}, []) else "(empty)"
