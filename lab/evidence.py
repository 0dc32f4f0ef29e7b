"""Write `rules/observed.yaml` from the observations: JSON lines in `lab/observations/`, a file for each source.

A cell (program, release, timeline, setting) that the lab observed itself counts by that; one that only the prototype observed is
`reported`.
Two runs of one source that differ in words stand both there, and the cell is named under `varies`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lwlint.core import observed

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "observations"
TARGET = HERE.parent / "rules" / observed.FILE
REPORTED = "reported"
_HEAD = """\
# What real programs and systemd were seen to do. Written by `python -m lab evidence` from lab/observations; docs/lab.md tells how, and
# lwlint/core/observed.py the words. It is the one source of these facts: the catalogue, the rules and the pages take them from here.
"""
_RUN = ("program", "under", "release", "version", "when", "setting", "does", "ready", "then", "after", "life", "only", "by", "times")
_UNIT = ("unit", "service", "drop_ins", "does", "lives", "restarts", "seconds", "systemd", "by")
_REAL = ("program", "release", "when", "setting", "service", "does", "restarts", "seconds", "by")
_CELL = ("program", "under", "release", "when", "setting", "only")
_WORDS = ("does", "ready", "then")
_OF_PAIR = ("cannot_start", "killed", "stopped", "started", "comes_back", "activating")
_PAIR = ("unit", "database", "target", *_OF_PAIR, "systemd", "by")
_NOT_PLAIN = ("true", "false", "no", "yes", "on", "off", "null", "none")


def read_lines() -> Iterator[Mapping[str, Any]]:
    """Yield the observations of all files, those of the lab itself first."""
    for path in sorted(FOLDER.glob("*.jsonl"), key=lambda path: (path.stem == REPORTED, path.name)):
        for line in path.read_text("utf-8").splitlines():
            yield json.loads(line)


def text(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of `rules/observed.yaml` for these observations."""
    every = list(lines)
    parts = [_HEAD, "sources:\n"]
    parts += [f"  {line['by']}: {_flow(line, ('what', 'date', 'versions', 'set_up'))}\n" for line in every if line["kind"] == "source"]
    services, varies = merged(line for line in every if line["kind"] == "service")
    varies += _varying(line for line in every if line["kind"] in ("unit", "pair") and line["by"] != REPORTED)
    if varies:
        parts += ["varies:\n", *(f"  - {cell}\n" for cell in varies)]
    parts.append("services:\n")
    for service in sorted(services):
        parts.append(f"  {service}:\n")
        parts += [f"    - {_flow(run, _RUN)}\n" for run in services[service]]
    for kind, key, fields in (("unit", "units", _UNIT), ("pair", "pairs", _PAIR), ("real unit", "real_units", _REAL)):
        found: dict[str, Mapping[str, Any]] = {}
        for line in every:
            if line["kind"] == kind:
                found.setdefault(line["name"], line)
        parts += [f"{key}:\n", *(f"  {name}: {_flow(line, fields)}\n" for name, line in found.items())] if found else []
    return "".join(parts)


def merged(lines: Iterable[Mapping[str, Any]]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Return the runs of each service, those alike as one, and the names of cells in which the runs of one source differ."""
    own: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    reported: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    every = list(lines)
    served = {_program(line) for line in every if "serves" in (line["does"], line.get("then"))}
    for line in every:
        if line["does"] == observed.NOT_OBSERVED:
            continue
        if line.get("then") in observed.BROKEN and line["by"] != REPORTED and _program(line) not in served:
            continue  # what was never seen to serve may be broken by itself
        cells = reported if line["by"] == REPORTED else own
        runs = cells.setdefault((line["service"], *(line.get(key, "") for key in _CELL)), [])
        alike = next((run for run in runs if all(run.get(key) == line.get(key) for key in _WORDS)), None)
        if alike is None:
            runs.append({**line, "times": 1})
        else:
            alike["times"] += 1
            for key, better in (("life", min), ("after", max)):
                if line.get(key) is not None:
                    alike[key] = better(alike.get(key, line[key]), line[key])
    for runs in own.values():  # what nobody saw the end of tells nothing beside a run that somebody did
        ended = [run for run in runs if run.get("then", "") != observed.NOT_OBSERVED]
        runs[:] = ended or runs
    cells = {cell: own[cell] if _tells_more(own.get(cell, []), reported.get(cell, [])) else reported[cell] for cell in {**own, **reported}}
    services: dict[str, list[dict[str, Any]]] = {}
    varies = []
    for (service, program, under, release, when, setting, _), runs in cells.items():
        for run in runs:
            if run["times"] == 1:
                del run["times"]
        services.setdefault(service, []).extend(runs)
        if len(runs) > 1:
            varies.append(f"{program}{':' if under else ''}{under}/{release}/{when}/{setting}")
    return services, varies


def words_of(line: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words that two runs of one cell must agree in."""
    return tuple(str(line.get(key, "")) for key in (*_WORDS, *_OF_PAIR))


def _varying(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the experiments with units in which the lab's own runs differ."""
    seen: dict[str, set[tuple[str, ...]]] = {}
    for line in lines:
        seen.setdefault(f"{line['kind']}/{line['name']}", set()).add(words_of(line))
    return [name for name, words in seen.items() if len(words) > 1]


def _program(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return line["program"], line.get("under", ""), line["release"]


def _tells_more(own: list[dict[str, Any]], reported: list[dict[str, Any]]) -> bool:
    """Return whether the lab's own runs of a cell count: unless only the others saw what became of the service."""
    seen = [[run for run in runs if run.get("then", "") != observed.NOT_OBSERVED] for runs in (own, reported)]
    return bool(own) and (bool(seen[0]) or not seen[1])


def _flow(line: Mapping[str, Any], fields: Iterable[str]) -> str:
    """Return some fields of a record as a YAML mapping on one line."""
    return "{" + ", ".join(f"{key}: {_scalar(line[key])}" for key in fields if line.get(key) not in (None, "", {})) + "}"


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and value.replace("-", "").replace("_", "").replace(".", "").replace(" ", "").isalnum()
    if plain and any(map(str.isalpha, value)) and value not in _NOT_PLAIN:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def write(target: Path = TARGET) -> bool:
    """Write the file, and return whether it changed; refuse observations that the reader refuses."""
    made = text(read_lines())
    observed.load(made, f"rules/{observed.FILE}")
    if target.exists() and target.read_text("utf-8") == made:
        return False
    target.write_text(made, "utf-8")
    return True
