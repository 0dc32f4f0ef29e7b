"""Quadlets, judged as the units that podman's generator makes of them."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import lwlint
from lwlint.audit.report_layout import SosPaths
from lwlint.cli import main
from lwlint.core.kind import Kinds
from lwlint.core.source import Source
from lwlint.inputs import KINDS
from lwlint.inputs.systemd.facts import Unit
from lwlint.inputs.systemd.files import read_made
from lwlint.inputs.systemd.reader import unit_facts
from lwlint.inputs.systemd.settings import Assignment
from lwlint.run import load_catalogue

CONTAINER = "[Container]\nImage=registry.example/nova-api:1\n"
FOLDER = "etc/containers/systemd"


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def found(root: Path, files: dict[str, str], *rules: str) -> list[str]:
    report = lwlint.check(write(root, files), select=rules)
    return [f"{finding.rule} {finding.message.partition(':')[0]}" for finding in report.findings if finding.allowed is None]


@pytest.mark.parametrize(
    ("file", "text", "unit"),
    [
        ("nova_api.container", CONTAINER, "nova_api.service"),
        ("x.container", CONTAINER + "ServiceName=nova_api\n", "nova_api.service"),
        ("nova_api@.container", CONTAINER, "nova_api@.service"),
        ("nova_api.kube", "[Kube]\nYaml=nova.yml\n", "nova_api.service"),
        ("nova_api.pod", "[Pod]\n[Service]\nRestart=no\n", "nova_api-pod.service"),
        ("a/b/nova_api.container", CONTAINER, "nova_api.service"),
    ],
)
def test_the_unit_of_a_quadlet_has_the_name_that_podman_gives_it(file: str, text: str, unit: str, tmp_path: Path) -> None:
    assert found(tmp_path, {f"{FOLDER}/{file}": text}, "LW201") == [f"unit-not-restarted {unit}"]


def test_a_pod_is_restarted_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert found(tmp_path, {f"{FOLDER}/nova_api.pod": "[Pod]\n"}, "LW201") == []


@pytest.mark.parametrize(
    "drop_in",
    [
        f"{FOLDER}/nova-api.container.d/a.conf",
        f"{FOLDER}/nova-.container.d/a.conf",
        f"{FOLDER}/container.d/a.conf",
        "etc/systemd/system/nova-api.service.d/a.conf",
        "etc/systemd/system/service.d/a.conf",
    ],
)
def test_drop_ins_of_podman_and_of_systemd_count(drop_in: str, tmp_path: Path) -> None:
    files = {f"{FOLDER}/nova-api.container": CONTAINER, drop_in: "[Service]\nRestart=always\n"}
    assert found(tmp_path, files, "LW201") == []


def test_a_drop_in_of_a_longer_name_beats_one_of_a_shorter_with_the_same_file(tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/nova-api.container": CONTAINER,
        f"{FOLDER}/nova-api.container.d/a.conf": "[Service]\nRestart=no\n",
        f"{FOLDER}/container.d/a.conf": "[Service]\nRestart=always\n",
    }
    assert found(tmp_path, files, "LW201") == ["unit-not-restarted nova-api.service"]


def test_a_unit_of_the_same_name_in_etc_beats_the_generator(tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/nova_api.container": CONTAINER,
        "etc/systemd/system/nova_api.service": "[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n",
    }
    assert found(tmp_path, files, "LW201") == []


def test_the_quadlet_in_run_beats_those_in_etc_and_usr(tmp_path: Path) -> None:
    files = {
        "usr/share/containers/systemd/nova_api.container": CONTAINER,
        f"{FOLDER}/nova_api.container": CONTAINER,
        "run/containers/systemd/nova_api.container": CONTAINER + "[Service]\nRestart=always\n",
    }
    assert found(tmp_path, files, "LW201") == []


@pytest.mark.parametrize("text", ["[Container]\n", CONTAINER + "[Service]\nType=simple\n"])
def test_a_quadlet_of_which_podman_makes_no_unit_is_refused(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, {f"{FOLDER}/nova_api.container": text}, "LW208") == ["unit-refused nova_api.service"]


def test_a_line_of_a_quadlet_may_be_allowed(tmp_path: Path) -> None:
    text = CONTAINER + "[Service]\n# lwlint: allow LW201 because it is run by hand\nRestart=no\n"
    assert found(tmp_path, {f"{FOLDER}/nova_api.container": text}, "LW201", "LW902") == []


def test_a_fix_writes_a_drop_in_of_the_unit(tmp_path: Path) -> None:
    write(tmp_path, {f"{FOLDER}/nova_api.container": CONTAINER})
    main(["fix", "--no-config", "--no-cache", "--unsafe", "--select", "LW201", str(tmp_path)])
    assert "Restart=always" in (tmp_path / "etc/systemd/system/nova_api.service.d/50-lwlint.conf").read_text()
    assert found(tmp_path, {}, "LW201") == []


def test_a_loose_quadlet_is_known_by_its_name_and_section(tmp_path: Path) -> None:
    assert found(tmp_path, {"files/nova_api.container": CONTAINER}, "LW201") == ["unit-not-restarted nova_api.service"]
    assert Kinds(KINDS).of("docs/x.pod", "=head1 NAME\n\nnova\n")[0] is None


def test_a_quadlet_for_users_is_none_of_the_control_plane(tmp_path: Path) -> None:
    kind, why = Kinds(KINDS).of(f"{FOLDER}/users/nova_api.container", CONTAINER)
    assert kind is None
    assert "users" in why


@pytest.mark.parametrize("folder", [FOLDER, "run/containers/systemd", "usr/share/containers/systemd"])
def test_an_audit_collects_quadlets(folder: str) -> None:
    assert SosPaths().member(f"sosreport-c0/{folder}/nova_api.container")


@pytest.mark.parametrize("name", ["nova_api", "nova_api.txt", "nova_api.service"])
def test_a_file_that_the_user_calls_a_quadlet_is_one_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(CONTAINER + "[Service]\nRestart=no\n")
    report = lwlint.check([tmp_path / name], kind="quadlet", select=["LW201"])
    assert [finding.code for finding in report.findings] == ["LW201"]


@pytest.mark.parametrize(
    "word", ["db.container", "network-online.target db.container", "mariadb.service", "other.container", "data.volume"]
)
@pytest.mark.parametrize("key", ["Requires", "BindsTo", "PartOf", "After"])
def test_a_dependency_on_a_quadlet_is_one_on_its_unit(key: str, word: str, tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/nova_api.container": f"[Unit]\n{key}={word}\n{CONTAINER}[Service]\nRestart=always\n",
        f"{FOLDER}/db.container": "[Container]\nImage=registry.example/mariadb:1\nServiceName=mariadb\n[Service]\nRestart=always\n",
        f"{FOLDER}/other.container": "[Container]\nImage=registry.example/exporter:1\n[Service]\nRestart=always\n",
    }
    bound = key != "After" and ("db.container" in word or "mariadb" in word)
    assert len(found(tmp_path, files, "LW204")) == bound


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("nova_api.container", CONTAINER + "ContainerNme=a\n", "unknown key `ContainerNme`; did you mean `ContainerName`?"),
        ("nova_api.container", CONTAINER + "volume=/a:/a\n", "unknown key `volume`; did you mean `Volume`?"),
        ("nova_api.container", CONTAINER + "Volumes=/a:/a\n", "unknown key `Volumes`; did you mean `Volume`?"),
        ("nova_api.kube", "[Kube]\nYaml=a\nConfigmap=b\n", "unknown key `Configmap`; did you mean `ConfigMap`?"),
        ("nova_api.container", CONTAINER + "Memory=1g\nReloadSignal=HUP\nNetwork=host\nPodmanArgs=--x\n", None),
        ("nova_api.container", CONTAINER + "OfALaterPodman=a\n", None),
    ],
)
def test_of_a_key_that_is_misspelt_podman_makes_no_unit(file: str, text: str, said: str | None, tmp_path: Path) -> None:
    report = lwlint.check(write(tmp_path, {f"{FOLDER}/{file}": text + "[Service]\nRestart=always\n"}), select=["LW208"])
    messages = [finding.message for finding in report.findings]
    assert len(messages) == (said is not None)
    assert said is None or said in messages[0]


def verdict(root: Path, files: dict[str, str], rule: str) -> tuple[str, str]:
    """Return the outcome of a rule, and the reason that is given for it."""
    (told,) = lwlint.check(write(root, files), select=[rule]).verdicts
    return told.outcome, told.because


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("nova_api.container", CONTAINER + "Restart=always\n", "`Restart` belongs in `[Service]`"),
        ("nova_api.container", CONTAINER + "Description=x\n", "`Description` belongs in `[Unit]`"),
        ("nova_api.kube", "[Kube]\nYaml=a\nWantedBy=multi-user.target\n", "`WantedBy` belongs in `[Install]`"),
        ("nova_api.container", CONTAINER + "Rootfs=/srv\n", "it has both `Image=` and `Rootfs=`"),
        ("nova_api.container", CONTAINER + "[Service]\nKillMode=process\n", "`KillMode=` may be `mixed` or `control-group` only"),
        ("nova_api.container", CONTAINER + "Pod=nova\n", "`Pod=` must name a quadlet, which ends in `.pod`"),
        ("nova_api.container", CONTAINER + "ExposeHostPort=http\nExposeHostPort=80-90/tcp\n", "must be a port or a range of ports"),
        ("nova_api.container", CONTAINER + "ExposeHostPort=http\nExposeHostPort=\n", None),
        ("nova_api.container", CONTAINER + "ReloadCmd=/bin/x\nReloadSignal=HUP\n", "it has both `ReloadCmd=` and `ReloadSignal=`"),
        ("nova_api.container", CONTAINER + "just words\n", "it has no `=`: `just words`"),
        ("nova_api.container", "Image=x\n" + CONTAINER, "`Image` comes before any section"),
        ("nova_api.container", CONTAINER + "[]\n", "`[]` is no header of a section"),
        ("nova_api.container", CONTAINER + "[Service] # x\nRestart=no\n", "does not end in `]`"),
        ("nova_api.container", CONTAINER + "[Quadlet]\nDefaultDependencies=no\n", None),
        ("nova_api.container", CONTAINER + "[Quadlet]\nRestart=no\n", "`Restart` belongs in `[Service]`"),
        ("nova_api.container", CONTAINER + "[X-Notes]\nAnything=no\n", None),
    ],
)
def test_a_quadlet_that_podman_refuses_is_told_with_the_reason(file: str, text: str, said: str | None, tmp_path: Path) -> None:
    """As podman's generator of 5.4 answers, which was asked; those of 4.4 to 6.0 have the same tests."""
    report = lwlint.check(write(tmp_path, {f"{FOLDER}/{file}": text}), select=["LW208"])
    messages = [finding.message for finding in report.findings]
    assert len(messages) == (said is not None)
    assert said is None or said in messages[0]


def test_a_key_that_no_podman_knows_and_that_is_like_no_other_is_not_evaluated(tmp_path: Path) -> None:
    files = {f"{FOLDER}/nova_api.container": CONTAINER + "OfALaterPodman=a\n[Service]\nRestart=always\n"}
    outcome, why = verdict(tmp_path, files, "LW208")
    assert (outcome, "podman up to 6.0 knows no key `OfALaterPodman`" in why) == ("not evaluated", True)
    assert verdict(tmp_path, files, "LW201")[0] == "pass"


def test_podman_passes_over_a_folder_with_a_quadlet_that_it_cannot_read(tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/a.container": CONTAINER + "just words\n",
        f"{FOLDER}/nova_api.container": CONTAINER,
        f"{FOLDER}/below/heat_api.container": CONTAINER.replace("nova", "heat"),
    }
    report = lwlint.check(write(tmp_path, files), select=["LW208"])
    said = {finding.subject: finding.message for finding in report.findings}
    assert "it passes over the whole folder, as it cannot read `a.container` there" in said["unit nova_api.service"]
    assert "unit heat_api.service" not in said


def test_a_quadlet_that_podman_cannot_read_leaves_its_name_to_a_weaker_folder(tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/nova_api.container": CONTAINER + "just words\n",
        "usr/share/containers/systemd/nova_api.container": CONTAINER + "[Service]\nRestart=no\n",
    }
    assert found(tmp_path, files, "LW201", "LW208") == ["unit-not-restarted nova_api.service"]


def test_a_drop_in_that_podman_cannot_read_counts_for_nothing(tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/nova_api.container": CONTAINER,
        f"{FOLDER}/nova_api.container.d/a.conf": "[Service]\nRestart=always\njust words\n",
    }
    assert found(tmp_path, files, "LW201", "LW208") == ["unit-not-restarted nova_api.service"]


def test_folders_are_read_each_with_all_below_it_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {
        f"{FOLDER}/b/nova_api.container": CONTAINER + "[Service]\nRestart=no\n",
        f"{FOLDER}/a/z/nova_api.container": CONTAINER + "[Service]\nRestart=always\n",
    }
    assert found(tmp_path, files, "LW201") == []


@pytest.mark.parametrize(
    ("folder", "counts"),
    [("nova_api@a-b.container.d", True), ("nova_api@.container.d", True), ("nova_api@a-.container.d", False), ("container.d", True)],
)
def test_drop_ins_of_an_instance_are_those_of_its_template_too(folder: str, counts: bool, tmp_path: Path) -> None:
    files = {f"{FOLDER}/nova_api@a-b.container": CONTAINER, f"{FOLDER}/{folder}/a.conf": "[Service]\nRestart=always\n"}
    assert (found(tmp_path, files, "LW201") == []) == counts


@pytest.mark.parametrize(
    ("path", "text", "is_one"),
    [
        (f"{FOLDER}/logs.volume", "[Volume]\n", True),
        (f"{FOLDER}/a/ctl.network", "[Network]\n", True),
        (f"{FOLDER}/api.image", "", True),
        (f"{FOLDER}/logs.volume.d/a.conf", "[Volume]\n", True),
        (f"{FOLDER}/volume.d/a.conf", "[Volume]\n", True),
        ("files/api.build", "[Build]\n", True),
        ("files/logs.volume", "[Unit]\nDescription=a\n[Volume]\n", True),
        ("files/ctl.network", "[Network]\nSubnet=192.0.2.0/24\n", True),
        ("etc/systemd/network/10-eth.network", "[Match]\nName=eth0\n[Network]\nDHCP=yes\n", False),
        ("files/10-eth.network", "[Network]\nDHCP=yes\n[Match]\nName=eth0\n", False),
        ("etc/systemd/network/10-eth.network.d/a.conf", "[Network]\nDNS=192.0.2.1\n", False),
        ("files/disk.image", "\x7fELF", False),
        ("files/disk.image", "[Volume]\n", False),
    ],
)
def test_the_quadlets_of_things_are_told_from_other_files_of_their_names(path: str, text: str, is_one: bool) -> None:
    kind, _ = Kinds(KINDS).of(path, text)
    assert (kind is not None and kind.name == "quadlet") == is_one


THINGS = {
    f"{FOLDER}/nova-logs.volume": "[Volume]\n",
    f"{FOLDER}/ctl.network": "[Network]\nSubnet=192.0.2.0/24\nServiceName=control\n",
    f"{FOLDER}/api.image": "[Image]\nImage=registry.example/nova-api:1\n",
}
USES = (
    "[Unit]\nAfter=ctl.network\n[Container]\nImage=api.image\nVolume=nova-logs.volume:/var/log:z\nNetwork=ctl.network\n"
    "[Service]\nRestart=always\n[Install]\nWantedBy=multi-user.target\n"
)


def units_of(files: dict[str, str]) -> dict[str, Unit]:
    sources = [Source(path, text, "quadlet") for path, text in files.items()]
    return {unit.name: unit for unit in unit_facts((), (), load_catalogue(), sources) if isinstance(unit, Unit)}


def test_a_container_needs_the_units_of_the_things_that_it_names(tmp_path: Path) -> None:
    files = {**THINGS, f"{FOLDER}/nova_api.container": USES}
    found = units_of(files)
    assert sorted(found) == ["api-image.service", "control.service", "nova-logs-volume.service", "nova_api.service"]
    needs = sorted(word for entry in found["nova_api.service"].lists["Unit.Requires"] for word in entry.value.split())
    assert needs == ["api-image.service", "control.service", "nova-logs-volume.service"]
    assert (found["control.service"].type, found["control.service"].remains_after_exit) == ("oneshot", True)
    report = lwlint.check(write(tmp_path, files))
    assert [finding.code for finding in report.findings] == ["LW203"]


@pytest.mark.parametrize(
    "files",
    [
        {"cinder.volume": "[Volume]\n"},  # of which cinder-volume.service is made
        {"nova-something.volume": "[Volume]\n"},
        {"neutron-server.image": "[Image]\nImage=registry.example/neutron-server:1\nServiceName=neutron-server\n"},
    ],
)
def test_a_thing_is_no_service_of_openstack_whatever_its_name(files: dict[str, str], tmp_path: Path) -> None:
    given = {f"{FOLDER}/{name}": text for name, text in files.items()}
    (unit,) = units_of(given).values()
    assert (unit.service, unit.looks_like, unit.type) == (None, "", "oneshot")
    assert not lwlint.check(write(tmp_path, given)).findings


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("nova-logs.volume", "[Volume]\nType=ext4\n", "it has a `Type=` without a `Device=`"),
        ("nova-logs.volume", "[Volume]\nDriver=image\n", "it has no `Image=`, which `Driver=image` needs"),
        ("nova-logs.volume", "[Volume]\nLabels=a=b\n", "unknown key `Labels`; did you mean `Label`?"),
        ("nova-logs.volume", "[Volume]\nDriver=image\nImage=api.image\n", None),
        ("ctl.network", "[Network]\nGateway=192.0.2.1\n", "it has more `Gateway=` than `Subnet=`"),
        ("ctl.network", "[Network]\nSubnet=192.0.2.0/24\nIPRange=192.0.2.0/25\nIPRange=192.0.2.128/25\n", "it has more `IPRange=` than"),
        ("ctl.network", "[Network]\nIPRange=192.0.2.0/25\nIPRange=\n", None),
        ("api.image", "[Image]\n", "it has no `Image=`"),
    ],
)
def test_a_container_cannot_start_without_a_thing_of_which_podman_makes_no_unit(
    file: str, text: str, why: str | None, tmp_path: Path
) -> None:
    files = {**THINGS, f"{FOLDER}/nova_api.container": USES, f"{FOLDER}/{file}": text}
    messages = [finding.message for finding in lwlint.check(write(tmp_path, files), select=["LW208"]).findings]
    assert [f"it needs `{file}`: podman's generator makes no unit of it: " in message for message in messages] == [True] * bool(why)
    assert why is None or why in messages[0]


@pytest.mark.parametrize(
    "line", ["Volume=gone.volume:/x", "Network=gone.network", "Mount=type=image,src=gone.image,dst=/x", "Pod=gone.pod"]
)
def test_a_quadlet_that_names_one_that_was_not_given_is_not_evaluated(line: str, tmp_path: Path) -> None:
    files = {f"{FOLDER}/nova_api.container": f"{CONTAINER}{line}\n[Service]\nRestart=always\n"}
    outcome, why = verdict(tmp_path, files, "LW208")
    assert (outcome, "`gone." in why, "was not given, which nova_api.container names" in why) == ("not evaluated", True, True)
    assert verdict(tmp_path, files, "LW201")[0] == "pass"


def test_a_quadlet_of_a_thing_that_podman_cannot_read_is_told_and_takes_its_folder_along(tmp_path: Path) -> None:
    files = {**THINGS, f"{FOLDER}/nova_api.container": USES, f"{FOLDER}/broken.volume": "[Volume]\nDevice\n"}
    report = lwlint.check(write(tmp_path, files), select=["LW208", "LW901"])
    assert [(finding.code, Path(finding.span.path).name) for finding in report.findings] == [
        ("LW901", "broken.volume"),
        ("LW208", "nova_api.container"),
    ]
    assert "it passes over the whole folder, as it cannot read `broken.volume` there" in report.findings[1].message


def test_what_a_thing_is_bound_to_binds_the_container_that_needs_it(tmp_path: Path) -> None:
    files = {**THINGS, f"{FOLDER}/nova_api.container": USES, f"{FOLDER}/nova-logs.volume": "[Unit]\nRequires=mariadb.service\n[Volume]\n"}
    (finding,) = lwlint.check(write(tmp_path, files), select=["LW204"]).findings
    assert "names `nova-logs-volume.service`, which `Requires=mariadb.service` binds" in finding.message


@pytest.mark.parametrize(("line", "is_started"), [("", True), ("StartWithPod=true\n", True), ("StartWithPod=no\n", False)])
def test_a_pod_starts_its_containers(line: str, is_started: bool) -> None:
    files = {f"{FOLDER}/nova.pod": "[Pod]\n", f"{FOLDER}/nova_api.container": f"{CONTAINER}Pod=nova.pod\n{line}"}
    wants = units_of(files)["nova-pod.service"].lists.get("Unit.Wants", ())
    assert [entry.value for entry in wants] == ["nova_api.service"] * is_started


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("[Service]\nRestart=al\\\n  ways\n", "Service.Restart", "always"),  # no blank between
        ("[Service]\nRestart=always \\ \n\n# a comment\nRestartSec=5\n", "Service.Restart", "always RestartSec=5"),  # over an empty line
        ("[Service]\nRestart=no\nRestart=always\\\n\n", "Service.Restart", "no"),  # podman loses what goes on into nothing
        ("[Service]\nRestart=always \\", "Service.Restart", "always"),
        ("[Service] \t\r\n\u2003Restart=always\u2003\r\n", "Service.Restart", "always"),
        ("[Unit]\nDescription=a\\\\\n b\n", "Unit.Description", "a\\b"),
    ],
)
def test_the_lines_of_a_quadlet_are_joined_as_podman_joins_them(text: str, key: str, value: str) -> None:
    source = Source(f"{FOLDER}/nova_api.container", CONTAINER + text, "quadlet")
    ((_, _, (made,)),) = read_made([source])
    lines = {f"{line.section}.{line.key.value}": line for line in made.text.lines if isinstance(line, Assignment)}
    assert made.refused is None
    assert lines[key].value.value == value
    begin, end = lines[key].key.span.start, lines[key].value.span.end
    assert source.text[begin:end].startswith(key.partition(".")[2])


@pytest.mark.parametrize("header", ["\ufeff[Service]", "[Service", "[Service]x", "[]", "[a[b]", "[a\x85b]"])
def test_a_header_that_podman_cannot_read_is_told(header: str) -> None:
    source = Source(f"{FOLDER}/nova_api.container", f"{CONTAINER}{header}\nRestart=always\n", "quadlet")
    ((_, _, (made,)),) = read_made([source])
    assert made.broken


@pytest.mark.parametrize(
    ("lines", "unit", "refused"),
    [
        ('ServiceName="foo"', "foo.service", ""),
        ('Rootfs=""', "nova_api.service", ""),
        ('Pod=""', "nova_api.service", ""),
        ('Image=""', "nova_api.service", "it has neither `Image=` nor `Rootfs=`"),
        ("Group=42436", "nova_api.service", "it has a `Group=` without a `User=`"),
        ("User=nova\nGroup=nova", "nova_api.service", ""),
    ],
)
def test_values_in_quotes_are_looked_up_as_podman_does(lines: str, unit: str, refused: str) -> None:
    found = units_of({f"{FOLDER}/nova_api.container": f"{CONTAINER}{lines}\n"})
    assert list(found) == [unit]
    assert found[unit].load_state == ("bad-setting" if refused else "loaded")
    assert refused in found[unit].because


@pytest.mark.parametrize(("where", "is_taken"), [("yaml", True), ("Unit", True), ("file", False), ("/srv", False)])
def test_the_working_directory_of_a_manifest_is_one_that_podman_takes(where: str, is_taken: bool) -> None:
    (unit,) = units_of({f"{FOLDER}/nova_api.kube": f"[Kube]\nYaml=nova.yml\nSetWorkingDirectory={where}\n"}).values()
    assert unit.load_state == ("loaded" if is_taken else "bad-setting")


def test_a_dependency_on_a_quadlet_in_quotes_is_one_on_its_unit() -> None:
    files = {f"{FOLDER}/nova_api.container": f'[Unit]\nBindsTo="db.container" x.service\n{CONTAINER}', f"{FOLDER}/db.container": CONTAINER}
    assert [entry.value for entry in units_of(files)["nova_api.service"].lists["Unit.BindsTo"]] == ["db.service", "x.service"]


@pytest.mark.parametrize(
    ("notify", "is_told_from_inside"), [("true", True), ("1", True), ("y", False), ("healthy", True), ("no", False), ("", False)]
)
def test_who_tells_that_a_quadlet_is_ready_is_what_podman_makes_of_it(notify: str, is_told_from_inside: bool) -> None:
    (unit,) = units_of({f"{FOLDER}/nova_api.container": f"{CONTAINER}Notify={notify}\n"}).values()
    assert unit.told_from_inside == is_told_from_inside


def test_options_of_a_volume_without_a_device_are_for_podman_6() -> None:
    files = {f"{FOLDER}/nova_api.container": f"{CONTAINER}Volume=v.volume:/x\n", f"{FOLDER}/v.volume": "[Volume]\nOptions=size=1G\n"}
    assert "podman up to 5.8 makes no unit of v.volume" in units_of(files)["nova_api.service"].unsure


@pytest.mark.parametrize(
    ("mount", "is_taken"),
    [
        ("type=bind,source=/a,destination=/b", True),
        ("destination=/b,src=/a", True),
        ("type=tmpfs,destination=/b", True),
        ("type=tmpfs,type=bind,destination=/b", True),
        ("type=bind,destination=/b", False),
        ("type=volume,source=,destination=/b", False),
        ("type=bind,source=/a,source,destination=/b", False),
        ("type=image,Source=/a,destination=/b", False),
        ("destination=/b", False),
        ("type=tmpfs,destination=/a /b", False),
        ('"type=bind,source=/a b,destination=/b"', True),
    ],
)
def test_a_mount_has_a_source_where_podman_needs_one(mount: str, is_taken: bool) -> None:
    (unit,) = units_of({f"{FOLDER}/nova_api.container": f"{CONTAINER}Mount={mount}\n"}).values()
    assert unit.load_state == ("loaded" if is_taken else "bad-setting")
    assert ("has no `source=`" in unit.because) != is_taken


def test_a_mount_in_quotes_names_a_volume_too() -> None:
    mount = '"type=volume,destination=/x y,source=v.volume" type=volume,source=w.volume,destination=/z'
    files = {f"{FOLDER}/nova_api.container": f"{CONTAINER}Mount={mount}\n", f"{FOLDER}/v.volume": "[Volume]\n"}
    unit = units_of(files)["nova_api.service"]
    assert [entry.value for entry in unit.lists["Unit.Requires"]] == ["v-volume.service", "w-volume.service"]
    assert "`w.volume` was not given" in unit.unsure


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ("RemapUsers=auto", ""),
        ("RemapUsers=manual\nRemapUid=0:1:2 3:4:5", ""),
        ("RemapUsers=keep-id\nRemapUid=1000", ""),
        ("RemapUsers=keep-id\nRemapUid=1 2", "it has more than one `RemapUid=`"),
        ("RemapUsers=Auto", "`RemapUsers=` may be `auto`, `manual` or `keep-id` only"),
        ("RemapGid=0:1:2", "it has `RemapGid=` without `RemapUsers=`"),
        ("RemapUsers=\nRemapUid=0:1:2", "it has `RemapUid=` without `RemapUsers=`"),
        ("RemapUid=0:1:2\nRemapUid=", ""),
        ("UserNS=auto\nRemapUsers=auto", "it has both `RemapUsers=` and a setting that takes its place"),
        ("UserNS=\nRemapUsers=auto", ""),
        ("UserNS=keep-id:uid=1000", ""),
    ],
)
def test_users_are_mapped_in_the_old_way_as_podman_takes_it(lines: str, refused: str) -> None:
    (unit,) = units_of({f"{FOLDER}/nova_api.container": f"{CONTAINER}{lines}\n"}).values()
    assert unit.load_state == ("bad-setting" if refused else "loaded")
    assert refused in unit.because


def test_a_manifest_maps_no_users_by_hand() -> None:
    (unit,) = units_of({f"{FOLDER}/nova_api.kube": "[Kube]\nYaml=nova.yml\nRemapUsers=manual\n"}).values()
    assert "`RemapUsers=` may be `auto` or `keep-id` only" in unit.because


GENERATOR = shutil.which("quadlet", path=f"/usr/libexec/podman:/usr/lib/podman:{os.environ.get('PATH', '')}")
_PLAIN = {
    "container": "Image=registry.example/a:1", "kube": "Yaml=/a.yml", "image": "Image=registry.example/a:1",
    "build": "ImageTag=localhost/a\nSetWorkingDirectory=unit", "artifact": "Artifact=registry.example/a:1",
}  # fmt: skip
_NAMES = {
    "container": ["a", "b", "c@"], "volume": ["v", "w"], "network": ["n", "m"], "image": ["i"], "build": ["b"], "pod": ["p"],
    "kube": ["k"], "artifact": ["r"],
}  # fmt: skip
_EVERY = [f"{stem}.{kind}" for kind, stems in _NAMES.items() for stem in stems]
_VALUES = {
    "Image": ["registry.example/b:1", "i.image", "b.build", ""],
    "Volume": ["/a:/b", "data:/b", "v.volume:/x", "w.volume:/x:ro", "v.volume", "", "/x", "r.artifact:/q", "i.image:/q", "gone.volume:/y"],
    "Network": ["host", "", "n.network", "m.network:ip=192.0.2.1", "a.container", "c@.container"],
    "Mount": [
        "type=volume,source=v.volume,destination=/x", "type=tmpfs,dst=/y", "type=image,src=i.image,dst=/z", "type=bind,source=/a,dst=/b",
        "source=w.volume,type=volume,dst=/r",
    ],
    "Pod": ["p.pod", "", "gone.pod", "x"],
    "File": ["/a/Containerfile", "Containerfile", "%h/Containerfile"],
    "Subnet": ["192.0.2.0/24", ""], "Gateway": ["192.0.2.1", ""], "IPRange": ["192.0.2.0/25", ""],
    "Driver": ["image", "local"], "Type": ["ext4", "bind", ""], "Device": ["/dev/vdb", ""],
    "ContainerName": ["own", "%N", "x-%i", ""], "StartWithPod": ["yes", "no"], "DNS": ["192.0.2.1"], "Policy": ["always"],
}  # fmt: skip
_KEYS = {
    "container": "Image Volume Network Mount Pod ContainerName StartWithPod", "pod": "Volume Network", "kube": "Network",
    "volume": "Driver Image Type Device", "network": "Subnet Gateway IPRange DNS", "image": "Policy", "build": "File Volume Network",
    "artifact": "",
}  # fmt: skip


def generated(chance: random.Random) -> dict[str, str]:
    """Return quadlets by their names."""
    files = {}
    for name in chance.sample(_EVERY, chance.randint(3, 9)):
        kind = name.rpartition(".")[2]
        lines = []
        if chance.random() < 0.3:
            lines += ["[Unit]", f"{chance.choice(['After', 'Requires', 'OnFailure'])}={chance.choice(_EVERY)} x.service"]
        lines.append(f"[{kind.capitalize()}]")
        lines += [_PLAIN[kind]] if kind in _PLAIN and chance.random() < 0.9 else []
        for key in chance.sample(_KEYS[kind].split() * 2, min(chance.randint(0, 3), len(_KEYS[kind].split()))):
            lines.append(f"{key}={chance.choice(_VALUES[key])}")
        lines += ["[Service]", chance.choice(["Type=oneshot", "RemainAfterExit=no"])] if chance.random() < 0.15 else []
        files[name] = "\n".join(lines) + "\n"
    return files


@pytest.mark.skipif(GENERATOR is None, reason="podman's generator is not there (podman 5.5 and later)")
@pytest.mark.parametrize("seed", range(5))
def test_the_units_of_quadlets_are_those_that_podman_makes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    for number in range(20):
        files = generated(chance)
        folder = write(tmp_path / str(number), files)
        done = subprocess.run([GENERATOR or "", "-dryrun"], env={"QUADLET_UNIT_DIRS": str(folder)}, capture_output=True, text=True)
        theirs = {unit: _told(text) for unit, text in re.findall(r"(?ms)^---/?([^\n]*?)---\n(.*?)(?=^---|\Z)", done.stdout)}
        sources = [Source(f"{FOLDER}/{name}", text, "quadlet") for name, text in sorted(files.items())]
        for made in (made for _, _, units in read_made(sources) for made in units):
            if made.unsure or (made.refused is not None and made.refused[0].startswith("it needs")):
                continue  # podman may make these, but they cannot start, or nobody knows
            assert (made.refused is None) == (made.name in theirs), (files, made.refused, done.stderr)
            if made.refused is None:
                lines = [(line.section, line.key.value, line.value.value) for line in made.text.lines if isinstance(line, Assignment)]
                assert _words(lines) == theirs[made.name], (files, made.name)


def _told(text: str) -> dict[str, list[str]]:
    section, lines = "", []
    for line in text.splitlines():
        section = line[1:-1] if line.startswith("[") else section
        lines.append((section, *line.partition("=")[::2]))
    return _words(lines)


def _words(lines: list[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Return what makes units depend on each other, and the type; what podman adds to all, and the containers of a pod, left out."""
    found: dict[str, list[str]] = {}
    for section, key, value in lines:
        if (section, key) in {("Unit", "Requires"), ("Unit", "After"), ("Unit", "BindsTo"), ("Unit", "OnFailure")}:
            found.setdefault(key, []).extend(word for word in value.split() if word != "network-online.target")
        elif section == "Service" and key in ("Type", "RemainAfterExit"):
            found[key] = [value]
    return {key: sorted(words) for key, words in found.items() if words}


@pytest.mark.parametrize("target", ["/dev/null", "../../../dev/null", "../../../../../dev/null"])
def test_a_link_to_the_null_device_hides_a_quadlet_of_the_distribution(target: str, tmp_path: Path) -> None:
    write(tmp_path, {"usr/share/containers/systemd/nova_api.container": CONTAINER, f"{FOLDER}/other.volume": "[Volume]\n"})
    (tmp_path / FOLDER / "nova_api.container").symlink_to(target)
    report = lwlint.check(tmp_path, select=["LW2"])
    told = [(f.rule, f.span.path.removeprefix(f"{tmp_path}/"), f.message.partition(":")[0]) for f in report.findings]
    assert told == [("unit-masked", f"{FOLDER}/nova_api.container", "nova_api.service")]
    assert not report.findings[0].commands  # `systemctl unmask` knows nothing of quadlets


def test_a_link_to_the_null_device_hides_a_drop_in_of_a_quadlet(tmp_path: Path) -> None:
    below = "usr/share/containers/systemd"
    write(tmp_path, {f"{below}/nova_api.container": CONTAINER, f"{below}/nova_api.container.d/10.conf": "[Service]\nRestart=always\n"})
    assert found(tmp_path, {}, "LW201") == []
    folder = tmp_path / FOLDER / "nova_api.container.d"
    folder.mkdir(parents=True)
    (folder / "10.conf").symlink_to("/dev/null")
    assert found(tmp_path, {}, "LW201") == ["unit-not-restarted nova_api.service"]


@pytest.mark.parametrize(
    ("files", "masked"),
    [
        ({"nova_api.container": ""}, True),
        ({"nova_api.container": "", "nova_api.container.d/10.conf": CONTAINER}, False),
        ({"nova_api.pod": ""}, False),  # podman makes a unit of a pod of which nothing is told
        ({"nova_api.kube": ""}, True),
    ],
)
def test_an_empty_quadlet_is_masked_where_podman_makes_no_unit_of_it(files: dict[str, str], masked: bool, tmp_path: Path) -> None:
    told = found(tmp_path, {f"{FOLDER}/{name}": text for name, text in files.items()}, "LW206")
    assert bool(told) == masked


@pytest.mark.parametrize("is_link", [True, False])
def test_an_instance_of_a_quadlet_is_judged_and_not_its_template(is_link: bool, tmp_path: Path) -> None:
    write(tmp_path, {f"{FOLDER}/nova_api@.container": CONTAINER, f"{FOLDER}/nova_api@.container.d/a.conf": "[Service]\nRestart=no\n"})
    instance = tmp_path / FOLDER / "nova_api@1.container"
    if is_link:
        instance.symlink_to("nova_api@.container")
    else:
        instance.write_text(CONTAINER)
    assert found(tmp_path, {}, "LW201") == ["unit-not-restarted nova_api@1.service"]


@pytest.mark.parametrize(("line", "state"), [("", "static"), ("DefaultInstance=1\n", "enabled")])
def test_a_template_is_enabled_by_its_default_instance(line: str, state: str) -> None:
    files = {f"{FOLDER}/nova_api@.container": f"{CONTAINER}[Install]\nWantedBy=multi-user.target\n{line}"}
    assert units_of(files)["nova_api@.service"].enabled == state


@pytest.mark.parametrize(
    ("link", "place", "outcome"),
    [
        ("z.container", "", "not evaluated"),
        ("data.volume", "", "not evaluated"),
        ("a/z.container", "a", "pass"),
        ("nova_api.container.d/a.conf", "nova_api.container.d", "pass"),
        ("z.txt", "", "pass"),
    ],
)
def test_podman_passes_over_the_folder_of_a_link_that_leads_nowhere(link: str, place: str, outcome: str, tmp_path: Path) -> None:
    """podman 5.4, `quadlet -dryrun`; where the link leads is not among what was given, and may be there on the host."""
    folder = tmp_path / FOLDER
    (folder / place).mkdir(parents=True)
    (folder / "nova_api.container").write_text(CONTAINER + "[Service]\nRestart=always\n")
    (folder / link).symlink_to("/srv/nowhere")
    (verdict,) = (one for one in lwlint.check([tmp_path], select=["LW208"]).verdicts)
    assert verdict.outcome == outcome
    assert (f"`{link}` could not be read" in verdict.because) == (outcome != "pass")
