"""What a manifest makes is what Puppet's compiler makes of it: defaults, overrides, collectors, virtual resources, loops, classes."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Optional

from lwlint.core.catalogue import Catalogue
from lwlint.core.source import Source
from lwlint.inputs.puppet.facts import ManifestConstraint, ManifestResource
from lwlint.inputs.puppet.reader import manifest_facts
from tests.inputs.puppet.puppet_oracle import command

ORACLE = Path(__file__).with_name("oracle_catalog.rb")
MANIFESTS = int(os.environ.get("LWLINT_EXAMPLES", "300"))
TYPE, REFERENCE = "pacemaker::resource::service", "Pacemaker::Resource::Service"
STUB = "define pacemaker::resource::service($ensure = 'present', $clone_params = undef, $tries = undef) {}\n"
OTHER = "other"  # what a branch that is not taken would come to


class Writer:
    """Writes a manifest whose every declaration Puppet evaluates; `off` are titles that it never makes a resource of."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.number = 0
        self.lines: list[str] = []
        self.front: list[str] = []
        self.made: list[str] = []
        self.off = {OTHER}

    def title(self) -> str:
        self.number += 1
        self.made.append(f"svc-{self.number}")
        return self.made[-1]

    def variable(self) -> str:
        self.number += 1
        return f"$v{self.number}"

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def string(self, text: str, lines: list[str]) -> str:
        """Return an expression that comes to the text, with what stands before it on lines of their own."""
        choice, name, at = self.random.randrange(12), self.variable(), len(text) // 2
        if choice == 0:
            lines.append(f"{name} = '{text}'")
        elif choice == 1:
            lines.append(f"{name} = '{text[:at]}'")
            return f'"${{{name[1:]}}}{text[at:]}"'
        elif choice == 2:
            lines.append(f"if true {{ {name} = '{text}' }} else {{ {name} = '{OTHER}' }}")
        elif choice == 3:
            lines.append(f"{name} = true ? {{ true => '{text}', default => '{OTHER}' }}")
        elif choice == 4:
            lines.append(f"{name} = {{ 'k' => '{text}' }}")
            return f"{name}['k']"
        elif choice == 5:
            return f"downcase('{text.upper()}')"
        elif choice == 6:
            return f"sprintf('%s', '{text}')"
        else:
            return self.pick(f"'{text}'", f'"{text}"')
        return name

    def attributes(self, lines: list[str], arrow: str = "=>") -> str:
        found = []
        if self.random.random() < 0.5:
            found.append(f"ensure {arrow} {self.string(self.pick('present', 'absent'), lines)}")
        if self.random.random() < 0.3:
            found.append(f"clone_params {arrow} {self.string('interleave=true', lines)}")
        return ", ".join(found)

    def quoted(self, attributes: str) -> str:
        return attributes.replace("ensure =>", "'ensure' =>").replace("clone_params =>", "'clone_params' =>")

    def plain(self, lines: list[str], form: str = "") -> None:
        lines.append(f"{form}{TYPE} {{ {self.string(self.title(), lines)}: {self.attributes(lines)} }}")

    def statement(self, lines: list[str], depth: int = 0) -> None:
        choice = self.random.randrange(20)
        title, other = self.title(), self.title()
        if choice == 0:
            bodies = [f"default: {self.attributes(lines)}", f"{self.string(title, lines)}: {self.attributes(lines)}", f"'{other}': "]
            self.random.shuffle(bodies)
            lines.append(f"{TYPE} {{ {'; '.join(bodies)} }}")
        elif choice == 1:
            lines.append(f"{REFERENCE} {{ {self.attributes(lines)} }}")
        elif choice == 2:
            self.plain(lines, "@")
        elif choice == 3:
            lines.append(f"@{TYPE} {{ '{title}': {self.attributes(lines)} }}")
            lines.append(self.pick(f"realize {REFERENCE}['{title}']", f"realize({REFERENCE}['{title}'])", f"{REFERENCE} <| |>"))
        elif choice == 4:
            lines.append(f"@{TYPE} {{ '{title}': }}")
            lines.append(f"{REFERENCE} <| title {self.pick('==', '!=')} '{self.pick(title, other)}' |>")
        elif choice == 5:
            one = self.pick(*self.made)
            query = self.pick("", f"title == '{one}'", f"title != '{one}'", f"title == '{one}' or title == '{title}'", "tag == 'q'")
            lines.append(f"{REFERENCE} <| {query} |> {{ {self.attributes(lines) or 'tries => 3'} }}")
        elif choice == 6:
            name = self.variable()
            lines.append(f"{name} = {{ '{title}' => {{ {self.quoted(self.attributes(lines))} }}, '{other}' => {{}} }}")
            defaults = self.pick("", f", {{ {self.quoted(self.attributes(lines))} }}")
            lines.append(f"create_resources('{self.pick('', '@', '::')}{TYPE}', {name}{defaults})")
        elif choice == 7:
            lines.append(f"[{self.string(title, lines)}, '{other}'].each |$n| {{ {TYPE} {{ $n: }} }}")
        elif choice == 8:
            lines.append(f"{{ '{title}' => 'absent', '{other}' => 'present' }}.each |$n, $e| {{ {TYPE} {{ $n: ensure => $e }} }}")
        elif choice == 9:
            of = self.pick(f"Resource['{TYPE}']", f"Resource[{REFERENCE}]", REFERENCE)
            lines.append(f"{of} {{ '{title}': {self.attributes(lines)} }}")
        elif choice == 10 and depth < 2:
            inside: list[str] = []
            self.statement(inside, depth + 1)
            lines.append(self.pick("if true {", "if false {", "unless false {") + "\n" + "\n".join(inside) + "\n}")
        elif choice == 11 and not depth:
            own: list[str] = []
            self.statement(own, 1)
            self.off.add(title)  # the default, where the class is given another
            self.front.append(f"class c{title[4:]}($t = '{title}') {{\n" + "\n".join(own) + f"\n{TYPE} {{ $t: }}\n}}")
            lines.append(self.pick(f"include c{title[4:]}", f"class {{ 'c{title[4:]}': t => '{other}' }}"))
        elif choice == 12 and not depth:
            self.front.append(f"class b{title[4:]} {{ {TYPE} {{ '{title}': }} }}")
            change = f"{REFERENCE}['{title}'] {{ {self.attributes([]) or 'tries => 2'} }}"
            self.front.append(f"class b{title[4:]}x inherits b{title[4:]} {{\n{change}\n}}")
            lines.append(self.pick(f"include b{title[4:]}", f"include b{title[4:]}x"))
        elif choice == 13:
            lines.append(f"{TYPE} {{ '{title}': tries => 2 }}\n{REFERENCE}['{title}'] {{ {self.attributes(lines)} }}")
        else:
            self.plain(lines)

    def manifest(self) -> str:
        for _ in range(self.random.randrange(1, 4)):
            self.statement(self.lines)
        return "\n".join([*self.front, *self.lines]) + "\n"


def compiled(folder: Path, texts: list[str]) -> list[Optional[list[tuple[str, str, dict[str, str]]]]]:
    """Return what Puppet makes of each manifest; None where it refuses one."""
    stub = folder / "pacemaker" / "manifests" / "resource" / "service.pp"
    stub.parent.mkdir(parents=True)
    stub.write_text(STUB)
    run = subprocess.run([*command(), str(ORACLE), str(folder)], input=json.dumps(texts), capture_output=True, text=True, check=True)
    found: list[Optional[list[tuple[str, str, dict[str, str]]]]] = json.loads(run.stdout)
    return found


def made(*texts: str) -> dict[str, ManifestResource]:
    """Return what lwlint reads of manifests, by title."""
    sources = [Source(f"m{number}.pp", text, "puppet") for number, text in enumerate(texts)]
    return {one.name: one for one in manifest_facts(sources, Catalogue(())) if isinstance(one, ManifestResource)}


def differences(text: str, catalog: list[tuple[str, str, dict[str, str]]], off: set[str]) -> list[str]:
    """Return what lwlint says for certain of a manifest that Puppet does not say."""
    facts = [one for one in manifest_facts([Source("m.pp", text, "puppet")], Catalogue(())) if isinstance(one, ManifestResource)]
    known = {one.name: one for one in facts if one.decided}
    real = {title: parameters for _, title, parameters in catalog}
    found = [f"{title} is missing" for title in real if title not in known and all(one.decided for one in facts)]
    for name, one in known.items():
        if name in real:
            wrong = [s.name for s in one.settings if s.value is not None and s.value != (real[name].get(s.name) or "undef")]
            found += [f"{name}: {setting}" for setting in wrong]
            found += [f"{name} is absent"] if one.absent and real[name]["ensure"] != "absent" else []
        elif not (one.absent or one.conditional or one.unrealized or name in off):
            found.append(f"{name} is not made")
    return found


def test_what_is_said_for_certain_is_in_the_catalog(tmp_path: Path) -> None:
    writers = [Writer(seed) for seed in range(MANIFESTS)]
    texts = [writer.manifest() for writer in writers]
    compared = 0
    for writer, text, catalog in zip(writers, texts, compiled(tmp_path, texts)):
        if catalog is not None:
            compared += 1
            assert differences(text, catalog, writer.off) == [], text
    assert compared > MANIFESTS * 0.8


def test_the_attributes_of_a_body_called_default_are_those_of_the_others() -> None:
    found = made(f"{TYPE} {{ 'a': ; default: ensure => absent; 'b': ensure => present }}")
    assert {name: one.absent for name, one in found.items()} == {"a": True, "b": False}


def test_a_default_reaches_what_is_declared_in_its_scope_and_behind_it() -> None:
    inside = f"class a {{ {REFERENCE} {{ ensure => absent }} {TYPE} {{ 'in': }} }}"
    found = made(f"{TYPE} {{ 'before': }} {inside} {TYPE} {{ 'out': }}", f"{REFERENCE} {{ ensure => absent }} {TYPE} {{ 'behind': }}")
    assert {name: one.absent for name, one in found.items()} == {"before": False, "in": True, "out": False, "behind": True}


def test_an_override_in_a_class_that_inherits_is_not_certain() -> None:
    found = made(f"class a {{ {TYPE} {{ 'x': ensure => present }} }} class b inherits a {{ {REFERENCE}['x'] {{ ensure => absent }} }}")
    assert [(one.value, one.candidates) for one in found["x"].settings] == [(None, ("present", "absent"))]


def test_a_collector_changes_what_it_finds() -> None:
    found = made(f"{TYPE} {{ ['x', 'y']: }} {REFERENCE} <| title == 'x' |> {{ ensure => absent }}")
    assert {name: one.absent for name, one in found.items()} == {"x": True, "y": False}
    found = made(f"{TYPE} {{ 'x': }} {REFERENCE} <| tag == 't' |> {{ ensure => absent }}")
    assert [(one.value, one.candidates) for one in found["x"].settings] == [(None, ("absent",))]


def test_what_is_virtual_is_made_once_something_realizes_it() -> None:
    virtual = f"class a {{ @{TYPE} {{ ['x', 'y']: }} @@{TYPE} {{ 'exported': }} }}"
    assert {name: one.unrealized for name, one in made(virtual).items()} == {"x": True, "y": True, "exported": False}
    for realizing in (f"realize {REFERENCE}['x']", f"realize({REFERENCE}['z', 'x'])", f"{REFERENCE} <| title == 'x' |>"):
        assert {name: one.unrealized for name, one in made(virtual, realizing).items()} == {"x": False, "y": True, "exported": False}
    assert not any(one.unrealized for one in made(virtual, f"{REFERENCE} <| |>").values())
    assert made(virtual, f"{REFERENCE} <| tag == 'x' |>")["x"].unrealized


def test_a_virtual_constraint_is_realized_by_its_own_type() -> None:
    text = "@pacemaker::constraint::order { 'o': first_resource => 'a', second_resource => 'b' }\n"
    for more, unrealized in (("", True), ("Pacemaker::Constraint::Order <| |>", False), ("Pacemaker::Constraint::Colocation <| |>", True)):
        facts = manifest_facts([Source("m.pp", text, "puppet"), Source("n.pp", more, "puppet")], Catalogue(()))
        assert [one.unrealized for one in facts if isinstance(one, ManifestConstraint)] == [unrealized]


def test_a_reference_to_a_type_declares_resources_too() -> None:
    assert sorted(made(f"Resource['{TYPE}'] {{ 'a': }} Resource[{REFERENCE}] {{ 'b': }}")) == ["a", "b"]


def test_of_several_titles_one_that_only_puppet_can_tell_is_not_left_out() -> None:
    found = made(f"[$facts['x'], 'b'].each |$n| {{ {TYPE} {{ $n: }} }}")
    assert {name: one.decided for name, one in found.items()} == {"b": True, "$n": False}


def test_a_class_takes_the_parameters_that_it_is_given() -> None:
    defined = f"class a($t = 'one') {{ {TYPE} {{ $t: }} }} "
    assert sorted(made(f"{defined} class {{ 'a': t => 'two' }}")) == ["two"]
    assert sorted(made(defined)) == ["one"]
    assert sorted(made(f"{defined} if $x {{ class {{ 'a': t => 'two' }} }} else {{ include ::a }}")) == ["one", "two"]


def test_a_defined_type_has_its_defaults_where_a_user_gives_it_nothing() -> None:
    defined = f"define a($t = $name) {{ {TYPE} {{ $t: }} }} "
    assert sorted(made(f"{defined} a {{ 'x': t => 'one'; 'y': t => 'two' }}")) == ["one", "two"]
    assert sorted(made(f"{defined} a {{ 'x': t => 'one'; 'y': }}")) == ["one", "y"]


def test_a_variable_is_that_of_the_class_in_which_it_is_used() -> None:
    one = f"class one {{ $n = 'one' {TYPE} {{ $n: }} }} "
    assert sorted(made(f"{one} class two {{ $n = 'two' }}")) == ["one"]
    inner = f"define d($n) {{ {TYPE} {{ $n: }} }} "
    assert sorted(made(f"{inner} class one {{ $n = 'one' d {{ 'x': n => $n }} }} class two {{ $n = 'two' }}")) == ["one"]
    assert sorted(made(f"{inner} $n = 'top' d {{ 'x': n => $n }} class two {{ $n = 'two' }}")) == ["top"]


def write_definitions(seed: int) -> str:
    """Return a manifest of classes and defined types with defaults, used from classes whose variables have names of the parameters."""
    chosen, text, uses = random.Random(seed), ["$top = 'top'"], []
    for number in range(chosen.randint(1, 3)):
        of_class, names = chosen.random() < 0.5, ["svc", "n"][: chosen.randint(1, 2)]
        defaults = [chosen.choice(["", f" = 'd{number}{name}'", " = $::top", *([] if of_class else [" = $name"])]) for name in names]
        body = " ".join(f"{TYPE} {{ {chosen.choice([f'${name}', f'[${name}]'])}: }}" for name in names)
        parameters = ", ".join(f"${name}{default}" for name, default in zip(names, defaults))
        head = f"{'class' if of_class else 'define'} a{number}({parameters})"
        text.append(f"{head} {{ $own = 'o{number}' {body} {TYPE} {{ \"${{own}}${{title}}\": }} }}")
        lines = [f"${name} = 'u{number}{name}'" for name in names]
        for use in range(1 if of_class else chosen.randint(1, 3)):
            given = [name for name, default in zip(names, defaults) if not default or chosen.random() < 0.6]
            attributes = ", ".join(f"{name} => {chosen.choice([f'${name}', f'{chr(39)}l{number}{use}{name}{chr(39)}'])}" for name in given)
            lines.append(f"class {{ 'a{number}': {attributes} }}" if of_class else f"a{number} {{ 't{number}{use}': {attributes} }}")
        text.append(f"class u{number} {{ {' '.join(lines)} }}")
        uses.append(f"include u{number}")
    return "\n".join([*text, *uses]) + "\n"


def test_generated_definitions_make_what_the_catalog_has(tmp_path: Path) -> None:
    texts = [write_definitions(seed) for seed in range(MANIFESTS)]
    compared = 0
    for text, catalog in zip(texts, compiled(tmp_path, texts)):
        if catalog is not None:
            compared += 1
            assert sorted(made(text)) == sorted(title for _, title, _ in catalog), text
    assert compared > MANIFESTS * 0.5
