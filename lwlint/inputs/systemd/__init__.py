"""Units with their drop-ins, and what `systemctl` shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.core.facts import Fact
from lwlint.core.kind import TEMPLATE, TEXT, UNREADABLE, Comments, Kind, Material, Recognised, decode_loosely, is_template, made_by, told_by
from lwlint.core.lazy import classes, function, pattern

_TYPES = r"\.(service|socket|timer|mount|automount|path|swap|slice|scope|target)"
_SECTION = pattern(
    r"^[ \t\ufeff]*\[(Unit|Service|Install|Socket|Timer|Mount|Automount|Path|Swap|Slice|Scope|Target)\][ \t\r]*$", re.MULTILINE
)
_ANY_SECTION = pattern(r"^[ \t\ufeff]*\[[^\]\n]+\]", re.MULTILINE)
_SUFFIX = pattern(_TYPES + r"$")
_PATH_TEXT = _TYPES + r"(\.d/[^/]+\.conf)?$|(^|/)(service|socket|timer)\.d/[^/]+\.conf$"
_PATH = pattern(_PATH_TEXT)
_FOLDER_TEXT = r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/(system(\.control|\.attached)?|transient|generator(\.early|\.late)?)/"
_FOLDER = pattern(_FOLDER_TEXT)
_MANAGER_TEXT = r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/system\.conf(\.d/[^/]+\.conf)?$"  # of systemd itself
_MANAGER = pattern(_MANAGER_TEXT)
_SHOWN = pattern(r"(?:^|/)sos_commands/systemd/systemctl_(?:show_[^/]*service|list-unit)[^/]*$")
_CONF = (".conf", ".ini")
_FOLDER_OF_QUADLETS = r"(^|/)(etc|run|usr/share)/containers/systemd/"
_QUADLET_TEXT = r"\.(container|pod|kube)(\.d/[^/]+\.conf)?$|(^|/)(container|pod|kube)\.d/[^/]+\.conf$"
# of what containers need; systemd-networkd has files of the name `.network` as well, with drop-ins
_MADE_ONCE = r"(volume|network|image|build|artifact)"
_THING_TEXT = rf"\.{_MADE_ONCE}$|{_FOLDER_OF_QUADLETS}([^/]+/)*([^/]+\.)?{_MADE_ONCE}\.d/[^/]+\.conf$"
_QUADLET, _THING = pattern(_QUADLET_TEXT), pattern(_THING_TEXT)
_QUADLET_FOLDER = pattern(_FOLDER_OF_QUADLETS)
_QUADLET_SECTION = pattern(r"^[ \t\ufeff]*\[(Container|Pod|Kube|Quadlet)\][ \t\r]*$", re.MULTILINE)
_THING_SECTION = pattern(r"^[ \t\ufeff]*\[(Volume|Network|Image|Build|Artifact)\][ \t\r]*$", re.MULTILINE)
_OF_NETWORKD = pattern(r"^[ \t\ufeff]*\[Match\][ \t\r]*$", re.MULTILINE)
_OF_USERS = pattern(r"(^|/)(etc|usr/share)/containers/systemd/users/")
_PROSE = (".rst", ".md", ".txt", ".sh", ".py", ".spec", ".pp")  # what may quote a unit


def _may_hold(path: str) -> bool:
    return _PATH.search(path) is not None or _FOLDER.search(path) is not None or _MANAGER.search(path) is not None


def _recognise(path: str, head: str, named: bool) -> Recognised:
    known = _PATH.search(path) is not None
    if known and is_template(head):
        return TEMPLATE
    empty = not head.lstrip("\ufeff \t\r\n")
    section = _SECTION.search(head)
    if known and (named or section or empty or _FOLDER.search(path)):
        return True
    if _MANAGER.search(path):
        return True
    first = _ANY_SECTION.search(head)
    if not section or first is None or section.start() != first.start() or path.endswith(_PROSE):
        return False
    return TEMPLATE if path.endswith(_CONF) and is_template(head) else True


def _is_unit_link(path: str) -> bool:
    return _FOLDER.search(path) is not None or _SUFFIX.search(path) is not None or _PATH.search(path) is not None


def _may_be_quadlet(path: str) -> bool:
    return _QUADLET.search(path) is not None or _THING.search(path) is not None


def _is_quadlet(path: str, head: str, named: bool) -> Recognised:
    thing = _THING.search(path)
    if thing is None and not _QUADLET.search(path):
        return False
    if _OF_USERS.search(path):
        return "a quadlet for the systemd of users, who run none of the control plane"
    if is_template(head):
        return TEMPLATE
    if thing is not None and not _QUADLET_FOLDER.search(path):
        section = _THING_SECTION.search(head)
        return section is not None and section[1].lower() == path.rpartition(".")[2] and _OF_NETWORKD.search(head) is None
    own = _QUADLET_SECTION.search(head) is not None
    return own or _QUADLET_FOLDER.search(path) is not None or (path.endswith(".conf") and _ANY_SECTION.search(head) is not None)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")  # systemd drops single lines, not the file


def _facts(material: Material) -> Iterator[Fact]:
    sources, quadlets = material.of("unit"), material.of("quadlet")
    if quadlets:  # one that cannot be read counts for the others of its folder
        quadlets += (source for source in material.of(UNREADABLE) if _may_be_quadlet(source.path))
    facts: Iterator[Fact] = iter(())
    if sources or material.links or quadlets:
        from lwlint.inputs.systemd.reader import unit_facts, version_of

        def read_text(path: str) -> str | None:
            source = material.load(path, kind=TEXT)
            return None if source is None else source.text

        facts = unit_facts(
            sources, material.links, material.catalogue, quadlets, lambda root: version_of(root, read_text, material.release)
        )
    if material.hosts:
        from lwlint.inputs.systemd.reader import with_evidence

        facts = with_evidence(facts, material.facts)
    yield from facts


UNIT = Kind(
    name="unit",
    noun="systemd unit",
    title="systemd units",
    missing="no systemd unit was given",
    limit=1_000_000,
    may_hold=_may_hold,
    recognise=_recognise,
    decode=_decode,
    facts=_facts,
    gives=classes("lwlint.inputs.systemd.facts", "Unit", "IgnoredLine", "DropInWithoutUnit"),
    release=told_by("lwlint.inputs.systemd.reader:release_of", "unit"),
    language="ini",
    hook="|".join((_PATH_TEXT, _FOLDER_TEXT, _MANAGER_TEXT)),
    comments=Comments("#;"),
    blocks=function("lwlint.inputs.systemd.settings:read_blocks"),
    whole="[",
    link=_is_unit_link,
)
SYSTEMCTL = Kind(
    name="systemctl",
    noun="output of `systemctl`",
    title="output of `systemctl`",
    missing="no output of `systemctl show` or `systemctl list-units` was given",
    limit=16_000_000,
    may_hold=lambda path: _SHOWN.search(path) is not None,
    recognise=lambda path, head, named: True,
    decode=decode_loosely,
    facts=made_by("lwlint.inputs.systemd.reader:shown_facts", "systemctl", given=lambda material: (material.catalogue,)),
    gives=classes("lwlint.inputs.systemd.facts", "ShownUnit"),
    printed=True,
    stands_for="unit",
)
QUADLET = Kind(
    name="quadlet",
    noun="quadlet of podman",
    title="quadlets of podman",
    missing="no systemd unit was given",
    limit=1_000_000,
    may_hold=_may_be_quadlet,
    recognise=_is_quadlet,
    decode=_decode,
    facts=lambda material: (),  # they are units, which are made together with those that they meet
    language="ini",
    hook=f"{_QUADLET_TEXT}|{_THING_TEXT}",
    comments=Comments("#;"),
    blocks=function("lwlint.inputs.systemd.settings:read_blocks_of_quadlet"),
    whole="[",
    stands_for="unit",
)
KINDS = (SYSTEMCTL, QUADLET, UNIT)
