"""Reports that `sos clean` masked, each host by itself: every host is called `host0` in its own."""

from __future__ import annotations

from pathlib import Path

from lwlint.audit.clusters import groups, seats
from lwlint.audit.targets import targets


def report(folder: Path, own: int, *, shared: bool = False) -> str:
    """Write a report of the host with the id `own`; with `shared` all hosts are masked by one map."""
    called = [f"host{n - 1}" if shared else "host0" if n == own else f"controller-{n}" for n in (1, 2, 3)]
    nodes = "".join(f'<node id="{n}" uname="{name}"/>' for n, name in enumerate(called, 1))
    root = folder / f"sosreport-{own}"
    for path, text in (
        ("sos_commands/date", ""),
        ("hostname", f"{called[own - 1]}.localdomain\n"),
        ("etc/hostname", f"{called[own - 1]}.localdomain\n"),
        ("var/lib/pacemaker/cib/cib.xml", f"<cib><configuration><crm_config/><nodes>{nodes}</nodes><resources/></configuration></cib>"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return str(root)


def found(paths: list[str]) -> list[tuple[int, int]]:
    return [(len(group.seats), len(group.older)) for group in groups(seats(targets(paths, ())))]


def test_hosts_that_were_masked_each_by_itself_all_count(tmp_path: Path) -> None:
    assert found([report(tmp_path, own) for own in (1, 2, 3)]) == [(1, 0)] * 3


def test_hosts_that_were_masked_together_are_one_cluster(tmp_path: Path) -> None:
    assert found([report(tmp_path, own, shared=True) for own in (1, 2, 3)]) == [(3, 0)]


def test_an_older_report_of_a_masked_host_does_not_count(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    assert found([report(tmp_path / name, 1) for name in ("old", "new")]) == [(1, 1)]
