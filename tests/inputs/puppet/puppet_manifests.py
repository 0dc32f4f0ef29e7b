"""Random manifests: every form of the language that the reader knows, in random formatting."""

from __future__ import annotations

import random

_NAMES = ("nova", "a::b", "::c::d", "openstack_x", "pacemaker::resource::service", "y9", "nova_config")
_TYPES = ("Class", "A::B", "Pacemaker::Resource::Service", "::Exec")
_STRINGS = (
    "openstack-nova-api", "", "é 高", "it's", 'say "x"', "a\\b", "${no}", "a { 'b': }", "/x/", "1\n2", "\U0001f600", "$", "ends\\\\",
)  # fmt: skip
_JOINED = ("$x", "${x}", "${::a::b}", "${x['y']}", "${downcase($z)}", '${x["é"]}', "${$x}")
_WORDS = ("true", "false", "undef", "present", "-1", "10", "0x1F", "1.5", "default")
_CALLS = ("hiera", "downcase", "join", "str2bool", "lookup")


class Writer:
    """Writes manifests from one random source; `spaces` is put wherever the language allows white space."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def gap(self) -> str:
        return self.random.choice(("", "", " ", " ", "  ", "\n", "\t", "\r\n", " # x { 'y': }\n", " /* ' \" { */ "))

    def space(self) -> str:
        return self.random.choice((" ", " ", "\n", "\n  ", " # z\n"))

    def single(self, text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def double(self, text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", self.pick("\n", "\\n")) + '"'

    def string(self, text: str) -> str:
        return self.single(text) if self.random.random() < 0.6 else self.double(text)

    def value(self, depth: int) -> str:
        choice = self.random.randrange(6 if depth <= 0 else 14)
        if choice < 3:
            return self.string(self.pick(*_STRINGS))
        if choice == 3:
            return self.pick(*_WORDS)
        if choice < 6:
            return self.pick("$x", "$::a::b", "$_y", "$z9")
        inner = depth - 1
        if choice == 6:
            return "[" + self.gap() + ("," + self.gap()).join(self.value(inner) for _ in range(self.random.randrange(4))) + self.gap() + "]"
        if choice == 7:
            pairs = [f"{self.string('k')}{self.gap()}=>{self.gap()}{self.value(inner)}" for _ in range(self.random.randrange(3))]
            return "{" + self.gap() + (self.gap() + "," + self.gap()).join(pairs) + self.gap() + "}"
        if choice == 8:
            return f"{self.pick(*_CALLS)}({self.gap()}{self.value(inner)}{self.gap()},{self.gap()}{self.value(inner)})"
        if choice == 9:
            options = f"'a'{self.gap()}=>{self.gap()}{self.value(inner)},{self.gap()}default => 1"
            return f"$x{self.space()}?{self.gap()}{{{self.gap()}{options}{self.gap()}}}"
        if choice == 10:
            return '"a' + self.pick(*_JOINED) + self.pick("", "-clone", "é") + '"'
        if choice == 11:
            return f"{self.pick(*_TYPES)}[{self.value(inner)}]"
        if choice == 12:
            return f"({self.gap()}{self.value(inner)}{self.space()}{self.pick('==', '!=', 'and', 'or', 'in', '+', '/')}{self.space()}$y)"
        return f"$x.{self.pick('each', 'map')}{self.space()}|$v|{self.gap()}{{{self.gap()}{self.statement(inner)}{self.gap()}}}"

    def attributes(self, depth: int) -> str:
        found = []
        for _ in range(self.random.randrange(4)):
            name = self.pick("ensure", "clone_params", "type", "if", "value", "*")
            found.append(f"{name}{self.gap()}=>{self.gap()}{'$h' if name == '*' else self.value(depth)}")
        end = self.gap() + "," if found and self.random.random() < 0.5 else ""
        return (self.gap() + "," + self.gap()).join(found) + end

    def resource(self, depth: int) -> str:
        kind = self.pick(*_NAMES, "class")
        bodies = []
        for _ in range(self.random.randrange(1, 3)):
            title = self.value(1) if self.random.random() < 0.3 else self.string(self.pick(*_STRINGS))
            bodies.append(f"{title}{self.space()}:{self.gap()}{self.attributes(depth)}{self.gap()}")
        form = "" if kind == "class" else self.pick("", "", "", "@", "@@")
        return f"{form}{kind}{self.gap()}{{{self.gap()}{(';' + self.gap()).join(bodies)}{self.pick('', ';')}{self.gap()}}}"

    def block(self, depth: int) -> str:
        return "{" + self.gap() + self.space().join(self.statement(depth) for _ in range(self.random.randrange(3))) + self.gap() + "}"

    def statement(self, depth: int) -> str:
        choice = self.random.randrange(8 if depth <= 0 else 15)
        inner = depth - 1
        if choice < 4:
            return self.resource(inner)
        if choice == 4:
            return f"{self.pick('include', 'contain', 'require')}{self.space()}{self.pick('::a::b', 'nova', chr(39) + '::x' + chr(39))}"
        if choice == 5:
            return f"$v{self.gap()}={self.gap()}{self.value(inner)}"
        if choice == 6:
            return f"{self.pick(*_TYPES)}{self.gap()}{{{self.gap()}a => {self.value(inner)}{self.gap()}}}"
        if choice == 7:
            return f"{self.pick('notice', 'create_resources')}({self.gap()}{self.value(inner)}{self.gap()})"
        if choice == 8:
            other = self.pick("", f"else{self.gap()}{self.block(inner)}", f"elsif $q{self.space()}{self.block(inner)}")
            return f"if {self.value(inner)}{self.space()}{self.block(inner)}{self.gap()}{other}"
        if choice == 9:
            options = f"'a', /b/:{self.gap()}{self.block(inner)}{self.gap()}default: {self.block(inner)}"
            return f"case {self.value(inner)}{self.space()}{{{self.gap()}{options}{self.gap()}}}"
        if choice == 10:
            return f"{self.pick('class', 'define')} x::y{self.gap()}($p = {self.value(0)}, String $q){self.gap()}{self.block(inner)}"
        if choice == 11:
            return f"{self.pick(*_TYPES)} <| title == {self.string('a')} |>"
        if choice == 12:
            attribute = f"b{self.gap()}{self.pick('=>', '+>')} {self.value(inner)}"
            return f"{self.pick(*_TYPES)}['a']{self.gap()}{{{self.gap()}{attribute}{self.gap()}}}"
        if choice == 13:
            return f"{self.resource(inner)}{self.gap()}->{self.gap()}{self.resource(inner)}"
        return f"unless {self.value(inner)}{self.space()}{self.block(inner)}"

    def manifest(self) -> str:
        return "".join(self.statement(3) + self.random.choice(("\n", "\n\n", "\r\n")) for _ in range(self.random.randrange(1, 6)))

    def damaged(self) -> str:
        """Return a manifest with a piece taken out, doubled, or another character put in."""
        text = self.manifest()
        start = self.random.randrange(len(text))
        end = min(len(text), start + self.random.randrange(1, 4))
        put = self.random.choice(("", "", text[start:end] * 2, "'", '"', "{", "}", "=>", ",", ":", "\0", "$", "é"))
        return text[:start] + put + text[end:]
