"""The release that an input is of, by what it shows: the profile that `auto` judges by."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Optional

from lwlint.core.facts import NUMBERED, RELEASES, Release
from lwlint.core.lazy import pattern
from lwlint.core.source import Source
from lwlint.files.tree import FILE, FOLDER, Tree, walk

# A path of a tree of tripleo-heat-templates and the first release that has it, newest first; in front what every such path has in it.
_LAYOUT = (
    ("wallaby", "deployment/", pattern(r"(^|/)deployment/(cephadm|frr)/")),
    ("victoria", "deployment/", pattern(r"(^|/)deployment/(tls/undercloud-remove-novajoin|deprecated/mistral/mistral-base)\.yaml$")),
    ("ussuri", "deployment/", pattern(r"(^|/)deployment/nova/nova-(api)?db-client-puppet\.yaml$")),
    ("train", "", pattern(r"(^|/)(common/hiera-steps-tasks\.yaml$|deployment/(placement|certs)/)")),
    ("stein", "deployment/", pattern(r"(^|/)deployment/[\w-]+/[\w-]+-(puppet|ansible)(\.j2)?\.yaml$")),
    ("rocky", "/rpc-rabbitmq", pattern(r"(^|/)(docker|puppet)/services/(pacemaker|messaging)/rpc-rabbitmq\.yaml$")),
    ("queens", "docker/services/", pattern(r"(^|/)docker/services/(ceph-ansible/ceph-nfs\.yaml$|logging/)")),
    ("pike", "docker/services/", pattern(r"(^|/)docker/services/(containers-common\.yaml$|pacemaker/|database/|[\w-]+-api\.yaml$)")),
    ("newton", "puppet/services/", pattern(r"(^|/)puppet/services/")),
    ("mitaka", "puppet/manifests/", pattern(r"(^|/)puppet/manifests/overcloud_controller_pacemaker\.pp$")),
)
_VERSION = pattern(r"^heat_template_version:[ \t]*['\"]?([\w-]+)", re.MULTILINE)
_HEAD = 4000

# Red Hat OpenStack Platform, by its number in the name of an image.
_PLATFORM = {
    8: "liberty",
    9: "mitaka",
    10: "newton",
    11: "ocata",
    12: "pike",
    13: "queens",
    14: "rocky",
    15: "stein",
    16: "train",
    17: "wallaby",
    18: "antelope",
}
_IMAGE = pattern(r"\bimage=[\"']?([^\"'\s]+)")
_IMAGE_PLATFORM = pattern(r"rhosp-?(\d+)\b|rhos[op](?:-\w+)*/[^:@\s]+:v?(\d+)\.|(rhoso)(?:-\w+)*/")  # all of `rhoso` is 18 so far
# kolla's tags: `zed`, `2023.1-rocky-9` (of Rocky Linux 9), `2024.1-ubuntu-jammy`; the folders of `podified-antelope-centos9`
_IMAGE_NUMBER = pattern(rf"[:/_-]({'|'.join(map(re.escape, NUMBERED))})(?![\d.])")
_IMAGE_RELEASE = pattern(rf"(?:tripleo|[:/_-])(?!rocky(?:-?\d{{1,2}}(?!\d)|-?linux))({'|'.join(RELEASES)})(?![a-z])")
# the folder of a service of OpenStack-Ansible, whose major version goes up by one with every release
_VENV = pattern(r"/openstack/venvs/[\w-]+-(\d+)\.\d+(?:\.\w+)*/")
_VENV_FIRST = ("liberty", 12)

# What only some releases wrote into a CIB, most telling first.
_CIB = (
    ("mitaka", pattern(r"<primitive\b[^>]*\bid=[\"']openstack-core[\"']"), "the resource `openstack-core` of the full architecture"),
    ("liberty", pattern(r"<primitive\b[^>]*\btype=[\"']openstack-keystone[\"']"), "openstack-keystone under Pacemaker"),
    ("train", pattern(r"<podman\b|^\s+Podman: ", re.MULTILINE), "podman bundles, first used in stein and train"),
    ("pike", pattern(r"<bundle\b|^ Bundle: ", re.MULTILINE), "docker bundles, which pike brought"),
    ("ocata", pattern(r"[\"']haproxy-role[\"']"), "location rules on node properties, which ocata brought"),
)
# Pacemaker of the enterprise distribution's minor releases: clusters are updated, so this is weak. It is asked where nothing is in a
# bundle, and templates since stein put everything in bundles: a later Pacemaker then tells nothing.
_PACEMAKER = (
    ((1, 1, 12), "liberty"), ((1, 1, 13), "mitaka"), ((1, 1, 15), "newton"), ((1, 1, 16), "pike"), ((1, 1, 18), "queens"),
    ((1, 1, 19), "rocky"), ((2,), None),
)  # fmt: skip
_VERSIONS = pattern(  # of a CIB, of `pcs config` and of `crm configure show`
    r"<nvpair\b(?=[^>]*\bname=[\"']dc-version[\"'])[^>]*\bvalue=[\"'](\d+\.\d+\.\d+[^\"'\s]*)|^\s*dc-version[:=] ?(\d+\.\d+\.\d+\S*)",
    re.MULTILINE,
)
# The distribution that Pacemaker was built for: the first release that runs there.
_BUILT_FOR = (("el9", "wallaby"), ("el8", "stein"))
_OPENSTACK = pattern(r"openstack-|[\"'](galera|rabbitmq-cluster|haproxy)[\"']")


def detect(sources: Iterable[Source]) -> Release:
    """Return the release that the sources are of, and because of what; `Release(None)` when nothing tells it.

    Templates tell it best, then a CIB, then container units. Where the evidence only sets a lower bound, that is the answer,
    and `because` says so.
    """
    judged = [source for source in sources if source.judged]
    for names, ask in ((("heat", "puppet"), _of_templates), (("cib",), _of_cibs), (("pcs config",), _of_cibs), (("unit",), _of_units)):
        found = ask([source for source in judged if source.kind in names])
        if found is not None:
            return found
    return Release(None, "nothing that was given tells the release")


def root_of_templates(path: str, tree: Tree) -> Optional[str]:
    """Return the folder of the tree of templates that `path` belongs to: the nearest one with a base registry, itself if it is a folder."""
    from lwlint.inputs.heat.tree import BASES

    folder = path if tree.real_kind(path) == FOLDER else posixpath.dirname(path)
    folder = "" if folder == "." else folder
    while not any(tree.real_kind(posixpath.join(folder, name)) == FILE for name in BASES):
        if folder in ("", "/", "..") or folder.endswith("/.."):
            return None
        folder = posixpath.dirname(folder)
    return folder or "."


def around(paths: Iterable[str], tree: Tree, refusal: Callable[[str, str], Optional[str]]) -> Iterator[Source]:
    """Yield the rest of the trees of templates that were named in part only, as far as it tells their release: the beginning of each file.

    `paths` are what was named; `refusal` says why a file below a folder is left out. So a part is judged by the release of the whole.
    """
    roots = {path: root_of_templates(path, tree) for path in paths}
    for root in sorted({root for path, root in roots.items() if root is not None and root != path}):
        for path in walk(tree, root, lambda path, error: None):
            if path.endswith((".yaml", ".pp")) and tree.kind(path) == FILE and refusal(path, root) is None:
                try:
                    head = tree.read(path, _HEAD).decode("utf-8", "replace")
                except OSError:
                    continue
                yield Source(path, head, "puppet" if path.endswith(".pp") else "heat")


def _of_templates(sources: Sequence[Source]) -> Optional[Release]:
    layout = next(((name, s.path) for name, part, path in _LAYOUT for s in sources if part in s.path and path.search(s.path)), None)
    versions = Counter(m.group(1) for s in sources for m in [_VERSION.search(s.text, 0, _HEAD)] if m)
    named = [(count, name) for name, count in versions.items() if name in RELEASES]
    count, version = max(named, default=(0, ""))
    if layout is not None and (not version or RELEASES.index(layout[0]) >= RELEASES.index(version)):
        return Release(layout[0], f"a tree of templates that has `{layout[1]}`")
    if version:
        return Release(version, f"`heat_template_version: {version}` in {count} of {sum(versions.values())} templates")
    return None


def _of_cibs(sources: Sequence[Source]) -> Optional[Release]:
    for source in sources:
        for image in _IMAGE.findall(source.text):
            found = of_image(image)
            if found is not None:
                return Release(found, f"the container image `{image}`")
    versions = [
        version
        for source in sources
        if _OPENSTACK.search(source.text)
        for pair in _VERSIONS.findall(source.text)
        for version in pair
        if version
    ]
    bare = next((one for version in versions if (one := _of_pacemaker(version)) is not None), None)
    for name, sign, words in _CIB:
        if any(sign.search(source.text) for source in sources):
            return _weighed(Release(name, words), bare, versions)
    return bare


def _weighed(found: Release, bare: Optional[Release], versions: Sequence[str]) -> Release:
    """Return what a sign speaks for, or what contradicts it: a release that the cluster's own software is too new for.

    Keystone under Pacemaker is of liberty in TripleO, and of any release elsewhere; a podman bundle is of stein or later. Clusters are
    updated, so that the version of Pacemaker alone outweighs only the first.
    """
    built = next((_built_for(version) for version in versions if _built_for(version) is not None), None)
    other = built or (bare if found.name == "liberty" else None)
    if other is None or other.name is None or found.name is None or RELEASES.index(other.name) <= RELEASES.index(found.name):
        return found
    return Release(other.name, f"{other.because}, against {found.because}, which speaks for {found.name}")


def _built_for(version: str) -> Optional[Release]:
    for system, name in _BUILT_FOR:
        if f".{system}" in version:
            return Release(name, f"Pacemaker {version.partition('-')[0]} of {system}, where {name} is the first release")
    return None


def of_image(image: str) -> Optional[str]:
    """Return the release that the name or tag of a container image tells; None for none."""
    platform = _IMAGE_PLATFORM.search(image)
    if platform is not None:
        return _PLATFORM.get(18 if platform.group(3) else int(platform.group(1) or platform.group(2)))
    number = _IMAGE_NUMBER.search(image)
    if number is not None:
        return NUMBERED[number.group(1)]
    release = _IMAGE_RELEASE.search(image)
    return release.group(1) if release is not None else None


def by_version(major: int, first: tuple[str, int] = _VENV_FIRST) -> Optional[str]:
    """Return the release of a major version that goes up by one with each, given one release and its number; None for one not known.

    Without `first` it is a version of OpenStack-Ansible.
    """
    index = RELEASES.index(first[0]) + major - first[1]
    return RELEASES[index] if RELEASES.index(first[0]) <= index < len(RELEASES) else None


def _of_pacemaker(version: str) -> Optional[Release]:
    built = _built_for(version)
    if built is not None:
        return built
    version = version.partition("-")[0].partition("+")[0]
    numbers = tuple(map(int, version.split(".")[:3]))
    name = next((name for least, name in reversed(_PACEMAKER) if least <= numbers), None)
    return Release(name, f"Pacemaker {version}, which is weak evidence") if name else None


def _of_units(sources: Sequence[Source]) -> Optional[Release]:
    for source in sources:
        venv = _VENV.search(source.text)
        named = by_version(int(venv.group(1))) if venv is not None else None
        if venv is not None and named is not None:
            return Release(named, f"`{venv.group()}` of OpenStack-Ansible in `{source.path}`")
    for source in sources:
        if re.search(r"(^|/)edpm_\w+\.service$", source.path):
            return Release("antelope", f"`{source.path}`: units of the external data plane came with antelope; it may be later")
        if re.search(r"(^|/)tripleo_\w+\.service$", source.path):
            return Release("stein", f"`{source.path}`: units of containers came with podman in stein; it may be later")
    return None
