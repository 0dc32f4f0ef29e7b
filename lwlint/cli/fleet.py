"""`lwlint fleet`: archives of thousands of clusters are read and judged by Dask, and what came of it is told."""

from __future__ import annotations

import datetime
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from lwlint.audit.fleet import need
from lwlint.cli import NOT_TRUSTED, RULE_BROKEN
from lwlint.cli.arguments import schemas_of, split
from lwlint.cli.audit import ERASED, bar, draws, duration
from lwlint.core.finding import SEVERITIES, ConfigurationError
from lwlint.core.harmless import count_of, safe, tame
from lwlint.files.atomic import refusal
from lwlint.run import AUTO, load_rules, read_release

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from lwlint.audit.fleet.archives import Listed, RuleFile, Settings
    from lwlint.audit.fleet.run import Event, Outcome
    from lwlint.audit.fleet.store import Store
    from lwlint.audit.fleet.tables import ClusterRow

CONFORMS, FINDINGS = 0, 1
_EVERY, _BAR = 0.2, 24  # seconds between two pictures; cells
_LIST = 1_000_000_000  # bytes of a list: some million names
_TOLD = 10  # archives that failed


def fleet(options: argparse.Namespace) -> int:
    """Do what is asked, and return the exit code."""
    need()
    return {"run": _run, "report": _report, "diff": _diff, "export": _export}[options.what](options)


def _run(options: argparse.Namespace) -> int:
    from lwlint.audit.fleet.run import Watch, run
    from lwlint.audit.fleet.store import Refused, usable
    from lwlint.audit.fleet.work import Bounds, Engine
    from lwlint.audit.targets import is_url

    if not options.into:
        raise ConfigurationError("`lwlint fleet run`: name the store with `--into`")
    if not 0 < options.seconds < float("inf") or options.memory < 1 or (options.workers is not None and options.workers < 1):
        raise ConfigurationError("`--seconds`, `--memory` and `--workers`: must be more than 0")
    load_rules(options.rules, split(options.select), split(options.ignore), examples=False)
    release = read_release(options.release or AUTO)
    archives = _archives(options)
    why = "" if is_url(options.into) else refusal(options.into.rstrip("/") or options.into)
    if why:
        raise ConfigurationError(f"`--into {options.into}`: {why}")
    store = usable(options.into)
    settings = _settings(options, release, store)
    progress = Progress(sys.stderr, options.log)
    try:
        with Engine(options.on, options.workers, progress.tell) as engine:
            if engine.dashboard:
                progress.tell(f"Dask's dashboard: {engine.dashboard}")
            bounds = Bounds(options.seconds, options.memory << 20)
            done = run(archives, store, engine, settings, bounds, Watch(progress.stage, progress.event))
    except Refused as refused:
        raise ConfigurationError(str(refused.strerror)) from None
    except OSError as error:
        if error.filename is None and error.strerror and store.shown in error.strerror:
            raise ConfigurationError(error.strerror) from None
        raise
    finally:
        progress.close()
    return _tell(done, options)


def _archives(options: argparse.Namespace) -> list[Listed]:
    from lwlint.audit.fleet.archives import lines, list_archives
    from lwlint.files.tree import read_bounded

    named: list[str] = []
    for path in (*options.list, *(["-"] if "-" in options.targets else [])):
        try:
            data = sys.stdin.buffer.read(_LIST) if path == "-" else read_bounded(path, _LIST)
        except OSError as error:
            raise ConfigurationError(f"`--list {path}`: cannot be read ({error.strerror})") from None
        named += lines(data.decode("utf-8", "surrogateescape"))
    found = list_archives([target for target in options.targets if target != "-"], named)
    if not found:
        raise ConfigurationError("nothing to judge: name archives, a folder, a pattern, or a list of them")
    return found


def _settings(options: argparse.Namespace, release: str, store: Store) -> Settings:
    import secrets

    from lwlint.audit.fleet.archives import Settings

    salt = ""
    if options.anonymize:
        kept = store.read("salt")
        if kept is None:
            store.write("salt", secrets.token_hex(16).encode())
            kept = store.read("salt")
        salt = (kept or b"").decode("ascii", "replace")
    return Settings(
        release=release,
        select=tuple(split(options.select)),
        ignore=tuple(split(options.ignore)),
        rules=tuple(_rule_files(options.rules)),
        schemas=schemas_of(options),
        together=options.together,
        salt=salt,
    )


def _rule_files(folders: list[str]) -> list[RuleFile]:
    """Return the files of the user's rules, which go with the work: no worker has his folders."""
    from lwlint.audit.fleet.archives import RuleFile
    from lwlint.files.tree import CONFIGURATION, read_bounded

    found = []
    for number, top in enumerate(folders):
        for folder, below, names in os.walk(top):
            below.sort()
            for name in sorted(name for name in names if name.endswith(".yaml")):
                path = os.path.join(folder, name)
                found.append(RuleFile(number, os.path.relpath(path, top), read_bounded(path, CONFIGURATION)))
    return found


def _tell(done: Outcome, options: argparse.Namespace) -> int:
    """Print what a run came to, and return the exit code, which is that of an audit of the same archives."""
    ran = done.ran
    for text in done.tracebacks if options.debug else ():
        print(tame(text), file=sys.stderr)
    for url, why in done.failed[:_TOLD]:
        print(safe(f"lwlint: `{url}`: {why}"), file=sys.stderr)
    if len(done.failed) > _TOLD:
        print(f"lwlint: {len(done.failed) - _TOLD} more archives failed (table `archives`)", file=sys.stderr)
    print(
        f"{ran.run} of {ran.run_date}: {count_of(ran.archives, 'archive')}: "
        f"{ran.judged} judged, {ran.damaged} damaged, {ran.failed} failed\n"
        f"{count_of(ran.clusters, 'cluster')}, {count_of(ran.hosts, 'host')}: {count_of(ran.errors, 'error')}, "
        f"{count_of(ran.warnings, 'warning')}, {count_of(ran.notes, 'note')}; {ran.not_evaluated} rules not evaluated"
    )
    if ran.broken:
        print(RULE_BROKEN, file=sys.stderr)
    for path in done.unread:
        print(safe(f"lwlint: `{path}`: cannot be read, by a defect of lwlint; the rest is judged"), file=sys.stderr)
    if ran.broken or done.unread or ran.failed:
        return NOT_TRUSTED
    if not done.files:
        print("lwlint: nothing to judge: there is no CIB, systemd unit or option file in what was given", file=sys.stderr)
        return NOT_TRUSTED
    found = (ran.notes, ran.warnings, ran.errors)[SEVERITIES.index(options.fail_on) :]
    return FINDINGS if any(found) or (options.strict and ran.not_evaluated) else CONFORMS


class Progress:
    """A bar on a terminal, a line for each stage elsewhere, and a log of lines of JSON if a file is named for it."""

    def __init__(self, out: TextIO, log: str | None = None) -> None:
        self._out = out
        self._shows = draws(out)
        self._log = self._open(log)
        self._name, self._works, self._size = "", 0, 0
        self._done = self._bytes = self._again = 0
        self._states: Counter[str] = Counter()
        self._start = self._last = time.monotonic()

    def _open(self, log: str | None) -> TextIO | None:
        why = refusal(log) if log else ""
        if why:
            raise ConfigurationError(f"`--log {log}`: {why}")
        try:
            return open(log, "a", encoding="utf-8", errors="backslashreplace") if log else None
        except OSError as error:
            raise ConfigurationError(f"`--log {log}`: cannot be written ({error.strerror})") from None

    def tell(self, line: str) -> None:
        """Say something beside the bar."""
        self._out.write((ERASED if self._shows else "") + f"lwlint: {safe(line)}\n")
        self._out.flush()

    def stage(self, name: str, works: int, size: int) -> None:
        """Begin a stage with so many works, of so many bytes in all (0: not known)."""
        self._name, self._works, self._size = name, works, size
        self._done = self._bytes = self._again = 0
        self._start = time.monotonic()
        if not self._shows:
            self.tell(f"{name}: {count_of(works, {'read': 'archive', 'judge': 'case', 'write': 'part'}[name])}")

    def event(self, event: Event) -> None:
        """Note the end of one work."""
        self._done += 1
        self._bytes += event.bytes
        self._again += event.again
        if event.event == "read" or event.state == "failed":
            self._states[event.state] += 1
        if self._log is not None:
            import msgspec

            now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
            text = msgspec.json.encode({"time": now, **{key: _plain(value) for key, value in msgspec.to_builtins(event).items()}})
            self._log.write(text.decode() + "\n")
            self._log.flush()
        now_ = time.monotonic()
        if self._shows and (now_ - self._last >= _EVERY or self._done == self._works):
            self._last = now_
            self._out.write(ERASED + self.line())
            self._out.flush()

    def line(self) -> str:
        """Return how far the stage is: how many of how many, bytes, failures, and the time that is left."""
        share = self._bytes / self._size if self._size else self._done / self._works if self._works else 1.0
        share = min(share, 1.0)
        words = [f"{self._name} {bar(share, _BAR)} {self._done} of {self._works}"]
        if self._size:
            words.append(f"{self._bytes / 1e6:,.0f} of {self._size / 1e6:,.0f} MB")
        if self._states["failed"] or self._states["damaged"]:
            words.append(f"{self._states['damaged']} damaged, {self._states['failed']} failed")
        taken = time.monotonic() - self._start
        if share and self._done < self._works and taken > 1:
            words.append(f"{duration(taken * (1 - share) / share)} left")
        return ", ".join(words)

    def close(self) -> None:
        """Take the bar away, and close the log."""
        if self._shows:
            self._out.write(ERASED)
            self._out.flush()
        if self._log is not None:
            self._log.close()


def _plain(value: object) -> object:
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value


def _store(options: argparse.Namespace) -> Store:
    from lwlint.audit.fleet.store import there

    if len(options.targets) != 1:
        raise ConfigurationError(f"`lwlint fleet {options.what}`: name one store")
    return there(options.targets[0])


def _report(options: argparse.Namespace) -> int:
    """Write the page of the last run, or of one cluster of it."""
    from lwlint.audit.fleet import run
    from lwlint.audit.fleet.run import runs
    from lwlint.audit.fleet.tables import ArchiveRow, ClusterRow, FindingRow, HostRow
    from lwlint.report.fleet import render

    store = _store(options)
    ran = run.latest(store)
    clusters = run.rows(store, ran, ClusterRow)
    if options.cluster:
        return _write(_cluster_page(store, clusters, options.cluster), options)
    archives, hosts = run.rows(store, ran, ArchiveRow), run.rows(store, ran, HostRow)
    findings, clauses = run.rows(store, ran, FindingRow), run.clauses(store, ran, clusters)
    found = render(runs(store), archives, clusters, hosts, findings, clauses, load_rules(examples=False))
    return _write([found], options)


def _cluster_page(store: Store, clusters: list[ClusterRow], wanted: str) -> list[str]:
    """Return the page of one cluster, as `lwlint audit --format html` has it. Raises ConfigurationError where there is no such cluster."""
    from lwlint.audit.answer import Audit
    from lwlint.audit.fleet.archives import answer_of
    from lwlint.audit.fleet.work import answer
    from lwlint.core.config_reader import near
    from lwlint.policy.rules import load_clauses
    from lwlint.report.html import page

    known = next((one for one in clusters if wanted in (one.cluster, one.name)), None)
    data = store.read(answer(known.answer)) if known is not None else None
    if known is None or data is None:
        names = [name for one in clusters for name in (one.cluster, one.name) if name]
        raise ConfigurationError(f"`--cluster {wanted}`: no such cluster is in the last run{near(wanted, names)}")
    found = tuple(one for one in answer_of(data).clusters if one.name == known.name and one.clustered == known.clustered)
    return [page.render(Audit((), found), load_clauses())]


def _diff(options: argparse.Namespace) -> int:
    """Print what changed since a day; findings that are new are told by the exit code, as those of an audit."""
    from lwlint.audit.fleet import run

    try:
        since = datetime.date.fromisoformat(options.since or "").isoformat()
    except ValueError:
        raise ConfigurationError("`lwlint fleet diff`: name a day with `--since`, as `2030-01-31`") from None
    store = _store(options)
    old, ran = run.latest(store, since), run.latest(store)
    if old.run == ran.run:
        raise ConfigurationError(f"`--since {since}`: there is no later run; the last one is of {ran.run_date}")
    found = run.changes(store, old, ran)
    _write([run.render_changes(old, ran, found)], options)
    least = SEVERITIES.index(options.fail_on)
    return FINDINGS if any(SEVERITIES.index(new.severity) >= least for one in found for new in one.new) else CONFORMS


def _export(options: argparse.Namespace) -> int:
    """Print a table of the last run, or its figures."""
    from lwlint.audit.fleet import run
    from lwlint.audit.fleet.tables import ClusterRow

    if options.form is None:
        raise ConfigurationError("`lwlint fleet export`: say in which form: `--csv`, `--json` or `--prometheus`")
    store = _store(options)
    ran = run.latest(store)
    if options.form == "prometheus":
        clusters = run.rows(store, ran, ClusterRow)
        return _write(run.render_prometheus(ran, clusters, run.clauses(store, ran, clusters)), options)
    rows = run.export(store, ran, options.table)
    return _write(run.render_csv(options.table, rows) if options.form == "csv" else run.render_json(rows), options)


def _write(pieces: Iterable[str], options: argparse.Namespace) -> int:
    """Write the pieces of a text where they belong: a file appears whole, or not at all. Raises ConfigurationError as `write` does."""
    if options.output:
        from lwlint.report import write

        write(options.output, "".join(pieces))
    else:
        sys.stdout.writelines(pieces)
    return CONFORMS
