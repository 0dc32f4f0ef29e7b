"""The failure tests of a cloud: what the lab saw becomes what must be seen there, and what was not seen is assumed, or not tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from lwlint.operate.failures import AS_EXPECTED, ASSUMED, DIFFERENT, NOT_TRIED, OBSERVED, judge, load_results, plan_tests
from lwlint.operate.runbook import Run, Runbook
from lwlint.policy.rules import load_observed
from tests.shared import HERE

TARGET = "fixtures/sos/queens-docker"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The plan for a cluster, as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "lwlint", "lab", "plan", TARGET, "--format", "json"], cwd=HERE, capture_output=True, text=True
    )
    plain: dict[str, Any] = json.loads(done.stdout)
    return plain


def test_each_service_is_tried_with_both_servers_away_at_its_start_and_later(planned: dict[str, Any]) -> None:
    found = {test["id"]: test for test in planned["tests"]}
    for when in ("database-killed", "database-away-at-start", "broker-killed", "broker-away-at-start"):
        assert f"queens_cluster/{when}/nova_conductor" in found
    test = found["queens_cluster/database-away-at-start/nova_conductor"]
    assert test["fail"] == ["docker stop nova_conductor", "pcs resource disable galera-bundle", "docker start nova_conductor"]
    assert test["mend"] == ["pcs resource enable galera-bundle"]
    assert test["stands_on"] == OBSERVED
    assert {"does": "exits 0", "then": "gone"} in test["expect"]
    assert found["queens_cluster/database-away-at-start/openstack-cinder-volume"]["expect"] == [{"does": "waits", "then": "serves"}]
    assert not any(test["id"].startswith("queens_cluster/database") for test in planned["tests"] if test["service"] == "heat_api")


def filled(plain: dict[str, Any], **saw: str) -> list[Any]:
    plain = json.loads(json.dumps(plain))
    for test in plain["tests"]:
        test["saw"] = saw
    return judge(load_results(json.dumps(plain), "results.json"))


def test_what_was_seen_is_compared_and_what_was_not_is_not_tried(planned: dict[str, Any]) -> None:
    assert {one.outcome for one in filled(planned)} == {NOT_TRIED}
    assert {one.outcome for one in filled(planned, then="not observed")} == {NOT_TRIED}
    for one in filled(planned, then="serves"):
        expected = AS_EXPECTED if any(words.then == "serves" for words in one.test.expect) else DIFFERENT
        assert (one.outcome, one.bad) == (expected, "")
    for one in filled(planned, then="never: 500"):
        assert one.bad.startswith("it stays up and is of no use")


def test_a_service_that_is_expected_to_be_gone_is_bad_all_the_same(planned: dict[str, Any]) -> None:
    gone = [one for one in filled(planned, does="exits 0", then="gone") if one.test.service == "nova_conductor"]
    assert {one.outcome for one in gone if "database-away" in one.test.id} == {AS_EXPECTED}
    assert all("must come back" in one.bad for one in gone)


def test_the_command_prints_and_judges(planned: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(json.dumps(planned))
    for test in plain["tests"]:
        test["saw"] = test["expect"][0]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(plain))
    bad = any(test["saw"]["then"] in ("gone", "never: 500", "never: deaf") for test in plain["tests"])
    assert main(["lab", "judge", str(path)]) == bad
    assert capsys.readouterr().out.endswith(f"{len(plain['tests'])} as expected, 0 different, 0 not tried\n")
    plain["tests"] = [test for test in plain["tests"] if test["saw"]["then"] == "serves"]
    path.write_text(json.dumps(plain))
    assert main(["lab", "judge", str(path)]) == 0
    plain["tests"][0]["saw"] = {}
    path.write_text(json.dumps(plain))
    assert main(["lab", "judge", str(path)]) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"tests": [{"id": "a"}]}', "is missing"),
        (b"\xff", "is not UTF-8"),
        (b"tests: [", "results:2:"),
        (b'{"tests": []}', None),
    ],
)
def test_a_file_that_is_no_plan_is_refused(content: bytes, words: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results"
    path.write_bytes(content)
    code = main(["lab", "judge", str(path)])
    assert code == (2 if words else 1)
    assert words is None or words in capsys.readouterr().err


def test_a_word_outside_the_vocabulary_is_refused_in_its_place(
    planned: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads(json.dumps(planned))
    plain["tests"][0]["saw"] = {"does": "exit 0", "then": "serves"}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(plain))
    assert main(["lab", "judge", str(path)]) == 2
    assert "`exit 0`: unknown word; did you mean `exits 0`?" in capsys.readouterr().err
    assert main(["lab", "judge", str(tmp_path / "none")]) == 2


def test_a_cluster_without_a_database_has_no_test_for_it_and_says_so() -> None:
    book = Runbook("lone", False, ("a",), (Run("nova_api", "nova-api", "active_active", "nova", "systemd", "openstack-nova-api"),))
    assert plan_tests([(book, None)], load_observed()).not_planned == tuple(
        f"lone: nothing in it runs {name}, so that nothing can be stopped there" for name in ("galera", "rabbitmq")
    )


def test_what_nobody_saw_is_assumed(planned: dict[str, Any]) -> None:
    for test in planned["tests"]:
        assert test["expect"]
        assert (test["stands_on"] == ASSUMED) is (test["expect"] == [{"does": "", "then": "serves"}])


def test_a_cluster_alone_tells_why_no_test_can_be_made_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cib.xml"
    path.write_text(
        '<cib validate-with="pacemaker-3.0" epoch="1"><configuration><crm_config><cluster_property_set id="c">'
        '<nvpair id="c1" name="cluster-name" value="cloud"/></cluster_property_set></crm_config><nodes/><resources>'
        '<clone id="rabbitmq-clone"><primitive id="rabbitmq" class="ocf" provider="heartbeat" type="rabbitmq-cluster"/></clone>'
        "</resources><constraints/></configuration></cib>"
    )
    assert main(["lab", "plan", str(path)]) == 2
    words = capsys.readouterr().err
    assert "no unit or option file of a service that uses rabbitmq was given" in words
    assert "nothing in it runs galera" in words
