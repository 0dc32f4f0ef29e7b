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


class Enabling:
    """The links of one host that enable its units, entered once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.known = False  # whether they are at hand at all: at least one unit of the host is enabled in /etc
        self._links: dict[str, dict[str, set[str]]] = {top: {} for top in tree.search_path}  # by what they lead to: their names
        self._wanted: dict[str, set[str]] = {top: set() for top in tree.search_path}
        for path in tree.links:
            folder, name = posixpath.split(path)
            if folder in self._links:
                self._links[folder].setdefault(posixpath.basename(tree.links[path].target), set()).add(name)
                continue
            top = posixpath.dirname(folder)
            if top in self._wanted and folder.endswith(DEPENDENCY_FOLDERS) and folder not in tree.links:
                self._wanted[top].add(name)
            self.known = self.known or (top == PERSISTENT and folder.endswith(DEPENDENCY_FOLDERS))

    def state(self, found: Found, lists: Mapping[str, tuple[Setting, ...]]) -> str:
        """Return what `systemctl is-enabled` says of a unit, as far as links and [Install] tell."""
        if found.path is None:
            return "not-found"
        runtime = found.path.startswith(RUNTIME)
        if self.tree.is_null(found.path):
            return "masked-runtime" if runtime else "masked"
        if found.path in self.tree.links:
            return "linked-runtime" if runtime else "linked"
        aliases = {word for entry in lists.get("Install.Alias", ()) for word in entry.value.split()}
        base = posixpath.basename(found.path)
        state = self._by_links(found, {found.name, base, *aliases})
        if state is None and self._by_links(found, None) is not None:
            state = "indirect"
        if state is not None:
            return state
        if any(f"Install.{key}" in lists for key in ("Alias", "WantedBy", "RequiredBy", "UpheldBy")):
            return "disabled"
        return "indirect" if "Install.Also" in lists else "static"

    def _by_links(self, found: Found, called: set[str] | None) -> str | None:
        """Return the state that links to the unit give it: those called as in `called`, or any (None)."""
        base = posixpath.basename(found.path or "")
        in_runtime, anywhere = False, False
        for top in self.tree.search_path:
            if self._has_link(top, found.name, base, called):
                if top == PERSISTENT:
                    return "enabled"
                if top in RUNTIME:
                    in_runtime = True
                else:
                    anywhere = True
        if in_runtime:
            return "enabled-runtime"
        return "static" if anywhere and unit_names.instance_of(found.name) else None

    def _has_link(self, top: str, name: str, base: str, called: set[str] | None) -> bool:
        if name in self._wanted[top]:
            return True
        entries = self._links[top].get(name, set()) | self._links[top].get(base, set())
        return bool((entries if called is None else entries & called) - {name})
