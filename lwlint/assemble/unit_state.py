"""What systemd says of a unit once its files are read: loaded or refused, and enabled or not.

Sources: systemd.service(5), systemctl(1) "is-enabled"; systemd 252 in test mode, booted, and `systemctl --root=DIR is-enabled`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from lwlint.assemble.unit_files import PERSISTENT, RUNTIME, Found, Tree
from lwlint.assemble.unit_settings import Settings
from lwlint.facts.systemd import Setting
from lwlint.parse import unit_names
from lwlint.parse.unit_values import boolean
from lwlint.source import Span

DEPENDENCY_FOLDERS = (".wants", ".requires", ".upholds")


def service_type(settings: Mapping[str, Setting]) -> str:
    """Return the effective Type= of a service."""
    if "Service.Type" in settings:
        return settings["Service.Type"].value
    if "Service.BusName" in settings:
        return "dbus"
    return "simple" if "Service.ExecStart" in settings else "oneshot"


def refused(read: Settings, settings: Mapping[str, Setting]) -> tuple[str, Span | None] | None:
    """Return why systemd refuses a service with these settings (LoadState bad-setting), and the line at fault; None if it does not."""

    def value(key: str, default: str = "") -> str:
        return settings[key].value if key in settings else default

    def at(key: str) -> Span | None:
        return settings[key].span if key in settings else None

    kind = service_type(settings)
    start = read.programs.get("Service.ExecStart", [])
    acts = value("Unit.SuccessAction", "none") != "none"
    if not start and "Service.ExecStop" not in settings and not acts:
        return "it has no `ExecStart=`", None
    if kind != "oneshot" and not start:
        return "it has no `ExecStart=`, which only `Type=oneshot` may lack", at("Service.Type")
    if not start and not boolean(value("Service.RemainAfterExit", "no")) and not acts:
        return "it has no `ExecStart=` and no `RemainAfterExit=yes`", None
    if kind != "oneshot" and len(start) > 1:
        why = "it has more than one `ExecStart=`, which only `Type=oneshot` may have (an empty `ExecStart=` first takes the others away)"
        return why, start[-1][1]
    if kind == "oneshot" and value("Service.Restart", "no") in ("always", "on-success"):
        return f"`Type=oneshot` cannot have `Restart={value('Service.Restart')}`", at("Service.Restart")
    if kind == "oneshot" and "Service.RestartForceExitStatus" in settings:
        return "`Type=oneshot` cannot have `RestartForceExitStatus=`", at("Service.RestartForceExitStatus")
    if kind == "oneshot" and value("Service.ExitType") == "cgroup":
        return "`Type=oneshot` cannot have `ExitType=cgroup`", at("Service.ExitType")
    if kind == "dbus" and "Service.BusName" not in settings:
        return "`Type=dbus` needs a `BusName=`", at("Service.Type")
    if value("Service.PAMName") and value("Service.KillMode", "control-group") not in ("control-group", "mixed"):
        return f"`PAMName=` cannot be with `KillMode={value('Service.KillMode')}`", at("Service.KillMode")
    return None


def knows_links(tree: Tree) -> bool:
    """Return whether the links that enable units are at hand: at least one unit of the host is enabled in /etc."""
    folders = {posixpath.dirname(path) for path in tree.links}
    return any(posixpath.dirname(folder) == PERSISTENT and folder.endswith(DEPENDENCY_FOLDERS) for folder in folders)


def enabled(tree: Tree, found: Found, lists: Mapping[str, tuple[Setting, ...]]) -> str:
    """Return what `systemctl is-enabled` says of a unit, as far as links and [Install] tell."""
    if found.path is None:
        return "not-found"
    runtime = found.path.startswith(RUNTIME)
    if tree.is_null(found.path):
        return "masked-runtime" if runtime else "masked"
    if found.path in tree.links:
        return "linked-runtime" if runtime else "linked"
    aliases = {word for entry in lists.get("Install.Alias", ()) for word in entry.value.split()}
    base = posixpath.basename(found.path)
    state = _by_links(tree, found, {found.name, base, *aliases})
    if state is None and _by_links(tree, found, None) is not None:
        state = "indirect"
    if state is not None:
        return state
    if any(f"Install.{key}" in lists for key in ("Alias", "WantedBy", "RequiredBy", "UpheldBy")):
        return "disabled"
    return "indirect" if "Install.Also" in lists else "static"


def _by_links(tree: Tree, found: Found, called: set[str] | None) -> str | None:
    """Return the state that links to the unit give it: those called as in `called`, or any (None)."""
    base = posixpath.basename(found.path or "")
    in_runtime, anywhere = False, False
    below = False
    for top in tree.search_path:
        if _has_link(tree, top, found.name, base, called, below):
            if top == PERSISTENT:
                return "enabled"
            if top in RUNTIME:
                in_runtime = True
            else:
                anywhere = True
        below = below or (found.path or "").startswith(top + "/")
    if in_runtime:
        return "enabled-runtime"
    return "static" if anywhere and unit_names.instance_of(found.name) else None


def _has_link(tree: Tree, top: str, name: str, base: str, called: set[str] | None, below: bool) -> bool:
    for entry in tree.folders.get(top, ()):
        path = posixpath.join(top, entry)
        if path in tree.links:
            if entry != name and posixpath.basename(tree.links[path].target) in (name, base) and (called is None or entry in called):
                return True
        elif entry.endswith(DEPENDENCY_FOLDERS):
            inside = tree.folders.get(path, ())
            if name in inside and posixpath.join(path, name) in tree.links:
                return True
    return False
