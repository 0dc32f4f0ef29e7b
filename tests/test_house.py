"""The house keeps its plan: imports go one way, files stay small, libraries stay in their rooms."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.shared import HERE

PACKAGE = HERE / "lwlint"
MODULES = sorted(PACKAGE.rglob("*.py"))

# floors, lowest first; a module imports only from floors below its own, or (where it is a folder) from its own folder
FLOORS = (
    ("record", "late"),
    ("named", "boundary", "harmless", "linear"),
    ("cache", "source", "patterns", "secret", "costs", "shell", "forks", "written"),
    ("finding", "kinds", "tree"),
    ("git", "decode", "ignored"),
    ("facts",),
    ("read",),
    ("parse", "checks", "services", "settings", "profiles", "pyproject"),
    ("nearest",),
    ("catalogue", "config", "edits"),
    ("release", "selection", "blocks", "meaning"),
    ("assemble", "discover", "rules"),
    ("compiled", "engine", "allow", "baseline", "policy"),
    ("answers",),
    ("run",),
    ("changed",),
    ("audit", "fix"),
    ("examples",),
    ("report",),
    ("cli",),
    ("__main__", "__init__"),
)
MAY_IMPORT_ITSELF = ("facts", "parse", "assemble", "report", "checks", "cli", "audit")
ONLY_IN = {
    "yaml": ("parse", "read"),
    "ruamel": (),
    "lxml": ("parse",),
    "tree_sitter": ("parse",),
    "iniparse": (),
    "fsspec": ("audit",),
    "rich": ("report",),
    "sys": ("cli", "__main__"),
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py") if path.parent != PACKAGE else path.stem


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def floor(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


def own(path: Path) -> set[str]:
    """The rooms of lwlint that a module imports from."""
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("lwlint.")}
    return {name for name in rooms if any(name in floor_ for floor_ in FLOORS)}


def test_every_module_has_its_floor() -> None:
    assert [str(p) for p in MODULES if not any(room(p) in rooms for rooms in FLOORS)] == []


def test_imports_go_down_only() -> None:
    up = []
    for path in MODULES:
        here = room(path)
        for name in own(path):
            allowed = floor(name) < floor(here) or (name == here and here in MAY_IMPORT_ITSELF)
            if not allowed and path.name != "__main__.py":
                up.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert up == []


def test_parse_and_checks_do_not_know_each_other() -> None:
    pairs = [("parse", "checks"), ("checks", "parse"), ("checks", "assemble"), ("parse", "catalogue")]
    assert [(str(p), b) for a, b in pairs for p in MODULES if room(p) == a and b in own(p)] == []


def test_no_import_circles() -> None:
    names = {"lwlint." + ".".join(p.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): p for p in MODULES}
    graph = {name: {i for i in imports(path) if i in names and i != name} for name, path in names.items()}
    done: set[str] = set()
    circles = []

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            circles.append(trail[trail.index(name) :])
        elif name not in done:
            for below in sorted(graph[name]):
                visit(below, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert circles == []


def test_a_library_is_known_to_its_room_only() -> None:
    strangers = []
    for path in MODULES:
        for name in imports(path):
            library = name.split(".")[0]
            if library in ONLY_IN and room(path) not in ONLY_IN[library]:
                strangers.append(f"{path.relative_to(PACKAGE)} imports {library}")
    assert strangers == []


def test_no_room_is_called_by_a_word_without_meaning() -> None:
    assert [p.name for p in MODULES if p.stem in ("utils", "helpers", "common", "base")] == []
