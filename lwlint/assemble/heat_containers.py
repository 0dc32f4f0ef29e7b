"""The containers that a template starts: their policy, and whether they run for long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from lwlint.assemble.heat_functions import Branch, Scope, Values, parts, possible
from lwlint.assemble.heat_template import Parts, strings
from lwlint.late import pattern
from lwlint.named import NamedTuple
from lwlint.parse.heat_nodes import Mapping, Node, Scalar, effective

# what an init container does: it prepares files for another one, and ends
_PREPARES = pattern(r"^\s*(chown|chmod|mkdir|setfacl|cp|rm|mv|touch|ln|install|chcon)\b")
_NEXT = pattern(r"&&|;|\|\||\n")
_SHELL = pattern(r"^(/usr)?(/bin/)?(ba)?sh$")
_BOOTSTRAP = "KOLLA_BOOTSTRAP"
_UNKNOWN = "?"
_GIVEN = "get_attr"  # a part of what describes the container is an attribute of another resource
_DESCRIBES = frozenset(("image", "command", "restart", "action", "detach", "net", "volumes", "environment"))


class Specified(NamedTuple):
    """A container as its template describes it; `restart` is its policy and the place of it, the rest is as in the fact of that name."""

    name: str
    span: tuple[int, int]
    step: str
    restart: Optional[tuple[str, int, int]]
    policies: Values
    one_shot: str
    command: str


def containers(found: Parts, scope: Scope) -> Iterator[Specified]:
    """Yield the containers of a template, those under `map_merge`, `if` and `<<` included."""
    seen: set[int] = set()
    for step, mapping in found.steps:
        for name, value in effective(mapping):
            if id(value) in seen:
                continue
            seen.add(id(value))
            specification = _specification(value)
            if specification is None:
                continue
            restart = specification.get("restart")
            command = specification.get("command")
            policies = possible(restart, scope) if restart is not None else None if _GIVEN in specification else ()
            one_shot = "" if restart is not None else _one_shot(specification, scope)
            yield Specified(
                name=name.value,
                span=(name.start, name.end),
                step=step,
                restart=(_policy((policies or ("",))[0]), restart.start, restart.end) if restart is not None else None,
                policies=None if policies is None or one_shot == _UNKNOWN else tuple(_policy(policy) for policy in policies),
                one_shot="" if one_shot == _UNKNOWN else one_shot,
                command=" ".join(strings(command)) if command is not None else "",
            )


def _policy(value: str) -> str:
    """Return the policy as the container engine gets it: unquoted `no` is a truth to YAML."""
    return "no" if value == "false" else value


def _specification(value: Node) -> dict[str, Node] | None:
    """Return what describes a container, by key; None for what is no container."""
    merged: dict[str, Node] = {}
    for part in parts(value):
        if isinstance(part, Branch):
            merged.update((key.value, inner) for key, inner in effective(part.node))
        else:
            merged[_GIVEN] = value
    return merged if isinstance(value, Mapping) and merged.keys() & _DESCRIBES else None


def _one_shot(specification: dict[str, Node], scope: Scope) -> str:
    """Return why the container ends by itself; an empty string if it does not, `_UNKNOWN` if only a deployment tells."""
    detach, action = specification.get("detach"), specification.get("action")
    values = possible(detach, scope) if detach is not None else ("true",)
    if values is not None and all(value.lower() in ("false", "no") for value in values):
        return "`detach` is `false`"
    if isinstance(action, Scalar) and action.value == "exec":
        return "`action` is `exec`"
    environment = specification.get("environment")
    if environment is not None and any(word.partition("=")[0] == _BOOTSTRAP for word in strings(environment)):
        return f"`{_BOOTSTRAP}` is set"  # kolla asks whether it is there, not what it is
    return _preparing(specification.get("command")) or ("" if values is not None else _UNKNOWN)


def _preparing(command: Node | None) -> str:
    """Return what a command of an init container does: `['/bin/bash', '-c', 'chown ...']`, with any functions around."""
    if command is None:
        return ""
    words = [word for word in strings(command) if not _is_function(word)]
    while words and (_SHELL.match(words[0]) or words[0].startswith("-")):
        words = words[1:]
    steps = [step for step in _NEXT.split(" ".join(words).strip()) if step.strip()]
    if not steps or not all(_PREPARES.match(step) for step in steps):
        return ""
    return f"its command only prepares files (`{steps[0].split()[0]}`)"


def _is_function(word: str) -> bool:
    return word in ("list_concat", "list_join", "str_replace", "template", "params", "get_param", "get_attr", "if")
