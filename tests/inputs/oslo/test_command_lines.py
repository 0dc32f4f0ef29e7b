"""Which option files a command line leads to, and in which order: against oslo.config itself, and for each way of naming them."""

from __future__ import annotations

import contextlib
import io
import os
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lwlint.files.tree import Memory
from lwlint.inputs.oslo.facts import OptionFiles
from lwlint.inputs.systemd.programs import read_script, read_started
from lwlint.run import Request, load_rules, read_facts
from lwlint.run import fix as mend
from tests.inputs.oslo.test_oslo_differential import oslo_cfg

LINES = int(os.environ.get("LWLINT_OSLO_LINES", "250"))
A = "[DEFAULT]\na = 1\n"
PLACES = (
    "heat/heat.conf", "heat/heat-engine.conf", "heat/site.conf", "heat.conf", "heat/heat.conf.d/10.conf", "heat/heat.conf.d/9.conf",
    "heat/heat.conf.d/.h.conf", "heat/heat.conf.d/x.ini", "heat/heat-engine.conf.d/a.conf", "heat.conf.d/z.conf",
    "heat/d/1.conf", "heat/d/2.conf",
)  # fmt: skip
NAMED = (
    "/etc/heat/heat.conf", "/etc/heat/site.conf", "/etc/heat/d", "/etc/heat/d/", "/etc/heat/heat.conf.d", "/etc/heat/../heat/heat.conf",
    "/etc//heat/site.conf", "site.conf", "d",
)  # fmt: skip


def arguments(random: random.Random) -> list[str]:
    found = ["--verbose"] if random.random() < 0.2 else []
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        path = random.choice(NAMED)
        flag = "--config-dir" if path.rstrip("/").endswith("d") else "--config-file"
        found += [flag, path] if random.random() < 0.5 else [f"{flag}={path}"]
    return found


def as_oslo_reads(cfg: Any, folder: Path, words: Iterable[str], monkeypatch: pytest.MonkeyPatch) -> list[str] | None:
    """Return the files below `folder`/etc that oslo.config reads, each where it is read last; None where it refuses to start."""
    read: list[str] = []
    parse = cfg.ConfigParser._parse_file.__func__

    def note(cls: Any, path: str, namespace: Any) -> Any:
        read.append(os.path.relpath(os.path.abspath(path), folder))
        return parse(cls, path, namespace)

    conf = cfg.ConfigOpts()
    conf.register_cli_opt(cfg.BoolOpt("verbose"))
    with monkeypatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
        patch.setattr(cfg.ConfigParser, "_parse_file", classmethod(note))
        patch.setattr(cfg, "_get_config_dirs", lambda project=None: [f"{folder}/etc/heat", f"{folder}/etc"])
        patch.chdir(folder / "etc/heat")
        try:
            conf([word.replace("/etc", f"{folder}/etc", 1) for word in words], project="heat", prog="heat-engine")
        except (cfg.Error, SystemExit, OSError):
            return None
    return list(dict.fromkeys(reversed(read)))[::-1]


def files_of(program: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files of the set of one program; none where it has no set."""
    facts = read_facts(Request(tuple(sorted({path.split("/")[0] for path in files})), tree=Memory(dict(files)))).facts
    return next((found.files for found in facts.of(OptionFiles) if found.program == program), ())


def test_generated_command_lines_lead_to_the_files_that_oslo_config_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = oslo_cfg()
    generator = random.Random(20261129)
    wrong, refused = [], 0
    for i in range(LINES):
        there = [f"etc/{path}" for path in PLACES if generator.random() < 0.6]
        words = arguments(generator)
        folder = tmp_path / str(i)
        for path in there:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(A)
        (folder / "etc/heat").mkdir(parents=True, exist_ok=True)
        theirs = as_oslo_reads(cfg, folder, words, monkeypatch)
        if theirs is None:
            refused += 1
            continue
        unit = f"[Service]\nWorkingDirectory=/etc/heat\nExecStart=/usr/bin/heat-engine {' '.join(words)}\n"
        ours = files_of("heat-engine", {"etc/systemd/system/engine.service": unit, **dict.fromkeys(there, A)})
        if list(ours) != theirs:
            wrong.append((words, there, ours, theirs))
    assert wrong[:3] == []
    assert LINES / 10 < refused < LINES * 0.6, "some should name what is not there, most not"


def effective(cfg: Any, folder: Path, words: Iterable[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return the connection and the retries of the database that oslo.config has in force."""
    conf = cfg.ConfigOpts()
    conf.register_cli_opt(cfg.BoolOpt("verbose"))
    conf.register_opts([cfg.StrOpt("connection"), cfg.IntOpt("max_retries", default=10)], group="database")
    with monkeypatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
        patch.setattr(cfg, "_get_config_dirs", lambda project=None: [f"{folder}/etc/heat", f"{folder}/etc"])
        patch.chdir(folder / "etc/heat")
        conf([word.replace("/etc", f"{folder}/etc", 1) for word in words], project="heat", prog="heat-engine")
        return conf.database.connection, conf.database.max_retries


def test_a_fix_edits_the_file_that_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg, rules = oslo_cfg(), [rule for rule in load_rules() if rule.code == "LW301"]
    generator = random.Random(301)
    wrong, mended = [], 0
    for i in range(LINES // 2):
        contents = {f"etc/{path}": generator.choice(SET) for path in PLACES if generator.random() < 0.6}
        words = arguments(generator)
        unit = f"[Service]\nWorkingDirectory=/etc/heat\nExecStart=/usr/bin/heat-engine {' '.join(words)}\n"
        files = {"etc/systemd/system/engine.service": unit, **contents}
        fixed = mend.fix(Request(("etc",), tree=Memory(dict(files))), rules, unsafe=True)
        after = {path: text.decode() for path, (_, text) in fixed.files.items()}
        folder = tmp_path / str(i)
        (folder / "etc/heat").mkdir(parents=True, exist_ok=True)
        for path, text in {**contents, **after}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        try:
            connection, retries = effective(cfg, folder, words, monkeypatch)
        except (cfg.Error, SystemExit, OSError):
            continue
        mended += bool(after)
        if connection is not None and retries != -1:
            wrong.append((words, contents, after, retries))
        again = mend.fix(Request(("etc",), tree=Memory({**files, **after})), rules, unsafe=True).files
        if again:
            wrong.append((words, contents, after, "twice"))
    assert wrong[:3] == []
    assert mended > LINES / 20


SET = (A, "[database]\nmax_retries = 10\n", "[database]\nmax_retries = -1\n", "[database]\nconnection = mysql://x\n")
HEAT, SITE = "etc/heat/heat.conf", "etc/heat/site.conf"
# a line of a unit and what stands beside it, and whether heat-engine then reads `site.conf` too
WAYS = (
    ("ExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file /etc/heat/site.conf", True),
    ('ExecStart=/usr/bin/heat-engine --config-file=/etc/heat/heat.conf "--config-file=/etc/heat/site.conf"', True),
    ("ExecStart=/usr/bin/heat-engine --config-file %E/heat/heat.conf --config-file %E/heat/site.conf", True),
    ("ExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file /etc/heat/\\x73ite.conf", True),
    ("WorkingDirectory=/etc/heat\nExecStart=/usr/bin/heat-engine --config-file heat.conf --config-file site.conf", True),
    ("ExecStart=/usr/bin/heat-engine --config-file ../etc/heat/site.conf", True),
    ("ExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file site.conf", False),
    ("ExecStart=@/usr/bin/heat-engine engine --config-file /etc/heat/heat.conf --config-file /etc/heat/site.conf", True),
    (
        "ConfigurationDirectory=heat\nExecStart=/usr/bin/heat-engine --config-file ${CONFIGURATION_DIRECTORY}/heat.conf"
        " --config-file ${CONFIGURATION_DIRECTORY}/site.conf",
        True,
    ),
    ("Environment=F=/etc/heat/site.conf\nExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file ${F}", True),
    ("Environment=F=/etc/heat/site.conf\nExecStart=:/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file ${F}", False),
    (
        "Environment=F=/etc/heat/site.conf\nUnsetEnvironment=F\n"
        "ExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file ${F}",
        False,
    ),
    (
        "Environment=F=/etc/heat/site.conf\nUnsetEnvironment=F=other\n"
        "ExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file ${F}",
        True,
    ),
    ("Environment=F=site.conf\nExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file /etc/heat/$F", False),
    ("ExecStart=/usr/bin/heat-engine --config-file /etc/heat/heat.conf --config-file ~/site.conf", False),
)


@pytest.mark.parametrize(("lines", "read"), WAYS)
def test_a_file_that_a_command_line_names_is_read_however_it_is_named(lines: str, read: bool) -> None:
    files = {"etc/systemd/system/engine.service": f"[Service]\n{lines}\n", HEAT: A, SITE: A}
    assert (SITE in files_of("heat-engine", files)) is read


def test_a_file_that_is_named_again_beats_what_stands_between() -> None:
    line = "--config-file /etc/heat/heat.conf --config-file /etc/heat/site.conf --config-file /etc/heat/heat.conf"
    assert files_of(
        "heat-engine", {"etc/systemd/system/e.service": f"[Service]\nExecStart=/usr/bin/heat-engine {line}\n", HEAT: A, SITE: A}
    ) == (
        SITE,
        HEAT,
    )


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("heat-engine --config-file=/etc/heat/site.conf", ("site.conf",)),
        ("heat-engine --config-file /etc/heat/heat.conf --config-dir /etc/heat/d", ("heat.conf", "10.conf", "9.conf")),
        ("heat-engine --config-dir=/etc/heat/d --config-file=/etc/heat/heat.conf", ("10.conf", "9.conf", "heat.conf")),
        ("heat-engine", ("heat.conf",)),
    ],
)
def test_a_container_of_kolla_reads_what_its_command_names(command: str, files: tuple[str, ...]) -> None:
    places = {
        "heat.conf": "/etc/heat/heat.conf",
        "site.conf": "/etc/heat/site.conf",
        "10.conf": "/etc/heat/d/10.conf",
        "9.conf": "/etc/heat/d/9.conf",
    }
    entries = ", ".join(f'{{"source": "/var/lib/kolla/config_files/{name}", "dest": "{path}"}}' for name, path in places.items())
    config = f'{{"command": "{command}", "config_files": [{entries}]}}'
    found = files_of(
        "heat-engine", {"etc/kolla/heat-engine/config.json": config, **{f"etc/kolla/heat-engine/{name}": A for name in places}}
    )
    assert tuple(path.rsplit("/", 1)[-1] for path in found) == files


SCRIPT = """#!/bin/sh
PROJECT_NAME=heat
NAME=${PROJECT_NAME}-engine
# The content after this line comes from the packaging tools
"""


@pytest.mark.parametrize(
    ("script", "default", "files"),
    [
        (SCRIPT, None, ("etc/heat/heat.conf.d/1.conf", HEAT)),
        (SCRIPT, 'DAEMON_ARGS="${DAEMON_ARGS} --config-file=/etc/heat/site.conf"', ("etc/heat/heat.conf.d/1.conf", HEAT, SITE)),
        (SCRIPT, 'DAEMON_ARGS="--config-file=/etc/heat/site.conf"', ("etc/heat/heat.conf.d/1.conf", SITE)),
        (SCRIPT.replace("# The", "CONFIG_FILE=/etc/${PROJECT_NAME}/site.conf\n# The"), None, ("etc/heat/heat.conf.d/1.conf", SITE)),
        (
            SCRIPT.replace("# The", "UWSGI_PORT=1\nUWSGI_INI_PATH=/etc/heat/u.ini\nUWSGI_INI_APP=/usr/bin/x\n# The"),
            'DAEMON_ARGS="--config-file=/etc/heat/site.conf"',
            (HEAT, "etc/heat/heat.conf.d/1.conf"),
        ),
    ],
)  # fmt: skip
def test_a_script_of_debian_names_the_main_file_unless_it_starts_uwsgi(script: str, default: str | None, files: tuple[str, ...]) -> None:
    given = {
        "lib/systemd/system/heat-engine.service": "[Service]\nExecStart=/etc/init.d/heat-engine systemd-start\n",
        "etc/init.d/heat-engine": script, HEAT: A, SITE: A, "etc/heat/heat.conf.d/1.conf": A,
    }  # fmt: skip
    assert files_of("heat-engine", given if default is None else {**given, "etc/default/heat-engine": default + "\n"}) == files


def test_without_the_script_of_debian_the_order_is_not_known_where_it_matters() -> None:
    unit = {"lib/systemd/system/heat-engine.service": "[Service]\nExecStart=/etc/init.d/heat-engine systemd-start\n", HEAT: A}
    untold = []
    named = {**unit, "etc/default/heat-engine": 'DAEMON_ARGS="--config-file=/etc/heat/site.conf"\n'}
    plain = {**unit, "etc/default/heat-engine": 'DAEMON_ARGS="--debug"\n'}
    for files in (unit, {**unit, "etc/heat/heat.conf.d/1.conf": A}, named, plain):
        facts = read_facts(Request(("etc", "lib"), tree=Memory(files))).facts
        untold.append(next(found.untold for found in facts.of(OptionFiles)))
    missing = "heat-engine.service takes its option files from `/etc/init.d/heat-engine`, which was not given"
    assert untold == ["", missing, missing, ""]


@pytest.mark.parametrize(
    ("line", "environment", "program", "files"),
    [
        ("uwsgi --ini /etc/placement/placement-uwsgi.ini", "OS_PLACEMENT_CONFIG_DIR=/etc/other", "placement",
         ("etc/other/placement.conf",)),
        (
            "uwsgi --module nova.wsgi.osapi_compute:application", "'OS_NOVA_CONFIG_FILES=api-paste.ini;nova.conf;db.conf'", "nova-api",
            ("etc/nova/nova.conf", "etc/nova/db.conf", "etc/nova/nova.conf.d/1.conf"),
        ),
        ("nova-api-wsgi", "OS_NOVA_CONFIG_DIR=/etc/other", "nova-api-wsgi", ("etc/other/nova.conf", "etc/nova/nova.conf.d/1.conf")),
        ("nova-conductor", "OS_NOVA_CONFIG_DIR=/etc/other", "nova-conductor", ("etc/nova/nova.conf", "etc/nova/nova.conf.d/1.conf")),
    ],
)  # fmt: skip
def test_the_environment_of_a_wsgi_application_names_its_files(line: str, environment: str, program: str, files: tuple[str, ...]) -> None:
    places = (
        "etc/placement/placement.conf", "etc/other/placement.conf", "etc/other/nova.conf", "etc/nova/nova.conf", "etc/nova/db.conf",
        "etc/nova/nova.conf.d/1.conf",
    )  # fmt: skip
    unit = f"[Service]\nExecStart=/usr/bin/{line}\nEnvironment={environment}\n"
    assert files_of(program, {"etc/systemd/system/own.service": unit, **dict.fromkeys(places, A)}) == files


@pytest.mark.parametrize(
    ("line", "environment"),
    [
        ("/usr/bin/env A=1 B='2 3' /usr/bin/prog C=4", (("A", "1"), ("B", "2 3"))),
        ("/usr/bin/env -u X A=1 nice -n 5 prog", (("A", "1"),)),
        ("/bin/sh -c 'export A=1; B=2 exec prog --x'", (("A", "1"), ("B", "2"))),
        ("/usr/bin/env A=1 /bin/sh -c 'B=2 prog'", (("A", "1"), ("B", "2"))),
        ("/usr/bin/prog A=1", ()),
    ],
)
def test_a_command_line_may_give_its_program_an_environment(line: str, environment: tuple[tuple[str, str], ...]) -> None:
    found = read_started(line)
    assert found is not None
    assert (found.program, found.environment) == ("prog", environment)


def test_a_script_is_read_by_its_assignments_in_the_first_column() -> None:
    text = "A=1\n  A=2\nexport B=\"${A}-$C\" # x\nif [ x ] ; then\n\tD=1\nfi\nE='$A'\n"
    assert read_script(text, {"C": "3"}) == {"A": "1", "B": "1-3", "C": "3", "E": "1"}
