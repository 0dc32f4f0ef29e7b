"""Intact archives give the same members as Python's tarfile and GNU tar give."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.files.archive_builder import PACKERS, Content, contents, read
from tests.shared import shared

EXAMPLES = int(os.environ.get("LWLINT_EXAMPLES", "150"))
FORMATS = {"v7": "v7", "oldgnu": "oldgnu", "gnu": "gnu", "ustar": "ustar", "posix": "posix"}


def by_tarfile(data: bytes) -> dict[str, Content]:
    found: dict[str, Content] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            if info.issym():
                found[info.name] = {"link": info.linkname}
            elif info.isfile() or info.islnk():
                file = archive.extractfile(info)
                assert file is not None
                found[info.name] = file.read()
    return found


def test_a_real_report_gives_the_same_members_as_tarfile() -> None:
    data = shared("corpus/sos/light-controller-1.sos-4.12.tar.xz").read_bytes()
    assert contents(read(data)) == by_tarfile(data)


def on_disk(root: Path) -> dict[str, Content]:
    found: dict[str, Content] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = {"link": os.readlink(path)}
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def fill(root: Path, *, long: bool) -> None:
    for size in (0, 1, 511, 512, 513, 10240, 300_000):
        (root / "sizes").mkdir(exist_ok=True)
        (root / "sizes" / str(size)).write_bytes(bytes(i * 7 % 251 for i in range(size)))
    deep = root.joinpath(*["a-folder-of-some-length"] * (9 if long else 3))
    deep.mkdir(parents=True)
    (deep / ("n" * (200 if long else 20))).write_text("deep")
    (root / "café ☃").write_text("unicode")
    (root / "link").symlink_to("sizes/512")
    (root / "far").symlink_to("/" + "very/" * (60 if long else 5) + "far")
    os.link(root / "sizes" / "513", root / "zz-hard")
    (root / "empty-folder").mkdir()


@pytest.mark.parametrize("form", FORMATS)
def test_what_gnu_tar_packs_comes_out_as_it_was(form: str, tmp_path: Path) -> None:
    if shutil.which("tar") is None:
        pytest.skip("GNU tar IS MISSING: its archives are not compared")
    root = tmp_path / "root"
    root.mkdir()
    fill(root, long=form in ("gnu", "oldgnu", "posix"))
    data = subprocess.run(["tar", f"--format={form}", "-C", str(root), "-cf", "-", "."], check=True, capture_output=True).stdout
    archive = read(data)
    assert contents(archive) == on_disk(root)
    assert archive.troubles == ()


_PART = st.text("ab.-é ", min_size=1, max_size=60).filter(lambda s: bool(s.strip("./")))
_NAMES = st.lists(_PART, min_size=1, max_size=5)
_FILES = st.lists(
    st.tuples(_NAMES, st.one_of(st.binary(max_size=1600), st.text("ab/é", min_size=1, max_size=130))), max_size=8
)  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None)
@given(_FILES, st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.sampled_from(sorted(PACKERS)))
def test_any_archive_gives_the_same_members_as_tarfile(files: list[tuple[list[str], bytes | str]], form: int, packing: str) -> None:
    sink = io.BytesIO()
    taken: set[str] = set()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for parts, content in files:
            name = "/".join(parts)
            folders = {"/".join(parts[:i]) for i in range(1, len(parts))}
            if name in taken or folders & taken or any(t.startswith(name + "/") for t in taken):
                continue  # what a disk could not hold either
            taken.add(name)
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    data = sink.getvalue()
    assert contents(read(PACKERS[packing](data))) == by_tarfile(data)
