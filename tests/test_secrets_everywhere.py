"""No output of any command holds a secret, whatever form it has and wherever in the input the secret stands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core.secret import mask_lines, mask_secrets
from lwlint.report import FORMATS
from lwlint.run import engine
from tests.audit.audit_cluster import CIB, NODES, host, packed, replaced

CANARY = "c4n4ry"
CONF = f"""\
[DEFAULT]
transport_url = rabbit://guest:{CANARY}@a:5672,
  guest:{CANARY}@b:5672/
rabbit_password = {CANARY}
admin_token = {CANARY}
auth_encryption_key = {CANARY}
api_key = {CANARY}
key = {CANARY}
sql_connection = mysql://cinder:{CANARY}@db/cinder
max_retries = -1
[database]
connection = mysql+pymysql://cinder:{CANARY}%40%2F{CANARY}@db/cinder?max_retries=10&password={CANARY}
max_retries = 10
slave_connection = mysql+pymysql://cinder:{CANARY}'x"{CANARY}@db/cinder
max_retries = password={CANARY}
memcache_secret_key = {CANARY}
password =
  {CANARY}
  {CANARY}, {CANARY}
idle_timeout = 1
[keystone_authtoken]
password = {CANARY},{CANARY},"{CANARY}"{CANARY} {CANARY}`{CANARY}
[oslo_messaging_rabbit]
rabbit_max_retries = 5
rabbit_password={CANARY}
"""
UNIT = f"""\
[Unit]
Requires=mariadb.service
[Service]
Environment=OS_PASSWORD={CANARY} "OS_DATABASE__CONNECTION=mysql://n:{CANARY}@db/n"
Environment="OS_TOKEN={CANARY} {CANARY}" \\
  OS_SECRET={CANARY}
ExecStart=/usr/bin/nova-api --password={CANARY} --os-password {CANARY} --db mysql://nova:{CANARY}@db/nova \\
  --admin-token \\
  {CANARY}
Restart=no password={CANARY}
"""
HEAT = f"""\
resource_registry:
  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml
parameter_defaults:
  NovaPassword: {CANARY}
  AdminToken: '{CANARY}''{CANARY}'
  controllerExtraConfig:
    nova::db::mysql::password: {CANARY}
    nova::database_connection: mysql://nova:{CANARY}@db/nova
    nova::db::database_max_retries: 10
    tripleo::stonith::passwords:
      - {CANARY}
    nova::secret_key: |
      {CANARY}
        {CANARY}
"""
PUPPET = f"""\
class {{ '::nova::db':
  database_connection  => 'mysql://nova:{CANARY}@db/nova',
  password             => "{CANARY},{CANARY}",
  database_max_retries => 10,
}}
nova_config {{ 'DEFAULT/admin_password': value => '{CANARY}' }}
"""
FENCE = "".join(
    f'<nvpair id="s{i}" name="{name}" value="{CANARY}\'{CANARY}"/><nvpair\n value="{CANARY}"\n id="t{i}"\n name="{name}"/>'
    for i, name in enumerate(("passwd", "password", "login_token", "secret_key", "community"))
)
INSPECT = (
    f'[{{"Name": "nova_api", "Config": {{"Env": ["OS_PASSWORD={CANARY},{CANARY}", "DB=mysql://n:{CANARY}@db/n"]}}, "HostConfig": {{}}}}]'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in files().items():
        target = tmp_path / "in" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files() -> dict[str, str]:
    fence = f'<primitive id="fence" class="stonith" type="x"><instance_attributes id="fa">{FENCE}</instance_attributes></primitive>'
    return {
        "etc/cinder/cinder.conf": CONF,
        "etc/nova/nova.conf": CONF.replace("cinder", "nova").replace(f"max_retries = password={CANARY}", "max_retries = 3"),
        "usr/lib/systemd/system/openstack-nova-api.service": UNIT,
        "usr/lib/systemd/system/openstack-nova-conductor.service": UNIT,
        "environments/all.yaml": HEAT,
        "manifests/nova.pp": PUPPET,
        CIB: replaced("full-pacemaker", CIB, "<resources>", f"<resources>{fence}"),
        "sos_commands/podman/podman_inspect_nova_api": INSPECT,
    }


def leaks(capsys: pytest.CaptureFixture[str], *written: str) -> list[str]:
    output = "".join((*capsys.readouterr(), *(Path(path).read_text("utf-8") for path in written)))
    assert len(output) > 100
    return [line for line in output.splitlines() if CANARY in line]


@pytest.mark.parametrize("name", FORMATS)
def test_no_form_of_a_report(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--no-config", "--no-cache", "--format", name, "-v", "in"]) == 1
    assert leaks(capsys) == []


@pytest.mark.parametrize("name", FORMATS)
def test_no_file_that_a_report_is_written_to(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--no-config", "--no-cache", "--debug", "--format", f"{name}=out", "in"]) == 1
    assert leaks(capsys, "out") == []


def test_no_facts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", "--no-config", "in"]) == 0
    assert leaks(capsys) == []


def test_no_baseline(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "--no-config", "--no-cache", "-o", "known", "in"]) == 0
    assert leaks(capsys, "known") == []


@pytest.mark.parametrize("command", [("check",), ("check", "--format", "json"), ("audit",), ("audit", "--format", "html")])
def test_no_traceback(command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise ValueError(f"could not read `{CANARY},{CANARY},`")

    monkeypatch.setattr(engine, "_run", run)
    options = ("--no-config", "--no-cache") if command[0] == "check" else ()
    assert main(["--debug", *command, *options, "in"]) == 2
    assert leaks(capsys) == []


def test_no_defect(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise ValueError(f"connection = mysql://nova:{CANARY}@db/nova")

    monkeypatch.setattr("lwlint.run.discover", run)
    assert main(["--debug", "check", "--no-config", "--no-cache", "in"]) == 2
    assert leaks(capsys) == []


@pytest.mark.parametrize("form", [(), ("-v",), ("--debug",), ("--format", "json"), ("--format", "html"), ("--output", "answer", "-v")])
def test_no_form_of_an_audit(form: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for node in NODES[:2]:
        Path(f"{node}.tar").write_bytes(packed(host("full-pacemaker", node, files()), node, "tar"))
    assert main(["audit", *(f"{node}.tar" for node in NODES[:2]), *form]) == 1
    assert leaks(capsys, *map(str, sorted(Path().glob("answer/*")))) == []


def test_a_diff_has_fewer_lines_around_and_is_applied_all_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", "--diff", "--no-config", "--no-cache", "--select", "LW301,LW302", "in/etc"]) == 1
    found = capsys.readouterr()
    assert "max_retries = -1" in found.out
    assert CANARY not in found.out + found.err
    before = Path("in/etc/nova/nova.conf").read_text()
    subprocess.run(["patch", "-p1"], input=found.out, text=True, check=True, capture_output=True)
    after = Path("in/etc/nova/nova.conf").read_text()
    assert before.replace("max_retries = 3", "max_retries = -1").replace("rabbit_max_retries = 5", "rabbit_max_retries = 0") == after


def test_a_change_to_a_line_with_a_secret_is_shown_on_demand_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", "--diff", "--no-config", "--no-cache", "--select", "LW301", "in/etc/cinder/cinder.conf"]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert (
        "lwlint: `in/etc/cinder/cinder.conf`: a line that is changed holds a secret, or steers a terminal; `--show-secrets` shows it"
        in found.err
    )
    assert CANARY not in found.err
    assert main(["fix", "--diff", "--show-secrets", "--no-config", "--no-cache", "--select", "LW301", "in/etc/cinder/cinder.conf"]) == 1
    assert f"-max_retries = password={CANARY}\n+max_retries = -1\n" in capsys.readouterr().out


@pytest.mark.parametrize("text", [CONF, UNIT, HEAT, PUPPET, FENCE, INSPECT])
def test_a_text_is_masked_with_what_stands_around_its_lines(text: str) -> None:
    hidden = mask_lines(text)
    assert CANARY not in hidden
    assert [len(line) for line in hidden.split("\n")] == [len(line) for line in text.split("\n")]


def test_what_is_no_secret_stays() -> None:
    lines = [
        "auth_url=http://10.0.0.1:5000/v3 and rabbit@host",
        "nova::db::mysql::password: {get_param: NovaPassword}",
        "memcached_servers=a:11211,b:11211",
        "key_manager = x",
        "monkey = 1",
        "compass = x",
        '<primitive id="a" class="ocf" provider="heartbeat" type="IPaddr2">',
    ]
    assert [mask_secrets(line) for line in lines] == lines


def test_an_option_that_a_manifest_says_is_secret_is_one_whatever_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tmp_path / "site.pp"
    manifest.write_text(
        "nova_config {\n"
        f"  'DEFAULT/one': value => '{CANARY}', secret => true;\n"
        f"  'DEFAULT/two': secret => true, value => ['{CANARY}', \"{CANARY}\"];\n"
        "  'DEFAULT/three': value => $x ? { 'a' => 'shown' }, secret => false;\n"
        "}\n"
        "case $x { 'a': { $y = 'shown too' } 'b': { nova_config { 'DEFAULT/four': secret => true } } }\n"
    )
    assert main(["facts", str(manifest)]) == 0
    said = capsys.readouterr().out
    assert CANARY not in said
    assert '"shown"' in said


def test_a_name_among_the_facts_shows_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roles = tmp_path / "roles_data.yaml"
    roles.write_text(f"- name: Controller\n  ServicesDefault:\n    - OS::TripleO::Services::X\n    - mysql://nova:{CANARY}@db/nova\n")
    assert main(["facts", str(roles)]) == 0
    assert CANARY not in capsys.readouterr().out
