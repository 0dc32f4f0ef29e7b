"""Programs whose worker outlives its last attempt: a web server runs them, stays up, and they answer 500 for good.

Nothing brings them back: the web server is the unit's process, and that has not failed. Which programs do so is told by what was observed
of them (`rules/observed.yaml`), under the web server and in the release nearest to this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Optional

from msgspec import Meta

from lwlint.checks.containers import lacking_units, units
from lwlint.checks.oslo import never_gives_up
from lwlint.core.check import Check, Reads, Saw, Unknown
from lwlint.core.config_reader import Document
from lwlint.core.facts import ACTIVE_ACTIVE, Database, Facts, Service
from lwlint.core.finding import Problem, Related
from lwlint.core.observed import nearest
from lwlint.inputs.oslo.facts import Option, OptionSet, option_sets
from lwlint.inputs.systemd.facts import Unit

_NAMES = {"uwsgi": "uWSGI"}


class WorkerParams(Document, frozen=True):
    """`runner` is the web server, `server` what its program was seen to be without for good, `option` what bounds the attempts."""

    runner: Annotated[Literal["uwsgi"], Meta(description="the web server that runs the program")]
    server: Annotated[Literal["database"], Meta(description="the server that is tried")]
    option: Annotated[str, Meta(description="the option that bounds the attempts, in the section of each database")]
    default: Annotated[int, Meta(description="what the option is where it is not set")]


def _run(facts: Facts, params: WorkerParams) -> Iterator[Saw]:
    sets = option_sets(facts)
    for unit in units(facts):
        service = unit.service
        if service is None or unit.runner != params.runner or not _stays_broken(service, params, facts.release.name):
            continue
        mine = [one for one in sets if one.files.host == unit.host and _is_of(one, service)]
        if not mine:
            yield Unknown(f"no option file of {service.title} was given", unit.span)
        for option_set in mine:
            yield from _judge(unit, service, option_set, params)


def _stays_broken(service: Service, params: WorkerParams, release: Optional[str]) -> bool:
    """Return whether a program of the service was seen to stay up broken, in the release nearest to this one; in any, if not known."""
    found = [one for one in service.outcomes if (one.server, one.under) == (params.server, params.runner)]
    return any(one.broken for one in nearest(found, release))


def _is_of(option_set: OptionSet, service: Service) -> bool:
    files = option_set.files
    if files.refused is not None or files.untold or not files.read or files.project != service.project:
        return False
    return not files.services or service.name in files.services


def _judge(unit: Unit, service: Service, option_set: OptionSet, params: WorkerParams) -> Iterator[Saw]:
    for database in service.databases:
        section = database.retry_section or database.section
        connection = option_set.options.get((database.section, database.option))
        option = option_set.options.get((section, params.option))
        if connection is None or (option is not None and never_gives_up("-1", option.value)):
            continue
        if option is None and not option_set.files.complete and _may_lie_below(database):
            yield Unknown(f"what `{section}.{params.option}` is in the distribution's own file is not known", connection.span)
            continue
        yield _problem(unit, service, option or connection, f"{section}.{params.option}", option, params)


def _may_lie_below(database: Database) -> bool:
    """Return whether RDO's file of the distribution sets the retries of a database: of the first of nova's, which others lack."""
    return database.section == "database"


def _problem(unit: Unit, service: Service, place: Option, name: str, option: Optional[Option], params: WorkerParams) -> Problem:
    is_ = f"is `{option.value}`" if option is not None else f"is not set (default `{params.default}`)"
    started = unit.lists.get("Service.ExecStart", ())
    message = (
        f"{unit.name}: {_NAMES[params.runner]} runs it, and `{name}` {is_}: after the last attempt it was seen to answer 500 for good"
        " while the unit is active, so that nothing restarts it; it must be `-1`"
    )
    related = (Related(place.span, f"`{place.name}` is here"),)
    return Problem(started[-1].span if started else unit.span, message, f"unit {unit.name} {name}", related, host=unit.host)


def _evidence(facts: Facts, _: WorkerParams) -> str | None:
    return lacking_units(facts, (ACTIVE_ACTIVE,))


CHECKS = (Check("worker-that-answers-500", _run, _evidence, WorkerParams, Reads(("unit",))),)
