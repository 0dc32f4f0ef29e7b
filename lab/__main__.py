"""`python -m lab run|agree|table|evidence`: the failure lab. docs/lab.md tells what it does and what it needs."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lab import evidence, host
from lab.judge import judge, judge_pair, judge_unit
from lwlint.core.observed import NOT_OBSERVED

SERVERS = {
    "mariadb": "mariadb-server", "rabbitmq": "rabbitmq-server", "galera": "galera-4", "haproxy": "haproxy", "redis": "redis-server",
}  # fmt: skip
SKIPPED = 77  # as automake has it: it cannot run here
ENOUGH = 0.95  # the part of the cells in which two runs must agree
AT_ONCE = 40  # instances that a machine of two cores carries
_CODE = ("cell.sh", "inside.py", "instance.py", "servers.py", "judge.py")
_CONTROLLERS = ("controllers.py", "member.py")
_SET_UP = (*_CODE, *_CONTROLLERS, "under_systemd.py", "services.yaml", "timelines.yaml", "trees.yaml", "units.yaml")


@cache
def set_up() -> str:
    """Return the hash of all that decides what is seen, as it is when it is first asked for."""
    return hashlib.sha256(b"".join((host.HERE / name).read_bytes() for name in _SET_UP)).hexdigest()[:16]


def set_up_of_cell(one: Mapping[str, Any], timeline: Mapping[str, Any], tree: Mapping[str, Any], level: Mapping[str, Any]) -> str:
    """Return the hash of what decides what is seen in one cell: its own configuration, its timeline, its tree and the code."""
    files = [*_CODE, *(_CONTROLLERS if level.get("controllers") else ())]
    what = json.dumps([{key: value for key, value in one.items() if key != "id"}, timeline, tree], sort_keys=True)
    return hashlib.sha256(b"".join([*((host.HERE / name).read_bytes() for name in files), what.encode()])).hexdigest()[:16]


def batches(level: Mapping[str, Any], tree: Mapping[str, Any], seen: Collection[tuple[str, ...]] = frozenset()) -> Iterator[dict[str, Any]]:
    """Yield the timelines of a level in their order, each with its instances, but of cells that were `seen`."""
    services, timelines = host.read("services.yaml"), host.read("timelines.yaml")
    for n, cell in enumerate(level["cells"]):
        timeline = timelines["timelines"][cell["timeline"]]
        names = cell.get("programs") or level.get("programs") or list(services["programs"])
        settings = {setting: timelines["settings"][setting] for setting in cell["settings"]}
        found = [
            instance(services, name, cell["timeline"], timeline, setting, settings[setting], f"{n}-{name}-{setting}", tree)
            for name in names
            for setting in settings
        ]
        if level.get("controllers"):  # a virtual host costs a cluster seconds: one for all timelines
            for one in found:
                one["vhost"] = one["id"].partition("-")[2]
        for one in found:
            one["cell"]["set_up"] = set_up_of_cell(one, timeline, tree, level)
        keys = [(key_of({"kind": "service", **one["cell"]}), one["cell"]["set_up"]) for one in found]
        found = [one for one, (key, mark) in zip(found, keys) if key not in seen and (*key, mark) not in seen]
        yield {"name": f"{cell['timeline']} ({', '.join(settings)})", "timeline": timeline, "instances": found}


def groups(every: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the batches in groups that run at once: those that do nothing to the servers may stand beside each other."""
    found: list[list[dict[str, Any]]] = []
    for batch in every:
        last = found[-1] if found else []
        number = sum(len(one["instances"]) for one in [*last, batch])
        if last and number <= AT_ONCE and all(_leaves_alone(one["timeline"]) for one in [*last, batch]):
            last.append(batch)
        elif batch["instances"]:
            found.append([batch])
    return found


def _leaves_alone(timeline: Mapping[str, Any]) -> bool:
    return not timeline.get("away") and timeline.get("answers") != "full" and all(step["does"] == "nothing" for step in timeline["steps"])


def instance(
    services: Mapping[str, Any],
    name: str,
    when: str,
    timeline: Mapping[str, Any],
    setting: str,
    values: Mapping[str, Any],
    id: str,
    tree: Mapping[str, Any],
) -> dict[str, Any]:
    """Return all that a cell needs to configure, start and look at one program with one setting."""
    program = services["programs"][name]
    project = services["projects"][program["project"]]
    server = timeline.get("address", "lab:lab@127.0.0.1")
    options = {section: dict(lines) for section, lines in services["common"].items()}
    for section, lines in project["options"].items():
        options.setdefault(section, {}).update(lines)
    for section, schema in project["databases"].items():
        base = timeline.get("name") or schema
        connection = f"{tree['driver']}://{server}/{base}?charset=utf8"
        options.setdefault(section, {}).update({"connection": connection, **values["database"]})
    if "oslo_messaging_rabbit" in values:
        options["oslo_messaging_rabbit"] = dict(values["oslo_messaging_rabbit"])
    for section, lines in timeline.get("options", {}).items():
        options.setdefault(section, {}).update(lines)
    retries = values["database"].get("max_retries", 10)
    known = {
        "workers": values.get("workers", 1),
        "server": server,
        "brokers": timeline.get("brokers", "lab:lab@127.0.0.1:5672"),
        "name": timeline.get("name") or program["project"],
        "types": program.get("types", "flat"),
        "sql_max_retries": retries,
    }
    under = next((name for name in ("uwsgi", "mod_wsgi") if name in program), "")
    cell = {"service": program["service"], "program": program.get("program", name), "under": under, "release": tree["release"],
            "when": when, "setting": setting, "only": program.get("only", ""), "package": project["package"]}  # fmt: skip
    kept = {
        key: program[key]
        for key in ("queue", "beat", "http", "ok", "body", "uwsgi", "mod_wsgi", "command", "environment", "copies")
        if key in program
    }
    return {"id": id, "project": program["project"], "program": cell["program"], "options": options, "values": known, "cell": cell, **kept}


def schemas(level: Mapping[str, Any], tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the projects whose schemas a level needs, with the commands that make them."""
    services = host.read("services.yaml")
    setting = {"database": {"max_retries": 10}}
    found: dict[str, dict[str, Any]] = {}
    for name in wanted(level):
        program = services["programs"][name]
        project = services["projects"][program["project"]]
        if program["project"] not in found:
            one = instance(services, name, "", {}, "", setting, f"schema-{program['project']}", tree)
            names = list(project["databases"].values()) or [program["project"]]
            folders = [key for key in program.get("environment", {}) if key.startswith("OS_")]
            found[program["project"]] = {**one, "schemas": names, "sync": project["sync"], "folders": folders}
    order = ("nova", "heat", "cinder", "neutron", "keystone", "manila")  # the long ones first
    return sorted(found.values(), key=lambda one: order.index(one["project"]) if one["project"] in order else len(order))


def wanted(level: Mapping[str, Any]) -> list[str]:
    """Return the programs of a level."""
    every = host.read("services.yaml")["programs"]
    return list(dict.fromkeys(name for cell in level["cells"] for name in cell.get("programs") or level.get("programs") or every))


def run_services(name: str, level: Mapping[str, Any], tree_folder: Path | None, by: str, where: Path, keep: Keep) -> list[dict[str, Any]]:
    """Make the tree of a level if it is not there, run all its timelines in a cell, and return the observations.

    Each is given to `keep` as soon as its timeline is over, so that a run that is broken off has kept what it saw.
    """
    tree = host.read("trees.yaml")[level["tree"]]
    programs = host.read("services.yaml")["programs"]
    packages = sorted({*tree["base"], *(programs[each]["package"] for each in wanted(level))})
    folder = tree_folder or where / "tree"
    host.make_tree(folder, tree["suite"], packages, where / "tree.log")
    print(f"lab: the tree is there ({folder})", flush=True)
    made = schemas(level, tree)
    known = host.versions(folder, sorted({*packages, *(one["cell"]["package"] for one in made)}))
    servers = {server: plain(known.get(package, "")) for server, package in SERVERS.items() if package in known}
    found = [source(by, f"the lab, level `{name}`: Debian's packages", servers)]
    keep.begin(found[0])
    job = {"groups": groups(batches(level, tree, keep.seen)), "schemas": made, "made": host.made_schemas(made, known),
           "controllers": level.get("controllers", False)}  # fmt: skip
    if not job["groups"]:
        print("lab: each cell of it was seen with this set-up", flush=True)
        return found
    longest = 900 + sum(max(sum(step["most"] for step in one["timeline"]["steps"]) for one in group) + 300 for group in job["groups"])
    command = [
        "env",
        "PYTHONPATH=/run/lab/project",
        "PYTHONDONTWRITEBYTECODE=1",
        "/usr/bin/python3",
        "-m",
        "lab.inside",
        "/run/lab/out/job.json",
        "/run/lab/out",
    ]
    with host.Cell(
        folder, ["bash", "-c", 'while [ ! -s /run/lab/out/job.json ]; do sleep 0.1; done; exec "$@"', "lab", *command], where=where
    ) as cell:
        (cell.out / "job.new").write_text(json.dumps(job))
        (cell.out / "job.new").rename(cell.out / "job.json")
        raw = host.HERE.parent / "build" / f"lab-{name}" if "--raw" in sys.argv else None
        at = 0

        def look() -> None:
            nonlocal at
            path = cell.out / "seen.jsonl"
            lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
            for line in lines[at:]:
                found.append(observation(json.loads(line), known, by))
                keep.add(found[-1])
                if raw is not None:
                    raw.mkdir(parents=True, exist_ok=True)
                    with (raw / "seen.jsonl").open("ab") as file:
                        file.write(line + b"\n")
            at = len(lines)
            if tree_folder is not None and (cell.out / "schemas.tar").exists():
                host.keep_schemas(folder, job["made"], cell.out / "schemas.tar")

        failed: host.Missing | None = None
        try:
            cell.wait(longest, look=look)
        except host.Missing as missing:
            failed = missing
        finally:
            look()
        print((cell.out / "console").read_text("utf-8", "replace"), end="", flush=True)
        if failed is not None and at == 0:
            raise failed
        if failed is not None:  # what was seen until then counts
            print(f"LAB: BROKE OFF: {failed}", file=sys.stderr, flush=True)
    return found


class Keep:
    """Where observations are kept as they come: a file for each run. `seen` are the cells that a run passes over."""

    def __init__(self, path: Path | None, seen: Collection[tuple[str, ...]]) -> None:
        self.path, self.seen = path, seen
        self._first: Mapping[str, Any] = {}

    def begin(self, first: Mapping[str, Any]) -> None:
        """Take the line that tells where the observations come from; it is written with the first of them."""
        self._first = first

    def add(self, line: Mapping[str, Any]) -> None:
        """Add an observation."""
        if self.path is not None:
            lines = [line] if self.path.exists() else [self._first, line]
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(one) + "\n" for one in lines))


def kept(level: str, keep: bool, passing: str) -> tuple[str, Keep]:
    """Return the name of a run, and where it is kept.

    `passing` tells which cells are passed over: `none`, those seen at this level with the set-up `as it is` (a run that was broken off
    goes on), or `any` that the lab itself saw.
    """
    runs = {path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in evidence.FOLDER.glob("*.jsonl")}
    day = f"{level}-{datetime.date.today().isoformat()}"
    names = (day, *(f"{day}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"))
    by = next(name for name in names if name not in runs or (passing != "none" and runs[name][0]["set_up"] == set_up()))
    seen: set[tuple[str, ...]] = set()
    for name, lines in runs.items():
        for line in lines:
            if line["kind"] != "service" or name == evidence.REPORTED or not keep:
                continue
            if passing == "any" and line["does"] != NOT_OBSERVED:
                seen.add(key_of(line))
            elif passing != "none" and name.startswith(f"{level}-") and line.get("set_up"):
                seen.add((*key_of(line), line["set_up"]))
    return by, Keep(evidence.FOLDER / f"{by}.jsonl" if keep else None, seen)


def source(by: str, what: str, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return the line that tells where the observations after it come from."""
    return {"kind": "source", "by": by, "what": what, "date": datetime.date.today().isoformat(), "versions": versions, "set_up": set_up()}


def plain(version: str) -> str:
    """Return the version that the project itself gave."""
    return version.partition("-")[0].partition("+")[0]


def observation(seen: Mapping[str, Any], known: Mapping[str, str], by: str) -> dict[str, Any]:
    """Return the observation that one instance's run comes to."""
    cell = dict(seen["cell"])
    words = judge(seen)
    version = plain(known.get(cell.pop("package"), ""))
    life = seen["life"] if words.does.startswith("exits") else None
    found = {"kind": "service", **cell, "version": version, **words._asdict(), "life": life, "by": by}
    if cell.get("under") == "mod_wsgi":  # whose READY=1 is Apache's, which has not loaded the program by then
        found["ready"] = ""
    return {key: value for key, value in found.items() if value not in ("", None)}


def run_units(by: str, where: Path) -> list[dict[str, Any]]:
    """Run the experiments with units under a systemd that boots over this machine's own root, and return the observations."""
    text = host.read("units.yaml")
    python = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    unit = (
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=exec\nEnvironment=PYTHONPATH=/run/lab/project PYTHONDONTWRITEBYTECODE=1\n"
        f"ExecStart={python} -m lab.under_systemd /run/lab/out/job.json /run/lab/out\n"
        "StandardOutput=file:/run/lab/out/driver.log\nStandardError=inherit\n"
    )
    target = "[Unit]\nDefaultDependencies=no\nWants=lab-driver.service\n"
    boot = (
        "mkdir -p /run/systemd/system; while [ ! -s /run/lab/out/job.json ]; do sleep 0.1; done; cd /run/systemd/system;"
        ' printf "%s" "$0" >lab-driver.service; printf "%s" "$1" >lab.target;'
        " exec /lib/systemd/systemd --system --unit=lab.target --show-status=0 --log-target=console --log-level=warning"
    )
    with host.Cell(Path("/"), ["bash", "-c", boot, unit, target], systemd=True, where=where) as cell:
        (cell.out / "job.new").write_text(json.dumps(text))
        (cell.out / "job.new").rename(cell.out / "job.json")
        try:
            cell.wait(text["seconds"] + 120, until="units.json")
        except host.Missing as missing:
            log = cell.out / "driver.log"
            raise host.Missing(f"{missing} {log.read_text()[-600:] if log.exists() else ''}") from None
        seen = json.loads((cell.out / "units.json").read_text("utf-8"))
    found = [source(by, "the lab: experiments with units under a systemd that booted for them", {"systemd": str(seen["systemd"])})]
    for id, (then, now) in seen["units"].items():
        more = {
            "does": judge_unit(then, now),
            "restarts": int(now["NRestarts"]),
            "seconds": text["seconds"],
            "systemd": seen["systemd"],
            "by": by,
        }
        found.append({"kind": "unit", "name": id, **text["units"][id], **more})
    for id, scenes in seen["pairs"].items():
        found.append({"kind": "pair", "name": id, **text["pairs"][id], **judge_pair(scenes), "systemd": seen["systemd"], "by": by})
    return found


def run(level: str, keep: bool, tree: Path | None, only: str | None, passing: str) -> int:
    """Run a level; keep what was seen, or compare it with what was seen before. Return the exit code."""
    try:
        host.refuse_without_needs("units" if only == "units" else level)
    except host.Missing as missing:
        print(f"LAB: NOT RUN: {missing}", file=sys.stderr)
        return SKIPPED
    set_up()
    by, keeper = kept(level, keep, passing)
    units_by, units_keeper = kept("units", keep, "none")
    with host.swept_folder() as where:
        found: dict[str, list[dict[str, Any]]] = {}
        failed: list[str] = []

        def collect(name: str, work: Callable[[], list[dict[str, Any]]]) -> None:
            try:
                found[name] = work()
            except host.Missing as missing:
                failed.append(f"{name}: {missing}")

        works: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "services": lambda: run_services(level, host.read("matrix.yaml")[level], tree, by, where, keeper),
            "units": lambda: run_units(units_by, where),
        }
        names = [only] if only else list(works) if level == "ci" else ["services"]
        threads = [threading.Thread(target=collect, args=(name, works[name]), daemon=True) for name in names]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                time.sleep(0.2)
        except BaseException:  # interrupted: what runs is ended, and all is cleared away
            end = time.monotonic() + 60
            while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
                for cell in tuple(host.RUNNING):
                    cell.end()
                time.sleep(0.2)
            raise
    for text in failed:
        print(f"LAB: FAILED: {text}", file=sys.stderr)
    if failed or set(found) != set(names):
        return 1
    if keep:
        for line in found.get("units", ()):
            if line["kind"] == "source":
                units_keeper.begin(line)
            else:
                units_keeper.add(line)
        for name, lines in found.items():
            print(f"lab: {by if name == 'services' else units_by}: {len(lines) - 1} observations")
        return 0
    return compare([line for lines in found.values() for line in lines])


def key_of(line: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what names the cell of an observation."""
    if line["kind"] == "service":
        return tuple(str(line.get(key, "")) for key in ("program", "under", "release", "when", "setting", "only"))
    return (line["kind"], line["name"])


def compare(lines: Sequence[Mapping[str, Any]], before: Iterable[Mapping[str, Any]] | None = None) -> int:
    """Compare observations with those from `before` (all that are kept), print what differs, and return 1 if too much does."""
    known_words: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for line in evidence.read_lines() if before is None else before:
        if line["kind"] != "source" and line["by"] != evidence.REPORTED and line.get("does") != NOT_OBSERVED:
            known_words.setdefault(key_of(line), set()).add(evidence.words_of(line))
    same = different = unseen = new = 0
    for line in lines:
        if line["kind"] == "source":
            continue
        known = known_words.get(key_of(line))
        if known is None:
            new += 1
            print(f"lab: seen for the first time: {'/'.join(key_of(line))}: {evidence.words_of(line)}")
        elif evidence.words_of(line) in known:
            same += 1
        elif line.get("does") == NOT_OBSERVED or any(_tells_less(evidence.words_of(line), words) for words in known):
            unseen += 1
            print(f"lab: not observed, or not to its end: {'/'.join(key_of(line))}: {evidence.words_of(line)}, before {sorted(known)}")
        else:
            different += 1
            print(f"lab: differs: {'/'.join(key_of(line))}: {evidence.words_of(line)}, before {sorted(known)}")
    both = same + different + unseen
    part = f" ({100 * same / both:.1f} %)" if both else ""
    print(f"lab: {same} of {both} cells as before{part}, {different} differ, {unseen} not observed; {new} seen for the first time")
    return 0 if same and same >= ENOUGH * both else 1


def _tells_less(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two runs say the same, but for what one of them did not see."""
    return all(word == before or NOT_OBSERVED in (word, before) for word, before in zip(one, other))


def agree(one: str, other: str) -> int:
    """Compare two runs by their names, or all runs of two days by their dates, cell by cell."""
    every = list(evidence.read_lines())
    sources = [line for line in every if line["kind"] == "source"]
    runs = [{line["by"] for line in sources if name in (line["by"], line.get("date"))} for name in (one, other)]
    for name, found in zip((one, other), runs):
        if not found:
            print(f"lab: `{name}` is no run or day of one; there are {', '.join(line['by'] for line in sources)}", file=sys.stderr)
            return 2
    return compare([line for line in every if line["by"] in runs[1]], [line for line in every if line["by"] in runs[0]])


def table() -> str:
    """Return the observations as a table in Markdown, the lab's own."""
    lines = ["| program | release | when | setting | does | ready | then | seconds | life |", "|---|---|---|---|---|---|---|---|---|"]
    for line in evidence.read_lines():
        if line["kind"] == "service" and line["by"] != evidence.REPORTED:
            name = f"{line['program']} ({line['under']})" if line.get("under") else line["program"]
            cells = (name, *(line.get(key, "") for key in ("release", "when", "setting", "does", "ready", "then", "after", "life")))
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the command, and return the exit code."""
    parser = argparse.ArgumentParser(prog="lab", description="what real services do when the database or the broker fails them")
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run the cells of a level, and compare them with those that are kept")
    runs.add_argument("--level", choices=("ci", "night", "wide", "failover", "hand"), default="ci")
    runs.add_argument("--keep", action="store_true", help="keep what was seen in lab/observations instead")
    runs.add_argument("--tree", type=Path, help="the tree of packages, made if it is not there; else one that is thrown away")
    runs.add_argument("--only", choices=("units", "services"))
    runs.add_argument("--raw", action="store_true", help="keep the events of all instances in build/")
    passing = runs.add_mutually_exclusive_group()
    passing.add_argument("--again", dest="passing", action="store_const", const="none", help="with --keep: each cell, in a new file")
    passing.add_argument("--missing", dest="passing", action="store_const", const="any", help="with --keep: only cells that no run saw")
    runs.set_defaults(passing="as it is")
    agrees = commands.add_parser("agree", help="compare two runs by their names, or all runs of two days by their dates, cell by cell")
    agrees.add_argument("runs", nargs=2)
    commands.add_parser("table", help="print the lab's own observations")
    commands.add_parser("evidence", help="write rules/observed.yaml")
    options = parser.parse_args()
    if options.command == "run":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        return run(options.level, options.keep, options.tree, options.only, options.passing)
    if options.command == "agree":
        return agree(*options.runs)
    if options.command == "table":
        print(table(), end="")
        return 0
    print("rules/observed.yaml written" if evidence.write() else "rules/observed.yaml is as it must be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
