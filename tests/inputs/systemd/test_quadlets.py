"""Quadlets, judged as the units that podman's generator makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint
from lwlint.audit.report_layout import SosPaths
from lwlint.cli import main
from lwlint.core.kind import Kinds
from lwlint.inputs import KINDS

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
