"""Generated environments and role data mean to lwlint what they mean to Heat (`heat_oracle.py`).

Heat needs other versions of packages than lwlint does: `LWLINT_HEAT` names a Python that has `openstack-heat`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.heat.facts import HieraKey, RoleData
from lwlint.inputs.heat.outline import Outlines
from lwlint.inputs.heat.registry import Registries, View
from lwlint.inputs.heat.tree import HeatTree
from lwlint.run import Request, read_facts

pytestmark = pytest.mark.long
ORACLE = Path(__file__).with_name("heat_oracle.py")
SERVICES = "OS::TripleO::Services::"
NAMES = [SERVICES + name for name in ("CinderA", "CinderB", "Ca", "D", "E", "F")]


def heat(asked: Iterable[dict[str, Any]]) -> list[Any]:
    """Return what Heat answers; skip the test, saying so, without it."""
    python = os.environ.get("LWLINT_HEAT") or (sys.executable if find_spec("heat") is not None else "")
    if not python:
        pytest.skip("HEAT IS MISSING: nothing is compared with it (set LWLINT_HEAT to a Python that has `openstack-heat`)")
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run([python, str(ORACLE)], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def ends(files: dict[str, str], environments: Iterable[str]) -> dict[str, str]:
    """Where each type leads to with these environments."""
    sources = {name: Source(name, text, "heat") for name, text in files.items()}
    tree = HeatTree(list(sources.values()), sources.get, tuple(environments), Outlines())
    chosen = [file for name in environments if (file := tree.file(name)) is not None]
    view = View(tree, Registries(tree), None, tuple(chosen), merged=True)
    found = {name: view.final(name) or "" for name in NAMES}
    return {name: "" if final.startswith(SERVICES) else final for name, final in found.items()}  # which nothing maps


def some_registry(chance: random.Random) -> dict[str, Any]:
    """An environment with aliases of aliases, wildcards, and entries for single resources."""
    entries: dict[str, Any] = {}
    for number, name in enumerate(NAMES):
        if chance.random() < 0.55:
            others = [*NAMES[number + 1 :], SERVICES + "Unknown"]
            entries[name] = chance.choice(["a.yaml", "b.yaml", "OS::Heat::None", chance.choice(others)])
    if chance.random() < 0.3:
        for wild in chance.sample(["Cinder*", "C*", "D*", "CinderA*"], chance.randint(1, 2)):
            entries[SERVICES + wild] = chance.choice(["OS::Heat::None", "a.yaml", SERVICES + "F", SERVICES + "E", SERVICES + "E*"])
    if chance.random() < 0.2:
        entries["resources"] = {"one": {chance.choice(NAMES): "a.yaml", "hooks": "pre-create"}}
    keys = list(entries)
    chance.shuffle(keys)
    return {"resource_registry": {key: entries[key] for key in keys}}


@pytest.mark.parametrize("by", ["client", "heat"])
def test_merged_registries_lead_where_they_lead_in_heat(by: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    cases: list[tuple[dict[str, str], list[str]]] = []
    for number in range(400):
        environments = {f"e{one}.yaml": json.dumps(some_registry(chance)) for one in range(chance.randint(1, 3))}
        files = {**environments, **dict.fromkeys(("a.yaml", "b.yaml"), "heat_template_version: queens\n")}
        cases.append((files, list(environments)))
        (tmp_path / str(number)).mkdir()
        for name, text in files.items():
            (tmp_path / str(number) / name).write_text(text)
    asked = [
        {"registry": [str(tmp_path / str(number) / name) for name in environments], "by": by, "types": NAMES}
        for number, (_, environments) in enumerate(cases)
    ]
    different = []
    for number, ((files, environments), answer) in enumerate(zip(cases, heat(asked))):
        told = {name: (to or "").replace(f"file://{tmp_path}/{number}/", "") for name, to in answer.items()}
        found = ends(files, environments)
        if found != told:
            different.append((files, {name: (found[name], told[name]) for name in NAMES if found[name] != told[name]}))
    assert not different, f"{len(different)} of {len(cases)}; {different[:3]}"


KEYS = ["nova::a", "nova::b", "nova::c::d"]
CONDITIONS: list[Any] = ["one", "two", {"not": "one"}, {"not": {"not": "two"}}, {"equals": [{"get_param": "Three"}, "yes"]}]
# the last two do more than to merge their data
EXPRESSIONS = [
    "$.data.a.mergeWith($.data.b)",
    "$.data.b.mergeWith($.data.a)",
    "$.data.a + $.data.b",
    "$.data.b",
    "let(a => $.data.a) -> $a.items().where($[0] != 'nova::a').toDict($[0], $[1])",
    "dict($.data.b.items().where($[1] != 10))",
]
ASKED = ("One", "Two", "Three")
SCALARS: list[Any] = ["-1", -1, 10, "old", True, "none", ""]
BASE_SETTINGS = {"get_attr": ["Base", "role_data", "config_settings"]}
BASE_DATA = {"get_attr": ["Base", "role_data"]}


class Made:
    """Random role data, of the functions that templates of services are made of."""

    def __init__(self, chance: random.Random, settings: list[Any], *, version: str = "pike") -> None:
        self._chance = chance
        self._settings = settings  # calls of other templates' settings that may be taken in
        self._version = version

    def choice(self, first: Any, second: Any, *, whole: bool = False) -> Any:
        """One of two values; from wallaby on there may be nothing for the second case, unless the `whole` must be there."""
        lacks = self._version == "wallaby" and not whole and self._chance.random() < 0.5
        return {"if": [self._chance.choice(CONDITIONS), first, *([] if lacks else [second])]}

    def value(self, depth: int, *, text: bool = False) -> Any:
        """A value of a setting; only a `text` can be joined."""
        chance = self._chance
        kind = chance.choice(["scalar", "scalar", "param", "if", "join", "replace"]) if depth else "scalar"
        if kind == "if":
            return self.choice(self.value(depth - 1, text=text), self.value(depth - 1, text=text), whole=text)
        if kind == "join":
            items = [self.value(depth - 1, text=True), *(self.value(0, text=True) for _ in range(chance.randint(0, 1)))]
            return {"list_join": [chance.choice(["", "-"]), items]}
        if kind == "replace":
            names = chance.sample(["X", "XY", "Z"], chance.randint(1, 2))
            params = {name: self.value(depth - 1 if name == names[0] else 0, text=True) for name in names}
            return {"str_replace": {"template": chance.choice(["aXb", "XYZ", "ZX"]), "params": params}}
        if kind == "param":
            return {"get_param": "Same" if text else chance.choice(["Same", "Number", "Flag"])}
        return chance.choice([one for one in SCALARS if isinstance(one, str) or not text])

    def mapping(self, depth: int) -> Any:
        """A mapping of settings."""
        chance = self._chance
        kind = chance.choice(["literal", "merge", "merge", "if", "replace", "other", "yaql"]) if depth else "literal"
        if kind == "merge":
            choice = [self.choice(self.mapping(depth - 1), self.mapping(depth - 1))] if self._version == "wallaby" else []
            return {"map_merge": [*(self.mapping(depth - 1) for _ in range(chance.randint(1, 3))), *choice]}
        if kind == "if":
            return self.choice(self.mapping(depth - 1), self.mapping(depth - 1), whole=True)
        if kind == "replace":
            keys = {"nova::a": "nova::e"} if chance.random() < 0.4 else {}
            values = {"old": chance.choice(["new", -1]), "new": "newer"} if chance.random() < 0.8 else {}
            return {"map_replace": [Made(chance, [], version=self._version).mapping(depth - 1), {"keys": keys, "values": values}]}
        if kind == "yaql":
            return {"yaql": {"expression": chance.choice(EXPRESSIONS), "data": {name: self.mapping(depth - 1) for name in "ab"}}}
        if kind == "other" and self._settings:
            return chance.choice(self._settings)
        return {key: self.value(2) for key in chance.sample(KEYS, chance.randint(1, 2))}

    def role_data(self, *, whole: bool) -> Any:
        """The role data of a template, perhaps merged with all those of another."""
        settings = self.mapping(3)
        if whole and self._version == "wallaby" and self._chance.random() < 0.3:
            settings = self.choice(settings, self.mapping(2))
        own = {"service_name": "nova_x", "config_settings": settings}
        if not whole or self._chance.random() < 0.5:
            return own
        behind = {"map_merge": [BASE_DATA, own if self._chance.random() < 0.6 else {"service_name": "nova_x"}]}
        return {"if": [self._chance.choice(CONDITIONS), behind, own]} if self._chance.random() < 0.2 else behind


def put_in(value: Any, base: Any) -> Any:
    """Return a value with the role data of the base template in the place of the calls for them."""
    if value == BASE_DATA:
        return base
    if value == BASE_SETTINGS:
        return {"yaql": {"expression": "$.data.config_settings", "data": base}}
    if isinstance(value, dict):
        return {key: put_in(one, base) for key, one in value.items()}
    return [put_in(one, base) for one in value] if isinstance(value, list) else value


def template(role_data: Any, *, based: bool, version: str = "pike") -> dict[str, Any]:
    """A template with these role data."""
    return {
        "heat_template_version": version,
        "parameters": {
            **{name: {"type": "string", "default": "yes"} for name in ASKED},
            "Same": {"type": "string", "default": "-1"},
            "Number": {"type": "number", "default": 10},
            "Flag": {"type": "boolean", "default": True},
        },
        "conditions": {name.lower(): {"equals": [{"get_param": name}, "yes"]} for name in ASKED[:2]},
        "resources": {"Base": {"type": "./base.yaml"}} if based else {},
        "outputs": {"role_data": {"value": role_data}},
    }


def as_text(value: Any) -> str:
    """Return a value as Puppet gets to see it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


Told = dict[str, list[tuple[Any, bool]]]  # by name of a setting: the values that each can have, and whether it is there in any case


def settings_of(files: dict[str, str]) -> Told:
    """What lwlint knows of the settings of `service.yaml`."""
    found = list(read_facts(Request(tree=Memory(files))).facts)
    (data,) = [one for one in found if isinstance(one, RoleData) and one.name == "service.yaml"]
    told: Told = {}
    for one in found:
        if isinstance(one, HieraKey) and one.template in data.templates and one.span not in (*data.beaten, *data.left):
            told.setdefault(one.name, []).append((one.values, not one.branch and one.span not in data.partly))
    return told


@pytest.mark.parametrize(("version", "number"), [("pike", 400), ("wallaby", 200)])
def test_settings_have_the_values_that_they_have_in_heat(version: str, number: int) -> None:
    """What a setting is under some condition lwlint knows of, and one that it takes to be there in any case is there.

    A `map_replace` of another template's settings is left out: lwlint follows these, but not what it makes of them.
    """
    chance = random.Random(11)
    cases, asked = [], []
    for _ in range(number):
        base = Made(chance, [], version=version).role_data(whole=False)
        own = Made(chance, [BASE_SETTINGS], version=version).role_data(whole=True)
        texts = [json.dumps(template(data, based=based, version=version)) for data, based in ((base, False), (own, True))]
        cases.append(dict(zip(("base.yaml", "service.yaml"), texts)))
        for answers in product(("yes", "no"), repeat=3):
            given = {"parameters": dict(zip(ASKED, answers))}
            asked.append({"template": template({}, based=False, version=version), "environment": given, "value": put_in(own, base)})
    answered = heat(asked)
    different, compared = [], 0
    for at, files in enumerate(cases):
        every = answered[8 * at : 8 * at + 8]
        if any("fails" in one for one in every):
            continue
        compared += 1
        actual = [{key: as_text(value) for key, value in one["is"].get("config_settings", {}).items()} for one in every]
        told = settings_of(files)
        for name in {key for one in (*actual, told) for key in one if "::" in key}:
            known = told.get(name, [])
            values = {value for one, _ in known for value in one or ()}
            real = {one[name] for one in actual if name in one}
            missed = real - values if all(one is not None for one, _ in known) else set()
            absent = any(always for _, always in known) and any(name not in one for one in actual)
            if missed or absent or (len(known) == 1 and known[0][1] and values - real):
                different.append((files, name, known, real))
    assert compared > 100
    assert not different, f"{len(different)} of {compared}; {different[:2]}"
