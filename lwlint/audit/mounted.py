"""One host's files as an audit sees them: below the host's name, and only the best evidence of each kind."""

from __future__ import annotations

import re

from lwlint.assemble.sos import HOST, SOS, Capture
from lwlint.assemble.sos_search import CIB, CLUSTER_STATUS, OPTIONS
from lwlint.tree import FILE, FOLDER, Tree

_TOPS = ("etc", "lib", "run", "sos_commands", "usr", "var")
_CIB = re.compile(r"(?:^|/)(?:cib\.xml(?:\.live)?|pcs_cluster_cib[^/]*|cibadmin[^/]*|pcs_config)$")
_STATUS = re.compile(r"(?:^|/)sos_commands/(?:pacemaker|cluster)/(?:pcs_status|crm_mon)[^/]*$")
_OPTIONS = re.compile(r"(?:var/lib/config-data/(?:puppet-generated/)?[^/]+/)?etc/(?P<project>[^/]+)/")


def _no_better(below: str, *, there: bool) -> str:
    """Return why a CIB, or what stands in for one, does not count; `there` tells that another one does."""
    if not below.endswith("pcs_config"):
        return "a CIB, but there is a better one" if there else "no CIB is in it"
    return "the print of `pcs config`, but there is a CIB" if there else "no print of `pcs config` is in it"


class Mounted:
    """The tree of one capture, whose paths begin with `label/` instead of the capture's own root.

    A CIB that is older or weaker than the one that counts is not there, nor are option files that no running service reads
    because its container has its own. The host's name is `label`, whatever its files say, so that two hosts never have one name.
    """

    def __init__(self, tree: Tree, capture: Capture, label: str) -> None:
        self._tree = tree
        self._root = capture.root
        self._label = label
        self._whole = capture.form in (SOS, HOST)
        self._cibs = {self.inside(evidence.path) for evidence in capture.of(CIB)}
        self._statuses = {self.inside(evidence.path) for evidence in capture.of(CLUSTER_STATUS)}
        self._options = tuple(self.inside(evidence.path) + "/" for evidence in capture.of(OPTIONS))
        self._projects = {folder.rstrip("/").rpartition("/")[2] for folder in self._options}
        self._hostname = f"{label}/etc/hostname"
        self.hidden: dict[str, str] = {}

    def inside(self, path: str) -> str:
        """Return a path of the capture's tree as it is below its root."""
        return path[len(self._root) :]

    def _real(self, path: str) -> str:
        if path != self._label and not path.startswith(self._label + "/"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return (self._root + path[len(self._label) + 1 :]).rstrip("/") or ("/" if self._root else ".")

    def _refusal(self, path: str) -> str:
        """Return why the file at `path` is no evidence; empty if it is."""
        below = path[len(self._label) + 1 :]
        if _CIB.search(below) and below not in self._cibs:
            return _no_better(below, there=bool(self._cibs))
        if _STATUS.search(below) and below not in self._statuses:
            return "a status of the cluster, but there is a better one" if self._statuses else "no status of a cluster is in it"
        options = _OPTIONS.match(below)
        if options and options["project"] in self._projects and not below.startswith(self._options):
            return f"option files that no service reads: those of {options['project']}'s container count"
        return ""

    def kind(self, path: str) -> str | None:
        try:
            return self._tree.kind(self._real(path))
        except OSError:
            return None

    def real_kind(self, path: str) -> str | None:
        if path == self._hostname:
            return FILE
        try:
            return self._tree.real_kind(self._real(path))
        except OSError:
            return None

    def target(self, path: str) -> str:
        return self._tree.target(self._real(path))

    def size(self, path: str) -> int:
        return self._tree.size(self._real(path))

    def read(self, path: str, most: int = -1) -> bytes:
        if path == self._hostname:
            return self._label.encode()
        return self._tree.read(self._real(path), most)

    def names(self, path: str) -> list[str]:
        found = []
        for name in self._tree.names(self._real(path)):
            if self._whole and path == self._label and name not in _TOPS:
                continue  # other reports may lie in /tmp, /home and so on
            refusal = self._refusal(f"{path}/{name}")
            if refusal and self.kind(f"{path}/{name}") != FOLDER:
                self.hidden[f"{path}/{name}"] = refusal
            else:
                found.append(name)
        return found
