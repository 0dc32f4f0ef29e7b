"""The script of a plan, run by bash on a cluster of files: it is guarded, resumes after any interruption, and takes everything back.

The tools are Pacemaker's own on a CIB in a file; stand-ins are only `crm_resource --wait` and `--refresh`, which need a live cluster, and
what is run on the nodes, which is written down.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lwlint.audit.operate.plan import Settings, make_plan
from lwlint.audit.operate.simulation import Pacemaker, read_cib
from lwlint.audit.operate.steps import Plan, with_mends
from lwlint.report.plan import render_sh
from lwlint.run import load_rules
from tests.audit.operate.clusters import LEAVES, canonical, full_ha, odd_full_ha, pacemaker_is_here, running

RULES = load_rules(examples=False)
TOOL = """#!/bin/sh
[ -n "${CIB_file:-}" ] || export CIB_file=@LIVE@
@FIRST@
exec @REAL@ "$@"
"""
RESOURCE = """case " $* " in
*" --help-all "*) exec @REAL@ "$@" ;;
*" --wait "*) exit 0 ;;
*" --refresh "*)
  for last; do :; done
  @CIBADMIN@ --delete-all --force --xpath "//lrm_resource[@id='$last' or starts-with(@id, '$last:')]" >/dev/null
  echo "$last" >>@HERE@/refreshed
  exit 0 ;;
esac
"""
ON = """#!/bin/sh
echo "$1: $(printf %s "$2" | tr "\n" ";")" >>@HERE@/nodes
case "$2" in
*LoadState*) cat @HERE@/missing 2>/dev/null; exit 0 ;;
*is-enabled*) echo httpd.service ;;
esac
[ ! -e @HERE@/broken.$1 ]
"""


class Cluster:
    """A cluster that is a file, and a folder with the tools that work on it."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder, self.live, self.state = folder, folder / "live.xml", folder / "state"
        self.live.write_text(text)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("cibadmin", "crm_simulate", "crm_diff", "crm_attribute", "crm_resource"):
            self.tool(name, RESOURCE if name == "crm_resource" else "")
        self.program(folder / "on", ON)

    def tool(self, name: str, first: str = "") -> None:
        real = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") or name
        self.program(self.bin / name, TOOL.replace("@FIRST@", first).replace("@REAL@", real))

    def program(self, path: Path, script: str) -> None:
        cibadmin = shutil.which("cibadmin", path="/usr/sbin:/usr/bin:/sbin:/bin") or "cibadmin"
        for name, value in (("@LIVE@", str(self.live)), ("@HERE@", str(self.folder)), ("@CIBADMIN@", cibadmin)):
            script = script.replace(name, value)
        path.write_text(script)
        path.chmod(0o755)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "plan.sh"
        path.write_text(script)
        environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "LW_STATE": str(self.state),
            "LW_ON": str(self.folder / "on"),
            "LW_PAUSE": "0",
            "LW_REST": "0",
            "LW_WAIT": "20",
            "CIB_shadow_dir": str(self.folder),
            "HOME": str(self.folder),
        }
        return subprocess.run(["bash", str(path), *arguments], capture_output=True, text=True, env=environment, timeout=240, check=False)

    @property
    def configuration(self) -> str:
        return canonical(read_cib(self.live.read_text()))

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture(scope="module")
def text() -> str:
    pacemaker_is_here()
    return running(full_ha())


@pytest.fixture(scope="module")
def plan(text: str) -> Plan:
    return made(text, at_once=True)


def made(text: str, *, at_once: bool) -> Plan:
    with Pacemaker() as pacemaker:
        return make_plan(text, "cib.xml", RULES, pacemaker, Settings(at_once=at_once))


@pytest.fixture
def cluster(tmp_path: Path, text: str) -> Cluster:
    return Cluster(tmp_path, text)


def after(plan: Plan) -> str:
    return canonical(plan.after)


def test_it_brings_the_cluster_where_the_plan_ends_and_back_again(cluster: Cluster, plan: Plan) -> None:
    before, script = cluster.configuration, render_sh(plan)
    ran = cluster.run(script)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert cluster.configuration == after(plan)
    assert sorted(cluster.lines("refreshed")) == sorted(LEAVES)
    nodes = cluster.lines("nodes")
    assert [line for line in nodes if re.search(r"systemctl (stop|restart|disable)", line)] == []
    commands = [command for line in nodes for command in line.split(";")]
    assert [command for command in commands if "systemctl start" in command and "cleanup" in command] == []
    assert [line.partition(":")[0] for line in nodes if "systemctl start" in line] == ["one", "two", "three"]
    again = cluster.run(script)
    assert (again.returncode, cluster.configuration) == (0, after(plan))
    back = cluster.run(script, "--undo")
    assert (back.returncode, back.stderr) == (0, ""), back.stdout + back.stderr
    assert cluster.configuration == before
    written = [line for line in cluster.lines("nodes") if "Cluster Controlled openstack-nova-api" in line]
    assert len(written) == 3  # Pacemaker writes no override for what it finds running
    disabled = {line.split("systemctl disable ")[1] for line in cluster.lines("nodes") if "systemctl disable" in line}
    assert "openstack-nova-api.service" in disabled
    assert "httpd.service" not in disabled  # it was enabled before


def test_a_dry_run_changes_nothing_anywhere(cluster: Cluster, plan: Plan) -> None:
    before = cluster.live.read_bytes()
    ran = cluster.run(render_sh(plan), "--dry-run")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert cluster.live.read_bytes() == before
    assert {line.split(": ", 1)[1].split()[0] for line in cluster.lines("nodes")} == {"for"}  # it only looks
    assert not list(cluster.state.glob("*.done"))


@pytest.mark.long
@pytest.mark.parametrize("tool", ["cibadmin --patch", "crm_resource --refresh", "on"])
def test_it_goes_on_after_an_interruption(cluster: Cluster, plan: Plan, tool: str) -> None:
    before, script = cluster.configuration, render_sh(plan)
    name, _, option = tool.partition(" ")
    if tool == "on":
        (cluster.folder / "broken.two").touch()
    else:  # the program does its work, and the machine dies
        real = (cluster.bin / name).read_text()
        count = cluster.folder / "count"
        ends = f'echo x >>{count}; [ "$(wc -l <{count})" != 2 ] || kill -9 $PPID; exit 0'
        dies = f'case " $* " in *" {option} "*) "{cluster.bin}/{name}.real" "$@"; {ends} ;; esac'
        cluster.program(cluster.bin / f"{name}.real", real)
        cluster.tool(name, dies + "\n" + (RESOURCE if name == "crm_resource" else ""))
    assert cluster.run(script).returncode != 0
    if tool == "on":
        (cluster.folder / "broken.two").unlink()
    ran = cluster.run(script)
    assert (ran.returncode, cluster.configuration) == (0, after(plan)), ran.stderr
    assert cluster.run(script, "--undo").returncode == 0
    assert cluster.configuration == before


def test_it_refuses_what_would_stop_something(cluster: Cluster, plan: Plan) -> None:
    """Bad plans: the hub disabled first, and resources taken out while orphans are stopped."""
    before, script = cluster.configuration, render_sh(plan)
    hub = "crm_resource --resource openstack-core-clone --set-parameter target-role --meta --parameter-value Stopped"
    bad = re.sub(r"^edit_01\(\) \{\n", f'edit_01() {{\n  CIB_file="$C" {hub} >/dev/null || return 1\n', script, flags=re.M)
    assert bad != script
    ran = cluster.run(bad)
    assert ran.returncode == 1
    assert re.search(r"step 01 would: .*stop ", ran.stderr)
    assert cluster.configuration == before
    kept = re.sub(r"^edit_01\(\) \{\n.*\n", "edit_01() {\n", script, flags=re.M)
    assert kept != script
    ran = cluster.run(kept)
    assert ran.returncode == 1
    assert re.search(r"step 02 would: .*stop (httpd|memcached|delay|neutron|openstack)", ran.stderr)
    assert cluster.configuration == before


def test_it_refuses_to_start_what_the_plan_does_not_tell(tmp_path: Path, plan: Plan) -> None:
    meta = '<meta_attributes id="m"><nvpair id="m-1" name="target-role" value="Stopped"/></meta_attributes>'
    held = full_ha().replace('<clone id="openstack-core-clone">', f'<clone id="openstack-core-clone">{meta}')
    cluster = Cluster(tmp_path, running(held))
    before = cluster.configuration
    constraints = "".join(
        f'  CIB_file="$C" cibadmin --delete --xml-text \'<rsc_order id="{id}"/>\' || return 1\n'
        for id in re.findall(r'rsc_order id="([^"]*openstack-core[^"]*)"', held)
    )
    bad = re.sub(r"^edit_01\(\) \{\n", f"edit_01() {{\n{constraints}", render_sh(plan), flags=re.M)
    ran = cluster.run(bad)
    assert ran.returncode == 1
    assert re.search(r"step 01 would: .*start ", ran.stderr), ran.stderr
    assert cluster.configuration == before


def test_a_guard_that_sees_nothing_is_seen(cluster: Cluster, plan: Plan) -> None:
    blind = cluster.folder / "bin" / "crm_simulate"
    blind.write_text('#!/bin/sh\necho "Transition Summary:"\n')
    ran = cluster.run(render_sh(plan))
    assert ran.returncode == 1
    assert "the guard does not see" in ran.stderr
    assert cluster.lines("nodes") == []


def test_a_scheduler_that_says_nothing_and_fails_stops_it(cluster: Cluster, plan: Plan) -> None:
    before = cluster.live.read_bytes()
    cluster.tool("crm_simulate", f'[ "$(ls {cluster.state}/*.log 2>/dev/null)" ] && exit 1')
    ran = cluster.run(render_sh(plan))
    assert ran.returncode == 1
    assert "cannot be simulated" in ran.stderr
    assert cluster.live.read_bytes() == before


def test_a_unit_that_is_not_there_stops_it_before_anything_is_changed(cluster: Cluster, plan: Plan) -> None:
    before = cluster.live.read_bytes()
    (cluster.folder / "missing").write_text("openstack-nova-api.service\n")
    ran = cluster.run(render_sh(plan))
    assert ran.returncode == 1
    assert "not on one, or masked there: openstack-nova-api.service" in ran.stderr
    assert cluster.live.read_bytes() == before


def test_a_program_that_a_step_needs_and_that_is_not_there_stops_it_before_anything_is_changed(cluster: Cluster, plan: Plan) -> None:
    script = render_sh(with_mends(plan, "two", ("mkdir -p /etc/x", "crudini --set /etc/x/y.conf a b c"), ("a finding",), ()))
    assert "PROGRAMS='crudini mkdir systemctl'" in script.splitlines()
    (cluster.folder / "missing").write_text("crudini\n")
    ran = cluster.run(script)
    assert ran.returncode == 1
    assert "not on one, or masked there: crudini; nothing is changed" in ran.stderr


def test_a_cib_that_changes_meanwhile_is_not_overwritten(cluster: Cluster, plan: Plan) -> None:
    name = '<nvpair id="cib-bootstrap-cluster_property_set-cluster-name" value="x"/>'
    other = f"CIB_file={cluster.live} /usr/sbin/cibadmin --modify --xml-text '{name}'"
    cluster.tool("crm_diff", f'case " $* " in *" --no-version "*) ;; *) {other} ;; esac')
    ran = cluster.run(render_sh(plan))
    assert ran.returncode == 1
    assert "the CIB has changed meanwhile; run this again" in ran.stderr
    assert "stop-orphan-resources" not in cluster.configuration


def test_what_stays_and_is_not_where_it_was_stops_it(cluster: Cluster, plan: Plan) -> None:
    count = cluster.folder / "located"
    moves = (
        f'case " $* " in *" --locate "*"haproxy"*) echo x >>{count}; [ "$(wc -l <{count})" = 1 ] || {{ echo elsewhere; exit 0; }} ;; esac\n'
    )
    cluster.tool("crm_resource", moves + RESOURCE)
    ran = cluster.run(render_sh(plan))
    assert ran.returncode == 1
    assert "step 01: what stays is not where it was" in ran.stderr


@pytest.mark.night
def test_service_by_service_it_ends_at_the_same(tmp_path: Path) -> None:
    pacemaker_is_here()
    text = running(odd_full_ha())
    plan = made(text, at_once=False)
    cluster = Cluster(tmp_path, text)
    before, script = cluster.configuration, render_sh(plan)
    ran = cluster.run(script)
    assert (ran.returncode, cluster.configuration) == (0, after(plan)), ran.stderr
    assert cluster.run(script, "--undo").returncode == 0
    assert cluster.configuration == before


@pytest.mark.parametrize("at_once", [True, False])
def test_shellcheck_has_nothing_to_say(tmp_path: Path, text: str, at_once: bool) -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shellcheck is None:
        pytest.skip("NOT CHECKED BY SHELLCHECK: it is not installed (Debian: shellcheck)")
    path = tmp_path / "plan.sh"
    path.write_text(render_sh(made(text, at_once=at_once)))
    ran = subprocess.run([shellcheck, str(path)], capture_output=True, text=True, check=False)
    assert ran.stdout == ""


def test_a_plan_that_is_refused_has_a_script_that_only_says_so(tmp_path: Path) -> None:
    pacemaker_is_here()
    script = render_sh(made(full_ha(properties={"maintenance-mode": "true"}), at_once=True))
    path = tmp_path / "plan.sh"
    path.write_text(script)
    ran = subprocess.run(["bash", str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "refused: the cluster: it is in maintenance mode" in ran.stderr
