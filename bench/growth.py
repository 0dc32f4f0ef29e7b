"""Print how the CPU time of a run grows with its input, for each shape that a stranger may send, and how much memory it takes.

Each shape is run at three sizes, one twice the last. The exponent is that of the CPU time beyond that of a run on nothing: 1 is in
proportion.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import math
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

MOST_EXPONENT = 1.2
MOST_MEMORY = 500  # MB
_ENOUGH = 0.6  # CPU seconds beyond a run on nothing, from which on an exponent can be told
_SHORT = 1.5  # CPU seconds of a run below which it is done once more
_ROUNDS = 3
_LONGEST = 60  # CPU seconds of one run
_UNIT = "openstack-nova-api.service"
_LWLINT = (sys.executable, "-I", "-m", "lwlint")


class Shape(NamedTuple):
    """One shape of input: `make` writes it in a folder at a size (how many of what) and returns the arguments; `size` is the most."""

    name: str
    size: int
    make: Callable[[Path, int], list[str]]
    refused: bool = False  # whether lwlint is to refuse it, with exit code 2


class Figure(NamedTuple):
    """What was measured of one shape: its sizes, the CPU seconds beyond a run on nothing, the exponent and the most memory in MB.

    The exponent is None where even the largest run takes too little to tell.
    """

    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float | None
    memory: float

    @property
    def met(self) -> bool:
        """Whether the shape is within the bounds."""
        return (self.exponent is None or self.exponent <= MOST_EXPONENT) and self.memory <= MOST_MEMORY


def _file(name: str, text: Callable[[int], str], *options: str) -> Callable[[Path, int], list[str]]:
    def make(folder: Path, size: int) -> list[str]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(size), "utf-8", errors="surrogateescape")
        return ["check", "--no-cache", *options, "."]

    return make


def _each(text: str, size: int) -> str:
    return "".join(text.replace("@", str(i)) for i in range(size))


def _lines(head: str, line: str, end: str = "") -> Callable[[int], str]:
    return lambda size: head + _each(line, size) + end


def _cib(resources: str, constraints: str = "", status: str = "") -> str:
    return (
        '<cib validate-with="pacemaker-3.0"><configuration><crm_config/><nodes><node id="1" uname="c0"/></nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints></configuration><status>{status}</status></cib>"
    )


_PRIMITIVE = '<primitive id="openstack-r@" class="systemd" type="openstack-nova-api"/>'
_GALERA = '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>'
_ORDER = '<rsc_order id="o@" first="galera" then="openstack-r@"/>'
_COLOCATION = '<rsc_colocation id="k@" rsc="openstack-r@" with-rsc="galera"/>'
_LOCATION = '<rsc_location id="l@" rsc="galera" node="c0" score="-INFINITY"/>'


def _interval(size: int) -> str:
    operation = f'<op id="o" name="monitor" interval="{" " * size}="/>'
    return _cib(f'<primitive id="galera" class="ocf" provider="heartbeat" type="galera"><operations>{operation}</operations></primitive>')


def _many(name: str, text: str, *options: str) -> Callable[[Path, int], list[str]]:
    """Return what writes as many files; `@` in their name and text is the number."""

    def make(folder: Path, size: int) -> list[str]:
        for i in range(size):
            path = folder / name.replace("@", str(i))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("@", str(i)), "utf-8")
        return ["check", "--no-cache", *options, "."]

    return make


Member = tuple[str, str, bool]  # of an archive: name, content or target, and whether it is a link


def _archive(members: Callable[[int], Iterator[Member]]) -> Callable[[Path, int], list[str]]:
    """Return what writes an archive: name, content or target, and whether it is a link."""

    def make(folder: Path, size: int) -> list[str]:
        with tarfile.open(folder / "sosreport-c0-2020-01-01-abcdefg.tar.xz", "w:xz", preset=0) as archive:
            for name, text, link in members(size):
                member = tarfile.TarInfo(name)
                if link:
                    member.type, member.linkname = tarfile.SYMTYPE, text
                    archive.addfile(member)
                else:
                    data = text.encode()
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        return ["audit", str(folder / "sosreport-c0-2020-01-01-abcdefg.tar.xz")]

    return make


_TOP = "sosreport-c0-2020/"
_REPORT = (
    (f"{_TOP}version.txt", "sosreport: 3.3\n", False),
    (f"{_TOP}etc/hostname", "c0\n", False),
    (f"{_TOP}sos_commands/general/hostname", "c0\n", False),
    (f"{_TOP}usr/lib/systemd/system/{_UNIT}", "[Service]\nExecStart=/x\n", False),
)
_FOLDER = f"{_TOP}etc/systemd/system"


def _report(*more: Callable[[int, int], Member], first: tuple[Member, ...] = ()) -> Callable[[int], Iterator[Member]]:
    """Return what yields a report with as many more members of each kind; each is asked with its number and how many there are."""

    def members(size: int) -> Iterator[Member]:
        yield from (*_REPORT, *first)
        yield from (one(i, size) for i in range(size) for one in more)

    return members


_unit_chain = _report(
    lambda i, n: (f"{_FOLDER}/openstack-a{i + 1}.service", f"openstack-a{i}.service", True),
    first=((f"{_FOLDER}/openstack-a0.service", "[Service]\nExecStart=/x\n", False),),
)
_folder_chain = _report(lambda i, n: (f"{_FOLDER}/a{i + 1}.service.d/", f"a{i}.service.d", True))
_circle = _report(lambda i, n: (f"{_FOLDER}/openstack-a{i}.service", f"openstack-a{(i + 1) % n}.service", True))
# links to folders that hold links to folders: each step doubles the paths that there are
_ladder = _report(*(lambda i, n, name=name: (f"{_TOP}etc/l{i}/{name}", f"../l{i + 1}", True) for name in "ab"))
_wants = _report(lambda i, n: (f"{_FOLDER}/t{i}.target.wants/{_UNIT}", f"/usr/lib/systemd/system/{_UNIT}", True))
_units = _report(lambda i, n: (f"{_FOLDER}/openstack-s{i}.service", "[Service]\nExecStart=/x\n", False))


_CONTAINER = '{{"Name": "c{}", "Config": {{"Env": ["A=1"], "Cmd": ["x"]}}}}'


def _inspected(items: Callable[[int], str]) -> Callable[[int], Iterator[Member]]:
    def members(size: int) -> Iterator[Member]:
        yield from _REPORT
        yield f"{_TOP}sos_commands/podman/podman_inspect_nova_api", f"[{items(size)}]", False

    return members


def _hosts(size: int) -> Iterator[Member]:
    for i in range(size):
        for name, text, link in _REPORT:
            yield name.replace("c0", f"c{i}"), text.replace("c0", f"c{i}"), link


def _ignoring(pattern: Callable[[int], str], *, length: int = 200) -> Callable[[Path, int], list[str]]:
    def make(folder: Path, size: int) -> list[str]:
        (folder / ".git").mkdir()
        (folder / ".gitignore").write_text(pattern(size), "utf-8")
        (folder / ("a" * length + ".service")).write_text("[Service]\nExecStart=/x\n", "utf-8")
        return ["check", "--no-cache", "."]

    return make


def _configured(config: Callable[[int], str], text: Callable[[int], str], name: str = _UNIT) -> Callable[[Path, int], list[str]]:
    def make(folder: Path, size: int) -> list[str]:
        (folder / ".lwlint.yaml").write_text(config(size), "utf-8")
        (folder / name).write_text(text(size), "utf-8")
        return ["check", "--no-cache", "."]

    return make


def _bad_unit(size: int) -> str:
    return "[Service]\nExecStart=/x\n" + "A=1\n" * size


def _template(body: str) -> str:
    return f"heat_template_version: pike\nresources:\n  a:\n    type: OS::Heat::Value\n    properties:\n      value:\n{body}"


def _merge(size: int) -> str:
    items = "".join(f"          - if: [c{i}, {{nova::db::database_max_retries: {i}}}, {{}}]\n" for i in range(size))
    return (
        "heat_template_version: pike\nconditions:\n"
        + _each("  c@: true\n", size)
        + "outputs:\n  role_data:\n    value:\n      service_name: nova_api\n      config_settings:\n        map_merge:\n"
        + items
    )


def _bombs(size: int) -> str:
    return "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, size))


def _nested(size: int) -> str:
    return "parameter_defaults:\n  a: " + "[" * size + "]" * size + "\n"


PP = "class {{ 'nova::db': database_max_retries => {} }}\n"
SHAPES = (
    Shape("unit: bad lines, text", 240_000, _file(_UNIT, _bad_unit)),
    Shape("unit: bad lines, JSON", 240_000, _file(_UNIT, _bad_unit, "--format", "json")),
    Shape("unit: bad lines, SARIF", 60_000, _file(_UNIT, _bad_unit, "--format", "sarif")),
    Shape("unit: bad lines, JUnit", 60_000, _file(_UNIT, _bad_unit, "--format", "junit")),
    Shape("unit: bad lines, Markdown", 60_000, _file(_UNIT, _bad_unit, "--format", "markdown")),
    Shape("unit: bad lines, GitHub", 60_000, _file(_UNIT, _bad_unit, "--format", "github")),
    Shape("unit: bad lines, GitLab", 60_000, _file(_UNIT, _bad_unit, "--format", "gitlab")),
    Shape("unit: bad lines, CSV", 60_000, _file(_UNIT, _bad_unit, "--format", "csv")),
    Shape("unit: sections", 40_000, _file(_UNIT, _lines("", "[Service]\nRestart=no\n"))),
    Shape("unit: settings of one key", 50_000, _file(_UNIT, _lines("[Service]\n", "ExecStart=/x @\n"))),
    Shape("unit: environment", 40_000, _file(_UNIT, _lines("[Service]\nExecStart=/x\n", "Environment=A@=1\n"))),
    Shape("unit: one line of words", 60_000, _file(_UNIT, _lines("[Unit]\nAfter=", "a@.service ", "\n[Service]\nExecStart=/x\n"))),
    Shape("unit: one line that goes on", 100_000, _file(_UNIT, _lines("[Service]\nExecStart=/x", " \\\n a@"))),
    Shape("unit: one line of blanks", 900_000, _file(_UNIT, lambda n: "[Service]\nExecStart=/x" + " " * n + "y\n")),
    Shape("unit: times in one value", 90_000, _file(_UNIT, _lines("[Service]\nExecStart=/x\nRestartSec=", "1s "))),
    Shape("unit: drop-ins", 16_000, _many(f"etc/systemd/system/{_UNIT}.d/@.conf", "[Service]\nRestart=no\n")),
    Shape("units", 4_000, _many("etc/systemd/system/openstack-s@.service", "[Unit]\nRequires=mariadb.service\n[Service]\nExecStart=/x\n")),
    Shape("unit: allow comments", 4_000, _file(_UNIT, _lines("[Service]\nExecStart=/x\n", "# lwlint: allow LW207 -- x\nA=@\n"))),
    Shape("CIB: resources in one line", 4_000, _file("cib.xml", lambda n: _cib(_GALERA + _each(_PRIMITIVE, n)))),
    Shape("CIB: resources in one line, JSON", 4_000, _file("cib.xml", lambda n: _cib(_GALERA + _each(_PRIMITIVE, n)), "--format", "json")),
    Shape(
        "CIB: resources in one line, SARIF", 4_000, _file("cib.xml", lambda n: _cib(_GALERA + _each(_PRIMITIVE, n)), "--format", "sarif")
    ),
    Shape("CIB: one value", 900_000, _file("cib.xml", lambda n: _cib(_GALERA.replace("galera", "a" * n, 1)))),
    Shape("CIB: resources with orders", 4_000, _file("cib.xml", lambda n: _cib(_GALERA + _each(_PRIMITIVE, n), _each(_ORDER, n)))),
    Shape("CIB: colocations", 4_000, _file("cib.xml", lambda n: _cib(_GALERA + _each(_PRIMITIVE, n), _each(_COLOCATION, n)))),
    Shape("CIB: locations of one resource", 4_000, _file("cib.xml", lambda n: _cib(_GALERA, _each(_LOCATION + "\n", n)))),
    Shape(
        "CIB: chain of orders",
        8_000,
        _file(
            "cib.xml",
            lambda n: _cib(
                _GALERA + _each(_PRIMITIVE, n + 1),
                "".join(f'<rsc_order id="o{i}" first="openstack-r{i}" then="openstack-r{i + 1}"/>\n' for i in range(n)),
            ),
        ),
    ),
    Shape(
        "CIB: constraints that dangle",
        8_000,
        _file("cib.xml", lambda n: _cib(_GALERA, _each('<rsc_order id="o@" first="x@" then="y@"/>', n))),
    ),
    Shape(
        "CIB: a set of resources",
        20_000,
        _file(
            "cib.xml",
            lambda n: _cib(
                _GALERA, '<rsc_order id="o"><resource_set id="s">' + _each('<resource_ref id="x@"/>', n) + "</resource_set></rsc_order>"
            ),
        ),
    ),
    Shape(
        "CIB: nvpairs of one resource",
        20_000,
        _file(
            "cib.xml",
            lambda n: _cib(
                '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"><meta_attributes id="m">'
                + _each('<nvpair id="n@" name="is-managed" value="false"/>', n)
                + "</meta_attributes></primitive>"
            ),
        ),
    ),
    Shape("CIB: blanks in an interval", 400_000, _file("cib.xml", _interval)),
    Shape("CIB: depth", 100_000, _file("cib.xml", lambda n: _cib("<group>" * n + "</group>" * n))),
    Shape(
        "CIB: allow comments",
        2_000,
        _file("cib.xml", lambda n: _cib("\n" + _each("<!-- lwlint: allow LW101 because x -->\n" + _PRIMITIVE + "\n", n))),
    ),
    Shape(
        "CIB: comments in one line",
        20_000,
        _file("cib.xml", lambda n: _cib(_each("<!-- lwlint: allow LW101 because x -->" + _PRIMITIVE, n // 10))),
    ),
    Shape("environment: one line", 900_000, _file("e.yaml", lambda n: "parameter_defaults:\n  a: 1\n  a: " + "b " * (n // 2) + "\n")),
    Shape(
        "environment: one quoted line", 900_000, _file("e.yaml", lambda n: "parameter_defaults:\n  a: 1\n  a: '" + "b:" * (n // 2) + "'\n")
    ),
    Shape(
        "manifest: one line",
        900_000,
        _file("a.pp", lambda n: "class { 'nova::db': database_max_retries => 3 } # " + "a: " * (n // 3) + "\n"),
    ),
    Shape(
        "environment: doubled keys in one line",
        8_000,
        _file("e.yaml", lambda n: "parameter_defaults: {" + _each("a@: 1, a@: 2, ", n) + "}\n"),
    ),
    Shape("environment: one key", 490_000, _file("e.yaml", lambda n: "parameter_defaults:\n" + "  a: 1\n" * n)),
    Shape(
        "environment: chain of aliases",
        4_000,
        _file(
            "e.yaml",
            lambda n: (
                "resource_registry:\n" + "".join(f"  OS::TripleO::Services::S{i}: OS::TripleO::Services::S{i + 1}\n" for i in range(n))
            ),
        ),
    ),
    Shape(
        "environment: aliases of one anchor",
        60_000,
        _file("e.yaml", lambda n: "parameter_defaults:\n  a: &a {b: [1, 2]}\n" + _each("  c@: *a\n", n)),
    ),
    Shape(
        "environment: merge keys",
        8_000,
        _file("e.yaml", lambda n: "parameter_defaults:\n  a: &a0 {b: 1}\n" + _each("  c@: {<<: *a0, d: 2}\n", n)),
    ),
    Shape(
        "environment: aliases of aliases",
        4_000,
        _file("e.yaml", lambda n: "parameter_defaults:\n" + "".join("  " + line + "\n" for line in _bombs(n).splitlines())),
    ),
    Shape("environment: depth", 40_000, _file("e.yaml", _nested)),
    Shape(
        "environment: mappings in one another",
        1_000,
        _file("e.yaml", lambda n: "parameter_defaults:\n" + "".join(" " * (i + 1) + f"a{i}:\n" for i in range(n))),
    ),
    Shape(
        "environment: allow comments",
        2_000,
        _file("e.yaml", lambda n: "parameter_defaults:\n" + _each("  # lwlint: allow LW404 -- x\n  a@: 1\n  a@: 2\n", n)),
    ),
    Shape(
        "environments",
        1_000,
        _many("environments/e@.yaml", "resource_registry:\n  OS::TripleO::Services::S@: ../x.yaml\nparameter_defaults:\n  A: 1\n"),
    ),
    Shape("template: map_merge by conditions", 4_000, _file("t.yaml", _merge)),
    Shape(
        "template: str_replace parameters",
        10_000,
        _file(
            "t.yaml",
            lambda n: _template(
                "        str_replace:\n          template: x\n          params:\n" + _each("            p@: {get_param: P@}\n", n)
            ),
        ),
    ),
    Shape(
        "template: statements of Jinja",
        16_000,
        _file(
            "t.j2.yaml",
            lambda n: (
                "heat_template_version: pike\nresources:\n"
                + _each("{% for role in roles %}\n  a@:\n    type: OS::Heat::None\n{% endfor %}\n", n)
            ),
        ),
    ),
    Shape(
        "template: expressions of Jinja in one line",
        20_000,
        _file("t.j2.yaml", lambda n: "heat_template_version: pike\ndescription: " + _each("{{x@}} ", n) + "\n"),
    ),
    Shape(
        "manifest: allow comments", 2_000, _file("a.pp", lambda n: "".join("# lwlint: allow LW421 -- x\n" + PP.format(i) for i in range(n)))
    ),
    Shape(
        "manifest: constraints",
        4_000,
        _file(
            "a.pp",
            _lines(
                "", "pacemaker::constraint::base { 'c@': constraint_type => 'order', first_resource => 'a@', second_resource => 'b@' }\n"
            ),
        ),
    ),
    Shape("manifest: resources", 2_000, _file("a.pp", _lines("", "pacemaker::resource::service { 'openstack-nova-api@': }\n"))),
    Shape("manifest: variables", 2_000, _file("a.pp", _lines("", "$a@ = 'x'\nclass { 'nova::db': database_max_retries => $a@ }\n"))),
    Shape(
        "manifest: variables by variables",
        8_000,
        _file(
            "a.pp",
            lambda n: (
                "$a0 = 1\n"
                + "".join(f"$a{i} = $a{i - 1}\n" for i in range(1, n))
                + f"class {{ 'nova::db': database_max_retries => $a{n - 1} }}\n"
            ),
        ),
    ),
    Shape("manifest: depth", 40_000, _file("a.pp", lambda n: "$a = " + "[" * n + "]" * n + "\n")),
    Shape("manifest: heredocs", 8_000, _file("a.pp", _lines("", "$a@ = @(END)\n  x\n  END\n".replace("= @(", "= \x40("), ""))),
    Shape("option file: sections", 40_000, _file("etc/nova/nova.conf", _lines("", "[database]\nmax_retries = @\n"))),
    Shape("option file: one option", 100_000, _file("etc/nova/nova.conf", _lines("[database]\n", "max_retries = @\n"))),
    Shape("option file: lines of one value", 100_000, _file("etc/nova/nova.conf", _lines("[database]\nconnection = mysql://a\n", " b@\n"))),
    Shape("option file: references", 40_000, _file("etc/nova/nova.conf", _lines("[DEFAULT]\nx = 1\n", "o@ = $x\n"))),
    Shape(
        "option file: chain of references",
        8_000,
        _file(
            "etc/nova/nova.conf", lambda n: "[database]\nmax_retries = $a0\n[DEFAULT]\n" + "".join(f"a{i} = $a{i + 1}\n" for i in range(n))
        ),
    ),
    Shape("option file: one line", 900_000, _file("etc/nova/nova.conf", lambda n: "[database]\nmax_retries = " + "a" * n + "\n")),
    Shape("option files", 2_000, _many("etc/nova/nova.conf.d/@.conf", "[database]\nmax_retries = @\n")),
    Shape(
        "option file: addresses in one line",
        40_000,
        _file(
            "etc/nova/nova.conf",
            lambda n: "[database]\nmax_retries = 10\nconnection = " + _each("mysql://u:p@@h,".replace("@@", "\x40"), n) + "\n",
        ),
    ),
    Shape("archive: containers in one line", 8_000, _archive(_inspected(lambda n: ", ".join(map(_CONTAINER.format, range(n)))))),
    Shape("archive: depth of a container", 40_000, _archive(_inspected(lambda n: '{"Name": "c", "Config": ' + "[" * n + "]" * n + "}"))),
    Shape(".gitignore: stars in one pattern", 40_000, _ignoring(lambda n: "*a" * n + "b\n")),
    Shape(".gitignore: doubled stars", 40_000, _ignoring(lambda n: "**/" * n + "*b\n")),
    Shape(".gitignore: classes", 40_000, _ignoring(lambda n: "[ab]*" * n + "c\n")),
    Shape(".gitignore: stars between slashes", 40_000, _ignoring(lambda n: "*/" * n + "c\n")),
    Shape(".gitignore: brackets that do not end", 400_000, _ignoring(lambda n: "[" * n + "\n")),
    Shape(".gitignore: blanks at the end", 400_000, _ignoring(lambda n: "a" + " " * n + "b\n")),
    Shape(".gitignore: backslashes", 400_000, _ignoring(lambda n: "a" + "\\" * n + " \n")),
    Shape(".gitignore: lines", 20_000, _ignoring(lambda n: _each("*a@\n", n))),
    Shape("files under a .gitignore", 4_000, _many("d@/a@.service", "[Service]\nExecStart=/x\n")),
    Shape(
        "configuration: allow entries",
        1_000,
        _configured(lambda n: "allow:\n" + _each("- rule: LW207\n  because: x\n  fact: y@\n", n), lambda n: _bad_unit(1)),
    ),
    Shape("configuration: aliases of aliases", 4_000, _configured(lambda n: _bombs(n), lambda n: _bad_unit(1)), refused=True),
    Shape(
        "configuration: paths", 4_000, _configured(lambda n: "paths:\n  exclude:\n" + _each("  - '*a*a*a@'\n", n), lambda n: _bad_unit(1))
    ),
    Shape("archive: links to links", 4_000, _archive(_unit_chain)),
    Shape("archive: links whose names end with a slash", 8_000, _archive(_folder_chain)),
    Shape("archive: links in a circle", 4_000, _archive(_circle)),
    Shape("archive: links to folders of links", 4_000, _archive(_ladder)),
    Shape("archive: links to one unit", 8_000, _archive(_wants)),
    Shape("archive: units", 2_000, _archive(_units)),
    Shape("archive: hosts", 200, _archive(_hosts)),
)


def measure(shape: Shape) -> Figure:
    """Return the figure of one shape, run at a quarter, a half and the whole of its size."""
    nothing = _nothing()
    sizes = tuple(max(1, shape.size // part) for part in (4, 2, 1))
    seconds: list[float] = []
    memory = 0.0
    for size in sizes:
        took, peak = _run(shape, size)
        if took < _SHORT:  # what else the machine does then weighs much: the least of some runs is the nearest
            took = min(took, *(_run(shape, size)[0] for _ in range(_ROUNDS - 1)))
        if took >= _LONGEST - 1:
            return Figure(sizes, (*seconds, took), math.inf, max(memory, peak))
        seconds.append(max(took - nothing, 0.001))
        memory = max(memory, peak)
    exponent = _exponent(sizes, seconds) if seconds[-1] >= _ENOUGH else None
    return Figure(sizes, tuple(seconds), exponent, memory)


def _exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the exponent over all sizes, or over the last two if that is less: what grows faster than its size does in both."""
    return min(math.log(seconds[-1] / seconds[i], sizes[-1] / sizes[i]) for i in (0, -2))


@functools.cache
def _nothing() -> float:
    """Return the CPU seconds of a run on next to nothing."""
    shape = Shape("nothing", 1, _file(_UNIT, lambda n: "[Service]\nExecStart=/x\n"))
    return min(_run(shape, 1)[0] for _ in range(_ROUNDS))


def _run(shape: Shape, size: int) -> tuple[float, float]:
    """Return the CPU seconds (user and system) and the most memory in MB of one run. Raises RuntimeError where lwlint failed."""
    folder = Path(tempfile.mkdtemp())
    try:
        with _within(folder):
            arguments = shape.make(folder, size)
        with open(folder.parent / f"{folder.name}.peak", "w+") as told:
            small = "import os, resource, sys\n"
            small += "pid = os.fork()\n"
            small += f"if not pid: resource.setrlimit(resource.RLIMIT_CPU, ({_LONGEST}, {_LONGEST})); os.execv(sys.argv[2], sys.argv[2:])\n"
            small += "_, status, used = os.wait4(pid, 0)\n"
            small += "open(sys.argv[1], 'w').write(f'{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024} {status}')\n"
            command = (sys.executable, "-I", "-c", small, told.name, *_LWLINT, *arguments)
            done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
            seconds, memory, status = told.read().split()
        os.unlink(told.name)
        fits = int(status) in ((512, 9) if shape.refused else (0, 256, 9)) and b"Traceback" not in done.stderr
        if not fits:
            raise RuntimeError(f"{shape.name}: status {status}: {done.stderr.decode(errors='replace')[-300:]}")
        return float(seconds), float(memory)
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _within(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def row(shape: Shape, figure: Figure) -> str:
    """Return the row of one shape in the table."""
    seconds = " ".join(f"{each:.2f}" for each in figure.seconds)
    exponent = "too little" if figure.exponent is None else f"{figure.exponent:.2f}"
    return f"| {shape.name} | {figure.sizes[-1]:,} | {seconds} | {exponent} | {figure.memory:.0f} |"


HEAD = "| shape | how many | CPU seconds at a quarter, a half, all | exponent | memory, MB |\n|---|---|---|---|---|"


def main() -> int:
    """Print the table; fail for an exponent above 1.2, and for more than 500 MB."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("words", nargs="*", help="only shapes whose name has one of these in it")
    words = parser.parse_args().words
    print(HEAD)
    missed = []
    for shape in SHAPES:
        if words and not any(word in shape.name for word in words):
            continue
        try:
            figure = measure(shape)
        except RuntimeError as error:
            print(f"| {shape.name} | FAILED: {error} |", flush=True)
            missed.append(shape.name)
            continue
        print(row(shape, figure), flush=True)
        missed += [] if figure.met else [shape.name]
    print(f"\n{len(missed)} beyond the bounds" + "".join(f"\n- {name}" for name in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
