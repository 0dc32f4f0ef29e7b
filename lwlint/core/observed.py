"""What real programs and systemd were seen to do when database or broker fail them: `rules/observed.yaml`, and what follows from it.

The words are closed: a judge that cannot tell says `not observed`, and nothing else may stand there. The file is written by the failure
lab (`lab/`), and is the one source of these facts: the catalogue, the rules, the pages and the commands take them from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, Optional, TypeVar, Union

from msgspec import field

from lwlint.core import config_reader
from lwlint.core.config_reader import Document, Mismatch, near
from lwlint.core.facts import RELEASES, Outcome
from lwlint.core.lazy import pattern

FILE = "observed.yaml"
NOT_OBSERVED = "not observed"
EXITS = pattern(r"exits ([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])")
# what happened, and how a reader is told
WHEN: Mapping[str, str] = MappingProxyType(
    {
        "database-away-at-start": "the database is away at the start, and comes later",
        "database-unreachable-at-start": "no route leads to the database",
        "database-address-gone-at-start": "the address of the database is on no host",
        "database-dropped-at-start": "packets to the database are dropped in silence",
        "database-unknown-name-at-start": "the name of the database is not known",
        "database-closes-at-start": "the database accepts connections and closes them",
        "database-hangs-at-start": "the database accepts connections and never answers",
        "database-1040-at-start": "the database has too many connections (1040)",
        "database-1045-at-start": "the database refuses the login (1045)",
        "database-1049-at-start": "the database server does not have the database (1049)",
        "database-never": "the database stays away",
        "broker-away-at-start": "the broker is away at the start, and comes later",
        "broker-refuses-at-start": "the broker listens and refuses logins, as while it boots",
        "both-away-at-start": "database and broker are away at the start, and come later",
        "database-killed": "the database is killed under the running service, and comes back",
        "broker-killed": "the broker is killed under the running service, and comes back",
        "redis-away-at-start": "redis, by which services agree among each other, is away at the start, and comes later",
        "redis-killed": "redis, by which services agree among each other, is killed under the running service, and comes back",
        "vip-moved": "the address of the database leaves its node under the running service, and another takes it",
        "galera-node-killed": "the Galera node that HAProxy sends to is killed under the running service, and comes back",
        "haproxy-node-killed": "the controller with the address loses power, with its HAProxy, Galera and RabbitMQ; another takes it",
        "broker-node-killed": "one RabbitMQ node of three is killed under the running service, and comes back",
        "power-cut-at-start": "the service starts as three controllers do after a power cut, and Galera is back after two minutes",
        "power-cut-1040-at-start": "the same, and Galera has too few connections at first (1040)",
    }
)
WITH: Mapping[str, str] = MappingProxyType(
    {
        "unlimited": "`max_retries = -1`, no limit for the broker",
        "finite": "`max_retries = 3`",
        "ten": "`max_retries = 10`, ten seconds apart",
        "none": "`max_retries = 0`",
        "one": "`max_retries = 1`",
        "absent": "`max_retries` not set",
        "defaults": "nothing set",
        "two-workers": "`max_retries = 3`, two workers",
        "one-database": "`max_retries = -1` for one database, the other's not set",
        "transactions": "`max_retries = 3`, `db_max_retries = -1` and `use_db_reconnect`",
        "broker-limit": "`rabbit_max_retries = 2`",
        "no-broker-limit": "`rabbit_max_retries = 0` or absent",
    }
)
ENDS = ("finite", "ten", "none", "one", "absent", "defaults", "two-workers", "one-database", "transactions", "broker-limit")  # attempts end
DOES = ("forks again", "waits", "hangs requests", "drops requests", "answers 500", "serves")  # and `exits N`
READY = ("before", "after", "never")
THEN = ("serves", "never: deaf", "never: 500", "never: hangs", "gone", NOT_OBSERVED)
UNIT_DOES = ("goes on", "stays up", "gives up", "left dead", "starts for ever")
UNDER = ("", "uwsgi", "mod_wsgi")
_AWAY = ("database-away-at-start", "broker-away-at-start", "both-away-at-start")
_LAST_LIMIT = "ocata"  # the last release whose oslo.messaging ends its attempts at the broker
BROKEN = ("never: deaf", "never: 500", "never: hangs")  # up, and of no use


class Seen(Document, frozen=True):
    """One run of a real program, or several alike.

    `under` is the web server that it ran in. `does` is what it did while the server was away, `ready` when it told systemd READY=1,
    `then` what it did once the server was back, `after` so many seconds. `life` are the seconds of processor time until it exited,
    which is the least that it lives. `only` is what of the set-up decided it and is not so everywhere. `by` names the source, `times`
    counts runs alike.
    """

    program: str
    release: str
    when: str
    does: str
    setting: str
    under: str = ""
    version: str = ""
    ready: str = ""
    then: str = ""
    after: Optional[float] = None
    life: Optional[float] = None
    only: str = ""
    by: str = "reported"
    times: int = 1

    @property
    def id(self) -> str:
        """`program/release/when/setting`, with the web server behind the program."""
        program = f"{self.program}:{self.under}" if self.under else self.program
        return f"{program}/{self.release}/{self.when}/{self.setting}"

    @property
    def status(self) -> Optional[int]:
        """The exit status, if it exited."""
        match = EXITS.fullmatch(self.does)
        return int(match[1]) if match else None

    @property
    def fails(self) -> bool:
        """Whether it exits, or is of no use even after the server is back."""
        return self.status is not None or self.then in (*BROKEN, "gone")

    @property
    def broken(self) -> bool:
        """Whether it stays up and is of no use for good."""
        return self.then in BROKEN

    @property
    def recovers(self) -> bool:
        """Whether it stayed up and was seen to serve afterwards, or all the time."""
        return self.status is None and self.then == "serves"


class SeenUnit(Document, frozen=True):
    """An experiment under a booted systemd: the text of a unit, and what came of it.

    `lives` are the seconds after which the experiment's program ends, None if it does not; `restarts` what systemd counted after `seconds`.
    """

    service: str
    does: str
    unit: str = ""
    drop_ins: Mapping[str, str] = field(default_factory=dict)
    lives: Optional[float] = None
    restarts: int = 0
    seconds: int = 60
    systemd: int = 0
    by: str = "reported"


class SeenPair(Document, frozen=True):
    """A service and the unit of its database under a booted systemd.

    `database` is what that unit says of the service, `target` tells of one in between. `cannot_start`: whether the service starts while
    the database cannot. The others: what becomes of the service when the database is killed, stopped, started, or brought back by its
    own `Restart=`; `activating`: whether it starts while the database's unit is.
    """

    cannot_start: bool
    killed: str
    stopped: str
    unit: str = ""
    started: str = "stays"
    comes_back: str = "stays"
    database: str = ""
    target: bool = False
    activating: bool = True
    systemd: int = 0
    by: str = "reported"


class SeenService(Document, frozen=True):
    """A real program as a real unit: its settings in `[Service]`, and what came of it."""

    program: str
    release: str
    when: str
    does: str
    setting: str
    service: str = ""
    restarts: int = 0
    seconds: int = 0
    by: str = "reported"

    @property
    def id(self) -> str:
        """`program/release/when/setting`, as that of a run."""
        return f"{self.program}/{self.release}/{self.when}/{self.setting}"


class Source(Document, frozen=True):
    """Where observations come from: `what` it was, on which `date`, with which servers, and the hash of the set-up."""

    what: str
    date: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    set_up: str = ""


class Observed(Document, frozen=True):
    """All that was observed. `varies` names the cells in which two runs differ in words."""

    sources: Mapping[str, Source]
    services: Mapping[str, tuple[Seen, ...]]
    units: Mapping[str, SeenUnit] = field(default_factory=dict)
    pairs: Mapping[str, SeenPair] = field(default_factory=dict)
    real_units: Mapping[str, SeenService] = field(default_factory=dict)
    varies: tuple[str, ...] = ()

    def runs(self) -> Iterator[tuple[str, Seen]]:
        """Yield each run with the name of its service."""
        for service, runs in self.services.items():
            for run in runs:
                yield service, run


def load(text: str, path: str) -> Observed:
    """Return what `text` (`rules/observed.yaml`) holds; `path` is its name in complaints.

    Raises ConfigurationError with `path:line:column` for what is not YAML, an unknown key, and a word outside the vocabulary.
    """
    observed = config_reader.read(text, path, Observed)
    try:
        _refuse(observed)
    except Mismatch as mismatch:
        raise config_reader.locate(mismatch, text, path) from None
    return observed


def _refuse(observed: Observed) -> None:
    """Raise Mismatch for a word that is not of the vocabulary, and for a source that is not told."""
    for service, runs in observed.services.items():
        for n, run in enumerate(runs):
            path = ("services", service, n)
            words_of: tuple[tuple[str, str, Iterable[str]], ...] = (
                ("release", run.release, RELEASES), ("when", run.when, WHEN), ("setting", run.setting, WITH), ("under", run.under, UNDER),
                ("ready", run.ready, ("", *READY)), ("then", run.then, ("", *THEN)), ("by", run.by, observed.sources),
            )  # fmt: skip
            for key, word, words in words_of:
                _word(word, words, (*path, key))
            if run.status is None:
                _word(run.does, DOES, (*path, "does"))
    for name, unit in observed.units.items():
        _word(unit.does, UNIT_DOES, ("units", name, "does"))
        _word(unit.by, observed.sources, ("units", name, "by"))
    for name, pair in observed.pairs.items():
        _word(pair.by, observed.sources, ("pairs", name, "by"))
    for name, real in observed.real_units.items():
        for key, word, words in (("when", real.when, WHEN), ("setting", real.setting, WITH), ("does", real.does, UNIT_DOES)):
            _word(word, words, ("real_units", name, key))


def _word(word: str, words: Iterable[str], path: config_reader.Path) -> None:
    if word not in (known := tuple(words)):
        raise Mismatch(path, f"`{word}`: unknown word{near(word, known)}")


def leaves_with_success(runs: Iterable[Seen]) -> bool:
    """Return whether one of the runs ended with exit status 0."""
    return any(run.status == 0 for run in runs)


def lives(runs: Iterable[Seen]) -> tuple[tuple[str, float], ...]:
    """Return the least processor time, in seconds, that a run took until it exited, by release; nothing for those in which none did."""
    found: dict[str, float] = {}
    for run in runs:
        if run.life is not None and run.status is not None:
            found[run.release] = min(run.life, found.get(run.release, run.life))
    return tuple(sorted(found.items(), key=lambda item: RELEASES.index(item[0])))


def ready_first(runs: Sequence[Seen], newest: str) -> tuple[str, ...]:
    """Return the releases in which a service tells systemd READY=1 before it has its first connection.

    A release counts where the runs of the nearest releases before and after it agree; behind the last run only if that is of `newest`,
    the newest release of which anything was watched. What holds only with some configuration proves nothing.
    """
    by_release = ready_seen(runs)
    found = []
    for release in RELEASES:
        before, after = around(release, by_release)
        if after is None and before != newest:
            continue
        if all(by_release[name] for name in (before, after) if name is not None):
            found.append(release)
    return tuple(found) if by_release else ()


def ready_seen(runs: Iterable[Seen]) -> Mapping[str, bool]:
    """Return by release, of those in which a service was watched, whether it told systemd READY=1 before its first connection."""
    by_release: dict[str, bool] = {}
    for run in runs:
        if run.ready and run.setting != "broker-limit" and run.when in _AWAY and not run.under:
            by_release[run.release] = by_release.get(run.release, True) and run.ready == "before" and not run.only
    return by_release


def around(release: str, watched: Iterable[str]) -> tuple[Optional[str], Optional[str]]:
    """Return the last of the `watched` releases that is not after `release`, and the first that is not before it; None for none."""
    at = RELEASES.index(release)
    order = sorted(watched, key=RELEASES.index)
    before = [name for name in order if RELEASES.index(name) <= at]
    after = [name for name in order if RELEASES.index(name) >= at]
    return before[-1] if before else None, after[0] if after else None


def in_words(run: Seen) -> str:
    """Return what became of a program, as it follows its name: `exits with status 0`."""
    if run.status is not None:
        return f"exits with status {run.status}"
    if run.does == "forks again":
        return "forks its children again"
    if run.then == "never: deaf":
        return "stays up, deaf on its queue for good"
    if run.then == "never: 500":
        return "stays up and answers 500 for good"
    if run.then == "never: hangs":
        return "stays up and hangs requests for good"
    if run.does == "serves" and run.when.startswith("broker"):
        return "serves on"
    return "stays up and recovers by itself" if run.then == "serves" else "stays up"


def outcomes(runs: Iterable[Seen]) -> tuple[Outcome, ...]:
    """Return what the programs of one service were seen to do when their attempts at the start end, each once."""
    found: dict[Outcome, None] = {}
    for run in runs:
        finite = run.when == "database-away-at-start" and run.setting in ("finite", "two-workers", "absent", "defaults")
        enforced = RELEASES.index(run.release) <= RELEASES.index(_LAST_LIMIT)
        if finite or (run.when == "broker-away-at-start" and run.setting == "broker-limit" and enforced):
            server = run.when.partition("-")[0]
            workers = run.setting == "two-workers"
            outcome = Outcome(server, run.program, run.release, in_words(run), run.under, workers, run.broken, run.recovers)
            found.setdefault(outcome)
    return tuple(found)


def newest(observed: Observed) -> str:
    """Return the newest release of which anything was watched."""
    return max((run.release for _, run in observed.runs()), key=RELEASES.index, default=RELEASES[0])


_PLURAL = (
    ("exits ", "exit "), ("forks its children", "fork their children"), ("stays up", "stay up"), ("serves on", "serve on"),
    ("by itself", "by themselves"), ("recovers", "recover"), ("answers", "answer"), ("hangs", "hang"),
    ("its queue", "their queues"), (" it ", " they "),
)  # fmt: skip


_SEEN = pattern(r" \(seen: [^()]*(?:\([^()]*\)[^()]*)*\)")


def without_seen(message: str) -> str:
    """Return the message of a finding without what was seen of programs, which depends on the services that are there."""
    return _SEEN.sub("", message) if "(seen: " in message else message


def describe(services: Iterable[Sequence[Outcome]], release: Optional[str]) -> str:
    """Return what the programs of services were seen to do as one text, the worst first: `a and b exit with status 1; c stays up ...`.

    Of each service those outcomes count that are nearest to `release`; all, where it is not known.
    """
    programs: dict[str, list[Outcome]] = {}
    for every in services:
        for outcome in nearest(every, release):
            programs.setdefault(outcome.program, []).append(outcome)
    phrases: dict[str, list[str]] = {}
    worst: dict[str, int] = {}
    for program, found in sorted(programs.items()):
        phrase = _phrase(found)
        phrases.setdefault(phrase, []).append(program)
        worst[phrase] = 0 if any(one.broken for one in found) else 2 if all(one.recovers for one in found) else 1
    ordered = sorted(phrases, key=lambda phrase: (worst[phrase], phrases[phrase]))
    return "; ".join(f"{_join(phrases[phrase])} {phrase if len(phrases[phrase]) == 1 else _plural(phrase)}" for phrase in ordered)


Watched = TypeVar("Watched", Seen, Outcome)


def nearest(every: Sequence[Watched], release: Optional[str]) -> Sequence[Watched]:
    """Return those of the releases that are nearest to `release`; all, where it is not known."""
    if release is None or not every:
        return every
    at = RELEASES.index(release)
    closest = min(abs(RELEASES.index(one.release) - at) for one in every)
    return [one for one in every if abs(RELEASES.index(one.release) - at) == closest]


def _phrase(every: Iterable[Outcome]) -> str:
    """Return what one program did; what recovers under a web server is left out where something else is told."""
    ways: dict[tuple[str, bool], list[Outcome]] = {}
    for one in every:
        ways.setdefault((one.under, one.workers), []).append(one)
    alone = {one.words: None for one in ways.pop(("", False), [])}
    parts = [_either(alone)] if alone else []
    for (under, workers), found in sorted(ways.items(), key=lambda way: not any(one.broken for one in way[1])):
        words = {one.words: None for one in found}
        if words.keys() <= alone.keys() or (parts and under and all(one.recovers for one in found)):
            continue
        how = " ".join(filter(None, [_UNDER.get(under, ""), "with several workers" if workers else ""]))
        parts.append(f"{how} it {_either(words)}" if parts else f"{how} {_either(words)}")
    return ", ".join(parts)


_UNDER = MappingProxyType({"uwsgi": "under uWSGI", "mod_wsgi": "under mod_wsgi"})


def _either(words: Iterable[str]) -> str:
    exits = [word.removeprefix("exits with status ") for word in words if word.startswith("exits")]
    others = [word for word in words if not word.startswith("exits")]
    return " or ".join(([f"exits with status {' or '.join(sorted(exits))}"] if exits else []) + others)


def _join(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _plural(phrase: str) -> str:
    for one, many in _PLURAL:
        phrase = phrase.replace(one, many)
    return phrase


Observation = Union[Seen, SeenUnit, SeenPair, SeenService]


class Claim(Document, frozen=True):
    """What rules say of programs or of systemd, and what it stands on (`rules/claims.yaml`).

    `where` picks observations by their fields, `holds` is true of each of them but those named under `but`, with a reason. `finds`: of the
    rules named one or more speak of the text of an experiment, and none where the list is empty. `read` says in which source it was read.
    """

    id: str
    says: str
    state: Literal["observed", "read", "assumed"]
    rules: tuple[str, ...]
    of: Literal["services", "units", "pairs", "real_units"] = "services"
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    finds: Optional[tuple[str, ...]] = None
    but: Mapping[str, str] = field(default_factory=dict)
    read: str = ""

    def picks(self, observed: Observed) -> Iterator[tuple[str, Observation]]:
        """Yield the observations that it is about, each with its id."""
        every: Iterable[tuple[str, Observation]] = (
            ((run.id, run) for _, run in observed.runs()) if self.of == "services" else getattr(observed, self.of).items()
        )
        for id, one in every:
            if fits(one, self.where):
                yield id, one


def fits(one: Observation, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether each field of an observation that is named holds one of the words wanted of it."""
    return all(getattr(one, name) in words for name, words in wanted.items())


def load_claims(text: str, path: str) -> tuple[Claim, ...]:
    """Return the claims that `text` (`rules/claims.yaml`) holds; `path` is its name in complaints. Raises ConfigurationError."""
    claims = config_reader.read(text, path, tuple[Claim, ...])
    records: Mapping[str, type[Observation]] = {"services": Seen, "units": SeenUnit, "pairs": SeenPair, "real_units": SeenService}
    for n, claim in enumerate(claims):
        known = records[claim.of].__struct_fields__
        for key in ("where", "holds"):
            for name in getattr(claim, key):
                if name not in known:
                    raise config_reader.locate(
                        Mismatch((n, key, name), f"`{name}`: unknown field{near(name, known)}", key=True), text, path
                    )
        if claim.state == "read" and not claim.read:
            raise config_reader.locate(Mismatch((n, "state"), "what was read, and where, must stand under `read`"), text, path)
    return claims
