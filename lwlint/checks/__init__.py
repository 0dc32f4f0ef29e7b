"""What is judged: pure functions from facts and parameters to problems, a file for each subject."""

from __future__ import annotations

from collections.abc import Container, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lwlint.core.check import AnyCheck, Check
from lwlint.core.finding import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


# kinds of input -> module -> the checks in it; a module is imported when a rule needs it
_CHECKS: Mapping[tuple[str, ...], Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        (): {"general": ("unreadable-input", "allow-without-effect", "require")},
        ("cib",): {
            "pacemaker_bound": ("cluster-colocated", "cluster-ordered"),
            "pacemaker_constraints": ("cluster-constraint", "cluster-constraint-dangling"),
            "pacemaker_services": ("cluster-resource", "cluster-resource-despite-option", "cluster-service"),
            "pacemaker_state": (
                "cib-not-valid", "cluster-anywhere", "cluster-ports",
                "cluster-resource-banned", "cluster-resource-disabled", "cluster-resource-many", "cluster-resource-unmanaged",
                "cluster-resource-unwatched", "cluster-sticky",
            ),
        },
        ("unit",): {"systemd": ("dependency-on", "line-without-effect", "pacemaker-override", "restart-that-ends")},
        ("oslo",): {
            "oslo": ("option-misplaced", "option-present", "option-limit", "option-value"),
        },
        ("systemctl", "container"): {"systemd_running": ("unit-lost-at-boot", "unit-beside-the-cluster", "unit-shown-otherwise")},
        ("container",): {"containers": ("container-not-started", "container-restart-that-ends")},
        ("cluster status",): {"pacemaker_bound": ("cluster-status-beside",)},
        ("hosts",): {"hosts": ("hosts-differ-in-options", "hosts-differ-in-units", "cibs-differ", "unit-active-twice")},
        ("heat",): {
            "heat": (
                "service-mapping", "container-restart", "dangling-template", "duplicate-key", "pacemaker-template", "stray-function",
                "role-names-no-service", "role-names-service-twice", "role-without-pacemaker",
            ),
        },
        ("heat", "puppet"): {"heat_retries": ("retries-of-connection", "retries-without-connection")},
        ("puppet",): {
            "puppet": (
                "manifest-outside-the-core", "manifest-constraint-dangling", "manifest-control-ports", "manifest-core-anywhere",
                "manifest-vip-bound", "manifest-vip-ordered",
            ),
            "heat_retries": ("manifest-setting",),
        },
    }
)  # fmt: skip
MODULES: Mapping[str, str] = MappingProxyType(
    {name: f"lwlint.checks.{module}" for modules in _CHECKS.values() for module, names in modules.items() for name in names}
)
_NOT_GIVEN = MappingProxyType(
    {
        "cib": "no CIB was given",
        "unit": "no systemd unit was given",
        "oslo": "no oslo.config option file was given",
        "heat": "no Heat template or environment was given",
        "puppet": "no Puppet manifest was given",
        "systemctl": "no output of `systemctl show` or `systemctl list-units` was given",
    }
)
NO_CONTAINERS = "no service of the host runs in a container"
NO_MAPPING = "no Heat environment or registry was given"
NO_TEMPLATE, NO_CONTAINER_TEMPLATE = "no Heat template was given", "no template with containers was given"
NO_ROLE = "no roles data, and no environment that names the services of a role, was given"
NO_MANIFEST_VIP, NO_MANIFEST_CONSTRAINT = "no manifest makes a virtual IP", "no manifest makes a constraint"
NO_MANIFEST_BUNDLE, NO_MANIFEST_CORE = "no manifest makes a bundle", "no manifest makes a core resource of the cluster"
# what a host need not have, were there hieradata on it
NOT_OF_A_HOST = frozenset(
    (_NOT_GIVEN["heat"], _NOT_GIVEN["puppet"], NO_CONTAINERS, NO_MAPPING, NO_TEMPLATE, NO_CONTAINER_TEMPLATE, NO_ROLE)
)
ENTRY_POINTS = "lwlint.checks"
_AUDITS = (("systemctl", "container"), ("container",), ("cluster status",), ("hosts",))  # what only an audit reads
_ALWAYS = (("container",), ("cluster status",), ("hosts",))  # what only the check itself can tell whether it is there


_INPUT_OF = MappingProxyType({"unit": "unit", "ignored_line": "unit", "resource": "cib", "option": "oslo", "service_mapping": "heat"})


def not_given(name: str, params: Any, given: Container[str]) -> str | None:
    """Return why a check has nothing to look at when only input of the kinds `given` is there; None if it may have.

    `params` are a rule's, as its YAML has them: a check for all kinds of facts names in `each` which one it looks at.
    So the modules of checks that cannot say anything are not even imported.
    """
    wanted = next((kinds for kinds, modules in _CHECKS.items() if any(name in names for names in modules.values())), ())
    if not wanted and isinstance(params, Mapping) and params.get("each") in _INPUT_OF:
        wanted = (_INPUT_OF[params["each"]],)
    return None if not wanted or wanted in _ALWAYS or any(kind in given for kind in wanted) else _NOT_GIVEN[wanted[0]]


def compares_hosts(name: str) -> bool:
    """Return whether a check compares the hosts of a cluster."""
    return any(name in names for names in _CHECKS[("hosts",)].values())


def of_audits(name: str) -> bool:
    """Return whether a check is for what only an audit reads, or knows to be of one cluster."""
    return any(name in names for kinds in _AUDITS for names in _CHECKS[kinds].values())


def names() -> list[str]:
    """Return the names of lwlint's own checks and of those that installed packages bring."""
    return [*MODULES, *_plugins()]


def find(name: str) -> AnyCheck:
    """Return the check called `name`.

    Raises ConfigurationError if there is none, or if a package's entry point gives no `Check`.
    """
    if name in MODULES:
        module = import_module(MODULES[name])
        for value in vars(module).values():
            for check in value if isinstance(value, tuple) else (value,):
                if isinstance(check, Check) and check.name == name:
                    return check
        raise ConfigurationError(f"`{name}`: module `{MODULES[name]}` holds no check of this name")
    plugins = _plugins()
    if name not in plugins:
        raise ConfigurationError(f"`{name}`: unknown check")
    check = plugins[name].load()
    if not isinstance(check, Check):
        raise ConfigurationError(f"`{name}`: entry point `{plugins[name].value}` is no `Check`")
    return check


def _plugins() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    every: Any = entry_points()
    group = every.select(group=ENTRY_POINTS) if hasattr(every, "select") else every.get(ENTRY_POINTS, ())
    return {point.name: point for point in group}
