"""Which files of a report, or of a host's file system, an audit reads; everything else is never opened.

Paths are those that sos 3.2 to 4.12 writes (its plugins `pacemaker`, `cluster`, `systemd`, `openstack_*`, `podman`, `docker`, `rpm`,
`dpkg`, `host`, `general`), which are the host's own paths below one top folder, and commands' output in `sos_commands`.
"""

from __future__ import annotations

import re

from lwlint.assemble.option_layout import PROJECTS
from lwlint.parse.archive_format import HOST

_PROJECTS = "|".join(PROJECTS)
_CONF = r"[^/]+\.(?:conf|ini)(?:\.d/[^/]+)?"
_SYSTEMD = r"(?:etc|run|lib|usr/lib|usr/local/lib)/systemd"
_MEMBER = re.compile(
    "|".join(
        (
            rf"{_SYSTEMD}/(?:system(?:\.control|\.attached)?|transient)/.+",
            rf"{_SYSTEMD}/system\.conf(?:\.d/[^/]+\.conf)?",
            rf"etc/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"etc/(?:{_PROJECTS})\.conf",
            rf"usr/(?:local/)?(?:share|etc)/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"var/lib/config-data/(?:puppet-generated/)?[^/]+/(?:etc|usr/share)/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"var/lib/openstack/config/(?:.+/)?{_CONF}",
            r"var/lib/(?:tripleo-config|kolla)/(?:.+/)?[^/]*(?:container|docker|startup)[^/]*(?:/.+)?\.(?:json|yaml)",
            r"var/lib/pacemaker/cib/cib\.xml",
            r"etc/(?:hostname|os-release|lsb-release|[a-z]+-release|rhosp-release|corosync/corosync\.conf)",
            r"usr/lib/os-release",
            r"etc/puppet/hieradata/.+\.(?:yaml|json)",
            r"usr/share/openstack-tripleo-heat-templates/.+\.(?:yaml|pp)",
            r"sos_commands/(?:pacemaker|cluster)/crm_report(?:[^/]*\.t[^/]+/[^/]+)?/[^/]+/(?:cib\.xml(?:\.live)?|corosync\.conf|RUNNING|STOPPED)",
            r"sos_commands/(?:pacemaker|cluster)/(?:pcs_(?:config|status|cluster_cib)|crm_mon|cibadmin)[^/]*",
            r"sos_commands/systemd/systemctl_(?:show|list-unit)[^/]*",
            r"sos_commands/(?:podman|docker)/(?:containers/)?(?:podman|docker)_(?:inspect|ps|container_inspect)[^/]*",
            r"sos_commands/(?:host|general|hostname)/hostname[^/]*",
            r"sos_commands/(?:date|general)/date[^/]*",
            r"sos_commands/rpm/[^/]*rpm[^/]*-qa[^/]*|sos_commands/rpm/package-data",
            r"sos_commands/dpkg/dpkg_-l|sos_commands/dpkg/dpkg-query[^/]*",
        )
    )
)
# of a report outside its host's tree, and of `crm_report`'s own archive
_BESIDE = re.compile(
    r"(?:^|/)(?:version\.txt|hostname|date|installed-(?:rpms|debs)|[^/]+/cib\.xml(?:\.live)?|[^/]+/corosync\.conf|cib\.xml)$"
)
_CONTAINERS = r"var(?:/lib(?:/(?:config-data|openstack|tripleo-config|kolla)(?:/.*)?|/pacemaker(?:/cib)?)?)?"
_BELOW = re.compile(
    "|".join(
        (
            r"etc(?:/(?:systemd|puppet|corosync|" + _PROJECTS + r")(?:/.*)?)?",
            r"lib(?:/systemd(?:/.*)?)?|run(?:/systemd(?:/.*)?)?",
            r"usr(?:/(?:lib|local|local/lib)(?:/systemd(?:/.*)?)?)?",
            r"usr/(?:local/)?(?:share|etc)(?:/(?:openstack-tripleo-heat-templates|" + _PROJECTS + r")(?:/.*)?)?",
            _CONTAINERS,
            r"sos_commands(?:/(?:pacemaker|cluster|systemd|podman|docker|host|general|hostname|date|rpm|dpkg)(?:/.*)?)?",
        )
    )
)


class SosPaths:
    """The files that an audit wants, of reports and hosts at any depth of an archive or folder."""

    def member(self, path: str) -> bool:
        """Return whether the file or link at `path` is wanted."""
        top = HOST.search(path)
        if top is None:
            return _BESIDE.search(path) is not None
        return _MEMBER.fullmatch(path, top.end()) is not None

    def below(self, folder: str) -> bool:
        """Return whether anything below `folder` may be wanted."""
        top = HOST.search(folder)
        if top is None:
            return folder.count("/") < 8
        return _BELOW.fullmatch(folder, top.end()) is not None


WANTED = SosPaths()
