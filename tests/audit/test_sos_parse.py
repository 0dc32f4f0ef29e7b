"""What commands printed into a report is read with the place of every value."""

from __future__ import annotations

import json
import os
import re
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwlint.audit.report_layout import read_packages, release_hints
from lwlint.core.source import Source, Text
from lwlint.inputs.containers.reader import NoJson, Value, read, read_inspected, read_start
from lwlint.inputs.systemd.reader import SHOWN, listed_units, shown_units, unit_file_states
from tests.shared import shared

EXAMPLES = int(os.environ.get("LWLINT_EXAMPLES", "200"))


def source(text: str, path: str = "x") -> Source:
    return Source(path, text, "sos")


def placed(text: str, found: Text) -> bool:
    return text[found.span.start : found.span.end] == found.value


def test_shown_units_of_a_real_report_are_those_of_systemctl() -> None:
    path = shared("corpus/sos/light-controller-1.sos-4.12.tar.xz")
    expected = json.loads(shared("corpus/sos/expected.json").read_text())[path.name]
    with tarfile.open(path) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith("/" + expected["show"]))
        file = archive.extractfile(member)
        assert file is not None
        text = file.read().decode()
    keys = sorted({key for unit in expected["units"].values() for key in unit})
    units = {unit.name.value: unit for unit in shown_units(source(text), keys)}
    found = {name: {k: v.value for k, v in u.properties.items() if k in keys and v.value} for name, u in units.items()}
    assert {name: found[name] for name in expected["units"]} == expected["units"]
    assert all(placed(text, value) for unit in units.values() for value in unit.properties.values())


def test_shown_units_are_parted_by_empty_lines_and_need_a_name() -> None:
    text = "Version=219\nArchitecture=x86-64\n\nRestart=no\nId=a.service\n\n\nId=b.service\r\nRestart=always\nRestart=no\n\nRestart=x"
    assert [(u.name.value, u.properties["Restart"].value) for u in shown_units(source(text))] == [
        ("a.service", "no"),
        ("b.service", "always"),
    ]


@pytest.mark.parametrize("keys", [["Id", "Restart"], ["Id", "ExecStart", "Restart", "Type"]])
def test_shown_units_are_parted_where_sos_took_the_empty_lines_out(keys: list[str]) -> None:
    """As `sos clean` of sos 4.0 and 4.1 does; a unit that is not found prints no `Type` without `--all`."""
    text = (
        "Type=oneshot\nRestart=no\nExecStart={ path=/bin/a }\nExecStart={ path=/bin/b }\nId=a.service\nLoadState=loaded\n\n"
        "Restart=no\nId=gone.service\nLoadState=not-found\n\n"
        "Type=notify\nRestart=always\nExecStart={ path=/bin/c }\nId=c.service\nLoadState=loaded\n\n"
        "Type=simple\nRestart=on-failure\nId=d.service\nLoadState=loaded\n"
    )
    whole = [{name: value.value for name, value in unit.properties.items()} for unit in shown_units(source(text), keys)]
    cleaned = text.replace("\n\n", "\n")
    units = list(shown_units(source(cleaned), keys))
    assert [{name: value.value for name, value in unit.properties.items()} for unit in units] == whole
    assert [(unit.name.value, unit.properties["Restart"].value) for unit in units] == [
        ("a.service", "no"),
        ("gone.service", "no"),
        ("c.service", "always"),
        ("d.service", "on-failure"),
    ]
    assert all(placed(cleaned, value) for unit in units for value in unit.properties.values())


def test_a_real_report_without_empty_lines_shows_the_same_units() -> None:
    path = shared("corpus/sos/light-controller-1.sos-4.12.tar.xz")
    expected = json.loads(shared("corpus/sos/expected.json").read_text())[path.name]
    with tarfile.open(path) as archive:
        file = archive.extractfile(next(m for m in archive.getmembers() if m.name.endswith("/" + expected["show"])))
        assert file is not None
        text = file.read().decode()
    every = sorted({line.partition("=")[0] for line in text.splitlines() if re.match(r"\w+=", line)})
    for keys in (SHOWN, every):
        units, cleaned = (
            [{name: value.value for name, value in unit.properties.items()} for unit in shown_units(source(each), keys)]
            for each in (text, re.sub(r"\n\n+", "\n", text))
        )
        assert len(units) > 100
        assert cleaned == units


@pytest.mark.parametrize("gap", ["\n", ""])
def test_a_command_of_a_shown_unit_may_have_line_breaks_inside(gap: str) -> None:
    """`ExecStart=/bin/sh -c "a\\n\\nRestart=x"`, as systemd 252 prints it; the last one was cut."""
    command = "{ path=/bin/sh ; argv[]=/bin/sh -c a\n\nRestart=x\nb ; ignore_errors=no ; pid=0 ; code=(null) ; status=0/0 }"
    text = (
        f"Type=oneshot\nRestart=no\nExecStart={command}\nExecStart={{ path=/bin/true }}\nId=a.service\nStartLimitBurst=3\n{gap}"
        f"Type=simple\nRestart=always\nId=b.service\nStartLimitBurst=5\n{gap}"
        "ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c b\n\nRestart=y\n"
    )
    found = [(u.name.value, u.properties["Type"].value, u.properties["Restart"].value) for u in shown_units(source(text))]
    assert found == [("a.service", "oneshot", "no"), ("b.service", "simple", "always")]


def test_unit_file_states_have_neither_heading_nor_count() -> None:
    text = (
        "UNIT FILE                    STATE           VENDOR PRESET\n"
        "nova-api.service             enabled         disabled\n"
        "getty@.service               enabled-runtime\n"
        "a-b\\x2dc.mount               masked          enabled\r\n"
        "\n3 unit files listed.\n"
    )
    found = list(unit_file_states(source(text)))
    assert [(u.name.value, u.state.value, u.preset.value if u.preset else None) for u in found] == [
        ("nova-api.service", "enabled", "disabled"),
        ("getty@.service", "enabled-runtime", None),
        ("a-b\\x2dc.mount", "masked", "enabled"),
    ]
    assert all(placed(text, u.name) and placed(text, u.state) for u in found)


def test_listed_units_may_be_marked() -> None:
    text = (
        "  UNIT               LOAD      ACTIVE   SUB     DESCRIPTION\n"
        "  nova-api.service   loaded    active   running OpenStack Nova API\n"
        "● manila.service     loaded    failed   failed  Manila\n"
        "* gone.service       not-found inactive dead    gone.service\n"
        "old.service          loaded    active   exited  Old\n"
        "\nLOAD   = Reflects whether the unit definition was properly loaded.\n"
    )
    assert [(u.name.value, u.load.value, u.active.value, u.sub.value) for u in listed_units(source(text))] == [
        ("nova-api.service", "loaded", "active", "running"),
        ("manila.service", "loaded", "failed", "failed"),
        ("gone.service", "not-found", "inactive", "dead"),
        ("old.service", "loaded", "active", "exited"),
    ]


PODMAN = """Error: something before
[
    {
        "Id": "1",
        "Name": "nova_api",
        "ImageName": "registry.example/nova-api:16.1",
        "State": {"Running": true},
        "Config": {"Image": "x", "Labels": {"managed_by": "tripleo_ansible"}},
        "HostConfig": {"RestartPolicy": {"Name": "", "MaximumRetryCount": 0}}
    }
]
"""
DOCKER = (
    '[{"Name": "/haproxy", "HostConfig": {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},'
    ' "Config": {"Image": "h", "Labels": null}}]'
)


def test_inspected_containers_tell_their_restart_policy_and_its_place() -> None:
    (podman,) = read_inspected(source(PODMAN))
    assert (podman.name.value, podman.restart and podman.restart.value, podman.running and podman.running.value) == ("nova_api", "", "true")
    assert (podman.managed_by and podman.managed_by.value, podman.image and podman.image.value) == (
        "tripleo_ansible",
        "registry.example/nova-api:16.1",
    )
    (docker,) = read_inspected(source(DOCKER))
    assert (docker.name.value, docker.restart and docker.restart.value, docker.managed_by, docker.running) == (
        "haproxy",
        "always",
        None,
        None,
    )
    assert docker.restart is not None
    assert placed(DOCKER, docker.name)
    assert placed(DOCKER, docker.restart)


@pytest.mark.parametrize("text", ["", "Error: no such container", '[{"Name": "/x", "HostConfig": {"Restart', "[" * 1000])
def test_inspected_containers_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(NoJson):
        list(read_inspected(source(text)))


def policies(text: str, path: str = "x") -> list[tuple[str, str | None]]:
    return [(c.name.value, c.restart.value if c.restart else None) for c in read_start(source(text, path))]


def test_start_configurations_are_of_one_container_or_of_a_step() -> None:
    step = '{"nova_api": {"image": "i", "restart": "always"}, "nova_db_sync": {"image": "i", "detach": false}, "x": 1}'
    assert policies(step) == [("nova_api", "always"), ("nova_db_sync", None)]
    assert policies('{"image": "i", "restart": "no"}', "a/b/heat_api.json") == [("heat_api", "no")]
    assert policies("[]") == []


RPMS = """openstack-nova-common-13.1.2-5.el7ost.noarch            Wed Nov 23 02:00:00 2016
python-novaclient-3.3.2-1.el7ost.noarch~~1479866400
gpg-pubkey-fd431d51-4ae0493b.(none)   Wed
libstdc++-4.8.5-4.el7.x86_64
"""
DEBS = """Desired=Unknown/Install/Remove/Purge/Hold
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)
||/ Name                 Version             Architecture Description
+++-====================-===================-============-===========
ii  nova-common          2:22.4.0-1~deb11u1  all          OpenStack Compute
rc  cinder-common        2:17.0.1-1          all          removed
hi  libc6:amd64          2.31-13             amd64        held
"""


def test_packages_of_both_lists_have_their_versions() -> None:
    assert [(p.name.value, p.version.value, p.release) for p in read_packages(source(RPMS))] == [
        ("openstack-nova-common", "13.1.2", "5.el7ost"),
        ("python-novaclient", "3.3.2", "1.el7ost"),
        ("gpg-pubkey", "fd431d51", "4ae0493b"),
        ("libstdc++", "4.8.5", "4.el7"),
    ]
    assert [(p.name.value, p.version.value) for p in read_packages(source(DEBS))] == [
        ("nova-common", "22.4.0-1~deb11u1"),
        ("libc6", "2.31-13"),
    ]
    assert all(placed(RPMS, p.name) and placed(RPMS, p.version) for p in read_packages(source(RPMS)))


@pytest.mark.parametrize(
    ("text", "release"),
    [
        (RPMS, "mitaka"),
        (DEBS, "victoria"),
        ("Red Hat OpenStack Platform release 10.0.2 (Newton)\n", "newton"),
        ("puppet-tripleo-8.3.4-5.el7ost.noarch\n", "queens"),
        ("openstack-cinder-15.0.1-1.el8ost.noarch\nopenstack-keystone-16.0.0-1.el8ost.noarch\n", "train"),
        ("python3-neutron-18.0.0-1.el8.noarch\n", "wallaby"),
        ("openstack-nova-common-25.0.0-1.el9.noarch\n", "yoga"),
        ("openstack-heat-api-6.0.0-1.el7.noarch\n", "mitaka"),
        ("openstack-glance-11.0.1-1.el7.noarch\n", "liberty"),
    ],
)
def test_packages_and_release_files_tell_the_release(text: str, release: str | None) -> None:
    hints = release_hints([source(text)])
    assert hints[0].release == release
    assert text[hints[0].span.start : hints[0].span.end].split("-")[0] in hints[0].because


def test_a_list_without_openstack_tells_no_release() -> None:
    assert release_hints([source("libstdc++-4.8.5-4.el7.x86_64\n"), source('NAME="CentOS Linux"\n')]) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def plain(value: Value, text: str) -> object:
    if isinstance(value.content, str):
        return value.content if value.is_string else json.loads(text[value.span.start : value.span.end])
    if hasattr(value.content, "items"):
        return {key: plain(inner, text) for key, inner in value.content.items()}  # type: ignore[union-attr]
    return [plain(inner, text) for inner in value.items()]


@settings(max_examples=EXAMPLES, deadline=None)
@given(_JSON, st.sampled_from([None, 1, 4]), st.booleans())
def test_json_is_read_as_python_reads_it(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert plain(read(source(text)), text) == json.loads(text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text('[]{},:"\\ 01-.eatruflsn\n', max_size=30))
def test_what_python_refuses_as_json_is_refused(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda _: 1 / 0, strict=False)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(NoJson):
            read(source(text))
    else:
        assert plain(read(source(text)), text) == expected
