"""What the manager itself gives to units that set nothing: `/etc/systemd/system.conf`, then its drop-ins by name.

Sources: systemd-system.conf(5); systemd 252 in test mode (which reads `user.conf` in the same way). Of a drop-in that stands in several
folders the one of the first counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from lwlint.facts.systemd import SECOND
from lwlint.parse import unit as parser
from lwlint.parse import unit_values
from lwlint.parse.unit import Assignment
from lwlint.record import dataclass
from lwlint.source import Source

_PATH = re.compile(r"(?P<top>etc|run|usr/local/lib|usr/lib|lib)/systemd/system\.conf(?P<drop_in>\.d/[^/]+\.conf)?$")
_TOPS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
_MAIN = "etc/systemd/system.conf"


@dataclass(frozen=True)
class Defaults:
    """The defaults of one host; times in microseconds, None for never."""

    restart_usec: int | None = SECOND // 10
    start_limit_interval_usec: int | None = 10 * SECOND
    start_limit_burst: int = 5
    timeout_start_usec: int | None = 90 * SECOND


def is_of_the_manager(path: str) -> bool:
    """Return whether the file at `path` of a host configures systemd itself."""
    return _PATH.match(path) is not None


def defaults(files: Mapping[str, Source]) -> Defaults:
    """Return the defaults that the manager's `files`, by their paths on the host, give."""
    drop_ins: dict[str, str] = {}
    for path in sorted(files, key=lambda path: _TOPS.index(_top(path))):
        if path.endswith(".conf") and "/system.conf.d/" in path:
            drop_ins.setdefault(posixpath.basename(path), path)
    found: dict[str, str] = {}
    for path in (*([_MAIN] if _MAIN in files else []), *(drop_ins[name] for name in sorted(drop_ins))):
        for line in parser.read(files[path]).lines:
            if isinstance(line, Assignment) and line.section == "Manager":
                key = {"DefaultStartLimitInterval": "DefaultStartLimitIntervalSec"}.get(line.key.value, line.key.value)
                if _reads(key, line.value.value) is not None:
                    found[key] = line.value.value
    given = Defaults()
    burst = _reads("DefaultStartLimitBurst", found["DefaultStartLimitBurst"]) if "DefaultStartLimitBurst" in found else None
    return Defaults(
        restart_usec=_time(found, "DefaultRestartSec", given.restart_usec),
        start_limit_interval_usec=_time(found, "DefaultStartLimitIntervalSec", given.start_limit_interval_usec),
        start_limit_burst=given.start_limit_burst if burst is None else burst,
        timeout_start_usec=_time(found, "DefaultTimeoutStartSec", given.timeout_start_usec),
    )


def _top(path: str) -> str:
    match = _PATH.match(path)
    return match["top"] if match else _TOPS[-1]


def _reads(key: str, value: str) -> int | None:
    if key == "DefaultStartLimitBurst":
        return unit_values.unsigned(value)
    return unit_values.timeout(value) if key == "DefaultTimeoutStartSec" else unit_values.time_span(value)


def _time(found: Mapping[str, str], key: str, default: int | None) -> int | None:
    if key not in found:
        return default
    value = _reads(key, found[key])
    return None if value == unit_values.INFINITY else value
