"""Names of systemd units: what is one, and its parts (systemd.unit(5); checked against systemd 252)."""

from __future__ import annotations

import re

TYPES = ("service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope")
_NAME = re.compile(r"(?P<prefix>[A-Za-z0-9:\-_.\\]+)(?P<instance>@[A-Za-z0-9:\-_.\\@]*)?\.(?P<type>" + "|".join(TYPES) + r")")
_MAY_ALIAS = ("service", "socket", "target", "device", "timer", "path")
LONGEST = 255


def is_unit(name: str) -> bool:
    """Return whether `name` is the name of a unit: plain, template or instance."""
    return len(name) <= LONGEST and _split(name) is not None


def _split(name: str) -> tuple[str, str | None, str] | None:
    match = _NAME.fullmatch(name)
    if not match:
        return None
    instance = match["instance"]
    return match["prefix"], None if instance is None else instance[1:], match["type"]


def type_of(name: str) -> str:
    """Return the type of a unit, `service` for `a.service`."""
    return name.rpartition(".")[2]


def instance_of(name: str) -> str | None:
    """Return the instance in the name: None for a plain unit, an empty string for a template."""
    parts = _split(name)
    return parts[1] if parts else None


def prefix_of(name: str) -> str:
    """Return what stands in front of the `@`, or of the type where there is none."""
    parts = _split(name)
    return parts[0] if parts else name


def is_template(name: str) -> bool:
    """Return whether `name` is a template, as `a@.service`."""
    return instance_of(name) == ""


def template_of(name: str) -> str:
    """Return the template of an instance: `a@.service` for `a@b.service`."""
    return f"{prefix_of(name)}@.{type_of(name)}"


def instantiated(template: str, instance: str) -> str:
    """Return the instance `instance` of `template`."""
    return f"{prefix_of(template)}@{instance}.{type_of(template)}"


def may_alias(name: str, target: str) -> bool:
    """Return whether a link called `name` to a unit file called `target` makes an alias, as systemd sees it."""
    if not (is_unit(name) and is_unit(target)) or name == target or type_of(name) != type_of(target) or type_of(name) not in _MAY_ALIAS:
        return False
    ours, theirs = instance_of(name), instance_of(target)
    if ours and theirs:
        return ours == theirs
    return (ours is None) == (theirs is None) and not (ours == "" and theirs)


def shortened(name: str) -> str | None:
    """Return the name whose drop-ins `name` takes next: `a-b-.service` for `a-b-c.service`, None when there is none."""
    prefix = prefix_of(name)
    stem = prefix[:-1] if prefix.endswith("-") else prefix
    cut = stem.rfind("-")
    if cut <= 0:
        return None
    instance = instance_of(name)
    return stem[: cut + 1] + (f"@{instance}" if instance else "") + "." + type_of(name)


def expand(text: str, unit: str) -> str:
    """Return `text` with the specifiers filled in that come from the unit's name; the others stay as they are."""
    if "%" not in text:
        return text
    instance = instance_of(unit) or ""
    prefix = prefix_of(unit)
    known = {
        "n": unit,
        "N": unit.rpartition(".")[0],
        "p": prefix,
        "P": _unescaped(prefix),
        "i": instance,
        "I": _unescaped(instance),
        "j": prefix.rpartition("-")[2],
        "J": _unescaped(prefix.rpartition("-")[2]),
        "%": "%",
    }
    return re.sub("%(.)", lambda match: known.get(match[1], match[0]), text)


def _unescaped(text: str) -> str:
    text = re.sub(r"-", "/", text)
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)
