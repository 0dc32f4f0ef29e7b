"""The failure tests of a cloud: what the lab saw becomes what must be seen there, and what was not seen is assumed, or not tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lwlint.audit.operate import failures
from lwlint.audit.operate.failures import (
    AS_EXPECTED,
    ASSUMED,
    DIFFERENT,
    NOT_TRIED,
    OBSERVED,
    Cloud,
    FailureTest,
    judge,
    load_results,
    plan_tests,
)
from lwlint.audit.operate.runbook import DATABASE, NO, SEE, START, STOP, UNKNOWN, YES, Action, Judged, Run, Runbook, Way
from lwlint.cli import main
from lwlint.core.finding import EACH, ConfigurationError
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
    assert test["fail"] == ["docker stop nova_conductor", "pcs resource disable galera-bundle --wait", "docker start nova_conductor"]
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
    assert plan_tests([Cloud(book)], load_observed()).not_planned == tuple(
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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expect": []}, "must expect something"),
        ({"expect": [{"does": "odd", "then": "serves"}]}, "`odd`: unknown word"),
        ({"stands_on": "hearsay"}, "must be `observed` or `assumed`"),
        ({"saw": {"does": "exits 256", "then": "gone"}}, "`exits 256`: unknown word"),
        ({"saw": {"does": "exits \u0661", "then": "gone"}}, "unknown word"),
    ],
)
def test_what_is_edited_into_a_test_is_refused_in_its_place(change: dict[str, Any], words: str, planned: dict[str, Any]) -> None:
    plain = json.loads(json.dumps(planned))
    plain["tests"][1].update(change)
    with pytest.raises(ConfigurationError, match=rf"^results\.json:1:\d+: .*{words}"):
        load_results(json.dumps(plain), "results.json")


def test_a_test_that_stands_twice_is_refused(planned: dict[str, Any]) -> None:
    plain = json.loads(json.dumps(planned))
    plain["tests"].append(plain["tests"][0])
    with pytest.raises(ConfigurationError, match=r"^results\.json:1:\d+: test `queens_cluster/[^`]*` is listed twice"):
        load_results(json.dumps(plain), "results.json")


def test_a_character_that_yaml_does_not_allow_has_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"^results\.json:2:12: character U\+0007 is not allowed in YAML"):
        load_results('{\n"tests": ["\x07"]}', "results.json")


# what a plan says of one service, made by hand

OBSERVATIONS = load_observed()


def run(service: str, thing: str, answer: str = YES, restarts: str = YES, stop: bool = True) -> Run:
    actions = tuple(Action(does, EACH, f"{does} {thing}") for does in ((SEE, STOP, START) if stop else (SEE,)))
    judged = (Judged("restarts", restarts, "so"), Judged(DATABASE, answer, "so"))
    return Run(service, service, "active_active", service, "systemd", thing, actions=actions, judged=judged)


GALERA = Run("galera", "galera", "core", "", "pacemaker", "galera-master", actions=(Action(STOP, EACH, "a"), Action(START, EACH, "b")))


def plan_of(*runs: tuple[Run, Way], release: str = "zed", name: str = "cloud", hosts: tuple[str, ...] = ("one",)) -> Cloud:
    every = ((GALERA, Way()), *runs)
    return Cloud(Runbook(name, True, hosts, tuple(one for one, _ in every)), release, tuple(way for _, way in every))


def at_start(*clouds: Cloud) -> list[FailureTest]:
    return [test for test in plan_tests(clouds, OBSERVATIONS).tests if "database-away-at-start" in test.id]


def words_of(test: FailureTest) -> list[tuple[str, str]]:
    return [(one.does, one.then) for one in test.expect]


def test_what_was_seen_under_a_web_server_is_said_of_what_runs_in_it() -> None:
    api = run("nova_api", "nova-api.service", NO)
    (under,) = at_start(plan_of((api, Way("uwsgi"))))
    assert (under.stands_on, words_of(under), under.release) == (OBSERVED, [("answers 500", "never: 500")], "zed")
    (httpd,) = at_start(plan_of((api, Way("mod_wsgi"))))
    assert (httpd.stands_on, words_of(httpd)) == (OBSERVED, [("hangs requests", "serves")])
    (alone,) = at_start(plan_of((api, Way(""))))
    assert (alone.stands_on, words_of(alone), alone.release) == (OBSERVED, [("forks again", "serves")], "newton")
    (unknown,) = at_start(plan_of((api, Way(None))))
    assert (unknown.stands_on, words_of(unknown), unknown.release) == (ASSUMED, [("", "serves")], "")


@pytest.mark.parametrize(("answer", "stands_on"), [(YES, OBSERVED), (NO, ASSUMED), (UNKNOWN, ASSUMED)])
def test_what_was_seen_with_one_setting_is_not_said_of_another(answer: str, stands_on: str) -> None:
    """A database that is killed was seen with `max_retries = -1` only."""
    tests = plan_tests([plan_of((run("heat_engine", "openstack-heat-engine.service", answer), Way()))], OBSERVATIONS).tests
    assert [test.stands_on for test in tests if "database-killed" in test.id] == [stands_on]


@pytest.mark.parametrize(("restarts", "number"), [(YES, 2), (UNKNOWN, 2), (NO, 1)])
def test_a_program_that_exits_serves_again_where_something_restarts_it(restarts: str, number: int) -> None:
    (test,) = at_start(plan_of((run("cinder_scheduler", "openstack-cinder-scheduler.service", NO, restarts), Way())))
    assert words_of(test) == [("exits 1", "gone"), ("exits 1", "serves")][:number]


@pytest.mark.parametrize(
    ("made", "way", "words"),
    [
        (run("heat_engine", "h"), Way(down="it does not run"), "cloud: h: it does not run"),
        (run("heat_engine", "h", stop=False), Way(), "cloud: h: no command may stop and start it"),
        (
            run("heat_engine", "h"),
            Way(stops_with=("galera-master",)),
            "cloud: h: with galera-master Pacemaker stops what is ordered after it",
        ),
    ],
)
def test_no_test_is_made_of_what_no_command_may_stop_and_start(made: Run, way: Way, words: str) -> None:
    plan = plan_tests([plan_of((made, way))], OBSERVATIONS)
    assert plan.tests == ()
    assert any(line.startswith(words) for line in plan.not_planned)


def test_each_test_has_an_id_of_its_own() -> None:
    """Of clusters of one name, of one without a name, and of services in one httpd."""
    httpd = ((run("keystone", "httpd.service"), Way("mod_wsgi")), (run("nova_api", "httpd.service"), Way("mod_wsgi")))
    clouds = [plan_of(*httpd), plan_of(*httpd, hosts=("two",)), plan_of(*httpd, hosts=("two",)), plan_of(*httpd, name="", hosts=("x{0}",))]
    ids = [test.id for test in at_start(*clouds)]
    assert len(ids) == len(set(ids)) == 8
    assert ids[0] == "cloud (one)/database-away-at-start/httpd.service/keystone"
    assert ids[-1] == "x{0}/database-away-at-start/httpd.service/nova_api"


def test_what_pacemaker_stops_with_the_database_is_not_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "plan", "fixtures/sos/mitaka-full"]) == 2
    assert "openstack-ceilometer-api-clone and 20 more: with galera-master Pacemaker stops" in capsys.readouterr().err


def test_what_mends_undoes_what_was_done(planned: dict[str, Any]) -> None:
    opposite = {"stop": "start", "start": "stop", "disable": "enable", "enable": "disable"}

    def undone(line: str) -> str:
        return " ".join(opposite.get(word, word) for word in line.split() if word != "--wait")

    for test in planned["tests"]:
        left = list(test["fail"])
        for line in test["fail"]:
            if line in left and undone(line) in left[left.index(line) :]:  # a start is not waited for
                left.remove(line)
                left.remove(undone(line))
        assert [undone(line) for line in reversed(left)] == test["mend"], test["id"]


@pytest.mark.parametrize(
    ("line", "waiting"),
    [
        ("pcs resource disable galera-bundle", "pcs resource disable galera-bundle --wait"),
        ("crm resource stop galera-clone", "crm --wait resource stop galera-clone"),
        ("systemctl stop mariadb.service", "systemctl stop mariadb.service"),
        ("docker stop nova_conductor", "docker stop nova_conductor"),
    ],
)
def test_what_the_cluster_stops_is_waited_for(line: str, waiting: str) -> None:
    assert failures._waiting(line) == waiting
