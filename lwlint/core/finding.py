"""What checks see and what the engine makes of it: problems, findings, verdicts, the report."""

from collections.abc import Mapping
from typing import NamedTuple, Union

from msgspec import Struct, field

from lwlint.core.source import Source, Span

SEVERITIES = ("note", "warning", "error")
PASS, FAIL, NOT_EVALUATED, BROKEN = "pass", "fail", "not evaluated", "broken"
KNOWN = "recorded in the baseline"  # the reason with which a finding is allowed that a baseline knows


class ConfigurationError(Exception):
    """The user's own configuration, rules or arguments are wrong; the run ends with exit code 2.

    The message names its place where there is one (`path:line:column: ...`).
    """


class Related(Struct, frozen=True):
    """Another place that explains a problem, and what it adds."""

    span: Span
    message: str


class Replace(Struct, frozen=True, tag=True):
    """Put `text` in the place of what stands at `span`."""

    span: Span
    text: str


class SetOption(Struct, frozen=True, tag=True):
    """Give the option of an option file whose key stands at `key` another value."""

    key: Span
    value: str


class AddOption(Struct, frozen=True, tag=True):
    """Add an option to an option file: below the setting whose key stands at `beside` if that is in its section, else in the section."""

    beside: Span
    section: str
    option: str
    value: str


class DropLines(Struct, frozen=True, tag=True):
    """Take away the lines on which the setting stands whose key or value begins at `span`: of an option file, or of a mapping in YAML."""

    span: Span


class AddKey(Struct, frozen=True, tag=True):
    """Add an entry to a mapping in YAML, in its style: `inside` the one whose key stands at `key` (and which has one of
    the keys `having`), else beside that key. `value` is YAML for one line."""

    key: Span
    name: str
    value: str
    inside: bool = False
    having: tuple[str, ...] = ()


class DropIn(Struct, frozen=True, tag=True):
    """Settings for a systemd unit in a drop-in, which is made or added to: `path` is its path, `settings` are `Section.Key` and value."""

    path: str
    settings: tuple[tuple[str, str], ...]


Change = Union[Replace, SetOption, AddOption, DropLines, AddKey, DropIn]


class Fix(Struct, frozen=True):
    """A fix for a problem: all `changes` or none. It is `safe` if nothing but the setting that is blamed changes its meaning.

    `what` says in one line what it does. Where the changes come to stand in the text is for `lwlint.run.fix` to find out.
    """

    what: str
    changes: tuple[Change, ...]
    safe: bool = True


HOST, EACH, CLUSTER = "host", "each host", "cluster"


class Command(NamedTuple):
    """A command line that fixes a problem: one line, its words quoted for a POSIX shell.

    `on` tells where it is run: HOST, the host that the problem is of; EACH, every host that is to run the service; CLUSTER, once on any
    node of the cluster. An empty line stands for a command that cannot be written: a finding then has none.
    """

    line: str
    on: str = HOST


class Problem(Struct, frozen=True):
    """What a check saw. It knows no rule.

    `subject` names the fact that is blamed, without its place (`unit openstack-nova-api.service`),
    so that a fingerprint survives moved lines. `severity` is set only where this one problem is
    weaker than its rule says. `remedy` replaces the rule's remedy where this problem needs its own.
    `commands` fix just this problem, in their order; none where that is not certain.
    """

    span: Span
    message: str
    subject: str
    related: tuple[Related, ...] = ()
    severity: str | None = None
    remedy: str | None = None
    host: str = ""
    fix: Fix | None = None
    commands: tuple[Command, ...] = ()


class Finding(Struct, frozen=True):
    """A problem in the name of a rule. `allowed` holds the reason when it was suppressed, `elsewhere` than in its source or there."""

    code: str
    rule: str
    severity: str
    clause: str
    span: Span
    message: str
    remedy: str
    fingerprint: str
    subject: str = ""
    related: tuple[Related, ...] = ()
    host: str = ""
    allowed: str | None = None
    fix: Fix | None = None
    commands: tuple[Command, ...] = ()
    elsewhere: bool = False


class Verdict(Struct, frozen=True):
    """What one rule came to: `pass`, `fail`, `not evaluated` or `broken`, and because of what."""

    rule: str
    code: str
    outcome: str
    because: str = ""


class Removed(Struct, frozen=True):
    """A line that a change took away: where it stood before, and what it said, without secrets."""

    path: str
    line: int
    text: str


class Report(Struct, frozen=True):
    """The whole answer of one run, in the order in which it is printed.

    `skipped` are the paths that were given but are no input of lwlint's, with the reason; `release`
    is the profile that was judged by and `release_because` the evidence for it. `unread` are files that
    a defect of lwlint kept from being read: the rest is judged, and the run is not to be trusted whole. `removed` has, by
    fingerprint and place, the lines that a change took away for findings that were not there with them.
    """

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    sources: Mapping[str, Source] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    release: str | None = None
    release_because: str = ""
    tracebacks: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = ()
    removed: Mapping[tuple[str, Span], Removed] = field(default_factory=dict)
    unlisted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # findings that are counted, and left out of `findings`: by code, and severity or `allowed`

    def __repr__(self) -> str:
        return f"<Report: {len(self.findings)} findings, {len(self.verdicts)} verdicts, {len(self.sources)} sources>"

    def count(self, outcome: str) -> int:
        """Return how many rules came to `outcome`."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def allowed(self) -> int:
        """The number of findings that are suppressed, with their reasons."""
        unlisted = sum(count for (_, what), count in self.unlisted.items() if what == "allowed")
        return unlisted + sum(finding.allowed is not None for finding in self.findings)

    def failing(self, fail_on: str) -> bool:
        """Return whether a finding that is not allowed is as severe as `fail_on`, or worse."""
        least = SEVERITIES.index(fail_on)
        return any(f.allowed is None and SEVERITIES.index(f.severity) >= least for f in self.findings)
