"""Random trees of unit files, drop-ins and links, and what the installed systemd makes of them in test mode."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from lwlint.inputs.systemd.files import SEARCH_PATH

MANAGERS = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")
Content = "bytes | dict[str, str]"

_SECTIONS = (
    ["[Service]"] * 12 + ["[Unit]"] * 8 + ["[Install]", "[service]", " [Service] ", "[X-Foo]", "[Socket]", "[]", "[Unit]x\n[Service]"]
)
_BROKEN = ["[Service", "[Service] # x", "[Ser'vice]", "[Ser\x07vice]", "\udcff\udcfe=x", "Environment=A=\ufdd0", "["]
_RESTARTS = ["no", "always", "on-failure", "on-abnormal", "on-abort", "on-success", "on-watchdog"]
_NOT_RESTARTS = ["", '"always"', "always # x", "Always", "yes", "always;", "al ways", "on-failure\\", "always \\\n on-failure"]
_SPANS = [
    "0", "1", "2", "2.5", "3s", "5min", "1h30m", "1min30s", "infinity", "100ms", "1.5", ".5", "010", "+3", "1y", "2M", "3w", "1.5min",
    "1min 30s", "5 min", " 7 ", "1 2 3",
]  # fmt: skip
_NOT_SPANS = [
    "", "soon", "-1", "5x", "1.", "1..2", "3 fortnights", "0x10", "infinity s", '"3"', "3 # x", "1e3", "5s, 6s", "1.s", "∞", "1,5",
]  # fmt: skip
_TYPES = ["simple", "simple", "forking", "oneshot", "oneshot", "dbus", "notify", "idle", "exec"]
_COMMANDS = [
    "/bin/sleep 1", "/bin/sleep 1", "/bin/sleep 1", "-/bin/sleep 1", "@/bin/sleep sl 1", "sleep 1", "+/bin/true", "!!/bin/true",
    "/bin/a ; /bin/b", "/bin/a \\; b", "; /bin/a", "/bin/a ;", "/bin/a;b", "/bin/a 'b c' \"d\"", "/bin/a %i %n %%", "/bin/a 5% %-x %y",
    "/bin/a %E/x %t/%p", "/bin/a \\x41\\q", "",
]  # fmt: skip
_NOT_COMMANDS = [
    "bin/sleep",
    "/bin/",
    "-",
    "/bin/a 'b",
    "'",
    "-/bin/a 'b",
    "'/bin/a b' c",
    "/bin/a\\x07",
    '"" a',
    "- /bin/a",
    "-bin/x",
    "..",
    "$X",
    "/bin/date +%F",
    "-/bin/date +%F_%H",
    "/bin/a %1",
    "/bin/date +%%F",
    "@/bin/a",
    "-@/bin/a",
    "@/bin/a ''",
    "@/bin/a ; /bin/b",
]
_STATUSES = ["1", "1 6 SIGABRT", "TERM", "", "256", "x 3", "NOTRUNNING 143", "SIGRTMIN+3 0x10", "-1", "'1'", "1 '2", "SIGFOO", "TERM\\"]
_BOOLEANS = ["yes", "no", "true", "false", "on", "off", "1", "0", "t", "f", "Y", "N", "TRUE", "", "maybe", "yes # x", " yes"]
_NUMBERS = ["0", "5", "3", "010", "0x10", "4294967295", "4294967296", "-1", "+7", "", "5.0", "x", "0b11", "-0", "1 2"]
_JUNK = [
    "just words", "=x", "Restart", "; note", "# note \\", "  # note", "", "\t", "\x00", "\r", "\n\r", "\\", "X-Foo=1", "Foo=bar",
    "restart=always", "\ufeff",
]  # fmt: skip


def _assignment(rng: random.Random, number: str) -> str:
    def pick(good: list[str], bad: list[str]) -> str:
        return rng.choice(bad) if rng.random() < 0.25 else rng.choice(good)

    dependency = f"{number}dep{rng.randrange(4)}.service"
    key, value = rng.choice(
        [
            ("Restart", pick(_RESTARTS, _NOT_RESTARTS)),
            ("Restart", pick(_RESTARTS, _NOT_RESTARTS)),
            ("RestartSec", pick(_SPANS, _NOT_SPANS)),
            ("TimeoutStartSec", pick(_SPANS, _NOT_SPANS)),
            ("TimeoutSec", pick(_SPANS, _NOT_SPANS)),
            ("Type", rng.choice([*_TYPES, "", "Simple", "oneshot # x"])),
            ("BusName", rng.choice([f"org.example.{number}", "x", "", "org.%p.x", "a.1b"])),
            ("ExecStart", rng.choice(_NOT_COMMANDS) if rng.random() < 0.08 else rng.choice(_COMMANDS)),
            ("ExecStart", ""),
            ("ExecStop", "/bin/true"),
            ("RemainAfterExit", rng.choice(_BOOLEANS)),
            ("RestartForceExitStatus", rng.choice(_STATUSES)),
            ("RestartPreventExitStatus", rng.choice(_STATUSES)),
            ("StartLimitBurst", rng.choice(_NUMBERS)),
            ("PIDFile", rng.choice(["/run/x.pid", "", "x.pid"])),
            ("Environment", rng.choice(["A=1", "'A=b c'", "", "A=1 \\\n# x\n  B=2", "A", "A=é"])),
            (
                rng.choice(["Requires", "Requisite", "BindsTo", "PartOf", "Wants", "BindTo"]),
                rng.choice([dependency, f"{dependency} {number}dep0.service", "", *_not_names(dependency, number)]),
            ),
            ("PAMName", "login"),
            ("WorkingDirectory", rng.choice(["/", "/x", "-x", "~", "/x/../y", "x", "", "%p", "/%i", "/%Z"])),
            (rng.choice(["User", "Group"]), rng.choice(["nova", "0", "", "%p", "nova:nova", "a/b", "-1", "65535", "a b", "x%Z"])),
            ("DynamicUser", rng.choice(["no", "yes", "maybe"])),
            ("KillMode", rng.choice(["control-group", "process", "mixed", "none", "x", ""])),
        ]
    )
    return rng.choice(["", "", "", " ", "\t"]) + key + rng.choice(["=", "=", "=", " = ", "=\\\n", " \\\n="]) + value


def _not_names(dependency: str, number: str) -> list[str]:
    """Return lists of dependencies of which some word, or each, is no name of a unit."""
    bare = dependency.rpartition(".")[0]
    return [
        "junk",
        bare,
        f'"{dependency}"',
        f"{bare} {number}dep0.service",
        f"{number}dep0.service;{dependency}",
        f"{dependency}, \\\n {dependency}",
    ]


def _text(rng: random.Random, number: str, *, whole: bool) -> bytes:
    if rng.random() < 0.03:
        return b""
    lines = []
    if whole and rng.random() < 0.95:
        lines += ["[Unit]", "Description=x", "[Service]", *(["ExecStart=/bin/sleep 1"] if rng.random() < 0.92 else [])]
    elif rng.random() < 0.9:
        lines.append(rng.choice(_SECTIONS[:20]))
    for _ in range(rng.randrange(7)):
        chance = rng.random()
        if chance < 0.08:
            lines.append(rng.choice(_JUNK))
        elif chance < 0.2:
            lines.append(rng.choice(_SECTIONS))
        elif chance < 0.21:
            lines.append(rng.choice(_BROKEN))
        else:
            lines.append(_assignment(rng, number))
    text = (
        ("\ufeff" if rng.random() < 0.03 else "")
        + rng.choice(["\n"] * 10 + ["\r\n", "\r"]).join(lines)
        + rng.choice(["\n", "\n", "\n", "", "\\", "\\\n"])
    )
    return text.encode("utf-8", "surrogateescape")


def tree(rng: random.Random, number: int) -> tuple[dict[str, Content], list[str]]:
    """Return the files of one random tree, whose units all begin with `cNUMBER`, and the names to ask about."""
    start = f"c{number}"
    plain = [f"{start}.service", f"{start}-a.service", f"{start}-a-b.service"]
    template, instance = f"{start}-t@.service", f"{start}-t@one.service"
    asked = [rng.choice(plain)] if rng.random() < 0.8 else [instance]
    files: dict[str, Content] = {}

    def folder() -> str:
        return rng.choice(
            [
                *SEARCH_PATH,
                "etc/systemd/system",
                "etc/systemd/system",
                "run/systemd/system",
                "usr/lib/systemd/system",
                "usr/lib/systemd/system",
            ]
        )

    main = template if asked[0] == instance else asked[0]
    if rng.random() < 0.95:
        files[f"{folder()}/{main}"] = _text(rng, start, whole=True)
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        name = rng.choice([main, asked[0], rng.choice(plain)])
        content: Content = _text(rng, start, whole=True)
        chance = rng.random()
        if chance < 0.15:
            content = {"link": "/dev/null"}
        elif chance < 0.5:
            target = rng.choice([*plain, template, instance, f"{start}-gone.service"])
            content = {"link": rng.choice(["../../../usr/lib/systemd/system/", "", "../../../etc/systemd/system/"]) + target}
        elif chance < 0.6:
            content = {"link": f"../../../opt/{start}.service"}
            files[f"opt/{start}.service"] = _text(rng, start, whole=True)
        files[f"{folder()}/{name}"] = content
    stems = [
        asked[0],
        asked[0],
        asked[0],
        main,
        *plain,
        f"{start}-.service",
        f"{start}-a-.service",
        f"{start}-@one.service",
        f"{start}-@.service",
    ]
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
        name = rng.choice(
            ["10-a.conf", "9.conf", "50-pacemaker.conf", "Z.conf", "a.conf", "99-x.conf", ".hidden.conf", "x.conf~", "x.rpmsave", "x.CONF"]
        )
        path = f"{folder()}/{rng.choice(stems)}.d/{name}"
        chance = rng.random()
        files[path] = {"link": "/dev/null"} if chance < 0.05 else {"link": "gone.conf"} if chance < 0.08 else _text(rng, start, whole=False)
    if rng.random() < 0.1:
        files[f"{folder()}/{asked[0]}.{rng.choice(['requires', 'wants'])}/{start}dep1.service"] = {
            "link": rng.choice(["../x/" + f"{start}dep1.service", "/dev/null", "/usr/lib/systemd/system/other.service"])
        }
    return _without_clashes(files), asked


def for_all_services(rng: random.Random) -> dict[str, Content]:
    """Return a drop-in for all services of a tree; it breaks nothing that systemd itself needs."""
    lines = [rng.choice(["Restart=on-failure", "RestartSec=7", "TimeoutStartSec=33", "PIDFile=/run/y.pid"]) for _ in range(2)]
    return {f"{rng.choice(SEARCH_PATH)}/service.d/{rng.choice(['10-a', '40-w', 'Z'])}.conf": "\n".join(["[Service]", *lines]).encode()}


def _without_clashes(files: dict[str, Content]) -> dict[str, Content]:
    return {path: content for path, content in files.items() if not any(other.startswith(path + "/") for other in files)}


def manager() -> list[str]:
    """Return the command that runs systemd in test mode; skip the test, loudly, where there is none."""
    found = next((path for path in MANAGERS if os.path.exists(path)), None)
    if found is None:
        pytest.skip("NO SYSTEMD HERE: unit files are not compared with systemd itself (install the package `systemd`)")
    command = [found, "--test", "--system", "--unit=lwlint-probe.target", "--no-pager", "--log-target=console", "--log-level=err"]
    if os.getuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("NO SETPRIV HERE: systemd --test refuses root (install `util-linux`)")
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    return command


def write(root: Path, files: dict[str, Content]) -> None:
    """Write `files` below `root`, readable by everyone."""
    for path, content in files.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            at.symlink_to(content["link"])
        else:
            at.write_bytes(content if isinstance(content, bytes) else content.encode())


def ask(files: dict[str, Content], units: list[str]) -> dict[str, dict[str, list[str]]]:
    """Return what systemd says of `units`, by every name that it knows them by: each property with its values, in order."""
    command = manager()
    root = Path(tempfile.mkdtemp(prefix="lwlint-units-"))
    try:
        write(root, files)
        probe = root / "probe"
        probe.mkdir()
        (probe / "lwlint-probe.target").write_text("[Unit]\nDefaultDependencies=no\n" + "".join(f"Wants={unit}\n" for unit in units))
        for folder, _, _ in os.walk(root):
            os.chmod(folder, 0o755)
        path = ":".join([*(str(root / folder) for folder in SEARCH_PATH), "/usr/lib/systemd/system", str(probe)])
        environment = {"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": path, "LC_ALL": "C", "HOME": "/nonexistent"}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
        return _parsed(done.stdout.decode("utf-8", "replace").replace(f"{root}/", ""))
    finally:
        shutil.rmtree(root)


def _parsed(print_out: str) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for match in re.finditer(r"(?ms)^\t-> Unit (\S+):\n(.*?)(?=^\t-> Unit |\Z)", print_out):
        said: dict[str, list[str]] = {"Id": [match.group(1)]}
        for line in match.group(2).splitlines():
            key, _, value = line.strip().partition(": ")
            said.setdefault(key, []).append(value)
        for name in (match.group(1), *said.get("Alias", [])):
            found[name] = said
    return found
