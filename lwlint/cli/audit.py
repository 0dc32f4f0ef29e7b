"""`lwlint audit`: reports of hosts, archives of them, and file systems, judged cluster by cluster."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

from lwlint.audit import audit as run
from lwlint.audit.answer import Audit
from lwlint.audit.targets import ask, targets
from lwlint.cli import NOT_TRUSTED, RULE_BROKEN
from lwlint.cli.arguments import schemas_of, split
from lwlint.core.finding import BROKEN, NOT_EVALUATED, ConfigurationError
from lwlint.core.harmless import safe, tame
from lwlint.policy.rules import Clause, Rule, load_clauses
from lwlint.report import audit as audit_report
from lwlint.report import write_folder
from lwlint.run import AUTO, load_rules, read_release

if TYPE_CHECKING:
    import argparse

    from lwlint.audit.anonymous import Anonymous
    from lwlint.report.audit import AuditOutput


ERASED = "\r\033[K"  # the line that was drawn is empty again


def draws(out: TextIO) -> bool:
    """Return whether a picture can be drawn there and be taken away again."""
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def duration(seconds: float) -> str:
    """Return some seconds as a person says them: `12 s`, `3 min 4 s`."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def bar(share: float, width: int) -> str:
    """Return a bar of so many cells of which a share (0 to 1) is filled, in brackets."""
    return f"[{'#' * round(width * share):<{width}}]"


_EVERY = 0.1  # seconds between two pictures
_FIRST = 0.3  # seconds without any: what is done so soon needs none
_MEASURED = 0.8  # seconds that tell how long the rest takes
_ROWS = 8  # archives that are shown at a time


class _Archive(Struct):
    """How far one archive is: bytes read, bytes in all, members seen."""

    size: int
    read: int = 0
    seen: int = 0


class Progress:
    """Shows on `out`, if that is a terminal, what `tell` is told; as a context it takes the picture away at its end."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._shows = draws(out)
        self._start = self._last = clock()
        self._rows = 0
        self._archives: dict[str, _Archive] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._rows:
            self._out.write(self._up())
            self._out.flush()

    def tell(self, path: str, read: int, size: int, seen: int) -> None:
        """Note how far an archive is; one of which no byte is read yet counts for the time that is left."""
        archive = self._archives.setdefault(path, _Archive(size))
        archive.read, archive.seen = read, max(seen, archive.seen)
        now = self._clock()
        if self._shows and now - self._last >= _EVERY and now - self._start >= _FIRST:
            self._last = now
            lines = self.lines(_width(self._out))
            self._out.write(self._up() + "".join(f"{line}\n" for line in lines))
            self._out.flush()
            self._rows = len(lines)

    def _up(self) -> str:
        return f"\r\033[{self._rows}A\033[J" if self._rows else ""

    def lines(self, width: int) -> list[str]:
        """Return a line for each archive that is being read and one for all of them, none longer than `width`."""
        reading = [(path, one) for path, one in self._archives.items() if 0 < one.read < one.size]
        shown = [_line(path, one, width) for path, one in reading[:_ROWS]]
        return [*shown, self._total()[:width]]

    def _total(self) -> str:
        archives = self._archives.values()
        size, read = sum(one.size for one in archives), sum(min(one.read, one.size) for one in archives)
        done = sum(one.read >= one.size for one in archives)
        seen = sum(one.seen for one in archives)
        words = f"{done} of {len(archives)} archives, {_megabytes(read)} of {_megabytes(size)} MB, {_files(seen)}"
        taken = self._clock() - self._start
        if read and taken >= _MEASURED and size > read:
            words += f", {duration(taken * (size - read) / read)} left"
        return words


def _line(path: str, archive: _Archive, width: int) -> str:
    figures = f"{_megabytes(archive.read)} of {_megabytes(archive.size)} MB, {100 * archive.read // archive.size} %, {_files(archive.seen)}"
    name = "".join(c if c.isascii() and c.isprintable() else "?" for c in os.path.basename(path))
    most = max(8, width - len(figures) - 2)
    name = name if len(name) <= most else name[: most - 3] + "..."
    return f"{name}: {figures}"[:width]


def _files(count: int) -> str:
    return f"{count:,} file" + ("s" if count != 1 else "")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}" if count < 10_000_000 else f"{count // 1_000_000:,}"


def _width(out: TextIO) -> int:
    """Return how many columns a line may have without being broken."""
    try:
        return max(20, (os.get_terminal_size(out.fileno()).columns or 80) - 1)
    except (OSError, ValueError):
        return 79


CONFORMS, FINDINGS = 0, 1


def audit(options: argparse.Namespace) -> int:
    """Judge the targets, print the answer, and return the exit code."""
    release = read_release(options.release or AUTO)
    roots = roots_of(options, "nothing to audit: name a report, an archive, a folder or a CIB, or `--live`")
    if options.jobs is not None and options.jobs < 1:
        raise ConfigurationError(f"`-j {options.jobs}`: must be 1 or more")
    if options.output and os.path.exists(options.output) and not os.path.isdir(options.output):
        raise ConfigurationError(f"`--output {options.output}`: is not a folder")
    rules = load_rules(options.rules, split(options.select), split(options.ignore), examples=False)
    anonymous = _anonymous(rules) if options.anonymize else None
    asked = ask() if may_run(options) else None
    old = _earlier(options.against) if options.against else None
    with Progress(sys.stderr) as progress:
        found = targets(options.targets, roots, progress.tell, options.jobs, asked, trusted=options.trust)
        answer = run(found, rules, release, anonymous, schemas_of(options))
    _deliver(answer, options)
    if old is not None:
        (sys.stdout if options.format in ("text", "ticket") else sys.stderr).write(audit_report.render_compared(answer, old))
    return _exit_code(answer, options)


def _earlier(path: str) -> AuditOutput:
    """Return the earlier answer in a file. Raises ConfigurationError for a file that holds none."""
    from msgspec import DecodeError, ValidationError, json

    from lwlint.files.tree import BASELINE, read_bounded

    try:
        return json.decode(read_bounded(path, BASELINE), type=audit_report.AuditOutput)
    except OSError as error:
        raise ConfigurationError(f"`--against {path}`: cannot be read ({error.strerror})") from error
    except (DecodeError, ValidationError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"`--against {path}`: is not the output of `lwlint audit --format json` ({error})") from error


def roots_of(options: argparse.Namespace, nothing: str) -> list[str]:
    """Return the file systems of hosts that are named; raise ConfigurationError saying `nothing` if there is no other target either."""
    roots = [*options.root, *(["/"] if options.live else [])]
    if not options.targets and not roots:
        raise ConfigurationError(nothing)
    return roots


def may_run(options: argparse.Namespace) -> bool:
    """Return whether commands may be run: only of the machine that lwlint runs on, and only where that is asked for."""
    if options.run and (options.targets or options.root or not options.live):
        raise ConfigurationError("`--run` goes with `--live`, and with no other target")
    return bool(options.run)


def _anonymous(rules: Sequence[Rule]) -> Anonymous:
    from lwlint.audit.anonymous import Anonymous

    return Anonymous(rules)


def _deliver(answer: Audit, options: argparse.Namespace) -> None:
    clauses = load_clauses()
    if options.output:
        texts = {
            "audit.txt": audit_report.render_text(answer, clauses, verbose=options.verbose),
            "audit.json": audit_report.render_json(answer, clauses),
            "audit.html": _page(answer, clauses),
        }
        write_folder(options.output, texts, [target.path for target in answer.targets])
        print(audit_report.summary(answer))
    elif options.format == "json":
        sys.stdout.write(audit_report.render_json(answer, clauses))
    elif options.format == "ticket":
        sys.stdout.write(audit_report.render_ticket(answer))
    elif options.format == "html":
        sys.stdout.write(_page(answer, clauses))
    else:
        sys.stdout.write(audit_report.render_text(answer, clauses, verbose=options.verbose))


def _page(answer: Audit, clauses: Sequence[Clause]) -> str:
    from lwlint.report.html import page

    return page.render(answer, clauses)


def is_whole(answer: Audit, *, debug: bool) -> bool:
    """Return whether no defect of lwlint keeps anything from the answer; say on standard error which does."""
    for text in answer.tracebacks if debug else ():
        print(tame(text), file=sys.stderr)
    if answer.count(BROKEN):
        print(RULE_BROKEN, file=sys.stderr)
        return False
    for path in answer.unread:
        print(safe(f"lwlint: `{path}`: cannot be read, by a defect of lwlint; the rest is judged (`--debug` shows where)"), file=sys.stderr)
    return not answer.unread


def nothing_in(path: str, troubles: Sequence[str]) -> str:
    """Return what is said of a target that no host is in."""
    return safe(f"`{path}`: nothing to judge in it" + (f": {troubles[0]}" if troubles else ""))


def _exit_code(answer: Audit, options: argparse.Namespace) -> int:
    whole = is_whole(answer, debug=options.debug)
    if answer.count(BROKEN):
        return NOT_TRUSTED
    for target in answer.targets:
        if not target.hosts:
            print(f"lwlint: {nothing_in(target.path, target.troubles)}", file=sys.stderr)
    if answer.empty or not whole:
        return NOT_TRUSTED
    if not answer.judged:
        print("lwlint: nothing to judge: there is no CIB, systemd unit or option file in what was given", file=sys.stderr)
        if options.live and not options.run:
            print("lwlint: `--live --run` asks `cibadmin` and `systemctl` too; as root, more can be read", file=sys.stderr)
        return NOT_TRUSTED
    if answer.failing(options.fail_on) or (options.strict and answer.count(NOT_EVALUATED)):
        return FINDINGS
    return CONFORMS
