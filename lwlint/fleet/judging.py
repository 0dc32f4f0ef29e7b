"""One case, judged: exactly what `lwlint audit` says of the same archives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from lwlint.audit import audit_groups
from lwlint.audit.anonymous import Anonymous
from lwlint.audit.answer import ClusterAnswer
from lwlint.audit.targets import Target
from lwlint.core.finding import BROKEN, NOT_EVALUATED, SEVERITIES
from lwlint.fleet.cases import Case, RuleFile, Settings
from lwlint.fleet.codec import joined, packed, parted, unpacked
from lwlint.policy.rules import Rule
from lwlint.run import load_rules


class Answer(Struct, frozen=True):
    """What the clusters of a case come to, in the order of the case, and what a defect of lwlint kept from being read."""

    clusters: tuple[ClusterAnswer, ...]
    tracebacks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Count(Struct, frozen=True):
    """What a run has to know of an answer: how many findings of each severity are not allowed, and what became of the rules."""

    hosts: int = 0
    clusters: int = 0
    notes: int = 0
    warnings: int = 0
    errors: int = 0
    not_evaluated: int = 0
    broken: int = 0
    judged: int = 0
    unread: tuple[str, ...] = ()
    tracebacks: tuple[str, ...] = ()


def judge(case: Case, opened: Sequence[Target], settings: Settings) -> Answer:
    """Return what the rules say of the case, whose archives are `opened`; without names, if the settings have a salt."""
    rules = rules_of(settings.release, settings.select, settings.ignore, settings.rules)
    anonymous = Anonymous(rules) if settings.salt else None
    found = [cluster.group(opened) for cluster in case.clusters]
    audit = audit_groups(opened, found, rules, settings.release, anonymous, settings.schemas)
    clusters = audit.clusters
    if anonymous is not None:
        clusters = tuple(replace(one, name=f"cluster-{known.id}" if one.name else "") for known, one in zip(case.clusters, clusters))
    return Answer(clusters, audit.tracebacks, audit.unread)


def count(answer: Answer) -> Count:
    """Return what a run has to know of the answer."""
    found = [one.severity for cluster in answer.clusters for one in cluster.found if one.allowed is None]
    outcomes = [one.outcome for cluster in answer.clusters for host in cluster.hosts for one in host.outcomes]
    return Count(
        hosts=sum(len(cluster.hosts) for cluster in answer.clusters),
        clusters=sum(cluster.clustered for cluster in answer.clusters),
        notes=found.count(SEVERITIES[0]),
        warnings=found.count(SEVERITIES[1]),
        errors=found.count(SEVERITIES[2]),
        not_evaluated=outcomes.count(NOT_EVALUATED),
        broken=outcomes.count(BROKEN),
        judged=sum(host.judged for cluster in answer.clusters for host in cluster.hosts),
        unread=answer.unread,
        tracebacks=answer.tracebacks,
    )


@lru_cache(maxsize=4)
def rules_of(release: str, select: tuple[str, ...], ignore: tuple[str, ...], own: tuple[RuleFile, ...]) -> list[Rule]:
    """Return the rules that the settings choose; those of the user are in the settings themselves, as no worker has his folders."""
    with tempfile.TemporaryDirectory() as top:
        folders = []
        for file in own:
            folder = os.path.join(top, str(file.folder))
            path = os.path.join(folder, file.path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(file.data)
            if folder not in folders:
                folders.append(folder)
        return load_rules(folders, select, ignore, examples=False)


def kept(answer: Answer, counted: Count) -> bytes:
    """Return what is kept of an answer: the count in front, so that it can be read alone."""
    return joined(encode(counted), packed(answer))


def count_of(data: bytes) -> Count:
    """Return the count of an answer that was kept. Raises ValueError for bytes that hold none."""
    return decode(parted(data)[0], type=Count)


def answer_of(data: bytes) -> Answer:
    """Return an answer that was kept. Raises ValueError for bytes that hold none."""
    return unpacked(parted(data)[1], Answer)
