"""What is read of containers is what podman itself says of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.core.source import Source
from lwlint.inputs.containers.reader import read_inspected, read_list

POLICIES = {"nova_api": "always", "heat_api": "on-failure:3", "keystone": "unless-stopped", "glance_api": "no", "cinder_api": ""}


def podman(folder: Path, *words: str) -> str:
    """Return what podman prints, with a store of its own below `folder`."""
    base = ("podman", f"--root={folder}/store", f"--runroot={folder}/run", "--storage-driver=vfs")
    done = subprocess.run((*base, *words), capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"podman does not work here: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    folder = tmp_path_factory.mktemp("podman")
    (folder / "rootfs").mkdir()
    for name, policy in POLICIES.items():
        restart = [f"--restart={policy}"] if policy else []
        label = f"--label=container_name={name}"
        podman(folder, "create", "--name", name, *restart, label, "--env=KOLLA_X=1", "--rootfs", str(folder / "rootfs"), "/bin/sh")
    return folder


def test_the_policy_of_every_container_is_the_one_that_podman_has(store: Path) -> None:
    text = podman(store, "inspect", *POLICIES)
    form = (
        "{{.Name}} {{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}} {{.State.Running}} {{.State.Status}}"
    )
    theirs = podman(store, "inspect", "--format", form, *POLICIES).splitlines()
    found = list(read_inspected(Source("podman_inspect", text, "container")))
    texts = [(c.name, c.restart, c.retries, c.running, c.status) for c in found]
    assert all(part is not None and text[part.span.start : part.span.end] == part.value for one in texts for part in one)
    ours = [" ".join((n.value, f"{r.value}:{m.value}", s.value, w.value)) for n, r, m, s, w in texts if r and m and s and w]
    assert ours == theirs
    assert [(c.called.value if c.called else "", c.engine, c.ends) for c in found] == [(name, "podman", "") for name in POLICIES]


@pytest.mark.parametrize("options", [(), ("--no-trunc",), ("--size",)])
def test_the_list_has_the_names_and_states_that_podman_prints(options: tuple[str, ...], store: Path) -> None:
    text = podman(store, "ps", "-a", *options)
    theirs = sorted(podman(store, "ps", "-a", "--format", "{{.Names}} {{.Status}}").splitlines())
    found = list(read_list(Source("sos_commands/podman/podman_ps_-a", text, "container")))
    assert sorted(f"{c.name.value} {c.status.value if c.status else ''}" for c in found) == theirs
    assert all(text[c.name.span.start : c.name.span.end] == c.name.value for c in found)
