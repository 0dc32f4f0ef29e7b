"""The general check `require`: a setting of every fact of a kind must be such and such."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Optional, Union

from msgspec import Meta, field

from lwlint.checks.containers import UNKNOWN, judge_each_systemd, lacking_units, managers_of, strangers, units
from lwlint.checks.parameters import (
    CommandLine,
    FactKind,
    FactPath,
    KnownRelease,
    Regex,
    UnitSetting,
    WrittenSetting,
    attribute,
    compare,
    fact_classes,
    is_time_span,
    wrong_bounds,
    wrong_number,
    wrong_setting_value,
    wrong_value,
    wrong_wanted,
)
from lwlint.checks.report import NAMES, Wanted, attribute_of, reads_of
from lwlint.checks.systemd import drop_in, upholding
from lwlint.core.check import Check, Saw, Unknown
from lwlint.core.config_reader import Document, Mismatch, Path, near
from lwlint.core.facts import RELEASES, Fact, Facts
from lwlint.core.finding import Command, Problem, Related
from lwlint.core.harmless import quote
from lwlint.core.lazy import compile_linear, fullmatch
from lwlint.core.source import Span, Text
from lwlint.inputs.systemd.facts import LOADED, NOT_FOUND, Setting, Unit
from lwlint.inputs.systemd.settings import INFINITY, time_span

_UNITS = (Unit.kind,)


class Matcher(Document, frozen=True):
    """What a value must be; every matcher that is given must hold. `absent` means that nothing may be set at all."""

    one_of: Annotated[tuple[str, ...], Meta(description="the values that are right")] = ()
    matches: Annotated[Optional[Regex], Meta(description="an expression for the whole value")] = None
    at_least: Annotated[Optional[float], Meta(description="the least number that is right")] = None
    at_most: Annotated[Optional[float], Meta(description="the greatest number that is right")] = None
    absent: Annotated[bool, Meta(description="nothing may be set at all")] = False
    says: Annotated[str, Meta(description="what the message says must be; empty: made from the others")] = ""

    def misfits(self) -> Iterator[Mismatch]:
        """Yield what makes the matcher one that says nothing."""
        bounds = (self.matches, self.at_least, self.at_most)
        if not self.one_of and not self.absent and all(bound is None for bound in bounds):
            yield Mismatch((), "says nothing that must be; it has `one_of`, `matches`, `at_least`, `at_most` or `absent`")
        other = next((name for name in ("one_of", "matches", "at_least", "at_most") if getattr(self, name) not in ((), None)), None)
        if self.absent and other is not None:
            yield Mismatch((other,), f"what must be absent has no value: `absent` and `{other}` exclude each other")
        yield from wrong_bounds(self.at_least, self.at_most)
        for i, value in enumerate(self.one_of):
            if self.matches is not None and _is_expression(self.matches) and fullmatch(self.matches, value) is None:
                yield Mismatch(("one_of", i), f"`{value}`: does not match `{self.matches}`, so that it is never right")

    def holds(self, value: str | None, number: Callable[[str], float]) -> bool:
        """Return whether `value` (None: not set) is as it must be; `number` reads the number that it is."""
        if self.absent or value is None:
            return self.absent and value is None
        return (
            (not self.one_of or value in self.one_of)
            and (self.matches is None or fullmatch(self.matches, value) is not None)
            and (self.at_least is None or number(value) >= self.at_least)
            and (self.at_most is None or number(value) <= self.at_most)
        )

    def words(self) -> str:
        """Return what must be, for a message."""
        if self.says or self.absent:
            return self.says or "absent"
        if self.one_of:
            return _either(self.one_of)
        bounds = [f"at least `{self.at_least:g}`"] if self.at_least is not None else []
        bounds += [f"at most `{self.at_most:g}`"] if self.at_most is not None else []
        return " and ".join(bounds) or f"like `{self.matches}`"


def _is_expression(text: str) -> bool:
    try:
        compile_linear(text)
    except ValueError:  # told by its type
        return False
    return True


def _number_of(setting: str) -> Callable[[str], float]:
    """Return what reads the number that a value of the setting is: a time span of systemd's is one of seconds."""
    return _seconds if is_time_span(setting) else _number


def _seconds(value: str) -> float:
    span = time_span(value)
    return float("nan") if span is None else float("inf") if span == INFINITY else span / 1_000_000


def _number(value: str) -> float:
    """Return the number that a value is; not a number, which is neither less nor greater, where it is none."""
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _either(words: tuple[str, ...]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


_Wrong = tuple[Any, Union[Setting, Text, None]]


class Milder(Document, frozen=True):
    """Facts for which a rule has another severity than its own."""

    where: Annotated[Wanted, Meta(description="attributes of facts, and what they are")]
    severity: Annotated[Literal["error", "warning", "note"], Meta(description="the severity of findings about these")]


class Stricter(Document, frozen=True):
    """Facts that must be more than the others: those that fit `where`, and up to the release `until`, if it is given and known.

    `severity` is that of what only this asks for; `because` is said of the value. With `even_if_left_out` it counts for facts that
    `unless` leaves out too, if they set anything.
    """

    must_be: Annotated[Matcher, Meta(description="what the value must be")]
    where: Annotated[Wanted, Meta(description="attributes of facts, and what they are; all must fit")] = field(default_factory=dict)
    until: Annotated[Optional[KnownRelease], Meta(description="the last release in which it counts; it must be known then")] = None
    severity: Annotated[Optional[Literal["error", "warning", "note"]], Meta(description="instead of the rule's severity")] = None
    because: Annotated[str, Meta(description="what the message says of the value")] = ""
    even_if_left_out: Annotated[
        tuple[FactPath, ...], Meta(description="attributes of `unless` in spite of which it counts, if anything is set")
    ] = ()


class Outright(Document, frozen=True):
    """Facts that are wrong whatever the setting is: those that fit `where`. They are blamed for `setting`, and a message `says` why."""

    where: Annotated[Wanted, Meta(description="attributes of facts, and what they are; all must fit")]
    setting: Annotated[str, Meta(description="the setting that is blamed")]
    says: Annotated[str, Meta(description="what the message says of it")]


class Remedy(Document, frozen=True):
    """Facts that another remedy mends than the rule's own: those that fit `where`, by hand with `commands`, with `NAME` for the name."""

    where: Annotated[Wanted, Meta(description="attributes of facts, and what they are; all must fit")]
    remedy: Annotated[str, Meta(description="instead of the rule's remedy")]
    commands: Annotated[tuple[CommandLine, ...], Meta(description="instead of the commands that fix others; `NAME` is its name")] = ()


class Params(Document, frozen=True):
    """`each` names the kind of fact; `where` picks by attributes (`service.kind`), of which all must fit, `unless` leaves out
    what fits one of its own. `setting` is a key of its
    settings or an attribute of its own. `default` is what an absent setting means; without it, absence is no problem
    unless the matcher says so. `called` is how messages name the setting, `because` what they say of a wrong value.
    `needs` are the kinds of fact without which nothing can be said. `together` makes one problem of all facts of a host that
    have the same wrong value. `drop_in` is what a fix sets in a unit's drop-in, `commands` fix a fact
    by hand, with `NAME` for its name; `commands_unless` picks facts for which they would be wrong, `remedies` those that something else
    mends.
    """

    each: Annotated[FactKind, Meta(description="the kind of fact that is judged")]
    setting: Annotated[str, Meta(description="a setting of it (`Service.Restart`) or an attribute (`load_state`)")]
    must_be: Annotated[Matcher, Meta(description="what the value must be")]
    where: Annotated[Wanted, Meta(description="attributes, and what they must be for a fact to be judged; all must fit")] = field(
        default_factory=dict
    )
    unless: Annotated[Wanted, Meta(description="attributes, and what they are for a fact not to be judged; one is enough")] = field(
        default_factory=dict
    )
    default: Annotated[Optional[str], Meta(description="what an absent setting means; without it, absence is no problem")] = None
    called: Annotated[str, Meta(description="how the message names the setting")] = ""
    because: Annotated[Mapping[str, str], Meta(description="what the message says of a wrong value")] = field(default_factory=dict)
    milder: Annotated[tuple[Milder, ...], Meta(description="facts for which the severity is another")] = ()
    stricter: Annotated[tuple[Stricter, ...], Meta(description="facts that must be more than the others")] = ()
    outright: Annotated[tuple[Outright, ...], Meta(description="facts that are wrong whatever the setting is")] = ()
    needs: Annotated[tuple[FactKind, ...], Meta(description="the kinds of facts without which nothing can be said")] = ()
    together: Annotated[bool, Meta(description="make one problem of all facts of a host with the same wrong value")] = False
    drop_in: Annotated[Mapping[WrittenSetting, str], Meta(description="the settings that a fix puts into a drop-in of the unit")] = field(
        default_factory=dict
    )
    commands: Annotated[tuple[CommandLine, ...], Meta(description="commands that fix a fact by hand; `NAME` is its name")] = ()
    commands_unless: Annotated[Wanted, Meta(description="facts for which the commands would be wrong")] = field(default_factory=dict)
    remedies: Annotated[tuple[Remedy, ...], Meta(description="facts that something else mends; the first that fits counts")] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield attributes and settings that the kind of fact never has, and values that they never have."""
        kind = fact_classes().get(self.each)
        if kind is None:
            return  # told by the type
        for key in ("where", "unless", "commands_unless"):
            yield from wrong_wanted(kind, getattr(self, key), (key,), empty=key != "where")
        for i, milder in enumerate(self.milder):
            yield from wrong_wanted(kind, milder.where, ("milder", i, "where"))
        for i, other in enumerate(self.remedies):
            yield from wrong_wanted(kind, other.where, ("remedies", i, "where"))
        for i, stricter in enumerate(self.stricter):
            yield from wrong_wanted(kind, stricter.where, ("stricter", i, "where"))
            for j, path in enumerate(stricter.even_if_left_out):
                if path not in self.unless:
                    best = near(path, self.unless)
                    yield Mismatch(("stricter", i, "even_if_left_out", j), f"`{path}`: `unless` does not name it{best}")
        for i, outright in enumerate(self.outright):
            yield from wrong_wanted(kind, outright.where, ("outright", i, "where"))
            yield from (Mismatch(("outright", i, *wrong.path), str(wrong)) for wrong in _wrong_setting(kind, outright.setting))
        for name, value in self.drop_in.items():
            said = wrong_setting_value(name, value)
            if said is not None:
                yield Mismatch(("drop_in", name), said)
        wrong = list(_wrong_setting(kind, self.setting))
        yield from wrong or self._wrong_values(kind)

    def _wrong_values(self, kind: type) -> Iterator[Mismatch]:
        hint = None if kind is Unit and "." in self.setting else attribute(kind, self.setting)
        values: list[tuple[Path, str]] = [(("must_be", "one_of", i), value) for i, value in enumerate(self.must_be.one_of)]
        for i, stricter in enumerate(self.stricter):
            values += [(("stricter", i, "must_be", "one_of", j), value) for j, value in enumerate(stricter.must_be.one_of)]
        values += [(("default",), self.default)] if self.default is not None else []
        matchers: list[tuple[Path, Matcher]] = [(("must_be",), self.must_be)]
        matchers += [(("stricter", i, "must_be"), stricter.must_be) for i, stricter in enumerate(self.stricter)]
        for at, matcher in matchers:
            bound = next((name for name in ("at_least", "at_most") if getattr(matcher, name) is not None), None)
            said = None if bound is None else wrong_number(self.setting, hint)
            if bound is not None and said is not None:
                yield Mismatch((*at, bound), said)
        for path, value in values:
            said = wrong_setting_value(self.setting, value) if hint is None else wrong_value(hint, self.setting, _plain(hint, value))
            if said is not None:
                yield Mismatch(path, said)
        for value in self.because:
            said = wrong_setting_value(self.setting, value) if hint is None else wrong_value(hint, self.setting, _plain(hint, value))
            if said is not None:
                yield Mismatch(("because", value), said, key=True)


def _wrong_setting(kind: type, setting: str) -> Iterator[Mismatch]:
    """Yield why facts of a class have no such setting or attribute, at the key `setting`."""
    if kind is Unit and "." in setting:
        for wrong in compare(setting, UnitSetting):
            yield Mismatch(("setting",), str(wrong))
        return
    try:
        attribute(kind, setting)
    except ValueError as error:
        best = "" if "did you mean" in str(error) or kind is not Unit else near(setting, _SETTINGS)
        yield Mismatch(("setting",), f"`{setting}`: {error}{best}")


_SETTINGS = ("Service.Restart", "Service.RestartSec", "Service.TimeoutStartSec", "Service.Type", "Unit.StartLimitIntervalSec")


def _plain(hint: Any, value: str) -> Any:
    """Return text as an attribute of this type would have it: `must_be` compares the text of switches."""
    return {"True": True, "False": False}.get(value, value) if hint is bool else value


def _run_require(facts: Facts, params: Params) -> Iterator[Saw]:
    return (_judge_units if params.each in _UNITS else _judge)(facts, params)


def _judge(facts: Facts, params: Params) -> Iterator[Saw]:
    if params.each == "unit" and "service.kind" in params.where:
        yield from (Unknown(because, unit.span) for because, unit in strangers(facts))
    wrong: dict[tuple[object, ...], list[_Wrong]] = {}
    number = _number_of(params.setting)
    for fact in _each(facts, params.each):
        if not _fits(facts, fact, params.where):
            continue
        outright = next((each for each in params.outright if _fits(facts, fact, each.where)), None)
        if outright is not None and not (isinstance(fact, Unit) and managers_of(facts, fact) == UNKNOWN):
            yield _outright(facts, fact, outright, params)
            continue
        left_out = [path for path, value in params.unless.items() if _fits(facts, fact, {path: value})]
        stricter = [each for each in params.stricter if set(left_out) <= set(each.even_if_left_out) and _applies(facts, fact, each)]
        if left_out and not stricter:
            continue
        found = _find_setting(fact, params.setting)
        if found is None and isinstance(fact, Unit) and fact.load_state == NOT_FOUND:
            yield Unknown(f"the unit file of {fact.name} was not given", fact.span)
            continue
        if found is None and "." in params.setting and isinstance(fact, Unit) and fact.unsure and not fact.from_quadlet:
            yield Unknown(fact.unsure, fact.span)
            continue
        if found is not None and found.value == "unknown":
            unknown = f"what `{params.setting}` of {fact.name} is" if "." in params.setting else f"whether {fact.name} is {params.setting}"
            yield Unknown(f"nothing tells {unknown}", fact.span)
            continue
        value = found.value if found is not None else params.default
        if params.setting == "load_state" and isinstance(fact, Unit) and fact.unsure and value == LOADED:
            yield Unknown(fact.unsure, fact.span)
            continue
        more = next((each for each in stricter if found is not None and not each.must_be.holds(value, number)), None)
        if more is None and (left_out or params.must_be.holds(value, number) or (value is None and not params.must_be.absent)):
            continue
        upheld = upholding(facts, fact) if isinstance(fact, Unit) and "upheld" in params.unless else None
        if upheld is not None and upheld.is_so == "unknown":
            yield Unknown(upheld.because, fact.span)
            continue
        if "managed_by" in params.where and isinstance(fact, Unit) and managers_of(facts, fact) == UNKNOWN:
            yield Unknown(f"no CIB was given that shows whether Pacemaker runs {fact.name}", fact.span)
            continue
        if "told_by_runner" in params.unless and isinstance(fact, Unit) and fact.script:
            yield Unknown(f"nothing tells whether `{fact.script}` starts {fact.name} under uWSGI, which is ready at once", fact.span)
            continue
        if more is not None and params.must_be.holds(value, number):
            yield _stricter(fact, found, more, params)
            continue
        key = (fact.host, _folder(fact.span.path), value) if params.together else (len(wrong),)
        wrong.setdefault(key, []).append((fact, found))
    for alike in wrong.values():
        yield _problem(facts, alike, params)


_judge_units = judge_each_systemd(_judge)


def _applies(facts: Facts, fact: Fact, stricter: Stricter) -> bool:
    """Return whether a fact must be more than the others in the release that is judged by."""
    release = facts.release
    in_time = not stricter.until or (release.name is not None and RELEASES.index(release.name) <= RELEASES.index(stricter.until))
    return in_time and _fits(facts, fact, stricter.where)


def _stricter(fact: Any, found: Setting | Text | None, stricter: Stricter, params: Params) -> Problem:
    """Return the problem of a value that would do for others."""
    called = params.called or f"`{params.setting}`"
    value = "" if found is None else found.value
    because = f" ({stricter.because})" if stricter.because else ""
    message = f"{fact.name}: {called} is `{value}`{because}; it must be {stricter.must_be.words()}"
    fix = drop_in(fact, params.drop_in) if isinstance(fact, Unit) and fact.load_state == LOADED else None
    return Problem(
        _place(fact, found, params), message, f"{fact.kind} {fact.name}", _beaten(found), stricter.severity, host=fact.host, fix=fix
    )


def _outright(facts: Facts, fact: Any, outright: Outright, params: Params) -> Problem:
    """Return the problem of a fact that is wrong whatever the setting is."""
    found = _find_setting(fact, outright.setting)
    actual = f"`{outright.setting}` is `{found.value}`" if found is not None else f"`{outright.setting}` is not set"
    milder = next((m.severity for m in params.milder if _fits(facts, fact, m.where)), None)
    message = f"{fact.name}: {actual}, {outright.says}"
    return Problem(_place(fact, found, params), message, f"{fact.kind} {fact.name}", _beaten(found), milder, host=fact.host)


def _each(facts: Facts, called: str) -> Iterable[Fact]:
    return units(facts) if called in _UNITS else facts.called(called)


def _fits(facts: Facts, fact: Fact, wanted: Wanted) -> bool:
    for path, values in wanted.items():
        allowed = values if isinstance(values, tuple) else (values,)
        if path == "managed_by" and isinstance(fact, Unit):
            if managers_of(facts, fact) not in (*allowed, UNKNOWN):
                return False
        elif path == "upheld" and isinstance(fact, Unit):
            if (upholding(facts, fact).is_so == "yes") not in allowed:
                return False
        elif path == "ready_first" and isinstance(fact, Unit):
            if _ready_first(facts, fact) not in allowed:
                return False
        elif attribute_of(fact, path) not in allowed:
            return False
    return True


def _ready_first(facts: Facts, unit: Unit) -> bool:
    """Return whether the service was seen, in every release that it may be of, to tell READY=1 before its first connection."""
    seen = unit.service.ready_first if unit.service is not None else ()
    return facts.release.name in seen if facts.release.name is not None else RELEASES[-1] in seen


def _find_setting(fact: Any, setting: str) -> Setting | Text | None:
    """Return the setting of a fact by its key, else an attribute of the fact as Text in the fact's place."""
    for settings in (getattr(fact, "settings", {}), getattr(fact, "pending", {})):
        if setting in settings:
            found: Setting | Text = settings[setting]
            return found
    if "." in setting:
        return None
    value = attribute_of(fact, setting)
    if isinstance(value, Text) or value is None:
        return value
    return Text(str(value), fact.span)


def _folder(path: str) -> str:
    """Return the path of a file up to the folder of all unit files, to keep the trees of hosts without a name apart."""
    return re.sub(r"((etc|run|usr/share)/containers|etc|run|lib|usr/lib|usr/local/lib)/systemd/.*|[^/]*$", "", path)


def _problem(facts: Facts, alike: list[_Wrong], params: Params) -> Problem:
    """Return one problem for facts that have the same wrong value, at the first of them."""
    fact, found = alike[0]
    more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    called = params.called or f"`{params.setting}`"
    actual = f"not set (default `{params.default}`)" if found is None else f"`{found.value}`"
    reason = params.because.get(found.value if found is not None else str(params.default), "")
    if params.setting == "load_state" and fact.because:
        reason = fact.because
    message = f"{fact.name}{more}: {called} is {actual}{f' ({reason})' if reason else ''}; it must be {params.must_be.words()}"
    milder = next((m.severity for m in params.milder if _fits(facts, fact, m.where)), None)
    subject = f"{fact.kind} {fact.name}" if not params.together else f"{fact.kind} {params.setting}"
    related = (*_beaten(found), *(Related(_place(other, value, params), f"{other.name} too") for other, value in alike[1:]))
    fix = drop_in(fact, params.drop_in) if isinstance(fact, Unit) and not params.together and fact.load_state == LOADED else None
    mended = [other for other, _ in alike if not params.commands_unless or not _fits(facts, other, params.commands_unless)]
    remedy = next((each for each in params.remedies if _fits(facts, fact, each.where)), None)
    lines = params.commands if remedy is None else remedy.commands
    commands = tuple(Command(line.replace("NAME", quote(other.name))) for other in mended for line in lines)
    place, said = _place(fact, found, params), remedy.remedy if remedy is not None else None
    return Problem(place, message, subject, related, milder, remedy=said, host=fact.host, fix=fix, commands=commands)


def _place(fact: Any, found: Setting | Text | None, params: Params) -> Span:
    if params.setting == "load_state" and fact.because_span is not None:
        place: Span = fact.because_span
        return place
    if isinstance(found, Setting):
        return found.span if found.value else found.key.span
    own: Span = fact.span
    return own


def _beaten(found: Setting | Text | None) -> tuple[Related, ...]:
    if not isinstance(found, Setting):
        return ()
    return tuple(Related(beaten.span, f"`{beaten.key.value}={beaten.value}` is overridden") for beaten in found.beaten)


def _require_evidence(facts: Facts, params: Params) -> str | None:
    kinds = {fact.kind for fact in facts}
    missing = [kind for kind in (params.each, *params.needs) if kind not in kinds]
    wanted = params.where.get("service.kind")
    if params.each == "unit" and not missing and wanted is not None:
        return lacking_units(facts, wanted if isinstance(wanted, tuple) else (wanted,))
    return f"no {NAMES.get(missing[0], missing[0])} was given" if missing else None


CHECKS = (Check("require", _run_require, _require_evidence, Params, lambda params: reads_of(params.each)),)
