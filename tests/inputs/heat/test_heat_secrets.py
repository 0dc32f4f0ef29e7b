"""The scalars of a document that are secrets: those that a plain walk finds, which asks at each entry all that may make it one."""

from __future__ import annotations

import random
from collections.abc import Collection

from lwlint.core.secret import is_secret
from lwlint.core.source import Source
from lwlint.inputs.heat import document, secrets
from lwlint.inputs.heat.document import Mapping, Node, Scalar, Sequence, walk
from tests.shared import shared

REFERS = ("get_param", "get_attr", "get_resource", "get_file", "Ref", "Fn::GetAtt")
DESCRIBES = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")
NONE = ("true", "false", "null", "~", "yes", "no", "on", "off")
KEYS = (
    "db_password",
    "api_key",
    "key",
    "foo",
    "Odd",
    '"\\x4fdd"',
    "hidden",
    "default",
    "name",
    "value",
    "type",
    "constraints",
    "get_param",
    "tokens",
)
VALUES = (
    "true",
    "abcd",
    "'x y'",
    "x_password",
    "~",
    "{get_param: [A, b]}",
    "{name: b_key, value: s3cr}",
    "[a, {b_key: c}]",
    "&a v",
    "|\n   b\n",
)


def plain(node: Node | None, secret: bool, names: Collection[str], found: set[int], seen: set[tuple[int, bool]]) -> None:
    """Add the beginnings of the scalars that are secrets."""
    if node is None or (id(node), secret) in seen:
        return
    seen.add((id(node), secret))
    if isinstance(node, Scalar):
        if secret and node.value.strip() and not (node.plain and node.value.lower() in NONE):
            found.add(node.start)
    elif isinstance(node, Sequence):
        for item in node.items:
            plain(item, secret, names, found, seen)
    else:
        for key, value in node.pairs:
            if key.value in REFERS or (secret and key.value in DESCRIBES):
                if key.value == "constraints":
                    plain(value, False, names, found, seen)
                continue
            by_name = key.value in names or (is_secret(key.value) and key.value not in ("key", "community"))
            plain(value, secret or by_name or by_others(node, key.value), names, found, seen)


def by_others(node: Mapping, key: str) -> bool:
    scalars = [(name.value, value.value) for name, value in node.pairs if isinstance(value, Scalar)]
    hidden = any(name == "hidden" and value.lower() in ("true", "yes", "on", "1") for name, value in scalars)
    return (key == "default" and hidden) or (key == "value" and any(name == "name" and is_secret(value) for name, value in scalars))


def differs(path: str, text: str, names: Collection[str]) -> bool:
    """Return whether the secrets are others than those of the plain walk; of what is no YAML there are none."""
    source, starts = Source(path, text, "heat"), set[int]()
    read = document.read_file(source)
    if isinstance(read, document.HeatFile):
        plain(read.root, False, names, starts, set())
        nodes = {node.start: node for node in walk(read.root) if isinstance(node, Scalar)}
        return sorted({secrets._inside(nodes[start], text) for start in starts}) != sorted(set(secrets.read_secrets(source, names)))
    return list(secrets.read_secrets(source, names)) != []


def written(chance: random.Random, depth: int, indent: str) -> str:
    lines = []
    for number in range(chance.randint(1, 4)):
        key, value = chance.choice(KEYS), chance.choice(VALUES).replace("&a", f"&a{chance.random()}").replace("\n ", f"\n{indent} ")
        entry = f"{indent}{key}: {value}\n"
        if depth and chance.random() < 0.6:
            below = written(chance, depth - 1, f"{indent}  ")
            entry = f"{indent}{key}:\n" + (below if number else f"{indent}- {value}\n{indent}- x:\n{indent}    y_token: z\n")
        lines.append(entry)
    return "".join(lines)


def test_generated_documents() -> None:
    chance = random.Random(4)
    texts = [written(chance, 3, "") for _ in range(2_000)]
    hidden = ((), ("Odd",), ("db_password",), ("key", "name"), ("hidden", "type"))
    assert [text for text in texts if differs("x.yaml", text, chance.choice(hidden))] == []
    read = [document.read_file(Source("x.yaml", text, "heat")) for text in texts]
    assert sum(isinstance(one, document.HeatFile) for one in read) > 1_000


def test_the_corpus() -> None:
    files = sorted(shared("corpus/tht/newton-after").rglob("*.yaml"))
    assert len(files) > 200
    assert [path for path in files if differs(str(path), path.read_text(), ("KeystoneFernetKeys", "Odd", "step_config"))] == []


def test_an_alias_is_a_secret_where_it_is_used_as_one() -> None:
    text = "a: &x\n  foo: shown\nb_password: *x\n"
    found = list(secrets.read_secrets(Source("x.yaml", text, "heat"), ()))
    assert [text[start:end] for start, end in found] == ["shown"]
    assert not differs("x.yaml", text, ())
