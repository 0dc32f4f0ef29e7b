"""What kind of input a file is: by its content first, then by its path."""

from __future__ import annotations

import re

from lwlint.core.lazy import pattern


def decode(data: bytes, kind: str) -> str:
    """Return the text of `data` as the real program of `kind` decodes it.

    Raises UnicodeDecodeError where that program fails, LookupError for an encoding that nobody knows.
    """
    if kind == CIB:
        return _decode_xml(data)
    if kind == UNIT:
        return data.decode("utf-8", "surrogateescape")  # systemd drops single lines, not the file
    return data.decode("utf-8")


def _decode_xml(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "\ufeff" + data.decode("utf-16")
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", data)
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if name.lower() in ("utf-16", "utf16", "ucs-2"):
        name = "utf-8"  # libxml2 goes by the bytes when the declaration cannot be true
    try:
        return data.decode(name)
    except LookupError:
        raise LookupError(f"encoding `{name}` of the XML declaration is not known") from None


HEAT, CIB, UNIT, OSLO, PUPPET = "heat", "cib", "unit", "oslo", "puppet"
KINDS = (HEAT, CIB, UNIT, OSLO, PUPPET)
SYSTEMCTL, CONTAINER, PCS_CONFIG, STATUS = "systemctl", "container", "pcs config", "cluster status"  # of audits alone
_PCS_TEXT = pattern(r"\A\s*Cluster Name:[^\n]*\n(?:Corosync Nodes:|Pacemaker Nodes:|\s*\n\s*Resources:)", re.MULTILINE)
_CRM_TEXT = pattern(
    r"\A(?:#[^\n]*\n|[ \t]*\n)*(?:node (?:\d+: )?[\w.:-]+|primitive \S+ \S+)[^\n]*\n(?:.*\n)*?(?:primitive|property) \S+", re.MULTILINE
)

_UNIT_SECTION = pattern(
    r"^[ \t\ufeff]*\[(Unit|Service|Install|Socket|Timer|Mount|Automount|Path|Swap|Slice|Scope|Target)\][ \t\r]*$", re.MULTILINE
)
_ANY_SECTION = pattern(r"^[ \t\ufeff]*\[[^\]\n]+\]", re.MULTILINE)
_OSLO_SECTION = pattern(
    r"^[ \t\ufeff]*\[\s*(default|database|api_database|placement_database|cell0_database|storage:sqlalchemy|indexer|keystone_authtoken"
    r"|oslo_\w+|drivers:\w+:\w+|pool_manager_cache:sqlalchemy|coordination|ml2|service_auth|glance_store|sql)[ \t]*(\]|\r?$)",
    re.MULTILINE | re.IGNORECASE,
)
_HEAT_KEY = pattern(
    r"^[\ufeff]?(heat_template_version|HeatTemplateFormatVersion|resource_registry|parameter_defaults|parameters|parameter_merge_strategies"
    r"|event_sinks|encrypted_parameters|encrypted_param_names|resources|outputs|parameter_groups|topics|environments|[\"']?\w+::[\w:]+[\"']?)\s*:",
    re.MULTILINE,
)
_ROLE = pattern(r"^- name:.*\n(?:.*\n){0,80}?\s+ServicesDefault:", re.MULTILINE)
_UNIT_SUFFIX = pattern(r"\.(service|socket|timer|mount|automount|path|swap|slice|scope|target)$")
_UNIT_PATH = pattern(
    r"\.(service|socket|timer|mount|automount|path|swap|slice|scope|target)(\.d/[^/]+\.conf)?$|(^|/)(service|socket|timer)\.d/[^/]+\.conf$"
)
_UNIT_FOLDER = pattern(r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/(system(\.control|\.attached)?|transient)/")
_MANAGER = pattern(r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/system\.conf(\.d/[^/]+\.conf)?$")  # of systemd itself
_YAML = (".yaml", ".yml", ".template", ".env")
_OSLO_PATH = pattern(r"\.(conf|ini)$|\.conf\.d/[^/]+$")
_OTHER_CONF = pattern(
    r"(^|/)(httpd|apache2|nginx|haproxy|corosync|systemd|sysctl\.d|modprobe\.d|my\.cnf\.d|rsyslog\.d|security|dnsmasq\.d|tmpfiles\.d|ld\.so\.conf\.d)(/|\.conf$)"
)
# what commands printed into a report, and what containers were started from
_PRINTED = pattern(
    r"(?:^|/)(?:sos_commands/systemd/(?P<systemctl>systemctl_(?:show_[^/]*service|list-unit)[^/]*)"
    r"|sos_commands/(?:pacemaker|cluster)/(?:(?P<config>pcs_config)|(?P<crm>crm_configure_show)|(?P<status>(?:pcs_status|crm_mon)[^/]*))"
    r"|sos_commands/(?P<engine>podman|docker)/(?:containers/)?(?P=engine)_(?:inspect|container_inspect|ps)[^/]*"
    r"|var/lib/tripleo-config/(?:.+/)?[^/]*startup-config[^/]*(?:/[^/]+)*\.json)$"
)


def printed(path: str) -> str | None:
    """Return SYSTEMCTL, PCS_CONFIG, STATUS or CONTAINER for what a command printed into a report, or what containers were started from."""
    match = _PRINTED.search(path)
    if match is None:
        return None
    return SYSTEMCTL if match["systemctl"] else PCS_CONFIG if match["config"] or match["crm"] else STATUS if match["status"] else CONTAINER


def of(path: str, head: str, *, named: bool = False) -> tuple[str | None, str]:
    """Return the kind of the file at `path` whose text (or its beginning) is `head`, and why it is none.

    A file that the user `named` is taken by its path where the content does not tell; one that was met in a
    folder is then left out.
    """
    start = head.lstrip("\ufeff \t\r\n")
    if named and _PCS_TEXT.search(head) and not path.endswith((".pp", *_YAML)):
        return PCS_CONFIG, ""
    if named and _CRM_TEXT.search(head) and not path.endswith((".pp", *_YAML)):
        return PCS_CONFIG, ""
    if start.startswith("<"):
        if re.search(r"<(cib|configuration)[\s>/]", start):
            return CIB, ""
        return (CIB, "") if named or path.endswith(("cib.xml", "cib.xml.live")) else (None, "XML, but no Pacemaker CIB")
    if path.endswith(".pp"):
        return PUPPET, ""
    if path.endswith(_YAML):
        if _HEAT_KEY.search(head) or _ROLE.search(head) or named:
            return HEAT, ""
        return None, "YAML, but no Heat template, environment, roles data or hieradata"
    if _UNIT_PATH.search(path) and (named or _UNIT_FOLDER.search(path) or _UNIT_SECTION.search(head) or not start):
        return UNIT, ""
    if _MANAGER.search(path):
        return UNIT, ""
    return _by_sections(path, head, named)


def _by_sections(path: str, head: str, named: bool) -> tuple[str | None, str]:
    first = _ANY_SECTION.search(head)
    unit = _UNIT_SECTION.search(head)
    if unit and first and unit.start() == first.start() and not path.endswith((".rst", ".md", ".txt", ".sh", ".py", ".spec")):
        return UNIT, ""
    if _OSLO_PATH.search(path):
        if _OSLO_SECTION.search(head) or (named and not _OTHER_CONF.search(path)):
            return OSLO, ""
        return None, "an option file, but with no section of oslo.config that lwlint knows"
    if path.endswith((".xml", ".xml.live")):
        return (CIB, "") if named or path.endswith(("cib.xml", "cib.xml.live")) else (None, "XML, but no Pacemaker CIB")
    if named and (_HEAT_KEY.search(head) or _ROLE.search(head)):
        return HEAT, ""
    if named and _OSLO_SECTION.search(head):
        return OSLO, ""
    return None, "no Heat template, CIB, systemd unit, oslo.config file or Puppet manifest"


def may_be(path: str) -> bool:
    """Return whether a file at `path` is worth opening in a folder that the user gave as a whole."""
    if path.endswith((*_YAML, ".pp", ".xml", ".xml.live")) or _UNIT_PATH.search(path) or _UNIT_FOLDER.search(path) or _MANAGER.search(path):
        return True
    if _OSLO_PATH.search(path):
        return not _OTHER_CONF.search(path)
    name = path.rsplit("/", 1)[-1]
    return "cib" in name and "." not in name


def is_unit_link(path: str) -> bool:
    """Return whether a link at `path` means something to systemd (an alias, a mask, an enabled unit)."""
    return bool(_UNIT_FOLDER.search(path)) or bool(_UNIT_SUFFIX.search(path)) or bool(_UNIT_PATH.search(path))
