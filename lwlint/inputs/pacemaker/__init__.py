"""CIBs, configuration as `pcs` prints it, and the status of a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.core.facts import Fact
from lwlint.core.kind import Comments, Kind, Material, Piece, Recognised, decode_loosely
from lwlint.core.lazy import pattern
from lwlint.core.source import Source

_ELEMENT = pattern(r"<(cib|configuration)[\s>/]")
_NAMES = ("cib.xml", "cib.xml.live")
_SUFFIXES = (".xml", ".xml.live")
_PRINTED = r"(?:^|/)sos_commands/(?:pacemaker|cluster)/"
_CONFIG = pattern(_PRINTED + r"pcs_config$")
_STATUS = pattern(_PRINTED + r"(?:pcs_status|crm_mon)[^/]*$")


def _may_hold(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return path.endswith(_SUFFIXES) or ("cib" in name and "." not in name)


def _recognise(path: str, head: str, named: bool) -> Recognised:
    markup = head.lstrip("\ufeff \t\r\n").startswith("<")
    if not markup and not path.endswith(_SUFFIXES):
        return False
    if markup and _ELEMENT.search(head):
        return True
    return named or path.endswith(_NAMES) or "XML, but no Pacemaker CIB"


def _decode(data: bytes) -> str:
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


def _facts(material: Material) -> Iterator[Fact]:
    sources = material.of("cib")
    if sources:
        from lwlint.inputs.pacemaker.reader import cib_facts

        yield from cib_facts(sources, material.catalogue, material.schemas)


def _config_facts(material: Material) -> Iterator[Fact]:
    sources = material.of("pcs config")
    if sources:
        from lwlint.inputs.pacemaker.reader import pcs_config_facts

        yield from pcs_config_facts(sources, material.catalogue)


def _status_facts(material: Material) -> Iterator[Fact]:
    sources = material.of("cluster status")
    if sources:
        from lwlint.inputs.pacemaker.status import status_facts

        yield from status_facts(sources, material.catalogue)


def _blocks(source: Source) -> Iterator[Piece]:
    from lwlint.inputs.pacemaker.xml import read_blocks

    return read_blocks(source)


CIB = Kind(
    name="cib",
    noun="CIB",
    title="Pacemaker CIB",
    missing="no CIB was given",
    limit=32_000_000,
    may_hold=_may_hold,
    recognise=_recognise,
    decode=_decode,
    facts=_facts,
    language="xml",
    suffixes=(".xml",),
    comments=Comments("<!--", inline=True),
    blocks=_blocks,
    copied=True,
)
PCS_CONFIG = Kind(
    name="pcs config",
    noun="output of `pcs config`",
    title="output of `pcs config`",
    missing="no CIB was given",
    limit=16_000_000,
    may_hold=lambda path: _CONFIG.search(path) is not None,
    recognise=lambda path, head, named: True,
    decode=decode_loosely,
    facts=_config_facts,
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
    facts=_status_facts,
    printed=True,
)
KINDS = (PCS_CONFIG, STATUS, CIB)
