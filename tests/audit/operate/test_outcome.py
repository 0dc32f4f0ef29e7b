"""`lwlint plan --check`: what is, beside what was planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwlint.audit.operate.plan import make_plan
from lwlint.audit.operate.simulation import Pacemaker, serialize
from lwlint.audit.operate.steps import PROPERTIES, Plan, apply_edits, assign
from lwlint.cli import main
from lwlint.report.plan import render_json
from lwlint.run import load_rules
from tests.audit.operate.clusters import full_ha, pacemaker_is_here
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def plan() -> Plan:
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        return make_plan(full_ha(), "cib.xml", load_rules(examples=False), pacemaker)


@pytest.fixture
def result(tmp_path: Path, plan: Plan) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(render_json(plan))
    return path


def checked(result: Path, cib: str, capsys: Capsys) -> tuple[int, list[str]]:
    path = result.parent / "now.xml"
    path.write_text(cib)
    code = main(["plan", "--check", str(result), str(path)])
    return code, capsys.readouterr().out.splitlines()


def test_what_ends_where_it_was_to_end_is_as_planned(result: Path, plan: Plan, capsys: Capsys) -> None:
    code, lines = checked(result, serialize(plan.after).decode(), capsys)
    assert (code, lines[-1]) == (0, "as planned: 10 resources left Pacemaker, 7 stay")
    assert "not seen: one: no unit of it is in what was given" in lines


def test_nothing_done_is_told_resource_by_resource(result: Path, plan: Plan, capsys: Capsys) -> None:
    code, lines = checked(result, serialize(plan.before).decode(), capsys)
    assert code == 1
    assert {f"not as planned: `{one.name}` is still in the CIB" for one in plan.handed} <= set(lines)


def test_a_last_step_that_was_not_taken_and_what_was_lost_are_told(result: Path, plan: Plan, capsys: Capsys) -> None:
    half = apply_edits(plan.after, assign(plan.after, PROPERTIES, "stop-orphan-resources", "false"))
    redis = half.xpath("//master[@id='redis-master']")[0]
    redis.getparent().remove(redis)
    code, lines = checked(result, serialize(half).decode(), capsys)
    assert code == 1
    assert "not as planned: `redis` was to stay, and is not in the CIB" in lines
    assert "not as planned: `stop-orphan-resources` is `false`, and was to be not set: the last step was not taken" in lines


def test_a_finding_that_nobody_planned_is_told(result: Path, plan: Plan, capsys: Capsys) -> None:
    worse = serialize(plan.after).decode().replace('with-rsc="haproxy-clone"', 'with-rsc="galera-master"', 1)
    assert worse != serialize(plan.after).decode()
    code, lines = checked(result, worse, capsys)
    assert code == 1
    assert any(line.startswith("not as planned: LW103 ") for line in lines)


def test_units_of_the_hosts_are_compared_too(tmp_path: Path, capsys: Capsys) -> None:
    pacemaker_is_here()
    reports = HERE / "fixtures/sos/mitaka-full"
    targets = [str(path) for path in sorted(reports.iterdir()) if path.is_dir()]
    assert main(["plan", "--at-once", "--format", "json", *targets]) == 0
    (tmp_path / "plan.json").write_text(capsys.readouterr().out)
    code = main(["plan", "--check", str(tmp_path / "plan.json"), *targets])
    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    disabled = "not as planned: openstack-nova-conductor.service on full-controller-{}: it is not enabled, and is gone after the next boot"
    assert {disabled.format(number) for number in range(3)} <= set(lines)
    assert "not seen: tomcat.service on full-controller-0: it is not in what was given" in lines
    assert not any("no unit of it" in line for line in lines)


@pytest.mark.parametrize(("text", "said"), [("{}", "no plan of"), ("\xff", "no plan of"), (None, "no such file")])
def test_what_is_no_plan_is_refused(text: str | None, said: str, tmp_path: Path, capsys: Capsys) -> None:
    path = tmp_path / "plan.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    assert main(["plan", "--check", str(path), str(HERE / "fixtures/lightweight/var/lib/pacemaker/cib/cib.xml")]) == 2
    assert said in capsys.readouterr().err
