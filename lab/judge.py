"""One word for what a service was seen to do: from the events of an instance to the closed vocabulary. A pure function.

What the probe cannot tell is `not observed`: an answer that is neither a success nor a 500 (a wrong path, a right that is missing), a
program of which nothing can be looked for. Such a run counts for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from lwlint.core.observed import NOT_OBSERVED

NOTED = 1  # seconds; what happens while a server comes up is noted once it is there
FORKS = 6  # lines in a log that tell of children which end and are forked again


class Words(NamedTuple):
    """What was seen; `after` in seconds."""

    does: str
    ready: str
    then: str
    after: Optional[float]


def judge(seen: Mapping[str, Any]) -> Words:
    """Return the words for one instance: `events` are pairs of seconds and what happened, `ok` the answers that are right."""
    events: Sequence[tuple[float, str]] = [(float(at), what) for at, what in seen["events"]]
    if "cannot_tell" in seen or not any(what == "end" for _, what in events):  # what it needs was not there, or the run broke off
        return Words(NOT_OBSERVED, "", NOT_OBSERVED, None)
    changes = [at for at, what in events if what.startswith("== ") and what != "== done"]
    kills = [at for at, what in events if what.startswith("== ") and what.endswith("-kill")]
    back = next((at for at, what in reversed(events) if what.startswith("== ") and what.endswith("-up")), None)
    end = next(at for at, what in events if what == "end")
    left = next((at for at, what in events if what.startswith("exits ")), None)
    if kills and ((left is not None and left < kills[0]) or not _served(events, kills[0], seen["ok"])):
        return Words(NOT_OBSERVED, "", NOT_OBSERVED, None)  # it did not run when the server was killed
    until = back if back is not None else end
    if kills and left is None and not any(kills[0] < at <= until for at, _ in _probes(events)):
        return Words(NOT_OBSERVED, "", NOT_OBSERVED, None)  # nobody looked while the server was away
    done = next((at for at, what in events if back is not None and at >= back and what == "== done"), until)
    does = _does(events, until, left if left is None or left > done + NOTED else until, seen)
    return Words(does, "" if kills else _ready(seen["ready"], changes, left), *_then(events, back, left, seen["ok"]))


def _ready(ready: Optional[float], changes: Sequence[float], left: Optional[float]) -> str:
    if ready is None:
        return "never" if changes else ""
    return "before" if not changes or ready <= changes[-1] else "after"


def _does(events: Sequence[tuple[float, str]], until: float, left: Optional[float], seen: Mapping[str, Any]) -> str:
    if left is not None and left <= until:
        return f"exits {seen['status']}" if seen["status"] is not None and seen["status"] >= 0 else NOT_OBSERVED
    if seen["forks"] >= FORKS:
        return "forks again"
    last = _last_probe(events, until)
    if last is None:
        return NOT_OBSERVED
    return _word(last, seen["ok"])


def _word(probe: Mapping[str, str], ok: Sequence[int]) -> str:
    if "http" in probe:
        http = probe["http"]
        words = {"500": "answers 500", "503": "answers 500", "no answer": "hangs requests", "dropped": "drops requests", "refused": "waits"}
        return "serves" if http in map(str, ok) else words.get(http, NOT_OBSERVED)
    if "queue" in probe:
        return "serves" if probe["queue"] == "listens" else "waits"
    return "waits"


def _then(
    events: Sequence[tuple[float, str]], back: Optional[float], left: Optional[float], ok: Sequence[int]
) -> tuple[str, Optional[float]]:
    if left is not None:
        return "gone", None
    if back is None:
        return NOT_OBSERVED, None
    done = next((at for at, what in events if at >= back and what == "== done"), back)
    good = next((at for at, probe in _probes(events) if at > done and _serves(probe, ok)), None)
    before = _last_probe(events, done)
    if good is None and before is not None and _serves(before, ok) and not any(at > done for at, _ in _probes(events)):
        return "serves", None  # all the time
    if good is not None:
        return "serves", round(good - back, 0)
    last = _last_probe(events, float("inf"))
    if last is None or not last:
        return NOT_OBSERVED, None
    if last.get("http") in ("500", "503"):
        return "never: 500", None
    if last.get("http") == "no answer":
        return "never: hangs", None
    if last.get("queue") in ("none", "nobody") and last.get("http", "") in ("", *map(str, ok)):
        return "never: deaf", None
    return NOT_OBSERVED, None


def _serves(probe: Mapping[str, str], ok: Sequence[int]) -> bool:
    right = "http" not in probe or probe["http"] in map(str, ok)
    return bool(probe) and right and probe.get("queue", "listens") == "listens" and probe.get("beat", "fresh") == "fresh"


def _served(events: Sequence[tuple[float, str]], until: float, ok: Sequence[int]) -> bool:
    """Return whether it served when the server was killed; a program that nothing is looked for of, whether it was there."""
    last = _last_probe(events, until)
    return last is None or not last or _serves(last, ok)


def _probes(events: Sequence[tuple[float, str]]) -> list[tuple[float, Mapping[str, str]]]:
    return [(at, json.loads(what.removeprefix("probe "))) for at, what in events if what.startswith("probe ")]


def _last_probe(events: Sequence[tuple[float, str]], until: float) -> Optional[Mapping[str, str]]:
    return next((probe for at, probe in reversed(_probes(events)) if at <= until), None)


def judge_unit(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return the word for a unit from what `systemctl show` said at the end of the watch, and some seconds later."""
    restarts, more = int(then["NRestarts"]), int(now["NRestarts"])
    state, sub = now["ActiveState"], now["SubState"]
    if sub == "exited":
        return "left dead"
    if state in ("failed", "inactive"):
        return "gives up" if more and state == "failed" else "left dead"
    if more > restarts or (more and state != "active"):
        return "goes on"
    if state == "activating":
        return "left dead" if sub == "auto-restart" else "starts for ever"  # `RestartSec=infinity` waits for ever
    return "goes on" if more else "stays up"


def judge_pair(seen: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the words for a pair of units from what the service did in each scenario."""
    if not seen["before killed"]["runs"] and not seen["before stopped"]["runs"]:
        never = "never ran"
        return {
            "cannot_start": seen["cannot_start"]["runs"],
            "killed": never,
            "stopped": never,
            "started": "stays",
            "comes_back": never,
            "activating": seen["activating"]["runs"],
        }
    stopped, started = seen["stopped"]["runs"], seen["started"]["runs"]
    back = seen["comes_back"]
    return {
        "cannot_start": seen["cannot_start"]["runs"],
        "killed": "stays" if seen["killed"]["runs"] else "dies",
        "stopped": "stays" if stopped else "dies",
        "started": "dies" if stopped and not started else "starts" if started and not stopped else "stays",
        "comes_back": "dies" if not back["runs"] else "stays" if back["pid"] == seen["before comes_back"]["pid"] else "restarted along",
        "activating": seen["activating"]["runs"],
    }
