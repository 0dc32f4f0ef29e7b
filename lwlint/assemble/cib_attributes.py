"""What the attribute sets of a CIB come to: order by score, references, rules, defaults.

After lib/pengine/rules.c and complex.c of Pacemaker 2.1.5.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from lwlint.facts.pacemaker import score
from lwlint.parse.cib import Element
from lwlint.record import dataclass, field
from lwlint.source import Text

META, INSTANCE, PROPERTIES = "meta_attributes", "instance_attributes", "cluster_property_set"
# A CIB that does not tell its own time is judged as of this day, so that the same input gives the same answer.
TODAY = datetime(2026, 1, 1, tzinfo=timezone.utc)
_DATE = re.compile(
    r"\s*(?P<year>\d{4})-?(?:(?P<month>\d\d)(?:-?(?P<day>\d\d))?|W(?P<week>\d\d)-?(?P<weekday>\d)|(?P<ordinal>\d{3}))"
    r"(?:[T ]\s*(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d))?)?\s*(?P<zone>Z|[+-]\d\d:?\d\d)?\s*$"
)
_RULE_DEPTH = 32  # a rule may refer to one that it lies in
# the first that a unit begins with counts, in microseconds; a number without one is seconds
_UNITS_OF_INTERVALS = (("ms", 1000), ("us", 1), ("s", 10**6), ("m", 60 * 10**6), ("h", 3600 * 10**6), ("$", 10**6))
_INTERVAL = re.compile(r"[ \t\n\v\f\r]*(?P<number>\d{0,18})[\d.]*[ \t\n\v\f\r]*(?P<unit>[A-Za-z]+|$)", re.ASCII)
_DURATION = re.compile(
    r"P(?:(?P<years>\d{1,9})Y)?(?:(?P<months>\d{1,9})M)?(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?\s*$",
    re.ASCII,
)
_UNITS = {"weeks": 7 * 86400, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


@dataclass(frozen=True)
class Context:
    """What a rule is judged by: the time, and the agent or the operation that it is asked for."""

    now: datetime = TODAY
    agent: tuple[str | None, str | None, str | None] | None = None
    operation: tuple[str, str] | None = None


@dataclass
class Reader:
    """Reads the attribute sets of one CIB. `ids` finds the target of an `id-ref`."""

    root: Element
    now: datetime = TODAY
    _ids: dict[tuple[str, str], Element] = field(default_factory=dict)

    def target(self, element: Element) -> Element | None:
        """Return the element that `element` refers to by `id-ref`, itself if it refers to none, None if there is no such element."""
        reference = element.get("id-ref")
        if reference is None:
            return element
        if not self._ids:
            for each in self.root.walk():
                if "id" in each.attributes:
                    self._ids.setdefault((each.tag, each.attributes["id"]), each)
        return self._ids.get((element.tag, reference))

    def fill(self, found: dict[str, Text], parents: Iterable[Element], tag: str, context: Context, first: str = "") -> dict[str, Text]:
        """Add to `found` what the sets `tag` of `parents` (parts of one element) give; a value that is there stays.

        Sets go by score; of equal ones the last in the file comes first, and the set with the id `first` before all.
        """
        sets = []
        for parent in parents:
            for each in parent.all(tag):
                target = self.target(each)
                if target is not None:
                    sets.append(target)
        sets.reverse()
        sets.sort(key=lambda each: (each.get("id") != first, -score(each.get("score"))))
        for each in sets:
            if self.in_force(each, context):
                self._fill_from(found, each)
        return found

    def _fill_from(self, found: dict[str, Text], block: Element) -> None:
        inner = block.first("attributes")  # schema 0.6, still read
        for pair in (inner or block).all("nvpair"):
            target = self.target(pair)
            name = pair.get("name") or (target.get("name") if target else None)
            value = pair.text("value") or (target.text("value") if target else None)
            if name is None or value is None:
                continue
            if value.value.lower() == "#default":
                found.pop(name, None)
            else:
                found.setdefault(name, value)

    def in_force(self, block: Element, context: Context) -> bool:
        """Return whether one of the rules of `block` holds, or there is none."""
        rules = list(block.all("rule"))
        return not rules or any(self.holds(rule, context) for rule in rules)

    def holds(self, rule: Element, context: Context, depth: int = 0) -> bool:
        """Return whether `rule` holds wherever the resource may run; what hangs on a node, a role or the hour does not."""
        target = self.target(rule)
        if target is None or depth > _RULE_DEPTH:
            return False
        answers = [self._expression_holds(each, context, depth + 1) for each in target.children]
        return any(answers) if (target.get("boolean-op") or "").lower() == "or" else all(answers)

    def _expression_holds(self, expression: Element, context: Context, depth: int) -> bool:
        if expression.tag == "rule":
            return self.holds(expression, context, depth)
        if expression.tag == "date_expression":
            return date_holds(expression, context.now)
        if expression.tag == "rsc_expression" and context.agent is not None:
            wanted = [expression.get(name) for name in ("class", "provider", "type")]
            return all(want is None or want == have for want, have in zip(wanted, context.agent))
        if expression.tag == "op_expression" and context.operation is not None:
            name, interval = context.operation
            return expression.get("name") == name and milliseconds(expression.get("interval")) in (None, milliseconds(interval))
        return False


def milliseconds(interval: str | None) -> int | None:
    """Return an interval (`10`, `10s`, `200ms`, `2 min`, `PT1M30S`) in milliseconds; None for none and for what is no interval.

    After `crm_parse_interval_spec`: of a word after the number only the beginning counts (`10 seconds`, `1hr`), a fraction is cut off.
    """
    text = interval or ""
    if text.startswith("P"):
        return _duration(text)
    match = _INTERVAL.match(text)
    if match is None:
        return None
    word = match.group("unit").lower() or "$"
    unit = next((micro for start, micro in _UNITS_OF_INTERVALS if word.startswith(start)), None)
    return None if unit is None else int(match.group("number") or "0") * unit // 1000


def _duration(text: str) -> int | None:
    """Return an ISO 8601 duration in milliseconds; of whole days and years Pacemaker leaves out the first."""
    match = _DURATION.match(text)
    if match is None:
        return None
    part = {name: int(number or "0") for name, number in match.groupdict().items()}
    days = part["days"] + 7 * part["weeks"] - 1
    total = sum(366 if isleap(year) else 365 for year in range(1, min(part["years"], 200))) + 30 * part["months"] + max(days, 0)
    return 1000 * (total * 86400 + part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"])


def moment(value: str | None) -> datetime | None:
    """Return an ISO 8601 date as Pacemaker reads it; None for none, and for what is no date. Without a zone it is UTC."""
    match = _DATE.match(value or "")
    if match is None:
        return None
    part = {name: int(text) for name, text in match.groupdict().items() if text is not None and name != "zone"}
    try:
        if "week" in part:
            day = datetime.fromisocalendar(part["year"], part["week"], part["weekday"])
        elif "ordinal" in part:
            day = datetime(part["year"], 1, 1) + timedelta(days=part["ordinal"] - 1)
        else:
            day = datetime(part["year"], part["month"], part.get("day", 1))
        day = day + timedelta(hours=part.get("hour", 0), minutes=part.get("minute", 0), seconds=part.get("second", 0))
    except (ValueError, OverflowError):
        return None
    zone = match.group("zone") or "Z"
    offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    return day.replace(tzinfo=timezone(offset))


def date_holds(expression: Element, now: datetime) -> bool:
    """Return whether a `date_expression` holds at the moment `now`; one that holds at some hours only (`date_spec`) does not."""
    operation = (expression.get("operation") or "in_range").lower()
    start, end = moment(expression.get("start")), moment(expression.get("end"))
    duration = expression.first("duration")
    if start is not None and end is None and duration is not None:
        end = _after(start, duration)
    if operation == "in_range":
        return (start or end) is not None and (start is None or now >= start) and (end is None or now <= end)
    if operation == "gt":
        return start is not None and now > start
    if operation == "lt":
        return end is not None and now < end
    return False  # date_spec: only at some hours


def _after(start: datetime, duration: Element) -> datetime | None:
    def number(name: str) -> int:
        text = duration.get(name) or "0"
        return int(text) if re.fullmatch(r"\d{1,6}", text) else 0

    months = start.year * 12 + start.month - 1 + number("months") + 12 * number("years")
    try:
        moved = start.replace(year=months // 12, month=months % 12 + 1)
        return moved + timedelta(seconds=sum(number(name) * unit for name, unit in _UNITS.items()))
    except (ValueError, OverflowError):
        return None
