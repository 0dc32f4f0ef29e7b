"""The release that a name or a version tells: of a container image, of a package."""

from __future__ import annotations

import re
from typing import Optional

from lwlint.core.facts import NUMBERED, RELEASES
from lwlint.core.lazy import pattern

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
_IMAGE_PLATFORM = pattern(r"rhosp-?(\d+)\b|rhos[op](?:-\w+)*/[^:@\s]+:v?(\d+)\.|(rhoso)(?:-\w+)*/")  # all of `rhoso` is 18 so far
# kolla's tags: `zed`, `2023.1-rocky-9` (of Rocky Linux 9), `2024.1-ubuntu-jammy`; the folders of `podified-antelope-centos9`
_IMAGE_NUMBER = pattern(rf"[:/_-]({'|'.join(map(re.escape, NUMBERED))})(?![\d.])")
_IMAGE_RELEASE = pattern(rf"(?:tripleo|[:/_-])(?!rocky(?:-?\d{{1,2}}(?!\d)|-?linux))({'|'.join(RELEASES)})(?![a-z])")
OF_ANSIBLE = ("liberty", 12)  # OpenStack-Ansible's major version, which goes up by one with every release


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


def by_version(major: int, first: tuple[str, int] = OF_ANSIBLE) -> Optional[str]:
    """Return the release of a major version that goes up by one with each, given one release and its number; None for one not known.

    Without `first` it is a version of OpenStack-Ansible.
    """
    index = RELEASES.index(first[0]) + major - first[1]
    return RELEASES[index] if RELEASES.index(first[0]) <= index < len(RELEASES) else None
