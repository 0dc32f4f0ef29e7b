"""The house keeps its plan: imports go one way, files stay small, libraries stay in their rooms."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.shared import HERE

PACKAGE = HERE / "lwlint"
MODULES = sorted(PACKAGE.rglob("*.py"))

# floors, lowest first; a module imports only from floors below its own, or from its own room
FLOORS = ("core", "files", "inputs", "checks", "policy", "run", "audit", "report", "cli")
# rooms within a room: they know it, and it knows none of them; nor do they know each other
WITHIN = {"audit": ("operate", "fleet")}
# the kinds of input that know another kind
KNOWS = {"systemd": {"containers"}, "oslo": {"systemd", "containers"}}
ONLY_IN = {
    "yaml": ("core", "inputs"),
    "ruamel": ("policy",),
    "lxml": ("inputs", "audit/operate"),
    "re2": ("core",),
    "tree_sitter": ("inputs",),
    "iniparse": ("report",),
    "fsspec": ("audit",),
    "distributed": ("audit/fleet",),
    "pyarrow": ("audit/fleet",),
    "rich": ("report",),
    "sys": ("cli", "__main__", "inputs"),  # `inputs` looks along `sys.path` for kinds of other packages
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_in(path: Path, rooms: Collection[str]) -> bool:
    """Whether a module stands in one of the rooms, or is one of these files."""
    below = path.relative_to(PACKAGE).with_suffix("")
    return any(below.is_relative_to(name) for name in rooms)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def needed(path: Path, modules: Collection[str]) -> set[str]:
    """The modules that a module takes something from; a package only where it takes something that is no module of it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {within if (within := f"{node.module}.{alias.name}") in modules else node.module for alias in node.names}
    return found & set(modules)


def own(path: Path) -> set[str]:
    """The rooms of lwlint that a module imports from."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("lwlint.")} & set(FLOORS)


def test_the_package_has_its_rooms_and_nothing_else() -> None:
    faces = {"__init__", "__main__", "plugin"}
    assert {room(path) for path in MODULES} - faces == set(FLOORS)


def test_a_newcomer_can_draw_the_house_from_memory() -> None:
    """Ten entries beside `__init__` and `__main__`; and 140 modules."""
    entries = {path.name for path in PACKAGE.iterdir()} - {"__init__.py", "__main__.py", "__pycache__"}
    assert len(entries) <= 10
    assert len(MODULES) <= 140


def test_imports_go_down_only() -> None:
    up = []
    for path in MODULES:
        here = room(path)
        up += [
            f"{path.relative_to(PACKAGE)} imports {name}"
            for name in own(path)
            if here in FLOORS and FLOORS.index(name) > FLOORS.index(here)
        ]
    assert up == []


def test_rooms_within_a_room_know_it_and_nothing_beside_them() -> None:
    strangers = []
    for path in MODULES:
        around = room(path)
        inner = path.relative_to(PACKAGE).parts[1].removesuffix(".py") if around in WITHIN else ""
        others = {f"lwlint.{around}.{name}" for name in WITHIN.get(around, ()) if name != inner}
        known = {name for name in imports(path) if any(name == other or name.startswith(f"{other}.") for other in others)}
        strangers += [f"{path.relative_to(PACKAGE)} imports {name}" for name in sorted(known)]
    assert strangers == []


def test_the_kinds_of_input_do_not_know_each_other() -> None:
    strangers = []
    for path in MODULES:
        parts = path.relative_to(PACKAGE).parts
        if parts[0] == "inputs" and len(parts) > 2:
            kinds = {name.split(".")[2] for name in imports(path) if name.startswith("lwlint.inputs.")}
            folders = {p.name for p in (PACKAGE / "inputs").iterdir() if p.is_dir()}
            strangers += [f"{'/'.join(parts)} knows {kind}" for kind in kinds & folders - {parts[1]} - KNOWS.get(parts[1], set())]
    assert strangers == []


def test_no_import_circles() -> None:
    names = {"lwlint." + ".".join(p.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): p for p in MODULES}
    graph = {name: needed(path, names) - {name} for name, path in names.items()}
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
            if library in ONLY_IN and not is_in(path, ONLY_IN[library]):
                strangers.append(f"{path.relative_to(PACKAGE)} imports {library}")
    assert strangers == []


def test_only_the_kinds_of_input_ask_for_a_kind_by_its_word() -> None:
    """All else asks a property of the fact, a field of the Kind record, or for the facts or sources of a kind."""
    asking = []
    for path in MODULES:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if "kind ==" in line and room(path) != "inputs":
                asking.append(f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}")
    assert asking == []


def test_no_room_is_called_by_a_word_without_meaning() -> None:
    assert [p.name for p in MODULES if p.stem in ("utils", "helpers", "common", "base")] == []


# words that end otherwise than `masked`, `sealed`; what ends so and is a verb is in `VERBS`
PARTICIPLES = {
    *("begun", "bound", "broken", "built", "chosen", "drawn", "found", "given", "gone", "held", "hidden", "kept", "known", "left", "lost"),
    *(
        "made",
        "meant",
        "met",
        "misspelt",
        "odd",
        "paid",
        "said",
        "seen",
        "sent",
        "shown",
        "spelt",
        "taken",
        "told",
        "untold",
        "written",
        "wrong",
    ),
}
VERBS = {"feed", "heed", "need"}
# what a check asks of the facts, and what says in one word how a node of Puppet's stands to another
NAMES_OF_ALL = {
    "Facts.called",
    "Facts.derived",
    "_Asked.called",
    "Reading.defined",
    "Reading.queried",
    "Reading.referred",
    "_Colocations._known",
}


def functions(path: Path) -> Iterator[str]:
    """The functions of a module, and the methods of its classes as `CLASS.NAME`, but for properties."""
    tree = ast.parse(path.read_text("utf-8"))
    for holder in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        for node in holder.body:
            if isinstance(node, ast.FunctionDef) and not any("property" in ast.unparse(each) for each in node.decorator_list):
                yield f"{holder.name}.{node.name}" if isinstance(holder, ast.ClassDef) else node.name


def test_a_function_is_named_by_what_it_does() -> None:
    """`mask` and `find_missing`, not `masked` and `missed`: a participle says what a value is."""
    strange = []
    for path in MODULES:
        for name in functions(path):
            word = name.rpartition(".")[2].strip("_")
            if name not in NAMES_OF_ALL and word not in VERBS and (word in PARTICIPLES or ("_" not in word and word.endswith("ed"))):
                strange.append(f"{path.relative_to(PACKAGE)}: {name}")
    assert strange == []
