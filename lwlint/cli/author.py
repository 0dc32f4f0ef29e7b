"""The commands of those who write exceptions and rules: `lwlint allow`, `new-rule` and `test`."""

from __future__ import annotations

import datetime
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lwlint.core.config_reader import Mismatch, near
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import count_of, line, tame
from lwlint.files import atomic
from lwlint.files.gitignore import covers, useless
from lwlint.files.tree import CONFIGURATION, around, read_bounded
from lwlint.policy.location import NAME, SHARED, nearest, show_path
from lwlint.policy.round_trip import with_exception, with_finds
from lwlint.policy.settings import configure, layer, load, position, until_of
from lwlint.run import Request, check, load_rules
from lwlint.run.engine import Costs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lwlint.policy.rules import Rule
    from lwlint.policy.settings import Layer, Settings
    from lwlint.report.explain import Reached
    from lwlint.run.examples import Outcome, Tracer

CONFORMS, FINDINGS = 0, 1
_GLOB = "*?["


def allow(options: argparse.Namespace) -> int:
    """`lwlint allow`: write an exception into the configuration, or show it as a diff."""
    path = options.config or nearest() or NAME
    if os.path.basename(path) in SHARED:
        raise ConfigurationError(
            f"`{show_path(path)}`: holds the configuration, and only YAML is edited; write the exception there by hand"
        )
    there = os.path.lexists(path)
    if options.config and not there:
        raise ConfigurationError(f"`{path}`: no such file")
    settings = load(path) if there else None
    rules = load_rules(settings.rule_directories if settings is not None else (), examples=False)
    if settings is not None:
        configure(rules, settings)  # raises for a configuration that no run would take
    rule = _rule(options.rule, rules)
    if not options.because.strip():
        raise ConfigurationError("`--because`: an exception needs a reason")
    folder = os.path.dirname(show_path(path)) or "."
    place = _place(options.place, folder, rule, rules, settings)
    entry: dict[str, Any] = {"rule": options.rule, **place, "because": options.because}
    if options.until is not None:
        entry["until"] = _day(options.until)
    for value in (options.because, *place.values()):
        if not _is_utf8(value):
            raise ConfigurationError(f"`{value}`: is not UTF-8, as a configuration is; in a pattern `?` stands for any character")
    text = _text(path) if there else ""
    if there:
        _refuse_twice(entry, rule, layer(text, show_path(path), folder))
    changed = with_exception(text, show_path(path), entry)
    layer(changed, show_path(path), folder)  # raises for an entry that would not be read
    if options.diff:
        from lwlint.report.fixes import name_in_diff, write_diff

        name = name_in_diff((show_path(path),))[show_path(path)]
        sys.stdout.write(write_diff(name, text.encode("utf-8") if there else None, changed.encode("utf-8")))
        return CONFORMS
    try:
        atomic.edit(os.path.realpath(path), text.encode("utf-8") if there else None, changed.encode("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"`{show_path(path)}`: cannot be written ({error.strerror})") from error
    covers = f"`{place['fact']}` in `{place['path']}`" if "fact" in place else f"`{place['path']}`"
    print(f"{show_path(path)}: {rule.code} {rule.id} is allowed for {covers}")
    return CONFORMS


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _rule(name: str, rules: Sequence[Rule]) -> Rule:
    for rule in rules:
        if name in (rule.id, rule.code):
            return rule
    known = [word for rule in rules for word in (rule.id, rule.code)]
    raise ConfigurationError(f"`{name}`: unknown rule{near(name, known)}")


def _day(text: str) -> datetime.date:
    try:
        day = until_of(text)
    except Mismatch as mismatch:
        raise ConfigurationError(f"`--until`: {mismatch}") from None
    assert day is not None
    if day < datetime.date.today():
        raise ConfigurationError(f"`--until`: `{text}` is past; the exception would have no effect")
    return day


def _place(place: str, folder: str, rule: Rule, rules: Sequence[Rule], settings: Settings | None) -> Mapping[str, str]:
    """Return `path`, and `fact` where a line is named, of an exception in a configuration that lies in `folder`."""
    if os.path.lexists(place):
        return {"path": _pattern(place, folder)}
    path, at = _locate(place)
    if at:
        return {"path": _pattern(path, folder), "fact": _fact(path, at, rule, rules, folder, settings)}
    if any(character in place for character in _GLOB):
        below = os.path.relpath(".", folder).replace(os.sep, "/")
        steps = [] if below == "." else [_escape(below)] if "/" in place.rstrip("/") else [_escape(below), "**"]
        pattern = "/".join([*steps, place.lstrip("/") if steps else place])
        why = "lies outside the folder of the configuration" if below.startswith("..") else useless(pattern)
        if place.startswith("!"):
            why = "takes back what a pattern before it covers, and there is none"
        if why:
            raise ConfigurationError(f"`{place}`: {why}")
        return {"path": pattern}
    raise ConfigurationError(f"`{place}`: no such file or folder; a pattern has one of `*`, `?` and `[` in it")


def _locate(place: str) -> tuple[str, tuple[int, ...]]:
    """Return the file of `FILE:LINE` or `FILE:LINE:COLUMN`, as reports have it, with the numbers; none where it is no such place."""
    path = place
    at: tuple[int, ...] = ()
    while len(at) < 2:
        path, colon, number = path.rpartition(":")
        if not colon or not (number.isascii() and number.isdecimal()):
            break
        at = (int(number), *at)
        if os.path.isfile(path):
            return path, at
    return place, ()


def _pattern(path: str, folder: str) -> str:
    """Return the pattern, from `folder`, that covers this path alone, and what is below it."""
    below = os.path.relpath(path, folder).replace(os.sep, "/")
    if below == ".." or below.startswith("../"):
        raise ConfigurationError(f"`{path}`: lies outside `{folder}`, the folder of the configuration")
    if below == ".":
        return "*"
    pattern = _escape(below) + ("/" if os.path.isdir(path) else "")
    return pattern if "/" in pattern.rstrip("/") else f"/{pattern}"


def _escape(path: str) -> str:
    """Return a path as a pattern in which no character stands for another."""
    path = "".join(f"\\{character}" if character in "\\*?[" else character for character in path)
    trailing = len(path) - len(path.rstrip(" \t"))
    return path[: len(path) - trailing] + "".join(f"\\{blank}" for blank in path[len(path) - trailing :])


def _fact(path: str, at: tuple[int, ...], rule: Rule, rules: Sequence[Rule], folder: str, settings: Settings | None) -> str:
    """Return what `rule` finds something of at a line, or at a line and column.

    The file is judged by itself, then with all that is in `folder`.
    """
    known = os.path.relpath(path)
    others: set[tuple[int, ...]] = set()
    is_unnamed = False
    for paths in ((known,), (folder,)):
        request = Request(paths=paths, release=settings.release if settings is not None else "auto", gitignore=True)
        report = check(request, [one for one in rules if one.id == rule.id])
        for finding in report.findings:
            if finding.rule != rule.id or os.path.normpath(finding.span.path) != os.path.normpath(known):
                continue
            found = report.sources[finding.span.path].position(finding.span.start)[: len(at)]
            if found == at and finding.subject:
                return "".join(f"[{character}]" if character in _GLOB else character for character in finding.subject)
            if found == at:
                is_unnamed = True
            else:
                others.add(found)
    if is_unnamed:
        raise ConfigurationError(
            f"`{path}:{_position(at)}`: what {rule.code} finds there has no name that an exception could give; name the file alone"
        )
    near_by = f"; it finds something on line {', '.join(map(_position, sorted(others)))}" if others else ""
    raise ConfigurationError(f"`{path}:{_position(at)}`: {rule.code} finds nothing there{near_by}")


def _position(at: tuple[int, ...]) -> str:
    return ":".join(map(str, at))


def _refuse_twice(entry: Mapping[str, Any], rule: Rule, known: Layer) -> None:
    for i, other in enumerate(known.file.allow or ()):
        if other.rule not in (rule.id, rule.code):
            continue
        same = (other.path, other.fact) == (entry["path"], entry.get("fact"))
        plain = not any(character in entry["path"].replace("\\", "") for character in _GLOB)
        wider = other.fact is None and other.path is not None and plain and covers((other.path,), entry["path"].strip("/"))
        if same or wider:
            line, column = position(known, ("allow", i))
            until = until_of(other.until)
            held = f", until {until.isoformat()}; change the date there" if until is not None else ""
            raise ConfigurationError(f"{known.name}:{line}:{column}: this exception is there already{held}")


def _text(path: str) -> str:
    try:
        return read_bounded(path, CONFIGURATION).decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"`{show_path(path)}`: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{show_path(path)}`: is not UTF-8") from error


def new_rule(options: argparse.Namespace) -> int:
    """`lwlint new-rule`: print a rule with examples, or write it into the folder that is named."""
    from lwlint.policy.rules import load_folder
    from lwlint.report.starters import skeleton

    if options.folder is None:
        sys.stdout.write(skeleton(options.id, options.area))
        return CONFORMS
    folder = _folder(options.folder)
    path = folder / f"{options.id}.yaml"
    why = atomic.refusal(str(path))
    if os.path.exists(path) or why:
        raise ConfigurationError(f"`{path}`: {why or 'exists already'}")
    if options.id in {rule.id for rule in load_rules()}:
        raise ConfigurationError(f"`{options.id}`: is a rule of lwlint's own; choose another name")
    beside = load_folder(folder, options.folder.rstrip("/")) if any(folder.rglob("*.yaml")) else ()
    text = skeleton(options.id, options.area, beside)
    try:
        atomic.replace(str(path), text.encode())
    except OSError as error:
        raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror})") from error
    print(f"{path} written; `lwlint test {options.folder}` runs its examples")
    return CONFORMS


def test(options: argparse.Namespace) -> int:
    """`lwlint test`: run the examples of the rules in a folder, and say which do not hold and, if asked, what they reach."""
    from lwlint.policy.rules import load_folder, own_folder

    own = load_rules()
    costs = Costs(time.process_time if options.timing else None)
    outcomes: list[Outcome] = []
    reached: list[Reached] = []
    for rule in (
        own
        if options.folder is None
        else load_folder(_folder(options.folder), options.folder.rstrip("/"), within=around((options.folder,)))
    ):
        others = tuple(r for r in own if r.id != rule.id) if rule.check == "allow-without-effect" else ()
        found, ways = _run(rule, others, options.coverage, costs)
        outcomes += found
        reached += ways
    if options.update:
        outcomes = _update(outcomes, Path(own_folder()) if options.folder is None else _folder(options.folder))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        _show(outcome)
    if options.coverage:
        from lwlint.report.explain import render_reached

        sys.stdout.write(tame(render_reached(reached)) + "\n")
    if options.timing:
        from lwlint.report.text import render_costs as spent

        sys.stderr.write(tame(spent(costs, time.process_time())))
    held = len(outcomes) - len(failed)
    print(f"{count_of(held, 'example')} hold{'s' if held == 1 else ''}, {len(failed)} {'does' if len(failed) == 1 else 'do'} not")
    return FINDINGS if failed else CONFORMS


def _update(outcomes: list[Outcome], folder: Path) -> list[Outcome]:
    """Write what bad examples find into their rules; return the outcomes, in which these hold now."""
    wrong = [one for one in outcomes if not one.passed and not one.broken and one.example.bad is not None and one.found]
    changed: dict[Path, tuple[bytes, str]] = {}
    paths = {path.stem: path for path in sorted(folder.rglob("*.yaml"))}
    for rule in {one.rule.id: one.rule for one in wrong}.values():
        path = paths[rule.id]
        finds = {i: one.found for i, example in enumerate(rule.examples) for one in wrong if one.example is example}
        before = path.read_bytes()
        changed[path] = before, with_finds(before.decode("utf-8"), str(path), finds)
    for path, (before, text) in changed.items():
        try:
            atomic.edit(os.path.realpath(path), before, text.encode("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror})") from error
        print(f"{path} updated")
    return [replace(one, expected=one.found) if one in wrong else one for one in outcomes]


def _run(rule: Rule, others: tuple[Rule, ...], coverage: bool, costs: Costs) -> tuple[list[Outcome], list[Reached]]:
    """Return what became of the examples of a rule and, if `coverage` is asked for, what they reach of its check."""
    from lwlint.run.examples import run_example

    if not coverage:
        return [run_example(rule, example, others, costs=costs) for example in rule.examples], []
    from lwlint.report.explain import Reached
    from lwlint.run.examples import Branch, tracer, way

    through = way(rule.bound)
    outcomes, taken = [], []
    for example in rule.examples:
        branches: set[Branch] = set()
        outcomes.append(run_example(rule, example, others, _trace(tracer(through, branches)), costs))
        taken.append((example, branches))
    return outcomes, [Reached(rule, through, tuple(taken))]


@contextmanager
def _trace(trace: Tracer) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _show(outcome: Outcome) -> None:
    print(line(f"{outcome.rule.code} {outcome.rule.id}: {outcome.example.title}"))
    for mark, lines in (("- ", outcome.expected), ("+ ", outcome.found)):
        for each in lines:
            print(f"  {mark}{line(each)}")
    if outcome.broken:
        print(f"  broken: {line(outcome.broken)}")


def _folder(name: str) -> Path:
    if not os.path.isdir(name):
        raise ConfigurationError(f"`{name}`: no such folder")
    return Path(name)
