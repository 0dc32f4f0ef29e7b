"""Which service a unit runs: by the program of its command line, else by its name."""

from __future__ import annotations

import pytest

from lwlint.files.tree import Memory
from lwlint.inputs.systemd.facts import Unit
from lwlint.inputs.systemd.programs import expand, find_sourced, names, read_file, read_started
from lwlint.run import Request, load_catalogue, read_facts

CATALOGUE = load_catalogue()
# every way in which a distribution or a deployment starts nova-conductor, whatever the unit is called
WAYS = (
    "/usr/bin/nova-conductor",
    "/usr/bin/nova-conductor --config-file /etc/nova/nova.conf",
    "-/usr/bin/nova-conductor",
    "/etc/init.d/nova-conductor systemd-start",
    "/openstack/venvs/nova-29/bin/nova-conductor",
    "/usr/bin/python3 /usr/bin/nova-conductor",
    "/usr/bin/python3.9 -s /usr/local/bin/nova-conductor",
    "/usr/bin/python3 -m nova.cmd.conductor",
    "/usr/bin/env OS_DEBUG=1 nova-conductor",
    "/bin/sh -c 'exec /usr/bin/nova-conductor --debug'",
    "/bin/bash -lc '. /etc/default/nova && exec nova-conductor'",
    "/bin/su -s /bin/sh -c 'exec nova-conductor' nova",
    "/usr/bin/sudo -u nova /usr/bin/nova-conductor",
    "/usr/bin/nice -n 5 /usr/bin/ionice -c 2 -n 4 /usr/bin/nova-conductor",
    "/sbin/start-stop-daemon --start --chuid nova --exec /usr/bin/nova-conductor -- --config-file /etc/nova/nova.conf",
    "/usr/sbin/ip netns exec management /usr/bin/nova-conductor",
    "/usr/bin/docker start -a nova_conductor",
    "/usr/bin/podman start nova_conductor",
    "/usr/bin/podman --log-level=error start nova_conductor",
    "/usr/bin/podman run --name nova_conductor --network host registry.example/x:1 kolla_start",
    "/usr/bin/podman run --rm --name=systemd-run -e A=b registry.example/openstack-nova-conductor:1 kolla_start",
    "/usr/bin/docker run --rm -v /etc/nova:/etc/nova:ro quay.example/openstack.kolla/nova-conductor:master",
    "/usr/bin/docker run --rm --network=host registry.example/kolla/ubuntu-source-nova-conductor:victoria",
    "/usr/bin/podman run registry.example/debian-binary-nova-conductor",
    "/usr/bin/systemd-inhibit --what=shutdown /usr/bin/nova-conductor",
    "/usr/bin/strace -f -o /var/log/trace /usr/bin/nova-conductor",
    "/sbin/ip vrf exec management /usr/bin/nova-conductor",
    "/usr/bin/snap run microstack.nova-conductor",
    "/usr/bin/dumb-init --single-child -- kolla_start nova-conductor",
    "/usr/sbin/gosu nova /usr/bin/nova-conductor",
    "/sbin/su-exec nova:nova nova-conductor --debug",
    "/usr/bin/chpst -u nova /usr/bin/nova-conductor",
    "/usr/bin/daemonize -u nova -p /run/x.pid /usr/bin/nova-conductor",
    "/usr/bin/unshare --net /usr/bin/nova-conductor",
    "/usr/bin/systemd-run --scope -p MemoryMax=4G /usr/bin/nova-conductor",
    "/usr/bin/eatmydata /usr/bin/nova-conductor",
    "/usr/bin/valgrind --log-file=/x /usr/bin/nova-conductor",
    "/usr/bin/cgexec -g cpu:x /usr/bin/nova-conductor",
    "/opt/venv/bin/opentelemetry-instrument --service_name x nova-conductor",
    "/usr/bin/faketime 2020-01-01 /usr/bin/nova-conductor",
    "/usr/bin/numactl --membind 0 -N 0 /usr/bin/nova-conductor",
)


@pytest.mark.parametrize("line", WAYS)
def test_a_program_is_known_whatever_starts_it_and_whatever_its_unit_is_called(line: str) -> None:
    assert service_of("some-name.service", line) == "nova_conductor"


@pytest.mark.parametrize(
    ("line", "service"),
    [
        ("/opt/venv/bin/uwsgi --procname-prefix nova-api --ini /etc/nova/nova-api-uwsgi.ini", "nova_api"),
        ("/openstack/venvs/uwsgi-1/bin/uwsgi --autoload --ini /etc/uwsgi/nova-api-metadata.ini", "nova_metadata"),
        ("/usr/bin/uwsgi_python3 --http-socket :8778 --wsgi-file /usr/bin/placement-api", "placement_api"),
        ("/usr/bin/uwsgi --ini /etc/keystone/keystone-uwsgi.ini --module keystone.wsgi.api:application", "keystone"),
        ("/usr/bin/gunicorn --bind :8774 nova.wsgi.osapi_compute:application", "nova_api"),
        ("/usr/local/bin/uwsgi --ini /etc/octavia/octavia-uwsgi.ini", "octavia_api"),
        ("/usr/local/bin/uwsgi --ini /etc/barbican/barbican-uwsgi.ini", "barbican_api"),
    ],
)
def test_what_runs_in_a_web_server_is_known_by_its_processes_file_or_module(line: str, service: str) -> None:
    assert service_of("web.service", line) == service


@pytest.mark.parametrize(
    "script", ["/usr/libexec/tripleo-start-podman-container", "/var/local/libexec/edpm-start-podman-container", "/usr/bin/podman start"]
)
def test_the_scripts_of_deployers_start_a_container_as_podman_does(script: str) -> None:
    started = read_started(f"{script} nova_api")
    assert started is not None
    assert (started.program, started.runner, started.names) == ("nova_api", "podman", ("nova_api",))


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("placement-api", "placement_api"),
        ("zaqar-server", "zaqar"),
        ("magnum-conductor", "magnum"),
        ("masakari-engine", "masakari"),
        ("watcher-decision-engine", "watcher"),
        ("nova-api-os-compute", "nova_api"),
        ("devstack@n-cond-cell1", "nova_conductor"),
        ("devstack@q-svc", "neutron_server"),
        ("kolla-nova_conductor-container", "nova_conductor"),
        ("kolla-neutron_server-container", "neutron_server"),
        ("edpm_ovn_metadata_agent", "ovn_metadata_agent"),
        ("tripleo_glance_api", "glance_api"),
        ("container-nova_api", "nova_api"),
        ("snap.openstack-hypervisor.nova-compute", "nova_compute"),
        ("masakari-host-monitor", "masakari_monitors"),
        ("nova-xenvncproxy", "nova_consoles"),
        ("panko-api", "panko_api"),
        ("sahara-all", "sahara_api"),
        ("kolla-neutron_periodic_worker-container", "neutron_server"),
        ("kolla-watcher_engine-container", "watcher"),
        ("kolla-nova_super_conductor-container", "nova_conductor"),
        ("kolla-nova_compute_ironic-container", "nova_ironic"),
        ("kolla-neutron_ovn_vpn_agent-container", "neutron_other_agents"),
        ("kolla-ovn_sb_db-container", "ovn_dbs"),
        ("devstack@mistral-engine", "mistral_engine"),
        ("devstack@designate-central", "designate_central"),
        ("devstack@n-sproxy-cell1", "nova_consoles"),
        ("devstack@magnum-cond", "magnum"),
        ("devstack@keystone", "keystone"),
        ("devstack@barbican-svc", "barbican_api"),
        ("kolla-skyline_apiserver-container", "skyline"),
    ],
)
def test_a_unit_that_tells_no_program_is_known_by_its_name(name: str, service: str) -> None:
    found = CATALOGUE.of_unit(f"{name}.service")
    assert (found.name if found is not None else None) == service


@pytest.mark.parametrize(
    ("name", "line", "looks_like"),
    [
        ("nova-wonder.service", "/usr/bin/nova-wonder", "nova"),
        ("site.service", "/opt/bin/keystone-token-sweeper", "keystone"),
        ("kolla-nova_ssh-container.service", "/usr/bin/docker start -a nova_ssh", "nova"),
        ("devstack@own.service", "/opt/stack/own", "openstack"),
        ("adjutant-api.service", "/etc/init.d/adjutant-api systemd-start", "adjutant"),
        ("ovn-bgp-speaker.service", "/usr/bin/ovn-bgp-speaker", "ovn-bgp"),
        ("kolla-skyline_sweeper-container.service", "/usr/bin/docker start -a skyline_sweeper", "skyline"),
        ("snap.sunbeam.keystone-sweeper.service", "/usr/bin/snap run sunbeam.keystone-sweeper", "keystone"),
        ("tripleo_nova_api_healthcheck.service", "/usr/bin/podman exec nova_api /openstack/healthcheck", "nova"),
        ("edpm_node_exporter.service", "/usr/bin/podman start node_exporter", ""),
        ("own.service", "/usr/bin/perf stat -- /usr/bin/cinder-api --x", "cinder"),
        ("own.service", "/usr/bin/screen -D -m /opt/venv/bin/nova-scheduler", "nova"),
        ("own.service", "/usr/bin/logger --file=/usr/bin/nova-scheduler", ""),
        ("sshd.service", "/usr/sbin/sshd -D", ""),
        ("novation.service", "/usr/bin/novation", ""),
    ],
)
def test_what_looks_like_openstack_and_is_not_known_is_told(name: str, line: str, looks_like: str) -> None:
    unit = unit_of(name, line)
    assert (unit.service.name if unit.service and looks_like else None, unit.looks_like) == (None, looks_like)


def test_a_name_tells_more_than_the_program_of_the_same_project() -> None:
    assert (
        service_of("openstack-ceilometer-central.service", "/usr/bin/ceilometer-polling --polling-namespaces central")
        == "ceilometer_agent_central"
    )
    assert service_of("openstack-nova-api.service", "/usr/sbin/httpd -DFOREGROUND") == "apache"


@pytest.mark.parametrize(
    ("environment", "line", "service"),
    [
        ("C=nova_api", "/usr/bin/podman start ${C}", "nova_api"),
        ("PROG=/usr/bin/heat-engine", "/bin/sh -c 'exec ${PROG}'", "heat_engine"),
        ("PROG=/usr/bin/heat-engine", "/usr/bin/python3 $PROG", "heat_engine"),
        ("OTHER=x", "/usr/bin/podman start $C", None),
    ],
)
def test_a_program_is_known_through_the_environment_of_its_unit(environment: str, line: str, service: str | None) -> None:
    assert service_of("own.service", f"{line}\nEnvironment={environment}") == service


@pytest.mark.parametrize(
    "line", ["", "   ", "'", "/bin/sh", "/bin/sh -c", "/usr/bin/env", "/usr/bin/docker", "/usr/bin/podman stop nova_api", "sudo -u"]
)
def test_a_command_that_starts_nothing_tells_no_service(line: str) -> None:
    found = read_started(line)
    assert found is None or CATALOGUE.of_started(found.names, contained=bool(found.runner)) is None


def test_variables_are_replaced_as_systemd_replaces_them() -> None:
    variables = {"OPTS": "--a 'b c'", "DIR": "/etc/x"}
    words = ["prog", "$OPTS", "${OPTS}", "${DIR}/y", "$$OPTS", "a$DIR", "$NONE", "${NONE}"]
    assert expand(words, variables) == ["prog", "--a", "b c", "--a 'b c'", "/etc/x/y", "$OPTS", "a$DIR", ""]
    assert names(words) == {"OPTS", "DIR", "NONE"}


def test_variables_in_the_text_of_a_shell_are_replaced_by_the_shell() -> None:
    words = ["/bin/sh", "-c", ". /etc/default/x; exec prog $OPTS ${OPTS} $$OPTS $NONE", "$OPTS"]
    assert expand(words, {"OPTS": "--a"}) == ["/bin/sh", "-c", ". /etc/default/x; exec prog --a --a --a $NONE", "--a"]
    assert names(words) == {"OPTS", "NONE"}
    assert find_sourced(words) == ["/etc/default/x"]
    assert find_sourced(["/usr/bin/prog", "-c", ". /x"]) == []


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("# A=1\n; B=2\nC=3\nD=\"4 5\"\nexport E=6\nF='7'\\\n8\nG\nH=\n", {"C": "3", "D": "4 5", "F": "78", "H": ""}),
        ('A="--x \\\n  --y\n--z"\nB=1\n', {"A": "--x   --y\n--z", "B": "1"}),
        ("A='one\ntwo' \"three\"  \nB = 4 \n", {"A": "one\ntwothree", "B": "4"}),
        ('A=b"c"\nB="\\"q\\" \\$x \\n"\n', {"A": 'b"c"', "B": '"q" $x \\n'}),
        ("A=1\r\n\r\n  B=a b \\\n c\n1C=2\n=3\n", {"A": "1", "B": "a b  c"}),
        ("A='open\n", {"A": "'open"}),
        ("# a \\\nA=1\nB=2", {"B": "2"}),
    ],
)
def test_a_file_of_environment_is_read_as_systemd_does(text: str, variables: dict[str, str]) -> None:
    assert read_file(text) == variables


def unit_of(name: str, line: str) -> Unit:
    files = {f"etc/systemd/system/{name}": f"[Service]\nExecStart={line}\n"}
    return next(unit for unit in read_facts(Request(("etc",), tree=Memory(files))).facts.of(Unit) if unit.name == name)


def service_of(name: str, line: str) -> str | None:
    service = unit_of(name, line).service
    return None if service is None else service.name
