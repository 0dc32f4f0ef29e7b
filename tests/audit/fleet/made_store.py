"""A store that was never run into: rows of invented clusters in two runs, written as a run writes them."""

from __future__ import annotations

from msgspec.structs import replace

from lwlint.audit.fleet.run import Ran, commit
from lwlint.audit.fleet.store import Store, usable
from lwlint.audit.fleet.tables import TABLES, ArchiveRow, ClusterRow, FindingRow, HostRow, Row, VerdictRow, by_table, parquet, part

RULES = (
    ("LW101", "service-outside-the-core", "pacemaker-nothing-else"),
    ("LW201", "unit-not-restarted", "systemd-restarts"),
    ("LW301", "finite-database-retries", "retries-forever"),
)
RELEASES = ("mitaka", "newton", "queens", "wallaby")
OLD, NEW = "2030-01-31", "2030-02-28"
CANARY = "</script><b>&\u202e"


def rows(run: str, number: int, faults: int) -> list[Row]:
    """Return the rows of one cluster with three hosts, and so many faults on each."""
    cluster, release = f"{number:016x}", RELEASES[number % len(RELEASES)]
    names = [f"c{number}-controller-{i}" for i in range(3)]
    found: list[Row] = [
        FindingRow(
            run=run,
            cluster=cluster,
            finding=f"{number:x}-{i}",
            code=RULES[i % 3][0],
            rule=RULES[i % 3][1],
            severity="error" if i % 2 == 0 else "warning",
            clause=RULES[i % 3][2],
            message=f"service-{i}.service: `Restart` is `no` {CANARY}",
            subject=f"service-{i}.service",
            hosts=tuple(names),
            places=tuple(f"{name}:etc/x.conf:{i}:1" for name in names),
            text="Restart=no",
            commands=("each host: systemctl daemon-reload",),
            allowed=None,
        )
        for i in range(faults)
    ]
    for name in names:
        failing = {RULES[i % 3][0] for i in range(faults)}
        for code, rule, clause in RULES:
            found.append(VerdictRow(run, cluster, name, code, rule, clause, "fail" if code in failing else "pass", "", False))
        archive = f"s3://cases/{number}/{name}.tar.xz"
        found.append(HostRow(run, cluster, name, archive, f"{archive}!x", OLD, "4.3", release, "packages", "", "", ("CIB",), 50, 3, 1, 0))
        found.append(ArchiveRow(run, archive, "judged", "", 1000, 20, 500, 1))
    errors = (faults + 1) // 2
    found.append(
        ClusterRow(
            run=run,
            cluster=cluster,
            name=f"cloud{number}",
            clustered=True,
            verdict=f"NOT as it should be: {errors} errors",
            nodes=tuple(names),
            absent=("c-absent",) if number % 5 == 0 else (),
            releases=(release,),
            captured=OLD,
            hosts=3,
            archives=3,
            older=0,
            errors=errors,
            warnings=faults // 2,
            notes=0,
            passed=9 - 3 * min(faults, 3),
            failed=3 * min(faults, 3),
            not_evaluated=number % 3,
            quorum=True,
            offline=("c-absent",) if number % 5 == 0 else (),
            failed_actions=number % 2,
            fencing=number % 4 != 0,
            answer="0" * 40,
        )
    )
    return found


def ran(run: str, date: str, found: list[Row]) -> Ran:
    clusters = [row for row in found if isinstance(row, ClusterRow)]
    archives = [row for row in found if isinstance(row, ArchiveRow)]
    states = [row.state for row in archives]
    return Ran(
        run=run,
        run_date=date,
        finished=f"{date}T12:00:00.000+00:00",
        version="0.1.0",
        archives=len(archives),
        judged=states.count("judged"),
        damaged=states.count("damaged"),
        failed=states.count("failed"),
        bytes=sum(row.bytes for row in archives),
        clusters=len(clusters),
        hosts=3 * len(clusters),
        errors=sum(row.errors for row in clusters),
        warnings=sum(row.warnings for row in clusters),
        notes=0,
        not_evaluated=sum(row.not_evaluated for row in clusters),
        broken=0,
    )


def put(store: Store, run: str, date: str, found: list[Row]) -> Ran:
    """Write the rows as a run does, in one part."""
    parts = []
    for table, some in by_table(found).items():
        if some:
            store.write(f"staging/{run}/{part(table, date, run, 0)}", parquet(TABLES[table], some))
            parts.append(part(table, date, run, 0))
    done = replace(ran(run, date, found), parts=tuple(sorted(parts)))
    commit(store, done)
    return done


def made(url: str, clusters: int) -> Store:
    """Return a store of two runs: in the newer one cluster 1 is worse, 2 is better, 3 is gone, and the last one is new."""
    store = usable(url)
    old = [row for number in range(clusters - 1) for row in rows("rold", number, number % 7)]
    new = [row for number in range(clusters) if number != 3 for row in rows("rnew", number, {1: 5, 2: 0}.get(number, number % 7))]
    new.append(ArchiveRow("rnew", "s3://cases/9/cut.tar.xz", "damaged", "is cut short", 10, 1, 1, 1))
    new.append(ArchiveRow("rnew", f"s3://cases/9/{CANARY}.tar.xz", "failed", "nothing to judge in it", 10, 0, 0, 0))
    put(store, "rold", OLD, old)
    put(store, "rnew", NEW, new)
    return store
