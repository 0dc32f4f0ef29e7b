"""All checks, by name. A check is found here and nowhere else: nothing registers itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from lwlint.checks.check import AnyCheck
from lwlint.finding import ConfigurationError

# check -> the module that holds it (as CHECK, or in the tuple CHECKS); imported when a rule needs it
MODULES: Mapping[str, str] = MappingProxyType(
    {
        "unreadable-input": "lwlint.checks.input",
        "allow-without-effect": "lwlint.checks.input",
        "container-restart": "lwlint.checks.heat_templates",
        "dangling-template": "lwlint.checks.heat_templates",
        "duplicate-key": "lwlint.checks.heat_templates",
        "pacemaker-template": "lwlint.checks.heat_templates",
        "retries-of-connection": "lwlint.checks.heat_retries",
        "retries-without-connection": "lwlint.checks.heat_retries",
        "stray-function": "lwlint.checks.heat_templates",
        "service-mapping": "lwlint.checks.heat_mapping",
        "cluster-resource": "lwlint.checks.cluster_resources",
        "cluster-resource-despite-option": "lwlint.checks.cluster_resources",
        "cluster-service": "lwlint.checks.cluster_services",
        "cluster-colocated": "lwlint.checks.cluster_binding",
        "cluster-ordered": "lwlint.checks.cluster_binding",
        "cluster-constraint": "lwlint.checks.cluster_constraints",
        "cluster-constraint-dangling": "lwlint.checks.cluster_constraints",
        "cluster-resource-disabled": "lwlint.checks.cluster_state",
        "cluster-resource-unmanaged": "lwlint.checks.cluster_state",
        "cluster-resource-banned": "lwlint.checks.cluster_state",
        "cluster-resource-unwatched": "lwlint.checks.cluster_state",
        "cluster-resource-many": "lwlint.checks.cluster_state",
        "manifest-outside-the-core": "lwlint.checks.manifest_pacemaker",
        "manifest-connection": "lwlint.checks.manifest_retries",
        "manifest-setting": "lwlint.checks.manifest_retries",
        "option-limit": "lwlint.checks.option_limits",
        "option-present": "lwlint.checks.option_names",
        "option-misplaced": "lwlint.checks.option_names",
        "require": "lwlint.checks.require",
        "pacemaker-override": "lwlint.checks.unit_override",
        "restart-that-ends": "lwlint.checks.unit_start_limit",
        "dependency-on": "lwlint.checks.unit_dependencies",
        "line-without-effect": "lwlint.checks.unit_lines",
        "option-value": "lwlint.checks.option_values",
    }
)
ENTRY_POINTS = "lwlint.checks"


def names() -> list[str]:
    """Return the names of lwlint's own checks and of those that installed packages bring."""
    return [*MODULES, *_plugins()]


def find(name: str) -> AnyCheck:
    """Return the check called `name`.

    Raises ConfigurationError if there is none, or if a package's entry point gives no `Check`.
    """
    if name in MODULES:
        module = import_module(MODULES[name])
        found: tuple[AnyCheck, ...] = getattr(module, "CHECKS", None) or (module.CHECK,)
        for check in found:
            if check.name == name:
                return check
        raise ConfigurationError(f"`{name}`: module `{MODULES[name]}` holds no check of this name")
    from lwlint.checks.check import Check

    plugins = _plugins()
    if name not in plugins:
        raise ConfigurationError(f"`{name}`: unknown check")
    check = plugins[name].load()
    if not isinstance(check, Check):
        raise ConfigurationError(f"`{name}`: entry point `{plugins[name].value}` is no `Check`")
    return check


def _plugins():  # type: ignore[no-untyped-def]
    from importlib.metadata import entry_points

    every = entry_points()
    group = every.select(group=ENTRY_POINTS) if hasattr(every, "select") else every.get(ENTRY_POINTS, ())
    return {point.name: point for point in group}
