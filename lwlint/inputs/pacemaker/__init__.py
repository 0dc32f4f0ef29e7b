"""CIBs, configuration as `pcs` prints it, and the status of a cluster."""

from __future__ import annotations

import codecs
import re

from lwlint.core.kind import Comments, Kind, Recognised, UnknownEncoding, decode_loosely, is_markup, made_by, told_by
from lwlint.core.lazy import classes, function, pattern

# what Python calls an encoding and no parser of XML does; with text of another form, they raise whatever they like
_OF_PYTHON = frozenset(
    (
        "charmap",
        "idna",
        "mbcs",
        "oem",
        "palmos",
        "punycode",
        "raw-unicode-escape",
        "undefined",
        "unicode-escape",
        "unicode-internal",
        "utf-7",
    )
)
_DECLARED = pattern(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_ELEMENT = pattern(r"<(cib|configuration)[\s>/]")
_NAMES = ("cib.xml", "cib.xml.live")
_SUFFIXES = (".xml", ".xml.live")
_CRM_SHOW = "crm configure show"
_PRINTED = r"(?:^|/)sos_commands/(?:pacemaker|cluster)/"
_CONFIG = pattern(_PRINTED + r"(?:pcs_config|crm_configure_show)$")
_PROMPT = r"(?:[^\n]{0,80}[#$>] (?:sudo )?(?:pcs config|crm config\w* show)[^\n]*\n)?"  # the command itself, as it was typed
_PCS_TEXT = pattern(r"\A\s*" + _PROMPT + r"\s*Cluster Name:[^\n]*\n(?:Corosync Nodes:|Pacemaker Nodes:|(?=[^\S\n]*\n)\s*Resources:)")
_PCS_JSON = pattern(r"\A[\s\ufeff]*\{\s*\"(?:primitives|location|location_set|colocation)\": \[")
_CRM_TEXT = pattern(  # a manifest's `node NAME {` is none
    r"\A"
    + _PROMPT
    + r"(?:#[^\n]*\n|(?:WARNING|INFO|ERROR): [^\n]*\n|[ \t]*\n)*(?:node (?:\$id=\S+ |\d+: )?[\w.:-]+|primitive \S+ \S+)[^\n{]*\n"
    r"(?:.*\n)*?(?:primitive|property) \S+",
    re.MULTILINE,
)
_STATUS = pattern(_PRINTED + r"(?:(?:pcs_status|crm_mon|crm_status)[^/]*|crm_report/[^/]+/crm_mon\.txt)$|(?:^|/)crm_mon\.txt$")


def _may_hold(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return path.endswith(_SUFFIXES) or ("cib" in name and "." not in name)


def _recognise(path: str, head: str, named: bool) -> Recognised:
    markup = is_markup(head)
    if not markup and not path.endswith(_SUFFIXES):
        return False
    if markup and _ELEMENT.search(head):
        return True
    return named or path.endswith(_NAMES) or "XML, but no Pacemaker CIB"


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "\ufeff" + data.decode("utf-16")
    declared = _DECLARED.match(data)
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if declared is None or name.lower() in ("utf-8", "utf-16", "utf16", "ucs-2"):
        return data.decode("utf-8")  # libxml2 goes by the bytes when the declaration cannot be true; it does so wherever there is a mark
    _refuse_unknown(name, declared.group())
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        if error.object == data and error.start < len(data):
            raise
        raise UnknownEncoding(f"its bytes are no `{name}`, which the XML declaration names") from None
    except Exception:  # a codec may raise anything; which it was tells the user nothing
        raise UnknownEncoding(f"its bytes are no `{name}`, which the XML declaration names") from None


def _refuse_unknown(name: str, declaration: bytes) -> None:
    """Raise UnknownEncoding for what is no encoding of characters, and for one in which the declaration would not read as it does."""
    try:
        found = codecs.lookup(name)
    except Exception:
        raise UnknownEncoding(f"encoding `{name}` of the XML declaration is not known") from None
    is_of_text = getattr(found, "_is_text_encoding", True)  # not `rot13`, `zlib`, ...
    if not name[0].isalpha() or not is_of_text or found.name.replace("_", "-") in _OF_PYTHON:
        raise UnknownEncoding(f"encoding `{name}` of the XML declaration is not known")
    try:
        same = declaration.decode(name) == declaration.decode("ascii")
    except Exception:
        same = False
    if not same:
        raise UnknownEncoding(f"its bytes are no `{name}`, which the XML declaration names")


CIB = Kind(
    name="cib",
    noun="CIB",
    title="Pacemaker CIB",
    missing="no CIB was given",
    limit=32_000_000,
    may_hold=_may_hold,
    recognise=_recognise,
    decode=_decode,
    facts=made_by("lwlint.inputs.pacemaker.reader:cib_facts", "cib", given=lambda material: (material.catalogue, material.schemas)),
    gives=classes(
        "lwlint.inputs.pacemaker.facts",
        "Cluster",
        "ClusterProperty",
        "ResourceDefault",
        "AttributeSet",
        "Node",
        "Resource",
        "Constraint",
        "FencingLevel",
        "Tag",
        "CibFault",
        "Validation",
    ),
    release=told_by("lwlint.inputs.pacemaker.reader:release_of", "cib", "pcs config"),
    language="xml",
    hook=r"\.xml(\.live)?$|(^|/)[^/.]*cib[^/.]*$",
    comments=Comments("<!--", inline=True),
    blocks=function("lwlint.inputs.pacemaker.xml:read_blocks"),
    secrets=function("lwlint.inputs.pacemaker.xml:read_secrets"),
    copied=True,
)


def _is_config(head: str) -> bool:
    if "#==[ " in head:
        from lwlint.inputs.pacemaker.crm import find_printed

        head = find_printed(head, _CRM_SHOW).lstrip()
    return bool(
        ("Cluster Name:" in head and _PCS_TEXT.search(head))
        or (any(f"\n{word} " in f"\n{head}" for word in ("node", "primitive")) and _CRM_TEXT.search(head))
        or ('": [' in head and _PCS_JSON.search(head))
    )


def _decode_config(data: bytes) -> str:
    text = decode_loosely(data)
    if "#==[ " not in text:
        return text
    from lwlint.inputs.pacemaker.crm import find_printed

    return find_printed(text, _CRM_SHOW)


PCS_CONFIG = Kind(
    name="pcs config",
    noun="output of `pcs config`",
    title="output of `pcs config`",
    missing="no CIB was given",
    limit=16_000_000,
    may_hold=lambda path: _CONFIG.search(path) is not None,
    recognise=lambda path, head, named: True,
    guess=_is_config,
    decode=_decode_config,
    facts=made_by("lwlint.inputs.pacemaker.reader:pcs_config_facts", "pcs config", given=lambda material: (material.catalogue,)),
    printed=True,
    stands_for="cib",
)
STATUS = Kind(
    name="cluster status",
    noun="status of a cluster",
    title="status of a cluster",
    missing="no status of the cluster was given",
    limit=16_000_000,
    may_hold=lambda path: _STATUS.search(path) is not None,
    recognise=lambda path, head, named: True,
    decode=decode_loosely,
    facts=made_by("lwlint.inputs.pacemaker.status:status_facts", "cluster status", given=lambda material: (material.catalogue,)),
    gives=classes("lwlint.inputs.pacemaker.facts", "ClusterStatus", "ResourceStatus"),
    printed=True,
)
KINDS = (PCS_CONFIG, STATUS, CIB)
