"""Reporters: what was found becomes text, JSON, SARIF, HTML and more; each format is loaded when it is used."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, TextIO

from msgspec import Struct
from msgspec.structs import replace as changed

from lwlint.core.config_reader import near_or_all
from lwlint.core.finding import ConfigurationError, Finding, Report
from lwlint.core.source import Span
from lwlint.files.cache import sha256

if TYPE_CHECKING:
    from lwlint.policy.rules import Rule


class How(Struct, frozen=True):
    """What a format may need to know of the run besides its report.

    `width` is how many cells a line of the terminal has (0: it is no terminal), `limit` how many findings are listed (None: all).
    `hook` tells that a hook asked, `fixable` which findings `lwlint fix` can fix, by fingerprint and place.
    """

    colour: bool = False
    verbose: bool = False
    fail_on: str = "warning"
    exit_code: int | None = None
    width: int = 0
    limit: int | None = None
    every: bool = False
    hook: bool = False
    fixable: frozenset[tuple[str, Span]] = frozenset()


class Output(Struct, frozen=True):
    """One `--format` argument: the format's name, and the file that it is written to (None: standard output)."""

    format: str
    path: str | None = None


Format = Callable[["Report", "Sequence[Rule]", How], str]


def _text(report: Report, rules: Sequence[Rule], how: How) -> str:
    return "".join(_text_pieces(report, how))


def _text_pieces(report: Report, how: How) -> Iterable[str]:
    from lwlint.report.text import pieces

    return pieces(
        report,
        colour=how.colour,
        verbose=how.verbose,
        width=how.width,
        limit=how.limit,
        every=how.every,
        hook=how.hook,
        fixable=how.fixable,
    )


def _json(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.json import render

    return render(report)


def _sarif(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_sarif

    return render_sarif(report, rules, exit_code=how.exit_code)


def _junit(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_junit

    return render_junit(report, rules, fail_on=how.fail_on)


def _github(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_github

    return render_github(report, rules)


def _github_summary(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import step_summary

    return step_summary(report, rules)


def _gitlab(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_gitlab

    return render_gitlab(report, rules)


def _checkstyle(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_checkstyle

    return render_checkstyle(report, rules)


def _markdown(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_markdown

    return render_markdown(report, rules)


def _csv(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_csv

    return render_csv(report, rules)


def _github_review(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_github_review

    return render_github_review(report, rules)


def _gerrit(report: Report, rules: Sequence[Rule], how: How) -> str:
    from lwlint.report.ci import render_gerrit

    return render_gerrit(report, rules)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "text": _text,
        "json": _json,
        "sarif": _sarif,
        "junit": _junit,
        "github": _github,
        "github-summary": _github_summary,
        "github-review": _github_review,
        "gerrit": _gerrit,
        "gitlab": _gitlab,
        "checkstyle": _checkstyle,
        "markdown": _markdown,
        "csv": _csv,
    }
)


def outputs(arguments: Sequence[str]) -> tuple[Output, ...]:
    """Return what the `--format` arguments ask for; without any, `text` on standard output.

    Raises ConfigurationError for an unknown format, a file in no folder or that is one, a file named twice, and
    two formats for the standard output. Nothing is written yet.
    """
    asked = tuple(_output(argument) for argument in arguments) or (Output("text"),)
    seen: dict[str | None, str] = {}
    for argument, output in zip(arguments, asked):
        target = None if output.path is None else os.path.realpath(output.path)
        if target in seen:
            where = "the standard output" if output.path is None else f"`{output.path}`"
            raise ConfigurationError(f"`--format {argument}`: {where} is already taken by `--format {seen[target]}`")
        seen[target] = argument
    return asked


def _output(argument: str) -> Output:
    name, equals, path = argument.partition("=")
    if name not in FORMATS:
        raise ConfigurationError(f"`{name}`: unknown format{near_or_all(name, FORMATS)}")
    if not equals or path == "-":
        return Output(name)
    if not path:
        raise ConfigurationError(f"`--format {argument}`: names no file")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise ConfigurationError(f"`--format {argument}`: no such folder: `{folder}`")
    if os.path.isdir(path):
        raise ConfigurationError(f"`--format {argument}`: `{path}` is a folder")
    return Output(name, path)


def _pieces(output: Output, report: Report, rules: Sequence[Rule], how: How) -> Iterable[str]:
    """Return the report in a format, piece by piece where it can be long."""
    if output.format == "text":
        return _text_pieces(report, how)
    if output.format == "json":
        from lwlint.report.json import pieces as of_json

        return of_json(report)
    if output.format == "sarif":
        from lwlint.report.ci import sarif_pieces

        return sarif_pieces(report, rules, exit_code=how.exit_code)
    return (FORMATS[output.format](report, rules, how),)


MOST_ALIKE = 1000  # findings of one rule in one file that a report lists


def limit_alike(report: Report) -> Report:
    """Return the report with at most `MOST_ALIKE` findings of one rule in one file; one more, as severe, says how many are left out."""
    if len(report.findings) <= MOST_ALIKE:
        return report
    seen: Counter[tuple[str, str, str, bool]] = Counter()
    findings: list[Finding] = []
    more: dict[tuple[str, str, str, bool], int] = {}
    for found in report.findings:
        key = (found.span.path, found.rule, found.severity, found.allowed is None)
        seen[key] += 1
        if seen[key] <= MOST_ALIKE + 1:
            more[key] = len(findings)
            findings.append(found)
    unlisted: Counter[tuple[str, str]] = Counter()
    for key, at in more.items():
        left_out = seen[key] - MOST_ALIKE
        if left_out > 1:
            findings[at] = _make_counted(findings[at], left_out)
            unlisted[findings[at].code, key[2] if key[3] else "allowed"] += left_out - 1
    return changed(report, findings=tuple(findings), unlisted=unlisted)


def _make_counted(finding: Finding, count: int) -> Finding:
    """Return a finding that stands for `count` of its rule in its file, at the place of the first of them."""
    identity = "\0".join((finding.code, finding.span.path, "more"))
    return changed(
        finding,
        message=f"{count} more findings of this rule in this file are counted, not listed",
        fingerprint=sha256(identity.encode("utf-8", "surrogatepass"))[:20],
        subject="",
        related=(),
        fix=None,
        commands=(),
    )


def deliver(
    asked: Sequence[Output], report: Report, rules: Sequence[Rule], how: How, kept: Iterable[str] = (), *, out: TextIO | None = None
) -> str:
    """Write the report to the files that are asked for, and return what goes to standard output (may be nothing), or write it to `out`.

    Raises ConfigurationError for a file that cannot be written and, before any is, for a link and for a file that was read for this run:
    a source of the report, or one that is to be `kept`.
    """
    kept = (*report.sources, *kept)
    for output in asked:
        if output.path is None:
            continue
        from lwlint.files.atomic import refusal

        why = refusal(output.path, kept)
        if os.path.relpath(output.path).replace(os.sep, "/") in report.sources:
            why = "is a file that was judged, and is not overwritten"
        if why:
            raise ConfigurationError(f"`--format {output.format}={output.path}`: {why}")
    printed = ""
    report = limit_alike(report)
    for output in asked:
        if output.path is None and out is not None:
            out.writelines(_pieces(output, report, rules, how))
        elif output.path is None:
            printed = FORMATS[output.format](report, rules, how)
        else:
            plain = changed(how, colour=False, width=0)  # both are for the terminal, and a file is none
            write(output.path, "".join(_pieces(output, report, rules, plain)))
    return printed


def write(path: str, text: str, kept: Iterable[str] = ()) -> None:
    """Write `text` to the file as UTF-8: wholly or, where that fails, not at all; its mode is kept.

    Raises ConfigurationError if that is not possible, for a link, and for a file that is to be `kept`.
    """
    from lwlint.files.atomic import refusal, replace
    from lwlint.report.fixes import encodable

    why = refusal(path, kept)
    if why:
        raise ConfigurationError(f"`{path}`: {why}")
    data = encodable(text).encode("utf-8")
    try:
        if path.startswith(("/dev/fd/", "/dev/std")) or (os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode)):
            with _open(path) as device:  # /dev/stderr, a pipe, what the shell has for `>(...)`: nothing to replace
                device.write(data)
            return
        replace(path, data)
    except OSError as error:
        raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror or error})") from error


_PATIENCE = 10.0  # seconds in which a program must begin to read from a pipe that has a name


def _open(path: str) -> BinaryIO:
    """Return what is no regular file, opened to write behind what is there. Raises OSError, also for a pipe that nobody reads from."""
    if path.startswith(("/dev/fd/", "/dev/std")) or not stat.S_ISFIFO(os.stat(path).st_mode):
        return open(path, "ab")
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ENXIO, "a pipe that no program reads from") from None
            time.sleep(0.05)
            continue
        os.set_blocking(handle, True)
        return os.fdopen(handle, "wb")


def write_folder(folder: str, texts: Mapping[str, str], kept: Iterable[str] = ()) -> None:
    """Write the texts to files of these names in the folder. One that is not there appears with all of them, or not at all.

    Raises ConfigurationError if that is not possible, for a link, and for a file that is to be `kept`.
    """
    from lwlint.files.atomic import appear, refusal
    from lwlint.report.fixes import encodable

    kept = tuple(kept)
    for path in (folder, *(os.path.join(folder, name) for name in texts)):
        why = refusal(path.rstrip("/") or path, kept)
        if why:
            raise ConfigurationError(f"`{path}`: {why}")
    if os.path.isdir(folder):
        for name, text in texts.items():
            write(os.path.join(folder, name), text)
        return
    try:
        appear(folder, {name: encodable(text).encode("utf-8") for name, text in texts.items()})
    except OSError as error:
        raise ConfigurationError(f"`{folder}`: cannot be written ({error.strerror or error})") from error
