"""The command: what it prints, and the code that it ends with."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import lwlint
from lwlint.cli import main
from lwlint.cli.arguments import parser
from lwlint.report.explain import explain_rule, pair
from lwlint.run import load_rules
from tests.shared import HERE

FULL = "fixtures/full-pacemaker"
LIGHT = "fixtures/lightweight"
IMPORTING = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
SCHEMA = json.loads((HERE / "docs" / "report.schema.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


def test_a_tree_that_conforms_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["check", LIGHT]), capsys.readouterr().err) == (0, "")


def test_a_tree_that_does_not_conform_ends_with_1_and_shows_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", FULL]) == 1
    out = capsys.readouterr().out
    assert "LW101 " in out
    assert " fail, " in out.splitlines()[-1]


def test_the_json_report_keeps_to_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", FULL, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []
    assert {finding["code"] for finding in report["findings"]} >= {"LW101", "LW105"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "a", ""], "``: a path with nothing in it; the current folder is `.`"),
        (["check", "fixtures/ligthweight"], "`fixtures/ligthweight`: no such file or folder; did you mean `lightweight`?"),
        (["check", LIGHT, "--select", "unit-not-restartd"], "`unit-not-restartd`: unknown rule; did you mean `unit-not-restarted`?"),
        (["check", LIGHT, "--select", "LW101", "--ignore", "LW1"], "no rule is left to run"),
        (["check", LIGHT, "--release", "mitka"], "`mitka`: unknown release; did you mean `mitaka`?"),
        (["check", LIGHT, "--kind", "units"], "`units`: unknown kind; did you mean `unit`?"),
        (["check", LIGHT, "--rules", "no-such-rules"], "`no-such-rules`: no such folder"),
        (["check", LIGHT, "--stdin-filename", "nova.conf"], "`--stdin-filename` goes with `-`"),
        (["explain", "few-constraint"], "unknown rule or clause; did you mean `few-constraints`?"),
        (["services", "nova_apo"], "`nova_apo`: unknown service; did you mean `nova_api`?"),
        (["services", "neutron-frob"], "`neutron-frob`: unknown service"),
        (["test", "no-such-rules"], "`no-such-rules`: no such folder"),
    ],
)
def test_wrong_arguments_end_with_2_and_a_near_match(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("nova-api", "openstack-nova-api"),  # Debian's
        ("tripleo_nova_api.service", "openstack-nova-api"),
        ("kolla-mariadb-container", "galera"),
        ("ovn_cluster_northd", "ovn-dbs"),
        ("another OpenStack service", "another OpenStack service"),
    ],
)
def test_a_service_is_shown_by_any_of_its_names(name: str, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["services", name]) == 0
    assert capsys.readouterr().out.splitlines()[0] == title


def test_a_folder_with_nothing_to_judge_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing of ours\n")
    assert main(["check", str(tmp_path)]) == 2
    assert "nothing to judge: 1 file skipped" in capsys.readouterr().err


def test_a_named_file_that_is_none_of_ours_is_skipped_and_v_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of ours\n")
    assert main(["check", "-v", str(path)]) == 0
    assert (
        "notes.txt: no Heat template, CIB, quadlet of podman, systemd unit, oslo.config file or Puppet manifest" in capsys.readouterr().out
    )


def test_notes_do_not_fail_unless_asked(tmp_path: Path) -> None:
    unit = tmp_path / "usr/lib/systemd/system/openstack-nova-api.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n[Install]\nWantedBy=multi-user.target\n")
    assert [main(["check", str(tmp_path), "--select", "LW203", "--fail-on", level]) for level in ("note", "warning")] == [1, 0]


def test_strict_fails_a_rule_that_is_not_evaluated() -> None:
    arguments = ["check", f"{LIGHT}/etc", "--select", "LW101"]
    assert (main(arguments), main([*arguments, "--strict"])) == (0, 1)


def test_standard_input_is_read_under_its_given_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = b"[database]\nconnection = mysql://keystone@db/keystone\nmax_retries = 3\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["check", "-", "--stdin-filename", "etc/keystone/keystone.conf", "--format", "json", "--select", "LW301"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(f["path"], f["line"], f["column"]) for f in report["findings"]] == [("etc/keystone/keystone.conf", 3, 15)]


def test_facts_show_what_a_rule_can_match(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", f"{LIGHT}/var/lib/pacemaker/cib/cib.xml"]) == 0
    facts = json.loads(capsys.readouterr().out)["facts"]
    found = {f["name"]: (f["agent"], f["form"], f["parent"]) for f in facts if f["kind"] == "resource"}
    assert found["galera"] == ("ocf:heartbeat:galera", "primitive", "galera-master")
    assert found["galera-master"] == (None, "promotable", None)
    assert all({"kind", "name", "path", "line", "column", "host"} <= fact.keys() for fact in facts)


def test_explain_shows_a_rule_and_a_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["explain", "LW101"]), main(["explain", "vip-with-haproxy"])) == (0, 0)
    out = capsys.readouterr().out
    assert "LW103" in out
    assert "Remedy:" in out


def test_explain_shows_one_bad_example_and_what_to_use_instead_and_the_rest_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LW103"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line.split(":")[0] for line in lines if line and not line.startswith(" ") and ":" in line]
    assert [head for head in heads if head in ("Why", "Bad", "Use instead", "Remedy", "To allow it")] == [
        "Why",
        "Bad",
        "Use instead",
        "Remedy",
        "To allow it",
    ]
    assert "  finds cib.xml:7:22 virtual IP `ip-192.0.2.10`: no mandatory colocation" in "\n".join(lines)
    assert "`<!-- lwlint: allow LW103 because ... -->`" in "\n".join(lines)
    (more,) = re.findall(r"^(\d+) more examples: `lwlint explain LW103 --examples`$", lines[-1])
    assert main(["explain", "LW103", "--examples"]) == 0
    every = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("Bad: ", "Good: "))]
    assert len(every) == int(more) + 2


def test_what_explain_shows_of_each_rule_fits_two_screens() -> None:
    long = {}
    for rule in load_rules():
        lines = explain_rule(rule, ()).splitlines()
        (bad, good) = pair(rule)
        assert (bad.bad is not None, good.good is not None, "Use instead: " + good.title in "\n".join(lines)) == (True, True, True)
        if len(lines) > 110:
            long[rule.code] = len(lines)
    assert long == {}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("LW301", "`# lwlint: allow LW301 -- because ...` on the line above it"),
        ("LW404", "`# lwlint: allow LW404 -- because ...` on its line or the line above it"),
        ("LW501", '`lwlint allow LW501 PATH --because "..."` writes that into the configuration'),
    ],
)
def test_explain_says_how_a_finding_is_allowed_in_files_of_that_kind(rule: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", rule]) == 0
    assert said in " ".join(capsys.readouterr().out.split())


def test_the_list_of_rules_is_sorted_by_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "json"]) == 0
    codes = [rule["code"] for rule in json.loads(capsys.readouterr().out)]
    assert codes == sorted(codes)


def test_the_api_gives_the_same_findings_as_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", FULL, "--format", "json"])
    printed = [finding["fingerprint"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert [finding.fingerprint for finding in lwlint.check([FULL]).findings] == printed


def test_the_order_of_paths_does_not_change_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{FULL}/{name}" for name in sorted(os.listdir(HERE / FULL))]
    outputs = []
    for order in (names, names[::-1]):
        main(["check", *order, "--format", "json"])
        outputs.append(json.loads(capsys.readouterr().out)["findings"])
    assert outputs[0] == outputs[1]


def test_a_baseline_leaves_only_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = tmp_path / "known"
    assert main(["baseline", FULL, "--select", "LW101", "-o", str(known)]) == 0
    assert "38 findings recorded" in capsys.readouterr().out
    assert main(["check", FULL, "--select", "LW101", "--baseline", str(known)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert (said[0].startswith("no findings in "), said[1:]) == (True, ["1 pass, 0 fail, 0 not evaluated, 38 allowed"])
    assert main(["check", FULL, "--select", "LW101", "--select", "LW105", "--baseline", str(known)]) == 1


def test_the_rules_as_json_have_the_parameters_that_are_in_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    params = {}
    for text in ("", "rules: {LW406: {params: {policies: [always]}}}\n"):
        Path(".lwlint.yaml").write_text(text)
        assert main(["rules", "--select", "LW406,LW114", "--format", "json"]) == 0
        params[text] = [rule["params"] for rule in json.loads(capsys.readouterr().out)]
    assert list(params.values()) == [
        [{}, {"policies": ["always", "unless-stopped", "on-failure"], "before": {"on-failure": "ussuri"}}],
        [{}, {"policies": ["always"], "before": {"on-failure": "ussuri"}}],
    ]


def test_what_is_gone_of_a_baseline_is_told_and_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("etc").mkdir()
    for name, value in (("nova", "3"), ("heat", "3"), ("glance-api", "3")):
        Path(f"etc/{name}.conf").write_text(f"[database]\nconnection = mysql://k@db/{name}\nmax_retries = {value}\n")
    assert main(["baseline", "etc", "--select", "LW301", "-o", "known"]) == 0
    Path("etc/nova.conf").write_text("[database]\nconnection = mysql://k@db/nova\nmax_retries = -1\n")
    Path("etc/heat.conf").unlink()
    capsys.readouterr()
    assert main(["check", "etc", "--select", "LW301", "--baseline", "known"]) == 0
    seen = {
        "heat": "heat-engine exits with status 0, with several workers it stays up and recovers by itself or forks its children again",
        "nova": "nova-api forks its children again, under uWSGI it stays up and answers 500 for good; nova-metadata under uWSGI stays up"
        " and answers 500 for good; nova-conductor exits with status 0 or 1, with several workers it exits with status 1 or forks its"
        " children again; nova-consoleauth exits with status 0; nova-scheduler exits with status 1",
    }
    message = "`database.max_retries` is `3`; it must be `-1`"
    gone = [f"gone: LW301 etc/{name}.conf: {name}.conf: {message} (seen: {did})" for name, did in seen.items()]
    assert capsys.readouterr().err.splitlines() == [f"lwlint: {line}" for line in (*gone, "0 new, 1 known, 2 gone")]
    assert main(["check", "etc/nova.conf", "--select", "LW301", "--baseline", "known"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "lwlint: 0 new, 0 known, 1 gone, 2 not looked at"
    assert main(["baseline", "etc", "--select", "LW301", "-o", "known", "--prune"]) == 0
    assert capsys.readouterr().out.splitlines() == [*gone, "0 new, 1 known, 2 gone"]
    assert [json.loads(line).get("path") for line in Path("known").read_text().splitlines()] == [None, "etc/glance-api.conf"]


def test_several_formats_are_written_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sarif, junit = tmp_path / "out.sarif", tmp_path / "out.xml"
    assert main(["check", FULL, "--format", f"sarif={sarif}", "--format", f"junit={junit}"]) == 1
    output = capsys.readouterr()
    assert (output.out, " fail, " in output.err) == ("", True)
    assert json.loads(sarif.read_text("utf-8"))["version"] == "2.1.0"
    assert junit.read_text("utf-8").startswith("<?xml")


def test_a_configuration_chooses_rules_files_and_exceptions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        path = tmp_path / name / "etc/keystone/keystone.conf"
        path.parent.mkdir(parents=True)
        path.write_text("[database]\nconnection = mysql://k@db/k\nmax_retries = 3\n")
    (tmp_path / ".lwlint.yaml").write_text(
        "select: [LW301, LW902]\npaths: {exclude: [b/]}\nallow:\n- {rule: LW301, path: a/, because: it is a lab}\n"
        "- {rule: LW301, path: a/, because: it was a lab, until: 2020-01-01}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(f["code"], f["path"], f["line"], f["allowed"]) for f in report["findings"]] == [
        ("LW902", ".lwlint.yaml", 5, None),
        ("LW301", "a/etc/keystone/keystone.conf", 3, "it is a lab"),
    ]
    assert [(v["code"], v["outcome"]) for v in report["verdicts"]] == [("LW301", "pass"), ("LW902", "fail")]
    assert main(["check", "--no-config", "--select", "LW301"]) == 1


def test_a_mistake_in_the_configuration_ends_with_2_and_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".lwlint.yaml").write_text("select: [LW101]\nignored: [LW102]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "lwlint: .lwlint.yaml:2:1: `ignored`: unknown key; did you mean `ignore`?\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 0, "configuration: .lwlint.yaml"),
        ("rules:\n  LW405: {}\n  LW999: {severity: note}\n", 2, "lwlint: .lwlint.yaml:3:3: `LW999`: unknown rule"),
        ("select: [LW1, LW88]\n", 2, "lwlint: .lwlint.yaml:1:15: `LW88`: unknown rule"),
        ("allow:\n- {rule: LW31, path: a, because: b}\n", 2, "lwlint: .lwlint.yaml:2:10: `LW31`: unknown rule"),
        ("rules: {LW203: {params: {foo: 1}}}\n", 2, "lwlint: .lwlint.yaml:1:26: `foo`: unknown key"),
    ],
)
def test_the_settings_are_printed_if_a_run_would_take_them(
    text: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".lwlint.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["config"]) == code
    captured = capsys.readouterr()
    assert (captured.out or captured.err).startswith(said)


@pytest.mark.parametrize("arguments", [["config"], ["config", "--schema"], ["init"], ["init", "zuul"]])
def test_settings_schema_and_starters_are_printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.strip() != ""


@pytest.mark.parametrize(
    ("arrangement", "code", "said"),
    [
        ("{} >/dev/full", 2, "lwlint: the output cannot be written (No space left on device)\n"),
        ("{} >&-", 1, ""),
        ("{} --format json=out >&- 2>&-; code=$?; tail -c2 out >&2; exit $code", 1, "}\n"),
        ("{} --format json 2>&- | tail -c2 >&2", 0, "}\n"),
        ("mkdir a && cd a && rmdir ../a && {}", 2, "lwlint: the current folder is not there any more\n"),
    ],
)
def test_what_is_wrong_around_lwlint_is_no_defect_of_its_own(arrangement: str, code: int, said: str, tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    (tmp_path / "nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    command = arrangement.format(f"{sys.executable} -m lwlint check --no-cache --no-config --select LW301 {tmp_path}/nova.conf")
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, said), done


def test_paths_may_stand_on_both_sides_of_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("nova-api", "nova-scheduler"):
        Path(f"{name}.service").write_text(f"[Service]\nExecStart=/usr/bin/{name}\nRestart=no\n")
    given = ["nova-api.service", "--select", "LW201", "nova-scheduler.service", "--no-cache"]
    assert main(["check", *given, "--format", "csv"]) == 1
    assert capsys.readouterr().out.count("LW201,") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek", "."], "`chek`: unknown command; did you mean `check`?"),
        ([""], "``: unknown command; `lwlint --help` lists them"),
        (["frobnicate"], "`frobnicate`: unknown command; `lwlint --help` lists them"),
        (["check", "--selct", "LW301", "."], "`--selct`: unknown option; did you mean `--select`?"),
        (["audit", "--frobnicate=1", "x"], "`--frobnicate`: unknown option; `lwlint audit --help` lists them"),
        (["graph", "a", "b"], "`b`: unknown argument; `lwlint graph --help` lists them"),
        (["check", "--since=--", "."], "`--since`: names nothing; a file with the name `--` is `./--`"),
        (["check", "--fail-on=--", "--", "a"], "`--fail-on`: names nothing; a file with the name `--` is `./--`"),
    ],
)
def test_a_slip_in_a_command_or_an_option_is_told_with_what_may_be_meant(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"lwlint: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit", "--format", "html", "--format", "json", FULL], "`--format`: takes one value, and has two: `html`, `json`"),
        (["check", "--baseline", "a", "--baseline=b", FULL], "`--baseline`: takes one value, and has two: `a`, `b`"),
    ],
)
def test_of_two_values_for_one_neither_is_passed_over(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"lwlint: {said}\n")
    assert main(["rules", "--format", "json", "--format=json"]) == 0


def test_what_a_user_adds_to_the_options_of_a_wrapper_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--release", "nothing", "--release", "mitaka", FULL]) == 1
    assert main(["check", "--release", "mitaka", "--release", "nothing", FULL]) == 2


def test_a_file_is_judged_once_whatever_way_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a" / "etc"
    folder.mkdir(parents=True)
    (folder / "nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    monkeypatch.chdir(folder)
    ways = ["nova.conf", "../etc/nova.conf", "../../a/etc", str(folder / "nova.conf")]
    assert main(["check", "--no-config", "--select", "LW301", "--format", "csv", *ways]) == 1
    assert [row.split(",")[4] for row in capsys.readouterr().out.splitlines()] == ["path", "nova.conf"]


@pytest.mark.parametrize("ways", [("..", "."), (".", ".."), ("..", "etc"), ("../../b/a", "..", "etc/nova.conf")])
def test_what_lies_below_two_folders_that_are_named_is_judged_once(
    ways: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a/etc/nova.conf", "keystone.conf"):
        (tmp_path / "b" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "b" / name).write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    monkeypatch.chdir(tmp_path / "b" / "a")
    assert main(["check", "--no-config", "--select", "LW301", "--format", "csv", *ways]) == 1
    found = sorted(row.split(",")[4] for row in capsys.readouterr().out.splitlines()[1:])
    assert found == (["../keystone.conf"] if ".." in ways else []) + ["etc/nova.conf"]


@pytest.mark.parametrize("early", ["core.lazy.be_alone", "cli.arguments.parse", "cli.arguments.run"])
def test_ctrl_c_leaves_one_line_however_early_it_comes(early: str) -> None:
    module, _, name = early.rpartition(".")
    program = (
        f"import lwlint.{module} as module\n"
        "from lwlint.cli import entry\n"
        "def interrupted(*arguments): raise KeyboardInterrupt\n"
        f"module.{name} = interrupted\n"
        "entry()"
    )
    run = subprocess.run([sys.executable, "-c", program, "check", "."], cwd=HERE, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "lwlint: interrupted\n")


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="THIS PLATFORM HAS NO pthread_sigmask")
def test_ctrl_c_waits_while_msgspec_is_imported() -> None:
    """Its own code forgets what is raised while it imports other modules, and ends the process with a segmentation fault later."""
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell has what runs in the background ignore\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'msgspec._core' and signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()):\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from lwlint.cli import entry\n"
        "entry()"
    )
    run = subprocess.run([sys.executable, "-c", program, "rules"], cwd=HERE, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "lwlint: interrupted\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="THIS PLATFORM HAS NO /dev/full")
@pytest.mark.parametrize("command", ["--version", "--help", "check --help", "rules", "explain LW101"])
@pytest.mark.parametrize("unbuffered", [False, True])
def test_what_cannot_be_printed_ends_with_2_and_no_traceback(command: str, unbuffered: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {"PYTHONUNBUFFERED": "1"} if unbuffered else {}

    def run(out: Any) -> tuple[int, str]:
        program = [sys.executable, "-m", "lwlint", *command.split()]
        done = subprocess.run(program, cwd=HERE, stdout=out, stderr=subprocess.PIPE, text=True, check=False, env=environment)
        return done.returncode, done.stderr

    with open("/dev/full", "w") as full:
        assert run(full) == (2, "lwlint: the output cannot be written (No space left on device)\n")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(writer) == (2, "")
    finally:
        os.close(writer)
    assert run(subprocess.DEVNULL) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="THIS PLATFORM HAS NO /dev/full")
@pytest.mark.parametrize("command", ["--version", "check", "check --since none", "explain LW101", "audit nothing", "rules --nope"])
def test_where_neither_what_is_printed_nor_what_is_wrong_with_it_can_be_written_it_ends_with_2(command: str) -> None:
    with open("/dev/full", "w") as full:
        program = [sys.executable, "-m", "lwlint", *command.split()]
        assert subprocess.run(program, cwd=HERE / FULL, stdout=full, stderr=full, check=False, env=IMPORTING).returncode == 2


@pytest.mark.parametrize(("arguments", "code"), [("check --nope", 2), ("nope", 2), ("--help", 0), ("", 2)])
def test_what_argparse_ends_keeps_its_exit_code(arguments: str, code: int) -> None:
    program = [sys.executable, "-m", "lwlint", *arguments.split()]
    run = subprocess.run(program, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == code
    assert bool(run.stderr) == (code == 2)


def naming_options() -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each option of each command that takes any text, and the arguments that give it nothing."""
    commands = next(each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    for command, one in commands.choices.items():
        words = [
            choices[0] if (choices := each.choices) else "x"
            for each in one._actions
            if not each.option_strings and each.nargs in (None, "+")
        ]
        needed = [each.option_strings[0] for each in one._actions if each.required and each.option_strings]
        for option in one._actions:
            name = option.option_strings[0] if option.option_strings else ""
            if name and option.nargs is None and not option.choices and not option.type:
                others = [word for each in needed if each != name for word in (each, "x")]
                yield option.dest.replace("_", "-"), [command, *words, *others, name, ""]


OTHERWISE = {"ignore", "format", "because", "until"}  # nothing is to be ignored; the others are told in words of their own


@pytest.mark.parametrize(("option", "arguments"), list(naming_options()))
def test_an_option_that_names_nothing_is_not_passed_over(option: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if option not in OTHERWISE:
        assert main(arguments) == 2
        assert capsys.readouterr() == ("", f"lwlint: `--{option}`: names nothing\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--baseline="], "`--baseline`: names nothing"),
        (["check", "-e", FULL, "-e", ""], "`--environment`: names nothing"),
        (["check", "--select", " , "], "`--select`: names nothing"),
        (["check", "--format", ""], "``: unknown format"),
        (["check", "--fail-on", ""], "argument --fail-on: invalid choice: ''"),
        (["allow", "LW101", FULL, "--because", ""], "`--because`: an exception needs a reason"),
        (["allow", "LW101", FULL, "--because", "x", "--until", ""], "`--until`: ``: must be a date"),
        (["new-rule", "unit-of-a-test", ""], "``: a path with nothing in it; the current folder is `.`"),
        (["test", ""], "``: a path with nothing in it; the current folder is `.`"),
    ],
)
def test_what_names_nothing_otherwise_is_told_too(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    out, told = capsys.readouterr()
    assert (out, said in told) == ("", True)


def test_nothing_may_be_what_is_to_be_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", LIGHT, "--ignore", ""]) == 0
    assert capsys.readouterr().err == ""


SHORT = """
import sys
import lwlint.cli.arguments as arguments
import lwlint.core.secret as secret
from lwlint.cli import entry

def short(*given):
    raise {0}

arguments.run = short
if {1}:
    secret.without = short
sys.argv = ["lwlint", "rules"]
entry()
"""


@pytest.mark.parametrize("while_telling", [False, True])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("MemoryError", "there is not enough memory"),
        ("""RuntimeError("can't start new thread")""", "there is not enough memory"),
        ("ImportError('/x.so: failed to map segment from shared object')", "there is not enough memory"),
        ("ValueError('of a test')", "this is a defect of lwlint: ValueError"),
    ],
)
def test_short_memory_and_a_defect_in_telling_of_one_end_with_2_and_one_line(error: str, said: str, while_telling: bool) -> None:
    program = SHORT.format(error, while_telling)
    run = subprocess.run([sys.executable, "-c", program], cwd=HERE, capture_output=True, text=True, check=False)
    more = "" if "memory" in said or while_telling else ": of a test (`--debug` shows where)"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"lwlint: {said}{more}\n")


@pytest.mark.parametrize(
    "command",
    ["test Y", "new-rule unit-of-a-test Y", "explain LW101 --rules Y", "rules --rules Y", "check Y", "check -e Y", "audit Y", "plan Y"],
)
def test_a_name_that_is_too_long_for_a_file_is_told_like_any_other_that_is_not_there(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "y" * 300
    assert main([name if word == "Y" else word for word in command.split()]) == 2
    out, said = capsys.readouterr()
    assert (out, said.startswith(f"lwlint: `{name}"), "defect" in said) == ("", True, False)


@pytest.mark.parametrize("command", [["check"], ["facts"], ["fix"], ["check", "-e"], ["check", "--baseline"]])
def test_a_path_of_more_parts_than_python_calls_within_each_other_is_one_that_is_not_there(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "a/" * 3000]) == 2
    said = capsys.readouterr().err
    assert "defect" not in said
    assert said.startswith("lwlint: `a/a/a/")
