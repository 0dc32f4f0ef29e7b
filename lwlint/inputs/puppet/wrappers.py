"""Defined types of other modules that make one resource or constraint of the cluster, and what they make.

Source: `pacemaker_wrappers::service` (Fuel 6.0 to 8.0), `pacemaker::service` (Fuel 9.0 and 10.0), `pacemaker::wrapper` and
`pacemaker::new::wrapper` (the module that Fuel used last, and puppet-pacemaker from 2016 on), and Fuel's `cluster::virtual_ip`,
`cluster::corosync::cs_service` and `cluster::corosync::cs_with_service` (5.0 to 10.0).
"""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from lwlint.inputs.puppet.facts import Setting, expression
from lwlint.inputs.puppet.manifest import Declared

VIRTUAL_IP = "cluster::virtual_ip"
_PRIMITIVES = MappingProxyType({  # whether the id gets `p_` in front unless the declaration says otherwise, and whose agents they run
    "pacemaker_wrappers::service": (True, "fuel"),
    "pacemaker::service": (True, "fuel"),
    "pacemaker::wrapper": (False, ""),
    "pacemaker::new::wrapper": (False, ""),
})  # fmt: skip
_CS_SERVICE, _CS_WITH_SERVICE = "cluster::corosync::cs_service", "cluster::corosync::cs_with_service"
_INNER = MappingProxyType({"ocf_script": "primitive_type", "csr_complex_type": "complex_type", "csr_ms_metadata": "complex_metadata"})


def unwrapped(declared: Declared) -> Declared:
    """Return what a wrapper declares in the cluster: a `pcmk_resource` or `pcmk_colocation`; any other declaration as it is.

    A wrapper that makes no primitive and one without a type of agent are left as they are.
    """
    settings = declared.settings
    if declared.type in _PRIMITIVES and "primitive_type" in settings and not makes_nothing(declared):
        prefixed, provider = _PRIMITIVES[declared.type]
        named = settings.get("service") if declared.type.endswith("wrapper") else None
        prefix = _value(settings, "prefix") if "prefix" in settings else str(prefixed).lower()
        before = "p_" if prefix == "true" else ""
        return _resource(declared, named, before, {**_provided(declared, provider), **settings}, prefix is not None)
    if declared.type == _CS_SERVICE and "ocf_script" in settings:
        inner = {_INNER.get(name, name): replace(setting, name=_INNER.get(name, name)) for name, setting in settings.items()}
        return _resource(declared, settings.get("service_name"), "p_", {**_provided(declared, "fuel"), **inner})
    if declared.type == VIRTUAL_IP:
        inner = {**_provided(declared, "fuel"), **_given(declared, "primitive_type", "ns_IPaddr2"), **settings}
        return _resource(declared, settings.get("key"), "vip__", inner)
    if declared.type == _CS_WITH_SERVICE:
        score = _given(declared, "score", "INFINITY")
        return replace(declared, type="pcmk_colocation", settings={**score, **settings})
    return declared


def makes_nothing(declared: Declared) -> bool:
    """Return whether a wrapper is told to make no primitive (`create_primitive => false`)."""
    return declared.type in _PRIMITIVES and _value(declared.settings, "create_primitive") == "false"


def _resource(declared: Declared, named: Setting | None, before: str, settings: dict[str, Setting], is_certain: bool = True) -> Declared:
    """Return the resource that a wrapper makes, called `before` and what the setting `named` holds, or else its title."""
    title = declared.title
    text, decided = (title.value, title.decided) if named is None else (named.value or named.written, named.value is not None)
    text = text if decided else expression(text)
    return replace(
        declared, type="pcmk_resource", title=title._replace(value=before + text, decided=decided and is_certain), settings=settings
    )


def _provided(declared: Declared, provider: str) -> dict[str, Setting]:
    return _given(declared, "primitive_provider", provider) if provider else {}


def _given(declared: Declared, name: str, value: str) -> dict[str, Setting]:
    """Return a setting that the wrapper itself gives, at the place of the title."""
    return {name: Setting(name, value, value, declared.title.span, declared.title.span, (value,))}


def _value(settings: dict[str, Setting], name: str) -> str | None:
    return settings[name].value if name in settings else None
