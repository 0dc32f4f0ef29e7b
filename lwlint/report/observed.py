"""What was observed, for a reader: of a rule's claims, of one service, and the page of all services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lwlint.core.facts import RELEASES, Service
from lwlint.core.observed import NOT_OBSERVED, WHEN, WITH, Claim, Observed, Seen

_REPORTED = "reported"
_UNDER = {"": "", "uwsgi": " under uWSGI", "mod_wsgi": " under mod_wsgi"}
_THEN = {"never: deaf": "is deaf on its queue for good", "never: 500": "answers 500 for good", "never: hangs": "hangs requests for good"}


def sentence(run: Seen) -> str:
    """Return what a program did, as it follows its name: `waits, and serves once it is back`."""
    if run.status is not None:
        return f"exits with status {run.status}"
    does = "forks its children again" if run.does == "forks again" else run.does
    if run.then in _THEN:
        return _THEN[run.then]
    if run.then == "serves":
        return "serves on" if run.does == "serves" else f"{does}, and serves once it is back"
    return (
        f"{does}; what follows was not observed" if run.then == NOT_OBSERVED and run.when.endswith(("-killed", "-away-at-start")) else does
    )


def rows(runs: Iterable[Seen]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what was seen of one service: what failed, with which setting, what which program did, and who saw it in which release."""
    found: dict[tuple[str, str, str, str], list[Seen]] = {}
    order = (*WHEN,)
    for run in sorted(runs, key=lambda run: (order.index(run.when), list(WITH).index(run.setting), RELEASES.index(run.release))):
        name = f"{run.program}{_UNDER[run.under]}"
        only = f" ({run.only})" if run.only else ""
        found.setdefault((run.when, run.setting, name, f"{sentence(run)}{only}"), []).append(run)
    for (when, setting, name, did), alike in found.items():
        yield WHEN[when], WITH[setting], f"{name} {did}", "; ".join(_sources(alike))


def _sources(runs: Sequence[Seen]) -> Iterator[str]:
    for word, mine in (("observed", [r for r in runs if r.by != _REPORTED]), (_REPORTED, [r for r in runs if r.by == _REPORTED])):
        if mine:
            yield f"{word}: " + ", ".join(dict.fromkeys(f"{run.release} ({run.version})" if run.version else run.release for run in mine))


def service_lines(service: Service, observed: Observed) -> list[str]:
    """Return what a service does when its database or broker fails it, as lines for a terminal; none for one that has neither."""
    runs = observed.services.get(service.name, ())
    if not runs:
        return ["", "  when its database or broker fails it", "    assumed: nobody saw it"] if needs_others(service) else []
    lines = ["", "  when its database or broker fails it"]
    last = ""
    for when, setting, did, by in rows(runs):
        if when != last:
            lines.append(f"    {when}")
            last = when
        lines.append(f"      {setting}: {did} ({by})")
    return lines


def needs_others(service: Service) -> bool:
    """Return whether a service of OpenStack runs for long and needs a database or the broker."""
    return service.openstack and service.daemon and not service.ends and (bool(service.databases) or service.broker)


def claim_lines(claims: Iterable[Claim], observed: Observed, code: str) -> list[str]:
    """Return the claims of a rule, each with its state, as paragraphs; none for a rule that claims nothing of programs."""
    lines = []
    for claim in claims:
        if code in claim.rules:
            lines.append(f"{claim.state}: {claim.says}{_stands_on(claim, observed)}")
    return lines


def _stands_on(claim: Claim, observed: Observed) -> str:
    if claim.state == "read":
        return f" ({claim.read})"
    if claim.state == "assumed":
        return ""
    picked = dict(claim.picks(observed))
    number = f"{len(picked)} observation{'s' if len(picked) != 1 else ''}"
    return f" ({number}{'; ' if claim.but else ''}{'; '.join(f'not {id}: {why}' for id, why in claim.but.items())})"


def _assumed(needs: bool) -> str:
    return "assumed: waits with `-1`; with a limit it ends, or is of no use for good" if needs else "it has none"


def _assumed_of_broker(needs: bool) -> str:
    return "assumed: waits without a limit; up to ocata it ends with one" if needs else "it has none"


def page(services: Iterable[Service], observed: Observed, claims: Iterable[Claim]) -> str:
    """Return `docs/observed.md`: service by service what happens when the database or the broker is away, and where it was seen."""
    every = [service for service in services if needs_others(service) or service.name in observed.services]
    seen = [service for service in every if service.name in observed.services]
    parts = [
        "# What services do when the database or the broker fails them",
        "",
        "Each row was seen with the real program against a real MariaDB and RabbitMQ: *observed* by the [failure lab](lab.md), or",
        "*reported* of a prototype of it. Where nobody saw a service, what lwlint says of it is *assumed*.",
        "",
        "## Sources",
        "",
        "| source | what | date | versions | set-up |",
        "|---|---|---|---|---|",
    ]
    for name, source in observed.sources.items():
        versions = ", ".join(f"{what} {version}" for what, version in source.versions.items())
        parts.append(f"| {name} | {source.what} | {source.date} | {versions} | {source.set_up and f'`{source.set_up}`'} |")
    for service in seen:
        parts += ["", f"## {service.name}", ""]
        if service.leaves_with_success:
            parts += ["It was seen to leave with exit status 0: `Restart=` must be `always` (LW201).", ""]
        if service.ready_first:
            parts += [
                f"It sends READY=1 to systemd before it has a connection: {service.ready_first[0]} to {service.ready_first[-1]} (LW210).",
                "",
            ]
        parts += ["| what fails | setting | what was seen | where |", "|---|---|---|---|"]
        parts += [f"| {when} | {setting} | {did} | {by} |" for when, setting, did, by in rows(observed.services[service.name])]
    others = [service for service in every if service.name not in observed.services]
    parts += [
        "",
        "## Assumed",
        "",
        "Nobody saw these; lwlint takes it that they do as most of those above do that have the same servers.",
        "",
        "| service | the database is away | the broker is away |",
        "|---|---|---|",
    ]
    parts += [f"| {service.name} | {_assumed(bool(service.databases))} | {_assumed_of_broker(service.broker)} |" for service in others]
    parts += [
        "",
        "## Claims",
        "",
        "What the rules say about programs and systemd, and what that is based on.",
        "",
        "| claim | rules | state | what it says |",
        "|---|---|---|---|",
    ]
    parts += [f"| {claim.id} | {', '.join(claim.rules)} | {claim.state} | {claim.says}{_stands_on(claim, observed)} |" for claim in claims]
    if observed.varies:
        parts += ["", "## Where two runs differ", "", *(f"- `{cell}`" for cell in observed.varies)]
    return (
        "\n".join([*parts, "", "Generated from `rules/observed.yaml` and `rules/claims.yaml` by `docs/generate.py`; do not edit."]) + "\n"
    )
