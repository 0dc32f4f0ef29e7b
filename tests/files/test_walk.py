"""A walk says the same of the disk, which is asked for a folder's names and what they are at once, as of any other tree."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from lwlint.files.tree import FILE, Boundary, Confined, Disk, Tree, walk

NAMES = ("a", "b.yaml", "z", ".git", "node_modules", "__pycache__", "é", "etc")


class OneByOne:
    """A tree of which only what all trees have can be asked."""

    def __init__(self, tree: Tree) -> None:
        for name in ("kind", "target", "real_kind", "size", "read", "names"):
            setattr(self, name, getattr(tree, name))


def told(tree: Tree, path: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]:
    failed: list[tuple[str, str]] = []
    passed: list[str] = []
    found = list(walk(tree, path, lambda path, error: failed.append((path, type(error).__name__)), passed.append))
    return found, failed, passed


def grow(folder: Path, chance: random.Random, depth: int) -> None:
    for name in chance.sample(NAMES, chance.randint(0, len(NAMES))):
        path, what = folder / name, chance.random()
        if what < 0.4 and depth:
            path.mkdir()
            grow(path, chance, depth - 1)
        elif what < 0.7:
            path.write_text("x")
        elif what < 0.75:
            os.mkfifo(path)
        else:
            path.symlink_to(chance.choice(("a", "..", "../z", "/etc", "nowhere", str(folder.parent), name)))


@pytest.mark.parametrize("seed", range(60))
def test_the_disk_is_walked_as_any_other_tree(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / "top"
    top.mkdir()
    grow(top, random.Random(seed), 3)
    (tmp_path / "link").symlink_to(top)
    (tmp_path / "out").symlink_to("/etc")
    monkeypatch.chdir(tmp_path)
    for path in (".", "top", "top/a", "link", "out", str(top), "top/b.yaml", "nowhere"):
        for tree in (Disk(), Confined(Boundary((str(top),))), Confined(Boundary((str(top / "a"), str(top / "z"))))):
            if path == "out" and not isinstance(tree, Confined):
                continue
            assert told(tree, path) == told(OneByOne(tree), path)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["/etc/hostname", "../secret", "inside"])
def test_what_becomes_a_link_behind_the_walk_is_followed_within_the_tree_only(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (tmp_path / "secret").write_text("s3cret")
    (top / "a.yaml").write_text("a: 1")
    (top / "inside").write_text("b: 2")
    monkeypatch.chdir(tmp_path)
    tree = Confined(Boundary(("top",)))
    assert list(walk(tree, "top", lambda path, error: None)) == [("top/a.yaml", FILE), ("top/inside", FILE)]
    assert tree.read("top/a.yaml") == b"a: 1"
    (top / "a.yaml").unlink()
    (top / "a.yaml").symlink_to(target)
    if target == "inside":
        assert tree.read("top/a.yaml") == b"b: 2"
    else:
        with pytest.raises(PermissionError, match="out of the tree"):
            tree.read("top/a.yaml")
