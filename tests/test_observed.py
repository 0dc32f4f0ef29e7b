"""lwlint held against what was observed: every claim has its observation, and no rule says of a program what it was not seen to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

import lwlint
from lwlint.core import observed
from lwlint.core.config_reader import load as load_yaml
from lwlint.core.facts import RELEASES
from lwlint.core.finding import ConfigurationError, Finding
from lwlint.core.observed import Claim, Observed, Seen
from lwlint.run import load_catalogue, load_rules
from tests.shared import HERE

UNITS = "usr/lib/systemd/system"
RULES = ("LW201", "LW202", "LW203", "LW204")
WITHIN = re.compile(r"dies within ([\d.]+)s of its start")
# options of the settings that LW301 and LW302 read
OPTIONS = {
    "unlimited": "max_retries = -1",
    "finite": "max_retries = 3",
    "none": "max_retries = 0",
    "one": "max_retries = 1",
    "two-workers": "max_retries = 3",
    "absent": "",
    "defaults": "",
}
RANGE = re.compile(rf"\b(from|up to|since|until) ({'|'.join(RELEASES)})", re.I)
LIMITS = {"no-broker-limit": "0", "broker-limit": "2"}
# projects whose files LW301 leaves alone, and why
SILENT = {
    "aodh": "it connects only when it works, and later releases take -1 for five attempts (LW305)",
    "barbican": "it has options of its own up to caracal (LW305)",
}


@cache
def seen() -> Observed:
    return observed.load((HERE / "rules/observed.yaml").read_text("utf-8"), "rules/observed.yaml")


@cache
def claims() -> tuple[Claim, ...]:
    return observed.load_claims((HERE / "rules/claims.yaml").read_text("utf-8"), "rules/claims.yaml")


OBSERVED = [claim for claim in claims() if claim.state == "observed"]
SERVICES = {service.name: service for service in load_catalogue().services}


def ids(found: Iterable[Claim]) -> list[str]:
    return [claim.id for claim in found]


@pytest.mark.parametrize("claim", OBSERVED, ids=ids(OBSERVED))
def test_a_claim_that_is_observed_has_observations_and_holds_of_all(claim: Claim) -> None:
    picked = list(claim.picks(seen()))
    assert picked, "nothing was observed"
    assert set(claim.but) <= {id for id, _ in picked}, "an exception of what is not picked"
    against = {id for id, one in picked if not observed.fits(one, claim.holds)}
    if claim.finds is None:
        assert against == set(claim.but)
    else:
        assert against == set()


def test_an_observation_is_of_a_claim() -> None:
    claimed = {(claim.of, id) for claim in OBSERVED for id, _ in claim.picks(seen())}
    every = {("services", run.id) for _, run in seen().runs()}
    every |= {(of, id) for of in ("units", "pairs", "real_units") for id in getattr(seen(), of)}
    assert every - claimed == set()


def test_claims_are_of_rules_that_there_are_and_have_one_name_each() -> None:
    known = {rule.code for rule in load_rules(examples=False)}
    assert [(claim.id, code) for claim in claims() for code in claim.rules if code not in known] == []
    assert len({claim.id for claim in claims()}) == len(claims())


def test_a_service_that_was_observed_is_in_the_catalogue() -> None:
    assert set(seen().services) <= set(SERVICES)


# units: the text of each experiment, each a host of its own, and what lwlint says of it


def name_of(text: str) -> str:
    """A service that was seen to leave with status 0, where the experiment's program does; else one that was not."""
    succeeds = re.search(r"/bin/true|exit 0|sleep (?!1000)[\d.]+'", text)
    return "openstack-heat-engine" if succeeds else "openstack-nova-api"


def write(root: Path, name: str, text: str, folder: str = UNITS) -> None:
    path = root / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    """What lwlint says of each experiment and each pair of units, by its name."""
    root = tmp_path_factory.mktemp("units")
    for id, unit in seen().units.items():
        name = name_of(unit.service)
        write(root / id, f"{name}.service", f"[Unit]\n{unit.unit}\n[Service]\n{unit.service}\n")
        for file, text in unit.drop_ins.items():
            write(root / id, file, text, f"run/systemd/system/{name}.service.d")
    for id, pair in seen().pairs.items():
        name = "openstack-nova-api"
        service = f"[Unit]\nStartLimitIntervalSec=0\n{pair.unit}\n[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n"
        texts = {f"{name}.service": service, "mariadb.service": f"[Unit]\n{pair.database}\n[Service]\nExecStart=/usr/sbin/mysqld\n"}
        if pair.target:
            texts["mariadb.target"] = "[Unit]\nBindsTo=%N-db.service\n"
        for file, text in texts.items():
            write(root / id, file, text.replace("%N-db", "mariadb").replace("%N", name))
    found: dict[str, list[Finding]] = {}
    for finding in lwlint.check([root], select=RULES).findings:
        found.setdefault(Path(finding.span.path).relative_to(root).parts[0], []).append(finding)
    return found


UNIT_CLAIMS = [(claim, id) for claim in OBSERVED if claim.of == "units" and claim.finds is not None for id, _ in claim.picks(seen())]


@pytest.mark.parametrize(("claim", "id"), UNIT_CLAIMS, ids=[id for _, id in UNIT_CLAIMS])
def test_the_text_of_an_experiment_is_judged_by_what_systemd_did(claim: Claim, id: str, said: dict[str, list[Finding]]) -> None:
    """A finding that says how soon a service must die counts where the experiment's program does."""
    unit, found = seen().units[id], set()
    for finding in said.get(id, ()):
        within = WITHIN.search(finding.message)
        if within is None or (unit.lives is not None and unit.lives < float(within[1])):
            found.add(finding.code)
    assert claim.finds is not None
    agrees = bool(found & set(claim.finds)) if claim.finds else not found
    assert agrees is (id not in claim.but), (found, claim.but.get(id))


BOUND = next(claim for claim in OBSERVED if claim.id == "bound-units")


@pytest.mark.parametrize("id", seen().pairs)
def test_what_stops_a_service_with_its_database_is_found_and_nothing_else(id: str, said: dict[str, list[Finding]]) -> None:
    pair = seen().pairs[id]
    found = [finding.message for finding in said.get(id, ()) if finding.code in BOUND.rules]
    bound = not pair.cannot_start or "dies" in (pair.killed, pair.stopped, pair.started)
    assert (bool(found) is bound) is (id not in BOUND.but), found
    for message in found:
        if "for good" in message:
            assert "dies" in (pair.killed, pair.started)
        if "does not start" in message:
            assert not pair.cannot_start


# option files: each service with each setting


def cells() -> list[tuple[str, Seen]]:
    """One run of each program and setting with a database away at the start, of the programs whose files name a database."""
    found = {}
    for name, run in seen().runs():
        if run.when.startswith("database-") and run.when.endswith("-at-start") and run.setting in OPTIONS and SERVICES[name].databases:
            found.setdefault((name, run.release, run.setting), run)
    return [(name, run) for (name, _, _), run in found.items()]


def options(name: str, lines: str) -> str:
    text = ""
    for database in SERVICES[name].databases:
        text += f"[{database.section}]\n{database.option} = mysql+pymysql://u@192.0.2.5/x\n"
        text += f"[{database.retry_section}]\n{lines}\n" if database.retry_section else f"{lines}\n"
    return text


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The messages of LW301 on each service, of LW302 on each project, with each setting: `RELEASE/NAME-SETTING`."""
    root, found = tmp_path_factory.mktemp("options"), dict[str, list[str]]()
    releases: set[str] = set()
    for name, run in cells():
        project, folder = SERVICES[name].project, f"{name}-{run.setting}"
        write(root / run.release / folder, f"{project}.conf", options(name, OPTIONS[run.setting]), f"etc/{project}")
        releases.add(run.release)
    for name, run in seen().runs():
        if run.when == "broker-away-at-start" and run.setting in LIMITS and run.release != "zed":
            project, folder = SERVICES[name].project, f"{SERVICES[name].project}-{run.setting}"
            text = f"[oslo_messaging_rabbit]\nrabbit_max_retries = {LIMITS[run.setting]}\n"
            write(root / run.release / folder, f"{project}.conf", text, f"etc/{project}")
    for release in releases:
        for finding in lwlint.check([root / release], select=["LW301", "LW302"], release=release).findings:
            key = f"{release}/{Path(finding.span.path).relative_to(root / release).parts[0]}"
            found.setdefault(key, []).append(finding.message)
    return found


@pytest.mark.parametrize(("name", "run"), cells(), ids=[run.id for _, run in cells()])
def test_lw301_speaks_where_attempts_end_and_tells_what_this_program_does(name: str, run: Seen, told: dict[str, list[str]]) -> None:
    messages = told.get(f"{run.release}/{name}-{run.setting}", [])
    if SERVICES[name].project in SILENT:
        assert all("seen:" not in message for message in messages)
        return
    assert bool(messages) is (run.setting in observed.ENDS), messages
    if run.setting == "finite" and run.when == "database-away-at-start":
        words = f"with status {run.status}" if run.status is not None else observed.in_words(run).split()[0].rstrip("s")
        assert all(run.program in message and words in message for message in messages), (words, messages)
    if run.broken:
        assert all("for good" in message for message in messages)


BROKER = [(SERVICES[name].project, run) for name, run in seen().runs() if run.when == "broker-away-at-start" and run.release != "zed"]


@pytest.mark.parametrize(("project", "run"), BROKER, ids=[run.id for _, run in BROKER])
def test_lw302_speaks_where_attempts_end_and_tells_what_this_program_does(project: str, run: Seen, told: dict[str, list[str]]) -> None:
    messages = told.get(f"{run.release}/{project}-{run.setting}", [])
    assert bool(messages) is (run.setting == "broker-limit"), messages
    for message in messages:
        assert run.program in message
        assert not run.broken or re.search(rf"{run.program}[^;]*deaf", message)


# the seven places where the report contradicts lwlint

HEAT = "[Service]\nType=simple\nExecStart=/usr/bin/heat-engine\nRestart={restart}\n"


def findings(root: Path, files: dict[str, str], codes: Iterable[str], release: str = "auto") -> list[tuple[str, str, str]]:
    for path, text in files.items():
        write(root, path.rpartition("/")[2], text, path.rpartition("/")[0])
    return [(f.code, f.severity, f.message) for f in lwlint.check([root], select=list(codes), release=release).findings]


@pytest.mark.parametrize("limit", ["", "[Unit]\nStartLimitIntervalSec=0\n"])
def test_first_a_service_that_leaves_with_success_must_be_restarted_always(limit: str, tmp_path: Path) -> None:
    unit = f"{UNITS}/openstack-heat-engine.service"
    found = findings(tmp_path, {unit: limit + HEAT.format(restart="on-failure")}, ["LW201"])
    assert [(code, "`always`" in message) for code, _, message in found] == [("LW201", True)]
    assert findings(tmp_path, {unit: limit + HEAT.format(restart="always")}, ["LW201"]) == []


def test_second_each_program_has_its_own_sentence_and_the_worst_is_told(tmp_path: Path) -> None:
    text = "[database]\nconnection = mysql+pymysql://n@192.0.2.5/n\nmax_retries = 3\n"
    found = findings(tmp_path, {"etc/neutron/neutron.conf": text, "etc/cinder/cinder.conf": text}, ["LW301"], "zed")
    neutron = next(message for _, _, message in found if message.startswith("neutron.conf"))
    cinder = next(message for _, _, message in found if message.startswith("cinder.conf"))
    assert "recovers by itself" in neutron
    assert "exit with status 1" in cinder
    assert "answers 500 for good" in cinder
    assert not any("start limit" in message or "many services" in message for _, _, message in found)


def test_third_a_start_limit_is_told_only_where_a_service_dies_soon_enough(tmp_path: Path) -> None:
    """The unit of cinder-scheduler, without a limit and with systemd's own written out: none was given up, in 120 to 330 s."""
    for n, limit in enumerate(("", "[Unit]\nStartLimitIntervalSec=10\nStartLimitBurst=5\n")):
        text = f"{limit}[Service]\nExecStart=/usr/bin/cinder-scheduler\nRestart=on-failure\n"
        path = f"{n}/{UNITS}/openstack-cinder-scheduler.service"
        assert findings(tmp_path / str(n), {path: text}, ["LW203"], "zed") == []
        old = findings(tmp_path / str(n), {path: text}, ["LW203"], "mitaka")
        assert [(severity, "dies within 1.9s" in message) for _, severity, message in old] == [("note", True)]


def test_fourth_who_is_ready_early_needs_no_endless_start(tmp_path: Path) -> None:
    """As evidence has it, but for neutron with tunnels, which flat networks do not show (claim `neutron-with-tunnels`)."""
    head = "[Service]\nType=notify\nRestart=always\nExecStart=/usr/bin/"
    cases = {"keystone-all": ("openstack-keystone", "mitaka", 0), "nova-conductor": ("openstack-nova-conductor", "newton", 0)}
    cases |= {"heat-engine": ("openstack-heat-engine", "zed", 0), "cinder-scheduler": ("openstack-cinder-scheduler", "mitaka", 1)}
    for program, (unit, release, number) in cases.items():
        found = findings(tmp_path / program, {f"{UNITS}/{unit}.service": head + program + "\n"}, ["LW210"], release)
        assert len(found) == number, program
    found = findings(tmp_path / "zed", {f"{UNITS}/openstack-nova-conductor.service": head + "nova-conductor\n"}, ["LW210"], "zed")
    assert len(found) == 1
    assert any(claim.id == "neutron-with-tunnels" and claim.state != "assumed" for claim in claims())


@pytest.mark.parametrize(
    ("key", "words"),
    [("PartOf", "is stopped with it"), ("StopPropagatedFrom", "for good when that ends"), ("Conflicts", "for good when that starts")],
)
def test_fifth_each_key_is_told_by_what_it_does(key: str, words: str, tmp_path: Path) -> None:
    unit = f"[Unit]\nStartLimitIntervalSec=0\n{key}=mariadb.service\n[Service]\nExecStart=/usr/bin/nova-conductor\nRestart=always\n"
    found = findings(tmp_path, {f"{UNITS}/openstack-nova-conductor.service": unit}, ["LW204"])
    assert [(words in message, "does not start" in message) for _, _, message in found] == [(True, False)]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("Restart=on-failure\nSuccessExitStatus=SIGKILL", "LW203"),
        ("Restart=on-failure\nSuccessExitStatus=143", "LW203"),
        ("Restart=on-failure\nRestartPreventExitStatus=SIGKILL", "LW203"),
        ("Restart=always\nExecCondition=/usr/bin/mysqladmin ping -h 192.0.2.5", "LW204"),
        ("Restart=always\nExecStartPre=/usr/bin/mysqladmin ping -h 192.0.2.5", ""),
    ],
)
def test_sixth_ways_out_of_a_restart_are_found(lines: str, code: str, tmp_path: Path) -> None:
    unit = f"[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/usr/bin/glance-api\n{lines}\n"
    found = findings(tmp_path, {f"{UNITS}/openstack-glance-api.service": unit}, ["LW203", "LW204"])
    assert [found_code for found_code, _, _ in found] == ([code] if code else [])


def test_seventh_a_service_that_is_deaf_for_good_is_told_first(tmp_path: Path) -> None:
    text = "[oslo_messaging_rabbit]\nrabbit_max_retries = 2\n"
    found = findings(tmp_path, {"etc/neutron/neutron.conf": text, "etc/cinder/cinder.conf": text}, ["LW302"], "newton")
    assert [severity for _, severity, _ in found] == ["error", "error"]
    assert all(
        "(seen: cinder-volume stays up, deaf" in message or "(seen: neutron-server stays up, deaf" in message for _, _, message in found
    )


# the file itself


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("does: exits 0", "does: leaves", "unknown word"),
        ("release: zed", "release: zedd", "did you mean `zed`"),
        ("then: gone", "then: fine", "unknown word"),
        ("by: reported", "by: hearsay", "unknown word"),
        ("ready: before", "redy: before", "unknown key"),
        ("when: database-killed", "when: database-gone", "unknown word"),
    ],
)
def test_a_word_outside_the_vocabulary_is_refused_in_its_place(old: str, new: str, words: str) -> None:
    text = (HERE / "rules/observed.yaml").read_text("utf-8").replace(old, new, 1)
    with pytest.raises(ConfigurationError, match=rf"^rules/observed\.yaml:\d+:\d+: .*{words}"):
        observed.load(text, "rules/observed.yaml")


def test_a_claim_of_an_unknown_field_is_refused_in_its_place() -> None:
    text = "- {id: x, says: y, state: observed, rules: [LW301], where: {wen: [z]}}\n"
    with pytest.raises(ConfigurationError, match=r"^claims\.yaml:1:\d+: `wen`: unknown field"):
        observed.load_claims(text, "claims.yaml")
    with pytest.raises(ConfigurationError, match="must stand under `read`"):
        observed.load_claims("- {id: x, says: y, state: read, rules: []}\n", "claims.yaml")


def test_the_catalogue_holds_none_of_these_facts_itself() -> None:
    """They have one source."""
    plain = load_yaml((HERE / "rules/services.yaml").read_text("utf-8"), "services.yaml")
    keys = {key for kind, services in plain.items() if kind != "databases" for values in services.values() for key in values or {}}
    assert keys.isdisjoint({"leaves_with_success", "ready_first", "outcomes", "lives"})


def test_what_was_seen_of_some_releases_is_said_of_no_others() -> None:
    """An observation is of one release; `from stein on` is what somebody read, or assumes."""
    assert [claim.id for claim in OBSERVED if RANGE.search(claim.says)] == []


def test_the_page_tells_in_which_releases_a_service_was_seen_to_be_ready_early() -> None:
    page = (HERE / "docs/observed.md").read_text("utf-8")
    for service in SERVICES.values():
        if not service.ready_first:
            continue
        part = page.partition(f"\n## {service.name}\n")[2].partition("\n## ")[0]
        releases = re.search(r"before it has a connection in ([\w, ]+); LW210", part)
        assert releases is not None, service.name
        watched = observed.ready_seen(seen().services[service.name])
        assert {name for name, first in watched.items() if first} == set(releases[1].split(", "))
