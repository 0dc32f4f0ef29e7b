"""Fixes for the settings of templates: retries beside their connection, a value that ends, a key of the wrong class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from lwlint.facts.heat import HieraKey
from lwlint.finding import AddKey, Fix, Replace

_RESOURCE = "_config/"  # a key of a resource: `nova::config::nova_config/database/max_retries`


def add_retries(connection: HieraKey, name: str, value: str, own: Iterable[HieraKey], around: Iterable[HieraKey]) -> Optional[Fix]:
    """Return the fix that sets `name` beside the connection, if its `own` template does not set it already, under some condition.

    A resource of the class does where the class has no parameter; whether the class is there to make it, a template does not
    tell, and a resource of the same type in any of the settings `around` would take its place.
    """
    head, resource, option = name.partition(_RESOURCE)
    key = head + _RESOURCE[:-1] if resource else name
    if any(other.name == key or other.name.startswith(f"{key}/") for other in (around if resource else own)):
        return None
    written = f"{{'{option}': {{value: {value}}}}}" if resource else value
    return Fix(f"add `{key}: {written}`", (AddKey(connection.span, key, written),), safe=not resource)


def set_retries(retries: HieraKey, value: str) -> Optional[Fix]:
    """Return the fix that gives retries that end another value; none where the value is made by a function."""
    place = retries.value_span
    if retries.values is None or len(retries.values) != 1 or not 0 <= place.end - place.start - len(retries.values[0]) <= 2:
        return None
    if place.path != retries.span.path or place.start < retries.span.end:
        return None  # an alias: the value stands elsewhere, and others may use it
    return Fix(f"set `{retries.name}` to `{value}`", (Replace(place, value),))


def rename_key(key: HieraKey, names: Iterable[str], settings: Iterable[HieraKey]) -> Optional[Fix]:
    """Return the fix that moves a key to the class of the connection; none where there are several, or where that key is there."""
    found = {name.rpartition("::")[0] + "::" + key.name.rpartition("::")[2] for name in names if _RESOURCE not in name}
    if len(found) != 1 or found & {other.name for other in settings}:
        return None
    if key.span.end - key.span.start != len(key.name):
        return None
    name = found.pop()
    return Fix(f"call it `{name}`", (Replace(key.span, name),), safe=False)
