"""lwlint's reading of unit files against systemd's own: recorded answers, and the installed systemd on random trees."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.core.source import Link, Source
from lwlint.inputs.systemd.facts import IgnoredLine, Unit
from lwlint.inputs.systemd.reader import unit_facts
from lwlint.inputs.systemd.settings import INFINITY, boolean, time_span
from lwlint.run import load_catalogue
from tests.inputs.systemd import unit_trees
from tests.shared import shared

TREES = int(os.environ.get("LWLINT_UNIT_TREES", "2000"))
BATCH = 200
DEPENDENCIES = ("Requires", "Requisite", "BindsTo", "PartOf", "Wants")


def units(files: dict[str, object], asked: tuple[str, ...] = ()) -> dict[str, Unit]:
    """Return the units of a host by each of their names; `asked` are instances that something starts."""
    sources, links = [], [Link(f"usr/lib/systemd/system/probe.target.wants/{name}", "/dev/null") for name in asked if "@" in name]
    for path, content in files.items():
        if isinstance(content, dict):
            links.append(Link(path, content["link"]))
            continue
        root = "" if path.split("/")[0] in ("etc", "run", "usr", "lib") else path.rpartition("/")[0] + "/"
        text = content if isinstance(content, str) else content.decode("utf-8", "surrogateescape")
        sources.append(Source(path, text, "unit", root=root))
    facts = list(unit_facts(sources, links, load_catalogue()))
    return {name: unit for unit in facts if isinstance(unit, Unit) and not unit.loose for name in unit.names}


def value(unit: Unit, key: str, default: str) -> str:
    """Return a setting of a unit, or systemd's default."""
    return unit.settings[key].value if key in unit.settings else default


def seconds(printed: str) -> float | None:
    """Return a time as systemd prints it: whole seconds, or less than one."""
    span = time_span(printed)
    assert span is not None
    return None if span == INFINITY else span / 1e6


def rounded(usec: int | None) -> float | None:
    """Return a time as seconds, rounded down as systemd does when it prints one."""
    return usec if usec is None else usec // 1_000_000 if usec >= 1_000_000 else usec / 1e6


def manager_view(unit: Unit) -> dict[str, object]:
    """Return what the manager would print of `unit`; only the load state of one that it does not load."""
    view: dict[str, object] = {"LoadState": unit.load_state, "FragmentPath": unit.fragment}
    if unit.load_state != "loaded":  # a file that is refused while it is read leaves an alias unmerged: the name asked about decides
        return view
    remains = boolean(value(unit, "Service.RemainAfterExit", "no"))
    return {
        **view,
        "Id": unit.name,
        "Names": sorted(unit.names),
        "DropInPaths": list(unit.drop_ins),
        "Type": unit.type,
        "Restart": value(unit, "Service.Restart", "no"),
        "RemainAfterExit": "yes" if remains else "no",
        "RestartSec": rounded(unit.restart_usec),
        "TimeoutStartSec": rounded(unit.timeout_start_usec),
        **{key: sorted({w for s in unit.lists.get(f"Unit.{key}", ()) for w in s.value.split() if "dep" in w}) for key in DEPENDENCIES},
    }


def manager_print(said: dict[str, list[str]]) -> dict[str, object]:
    """Return what systemd printed of a unit, in the shape of `manager_view`."""
    view: dict[str, object] = {
        "LoadState": said["Unit Load State"][0],
        "FragmentPath": said.get("Fragment Path", [""])[0],
    }
    if view["LoadState"] != "loaded":
        return view
    return {
        **view,
        "Id": said["Id"][0],
        "Names": sorted([said["Id"][0], *said.get("Alias", [])]),
        "DropInPaths": said.get("DropIn Path", []),
        **{key: said[key][0] for key in ("Type", "Restart", "RemainAfterExit")},
        **{key: seconds(said[key][0]) for key in ("RestartSec", "TimeoutStartSec")},
        **{key: sorted({v.split()[0] for v in said.get(key, []) if "dep" in v}) for key in DEPENDENCIES},
    }


@pytest.mark.parametrize("batch", range(TREES // BATCH))
def test_random_trees_read_as_systemd_reads_them(batch: int) -> None:
    rng = random.Random(batch)
    files: dict[str, object] = dict(unit_trees.for_all_services(rng) if batch % 2 else {})
    asked: list[str] = []
    for number in range(BATCH):
        more, names = unit_trees.tree(rng, number)
        files.update(more)
        asked += names
    said = unit_trees.ask(files, asked)
    ours = units(files, tuple(asked))
    expected = {name: manager_print(said[name]) for name in asked if said[name]["Unit Load State"] != ["not-found"]}
    found = {name: manager_view(ours[name]) for name in asked if name in ours and ours[name].load_state != "not-found"}
    assert found == expected


def cases() -> list[object]:
    path = Path(os.environ.get("LWLINT_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "corpus/units/cases.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    return [pytest.param(name, case, id=name) for name, case in found.items() if name not in EMPTIED]


# systemd makes the folders of generators anew when it starts, so that what was put there by hand was gone; a running one reads them
EMPTIED = ("generator-dir-ignored",)


def test_the_recorded_cases_are_at_hand() -> None:
    assert shared("corpus/units/cases.json").is_file()


@pytest.mark.parametrize(("name", "case"), cases())
def test_a_recorded_case_reads_as_systemd_read_it(name: str, case: dict[str, dict[str, str]]) -> None:
    unit = units(case["files"], (case["unit"],))[case["unit"]]
    manager, show = case["manager_test"], case["systemctl_show"]
    keys = ("LoadState", "Id", "FragmentPath", "DropInPaths", "Type", "Restart", "RemainAfterExit")
    view = manager_view(unit)
    assert {key: view[key] for key in keys if key in manager and key in view} == {
        key: manager[key] for key in keys if key in view and key in manager
    }
    assert _show_view(unit) == {
        "LoadState": show["LoadState"],
        "Names": sorted(show["Names"].split()),
        "Restart": show["Restart"],
        "RestartUSec": seconds(show["RestartUSec"]),
        "StartLimitIntervalUSec": seconds(show["StartLimitIntervalUSec"]),
        "StartLimitBurst": show["StartLimitBurst"],
        "UnitFileState": show.get("UnitFileState", "unknown"),
        "RestartPreventExitStatus": show.get("RestartPreventExitStatus", "").split(),
        "SuccessExitStatus": show.get("SuccessExitStatus", "").split(),
    }


def _show_view(unit: Unit) -> dict[str, object]:
    def times(usec: int | None) -> float | None:
        return None if usec is None else usec / 1e6

    def statuses(key: str) -> list[str]:
        return [word.replace("SIG", "") for word in value(unit, key, "").split()]

    return {
        "LoadState": unit.load_state,
        "Names": sorted(unit.names),
        "Restart": value(unit, "Service.Restart", "no"),
        "RestartUSec": times(unit.restart_usec),
        "StartLimitIntervalUSec": times(unit.start_limit_interval_usec),
        "StartLimitBurst": str(unit.start_limit_burst),
        "UnitFileState": unit.enabled,
        "RestartPreventExitStatus": statuses("Service.RestartPreventExitStatus"),
        "SuccessExitStatus": statuses("Service.SuccessExitStatus"),
    }


@pytest.mark.parametrize("folder", ["rdo", "debian"])
def test_units_of_real_packages_read_as_systemd_read_them(folder: str) -> None:
    at = shared(f"corpus/units/{folder}")
    expected = json.loads((at / "expected.json").read_text())
    files = {name: at / answer.get("file", name) for name, answer in expected.items()}
    ours = {}
    for name, answer in expected.items():
        plain = answer["unit"].replace("@1.", "@.")
        found = units({f"usr/lib/systemd/system/{plain}": files[name].read_text()}, (answer["unit"],))
        ours[name] = manager_view(found[answer["unit"]])
    keys = ("LoadState", "Type", "Restart", "RemainAfterExit")
    assert {name: {key: view.get(key) for key in keys} for name, view in ours.items()} == {
        name: {key: answer.get(key) for key in keys} for name, answer in expected.items()
    }
    assert {name: view.get("RestartSec") for name, view in ours.items()} == {
        name: seconds(answer["RestartSec"]) if "RestartSec" in answer else None for name, answer in expected.items()
    }


@pytest.mark.parametrize("seed", [7, 8])
def test_what_is_enabled_is_what_systemctl_says(seed: int, tmp_path: Path) -> None:
    if shutil.which("systemctl") is None:
        pytest.skip("NO SYSTEMCTL HERE: the states of unit files are not compared with systemd itself (install the package `systemd`)")
    rng = random.Random(seed)
    files: dict[str, object] = {
        "etc/systemd/system/multi-user.target.wants/other.service": {"link": "/usr/lib/systemd/system/other.service"}
    }
    for number in range(400):
        files.update(_installable(rng, f"u{number}"))
    unit_trees.write(tmp_path, files)
    command = ["systemctl", f"--root={tmp_path}", "list-unit-files", "--no-pager", "--no-legend"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = {line.split()[0]: line.split()[1] for line in said.splitlines()}
    ours = {unit.name: unit.enabled for unit in units(files).values()}
    assert len(ours) > 350
    assert {name: state for name, state in ours.items() if name in expected} == {name: expected[name] for name in ours if name in expected}


_PLACES = ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"]
_PLACES += ["etc/systemd/system.control", "run/systemd/system.control", "etc/systemd/system.attached", "run/systemd/system.attached"]


def _installable(rng: random.Random, name: str) -> dict[str, object]:
    at = rng.choice(["", "", "@"])
    unit, instance = f"{name}{at}.service", f"{name}{at and '@1'}.service"
    wanted = "WantedBy=multi-user.target\n"
    install = rng.choice(["", wanted, wanted, f"Alias={name}-alias{at}.service\n", f"Alias=%p-alias{at}.service\n", "Also=x.service\n"])
    install += rng.choice(["", "", f"{wanted}WantedBy=\n", "DefaultInstance=1\n" if at else ""])
    folder = rng.choice([*_PLACES[:4], *_PLACES[:4], *_PLACES, "run/systemd/transient"])
    text = f"[Service]\nExecStart=/bin/true\n[Install]\n{install}"
    files: dict[str, object] = {f"{folder}/{unit}": text}
    chance = rng.random()
    if chance < 0.15 and folder != "run/systemd/transient":
        files = {f"opt/{unit}": text, f"{folder}/{unit}": {"link": f"/opt/{unit}"}}
    elif chance < 0.2:
        files[f"{folder}/{unit}"] = {"link": "/dev/null"}
    elif chance < 0.3:
        files[f"{rng.choice(_PLACES)}/{unit}.d/10.conf"] = rng.choice(["[Install]\nWantedBy=\n", f"[Install]\n{wanted}"])
    for _ in range(rng.choice([0, 0, 1, 2])):
        top = rng.choice([*_PLACES[:2], *_PLACES])
        place = rng.choice(
            [f"multi-user.target.wants/{rng.choice([unit, instance, f'{name}-alias{at}.service'])}", f"a.target.requires/{instance}"]
            + ([f"{name}-alias{at}.service", f"{name}-b{at}.service"] if f"opt/{unit}" not in files else [unit])
        )
        files.setdefault(f"{top}/{place}", {"link": f"/{folder}/{unit}" if f"opt/{unit}" not in files else f"/opt/{unit}"})
    return files


@pytest.mark.parametrize(
    ("name", "links", "asked"),
    [
        ("nova.service", {}, ["nova.service"]),
        ("nova.service", {"multi-user.target.wants/nova.service": "/opt/nova.service"}, ["nova.service"]),
        ("nova.service", {"multi-user.target.requires/nova.service": "../nova.service"}, ["nova.service"]),
        ("nova@.service", {"multi-user.target.wants/nova@1.service": "/opt/nova@.service"}, ["nova@.service"]),
        ("nova@.service", {"nova@1.service": "/usr/lib/systemd/system/nova@.service"}, ["nova@1.service", "nova@.service"]),
    ],
)
@pytest.mark.parametrize("folder", ["opt", "usr/lib/systemd/system"])
def test_a_unit_that_is_linked_is_enabled_by_its_links_too(
    name: str, links: dict[str, str], asked: list[str], folder: str, tmp_path: Path
) -> None:
    """As `systemctl enable /opt/nova.service` leaves it."""
    if shutil.which("systemctl") is None:
        pytest.skip("NO SYSTEMCTL HERE: the states of unit files are not compared with systemd itself (install the package `systemd`)")
    top = "etc/systemd/system"
    files: dict[str, object] = {f"{folder}/{name}": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}
    files |= {f"{top}/{place}": {"link": target.replace("/opt/", f"/{folder}/")} for place, target in links.items()}
    files |= {f"{top}/{name}": {"link": f"/opt/{name}"}} if folder == "opt" else {}
    files |= {f"{top}/a.target.wants/other.service": {"link": "/usr/lib/systemd/system/other.service"}}
    if folder == "opt" and "nova@1.service" in links:
        return  # which leads nowhere then
    unit_trees.write(tmp_path, files)
    command = ["systemctl", f"--root={tmp_path}", "list-unit-files", "--no-pager", "--no-legend"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = {line.split()[0]: line.split()[1] for line in said.splitlines()}
    ours = units(files, ("nova@1.service",) if "nova@1.service" in links else ())
    assert {each: ours[each].enabled for each in asked} == {each: expected[each] for each in asked}


@pytest.mark.parametrize(("wanted", "state"), [(False, "bad"), (True, "enabled")])
@pytest.mark.parametrize("target", ["/usr/lib/systemd/system/nova.service", "../../../usr/lib/systemd/system/nova.service"])
def test_a_link_to_the_file_of_its_own_name_enables_nothing(wanted: bool, state: str, target: str, tmp_path: Path) -> None:
    """As `ln -s` makes it: the unit is loaded from where its file lies, and starts at boot only by another link."""
    top = "etc/systemd/system"
    files: dict[str, object] = {"usr/lib/systemd/system/nova.service": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=a.target\n"}
    files |= {f"{top}/nova.service": {"link": target}, f"{top}/a.target.wants/x.service": {"link": "/usr/lib/systemd/system/x.service"}}
    files |= {f"{top}/a.target.wants/nova.service": {"link": "/usr/lib/systemd/system/nova.service"}} if wanted else {}
    unit = units(files)["nova.service"]
    assert (unit.fragment, unit.enabled) == ("usr/lib/systemd/system/nova.service", state)
    if shutil.which("systemctl") is not None:
        unit_trees.write(tmp_path, files)
        command = ["systemctl", f"--root={tmp_path}", "list-unit-files", "--no-pager", "--no-legend"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "nova.service bad" in " ".join(said.split())


UNITS = [
    "s",
    "sec",
    "second",
    "seconds",
    "m",
    "min",
    "minute",
    "minutes",
    "h",
    "hr",
    "hour",
    "hours",
    "d",
    "day",
    "days",
    "w",
    "week",
    "weeks",
    "M",
    "month",
    "months",
    "y",
    "year",
    "years",
    "ms",
    "msec",
    "us",
    "usec",
]
UNITS += [
    "\u00b5s",
    "\u03bcs",
    "\u00b5sec",
    "\u03bcsec",
    "\u03bc",
    "\u00b5",
    "US",
    "Min",
    "mins",
    "ns",
    "nsec",
    "infinity",
    "\u212bs",
    "\u00a0s",
]


def test_a_time_span_has_the_units_that_systemd_knows() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NO SYSTEMD HERE: units of time are not compared with systemd itself (install the package `systemd`)")
    spans = [f"{number}{blank}{unit}" for number in ("5", "2.5") for blank in ("", " ") for unit in UNITS]
    spans += ["18446744073708", "18446744073709", "9223372036854775807us", "9223372036854775808us"]
    spans += ["100\u03bcs", "1s 100\u03bcs", "1min5\u00b5s2\u03bcs", "\u0665s", "5\u0073"]
    real: dict[str, int | None] = {}
    for span in spans:
        said = subprocess.run(["systemd-analyze", "timespan", span], capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"})
        found = re.search(r"\u03bcs: (\d+)", said.stdout)
        real[span] = int(found[1]) if said.returncode == 0 and found else None
    assert {span: time_span(span) for span in spans} == real
    assert (real["100\u03bcs"], real["5Min"]) == (100, None)


_PATHS = (
    "/a", "/../x", "/a/../b", "/a/./b", "//a//b", "a/b", "../a", "/a/", "/", ".", "..", "~", "!/a/../b", "|/a/../b", "|!a/b", "!/a",
    "| ! /a", "!|/a", "-~", "-", "-/a", "-/a/../b", "- /a", "/" + "x" * 256, "/" + "x" * 255, "/" + "y/" * 2100 + "z", "/a..b", "/a/...",
    "%t/../x", "%n/x", "/a/%n", "%F/x", "|", "!", '"/a"', "",
)  # fmt: skip
_KEYS_OF_PATHS = {
    "Unit": (
        *(f"Condition{name}" for name in ("PathExists", "PathExistsGlob", "PathIsDirectory", "PathIsSymbolicLink", "PathIsMountPoint")),
        *(f"Condition{name}" for name in ("PathIsReadWrite", "PathIsEncrypted", "DirectoryNotEmpty", "FileNotEmpty", "NeedsUpdate")),
        "ConditionFileIsExecutable", "AssertPathExists", "AssertFileNotEmpty", "RequiresMountsFor",
    ),
    "Service": ("PIDFile", "EnvironmentFile", "WorkingDirectory", "RootDirectory", "ExecStartPre"),
}  # fmt: skip


def test_paths_are_taken_dropped_or_refused_as_systemd_does(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NO SYSTEMD-ANALYZE HERE: paths are not compared with systemd itself (install the package `systemd`)")
    texts = {}
    for section, keys in _KEYS_OF_PATHS.items():
        for number, (key, path) in enumerate((key, path) for key in keys for path in _PATHS):
            head, tail = ("", f"{key}={path}\n") if section == "Service" else (f"[Unit]\n{key}={path}\n", "")
            texts[f"{section.lower()}{number}.service"] = f"{head}[Service]\n{tail}ExecStart=/bin/true\n"
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in texts)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C", "SYSTEMD_LOG_LEVEL": "warning"})
    said: dict[str, str] = {}
    for line in done.stderr.splitlines():
        match = re.search(r"(?:unit|service)\d+\.service", line)
        if match is not None:
            said[match[0]] = said.get(match[0], "") + line + "\n"
    facts = list(unit_facts([Source(f"etc/systemd/system/{n}", text, "unit") for n, text in texts.items()], (), load_catalogue()))
    dropped = {fact.unit for fact in facts if isinstance(fact, IgnoredLine)}
    ours = {fact.name: (fact.load_state, fact.name in dropped) for fact in facts if isinstance(fact, Unit)}
    assert len(ours) == len(texts)
    assert {name: view for name, view in ours.items() if view != _verified(said.get(name, ""))} == {}


def _verified(said: str) -> tuple[str, bool]:
    """Return the load state of a unit, and whether a line of it is dropped, by what `systemd-analyze verify` said of it."""
    if "failed to load properly" in said:
        return "error", False
    return ("bad-setting", False) if "bad unit file setting" in said else ("loaded", "ignoring" in said or "Failed to resolve" in said)
