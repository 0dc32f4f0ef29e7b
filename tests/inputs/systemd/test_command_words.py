"""The words of command lines, and the specifiers in them, against the installed systemd."""

from __future__ import annotations

import os
import random

from lwlint.files.tree import Memory
from lwlint.inputs.systemd.facts import Unit
from lwlint.inputs.systemd.programs import words_in, words_of
from lwlint.run import Request, read_facts
from tests.inputs.systemd import unit_trees

LINES = int(os.environ.get("LWLINT_UNIT_LINES", "600"))
BATCH = 200
NAMES = ("c{}.service", "c{}-a-b.service", "c{}-t@one.service", "c{}-t@a-b.service", "c{}@x\\x2dy.service")
# every specifier that a unit's name tells or that is the same for each unit of a system, and ways to write it
SPECIFIERS = tuple("%" + letter for letter in "nNpPiIjJfECSLt%")
PIECES = (
    *SPECIFIERS, "a", "b/c", "--config-file", "--config-file=", "/etc/", ".conf", "x.y", "-", "_", ":", "=", ",", "#", ";x",
    "\\x41", "\\s", "\\t",
    "\\\\", "\\101", "\\u00e9", "\\q", "é", "'q r'", '"q r"', "'%i'", '"%E/x"', "''", '"a\'b"', "'a\"b'", "~", "*", "${A}", "$A", "$$",
)  # fmt: skip
BLANKS = (" ", " ", " ", "  ", "\t", " \\\n  ", " \\\n# a comment\n ")


def line(random: random.Random) -> str:
    """Return the arguments of a command line, mostly such as a person could write."""
    found = []
    for _ in range(random.randrange(1, 6)):
        found.append("".join(random.choices(PIECES, k=random.randrange(1, 4))))
        found.append(random.choice(BLANKS))
    return "".join(found[:-1])


def printed(text: str) -> list[str]:
    """Return the words of a command line as systemd prints it: quoted for a shell, whose `$` it escapes, and with C escapes."""
    return words_of(text.replace("\\$", "$").replace("\\`", "`"))


def test_generated_command_lines_have_the_words_of_systemd() -> None:
    generator = random.Random(252)
    wrong, asked, refused = [], 0, 0
    for _ in range(LINES // BATCH):
        lines = {}
        for number in range(BATCH):
            lines[generator.choice(NAMES).format(number)] = line(generator)
        files = {f"etc/systemd/system/{name}": f"[Service]\nExecStart=/bin/a {text}\n" for name, text in lines.items()}
        said = unit_trees.ask(files, list(lines))
        request = Request(("etc",), tree=Memory(dict(files)))
        values = {unit.name: unit.settings["Service.ExecStart"].value for unit in read_facts(request).facts.of(Unit) if unit.settings}
        for name, text in lines.items():
            of_systemd = said.get(name, {}).get("Command Line")
            if of_systemd is None:
                refused += 1
                continue
            asked += 1
            ours = words_in(values[name], name)
            if ours != printed(of_systemd[0]):
                wrong.append((name, text, ours, of_systemd[0]))
    assert wrong[:3] == []
    assert asked > LINES / 2 > refused
