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
