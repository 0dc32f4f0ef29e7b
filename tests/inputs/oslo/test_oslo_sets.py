"""Which files make one option set, and what is effective in it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Union

import pytest
from oslo_config import cfg

from lwlint.core.facts import Facts, NotEvaluated, Release, Unreadable
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.oslo.facts import Option, OptionFiles, Unresolved, boolean, integer, substitute
from lwlint.inputs.oslo.reader import option_facts
from lwlint.run import Request, load_catalogue, read_facts

CATALOGUE = load_catalogue()


def facts_of(files: Mapping[str, str], release: str = "auto") -> Facts:
    return read_facts(Request(tuple(sorted({path.split("/")[0] for path in files})), release=release, tree=Memory(files))).facts


def sets_of(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {f.name: f.files for f in facts_of(files).of(OptionFiles)}


A = "[DEFAULT]\na = 1\n"


def test_oslo_configs_search_reads_the_project_then_the_program_then_folders() -> None:
    assert sets_of(
        {
            "etc/glance/glance-api.conf": A,
            "etc/glance/glance-registry.conf": A,
            "etc/glance/glance-api.conf.d/20.conf": A,
            "etc/glance/glance-api.conf.d/100.conf": A,
            "etc/glance/glance-api.conf.d/.hidden.conf": A,
            "etc/glance/glance-api.conf.d/x.ini": A,
            "usr/share/glance/glance-api-dist.conf": A,
        }
    ) == {
        "glance-api": (
            "usr/share/glance/glance-api-dist.conf",
            "etc/glance/glance-api.conf",
            "etc/glance/glance-api.conf.d/100.conf",
            "etc/glance/glance-api.conf.d/20.conf",
        ),
        "glance-registry": ("etc/glance/glance-registry.conf",),
        "x.ini": ("etc/glance/glance-api.conf.d/x.ini",),
    }


def told(files: Mapping[str, str]) -> dict[str, tuple[tuple[str, ...], bool]]:
    return {f.name: (f.files, f.read) for f in facts_of(files).of(OptionFiles)}


@pytest.mark.parametrize(
    "path",
    [
        "etc/nova/nova.conf.d/.x.conf",
        "etc/nova/.nova.conf",
        "etc/nova/nova-api.conf.d/.x.conf",
        "nova.conf.d/.x.conf",
        "etc/kolla/config/nova/.x.conf",
        "conf.d/.10.conf",
    ],
)
def test_a_hidden_file_is_in_no_set_that_no_unit_names(path: str) -> None:
    assert told({path: A}) == {}


@pytest.mark.parametrize("more", [(), ("etc/nova/nova.conf",), ("etc/nova/nova.conf.d/a.conf",)])
@pytest.mark.parametrize("below", ["sub/", "sub/more/", "nova.conf.d/"])
def test_what_lies_in_a_folder_of_a_configuration_folder_is_read_by_nobody(more: tuple[str, ...], below: str) -> None:
    lost = f"etc/nova/nova.conf.d/{below}x.conf"
    expected = {"x.conf": ((lost,), False), **({"nova": (more, True)} if more else {})}
    assert told(dict.fromkeys((lost, *more), A)) == expected


def test_a_unit_that_names_a_folder_alone_takes_none_of_those_that_oslo_config_finds() -> None:
    unit = "[Service]\nExecStart=/usr/bin/glance-api --config-dir /etc/glance/more.d\n"
    main, named, found = "etc/glance/glance-api.conf", "etc/glance/more.d/1.conf", "etc/glance/glance-api.conf.d/1.conf"
    files = told({**dict.fromkeys((main, named, found), A), "usr/lib/systemd/system/openstack-glance-api.service": unit})
    assert sorted(files.values()) == [((main, named), True), ((found,), False)]


def test_a_container_of_a_project_that_is_not_known_reads_its_own_file() -> None:
    files = {"etc/kolla/skyline-x/skyline.conf": "[database]\nconnection = mysql://s@192.0.2.5/s\n", "etc/kolla/passwords.conf": A}
    (one,) = (f for f in facts_of(files).of(OptionFiles) if f.files == ("etc/kolla/skyline-x/skyline.conf",))
    assert (one.project, one.partial, one.known) == ("skyline", False, True)


@pytest.mark.parametrize("above", ["", "files/"])
def test_a_loose_folder_of_a_configuration_folder_is_read_by_nobody_too(above: str) -> None:
    lost, one = f"{above}nova.conf.d/sub/x.conf", f"{above}nova.conf.d/a.conf"
    assert list(told({lost: A}).values()) == [((lost,), False)]
    assert sorted(told({lost: A, one: A}).values()) == [((one,), True), ((lost,), False)]
    unknown = f"{above}site.conf.d/sub/nova.conf"  # whose program is not known, so that the file goes by its own name
    assert list(told({unknown: A}).values()) == [((unknown,), True)]


def test_a_unit_may_name_a_folder_of_a_configuration_folder_and_a_hidden_file() -> None:
    unit = "[Service]\nExecStart=/usr/bin/nova-api --config-file /etc/nova/.a.conf --config-dir /etc/nova/nova.conf.d/sub\n"
    files = {"etc/nova/.a.conf": A, "etc/nova/nova.conf.d/sub/x.conf": A, "etc/nova/nova.conf.d/sub/.y.conf": A}
    assert told({**files, "usr/lib/systemd/system/openstack-nova-api.service": unit}) == {
        "nova-api": (("etc/nova/.a.conf", "etc/nova/nova.conf.d/sub/x.conf"), True)
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_files_of_a_folder_are_those_that_oslo_config_takes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    names = chance.sample(
        ["a.conf", ".b.conf", "c.cfg", "d/e.conf", "d/.f.conf", "g.conf.d/j.cfg", "10.conf", "9.conf", "h.conf.d/i.conf"], 4
    )
    for name in names:
        path = tmp_path / "etc/nova/nova.conf.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[DEFAULT]\nn = " + name + "\n")
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.MultiStrOpt("n", default=[]))
    conf([], default_config_files=[], default_config_dirs=[str(tmp_path / "etc/nova/nova.conf.d")])
    paths = {f"etc/nova/nova.conf.d/{name}": A for name in names}
    found = [path.rpartition(".conf.d/")[2] for files, read in told(paths).values() if read for path in files]
    assert found == list(conf.n)


def test_a_folder_of_one_program_is_read_on_top_of_the_projects_file() -> None:
    """As oslo.config's search has it, in `/etc/PROJECT` and in `/etc`; nobody else reads it."""
    files = {"etc/cinder/cinder.conf": A, "etc/cinder/cinder-scheduler.conf.d/1.conf": A, "etc/cinder-backup.conf": A}
    assert sets_of(files) == {
        "cinder": ("etc/cinder/cinder.conf",),
        "cinder-scheduler": ("etc/cinder/cinder.conf", "etc/cinder/cinder-scheduler.conf.d/1.conf"),
        "cinder-backup": ("etc/cinder/cinder.conf", "etc/cinder-backup.conf"),
    }
    services = {one.name: one.services for one in facts_of(files).of(OptionFiles)}
    assert services["cinder-scheduler"] == ("cinder_scheduler",)


def test_a_projects_folder_below_etc_itself_is_read_unless_there_is_one_in_the_projects_own() -> None:
    """As oslo.config's search has it, of whose folders the first that is there counts."""
    files = {"etc/heat.conf": A, "etc/heat.conf.d/q.conf": A}
    assert sets_of(files) == {"heat": ("etc/heat.conf", "etc/heat.conf.d/q.conf")}
    assert sets_of({**files, "etc/heat/heat.conf.d/a.conf": A})["heat"] == ("etc/heat.conf", "etc/heat/heat.conf.d/a.conf")


def test_neutrons_server_reads_the_plugin_and_its_folders_too() -> None:
    assert sets_of(
        {
            "etc/neutron/neutron.conf": A,
            "etc/neutron/plugins/ml2/ml2_conf.ini": A,
            "etc/neutron/dhcp_agent.ini": A,
            "etc/neutron/conf.d/neutron-server/a.conf": A,
            "usr/share/neutron/neutron-dist.conf": A,
            "usr/share/neutron/server/b.conf": A,
        }
    ) == {
        "neutron": (
            "usr/share/neutron/neutron-dist.conf",
            "usr/share/neutron/server/b.conf",
            "etc/neutron/neutron.conf",
            "etc/neutron/plugins/ml2/ml2_conf.ini",
            "etc/neutron/conf.d/neutron-server/a.conf",
        ),
        "dhcp_agent.ini": ("etc/neutron/dhcp_agent.ini",),
    }


def test_a_unit_tells_what_its_program_reads_in_the_order_of_its_command_line() -> None:
    files = {
        "usr/lib/systemd/system/neutron-server.service": "[Service]\nExecStart=/usr/bin/neutron-server "
        "--config-file /usr/share/neutron/neutron-dist.conf --config-dir /usr/share/neutron/server --config-file=/etc/neutron/neutron.conf "
        "--config-file /etc/neutron/plugin.ini --config-dir /etc/neutron/conf.d/common --log-file /var/log/x\n",
        "usr/lib/systemd/system/neutron-dhcp-agent.service": "[Service]\nExecStart=/usr/bin/neutron-dhcp-agent "
        "--config-file /etc/neutron/neutron.conf --config-file /etc/neutron/dhcp_agent.ini\n",
        "etc/neutron/neutron.conf": A,
        "etc/neutron/plugin.ini": "[DEFAULT]\na = 2\n",
        "etc/neutron/dhcp_agent.ini": A,
        "etc/neutron/conf.d/common/x.conf": A,
        "etc/neutron/conf.d/other/x.conf": A,
        "usr/share/neutron/neutron-dist.conf": A,
    }
    facts = facts_of(files)
    assert {f.name: (f.files, f.services, f.read) for f in facts.of(OptionFiles)} == {
        "neutron-dhcp-agent": (("etc/neutron/neutron.conf", "etc/neutron/dhcp_agent.ini"), ("neutron_dhcp_agent",), True),
        "neutron-server": (
            (
                "usr/share/neutron/neutron-dist.conf",
                "etc/neutron/neutron.conf",
                "etc/neutron/plugin.ini",
                "etc/neutron/conf.d/common/x.conf",
            ),
            ("neutron_server",),
            True,
        ),
        "x.conf": (("etc/neutron/conf.d/other/x.conf",), (), False),
    }


def test_the_plugin_of_neutron_is_read_through_its_link_and_judged_where_it_lies() -> None:
    files = {
        "usr/lib/systemd/system/neutron-server.service": "[Service]\nExecStart=/usr/bin/neutron-server "
        "--config-file /etc/neutron/neutron.conf --config-file /etc/neutron/plugin.ini\n",
        "etc/neutron/neutron.conf": A,
        "etc/neutron/plugins/ml2/ml2_conf.ini": "[DEFAULT]\na = 2\n",
    }
    read = {"neutron-server": ("etc/neutron/neutron.conf", "etc/neutron/plugins/ml2/ml2_conf.ini")}
    assert sets_of(files) == read
    assert sets_of({**files, "etc/neutron/plugin.ini": {"link": "plugins/ml2/ml2_conf.ini"}}) == read  # type: ignore[dict-item]
    assert sets_of({**files, "etc/neutron/plugin.ini": A})["neutron-server"] == ("etc/neutron/neutron.conf", "etc/neutron/plugin.ini")


UNIT = "usr/lib/systemd/system/openstack-heat-engine.service"
BOTH = "--config-file /etc/heat/heat.conf --config-file /etc/heat/site.conf"


@pytest.mark.parametrize(
    ("service", "others"),
    [
        ("ExecStart=/bin/sh -c 'exec /usr/bin/heat-engine $OPTS'\nEnvironmentFile=/etc/default/heat", {}),
        ("ExecStart=/bin/sh -c 'exec /usr/bin/heat-engine $${OPTS}'\nEnvironmentFile=/etc/default/heat", {}),
        ("ExecStart=/bin/sh -c '. /etc/default/heat; exec /usr/bin/heat-engine $OPTS'", {}),
        ("ExecStart=/usr/bin/heat-engine $OPTS\nEnvironmentFile=/etc/default/heat", {"etc/default/heat": f"OPTS='{BOTH}'"}),
        (
            "ExecStart=/usr/bin/heat-engine $OPTS\nEnvironmentFile=/etc/default/heat",
            {"etc/default/heat": f"OPTS={BOTH[:34]}\\\n{BOTH[34:]}"},
        ),
        (f"ExecStart=/usr/bin/heat-engine $OPTS\nEnvironment='OPTS={BOTH.replace('site', '%N')}'", {}),
        (f"ExecStart=/usr/bin/heat-engine {BOTH.replace('heat.conf', '%p.conf', 1).replace('site', '%N')}", {}),
    ],
)
def test_a_command_line_is_known_through_variables_shells_and_specifiers(service: str, others: dict[str, str]) -> None:
    files = {
        UNIT: f"[Service]\n{service}\n",
        "etc/default/heat": f'OPTS="{BOTH}"\n',
        "etc/heat/heat.conf": A,
        "etc/heat/openstack-heat-engine.conf": A,
        "etc/heat/site.conf": A,
        **others,
    }
    known = next(f for f in facts_of(files).of(OptionFiles) if f.name == "heat-engine")
    last = "openstack-heat-engine.conf" if "%N" in service else "site.conf"
    first = "openstack-heat-engine.conf" if "%p" in service else "heat.conf"
    assert (known.files, known.untold) == (tuple(dict.fromkeys((f"etc/heat/{first}", f"etc/heat/{last}"))), "")


@pytest.mark.parametrize(
    ("name", "service", "untold"),
    [
        (
            "openstack-heat-engine",
            "ExecStart=/usr/bin/heat-engine $OPTS\nPassEnvironment=OPTS HOME",
            "takes `$OPTS` from systemd's own environment, which is not known",
        ),
        ("openstack-heat-engine", "ExecStart=/bin/sh -c '. /etc/x; heat-engine $OPTS'", "takes `$OPTS` from `/etc/x`, which was not given"),
        ("heat-engine@", "ExecStart=/usr/bin/heat-engine --config-file /etc/heat/%i.conf", "is a template, of which no instance is known"),
        ("openstack-heat-engine", "ExecStart=/usr/bin/heat-engine $OPTS\nEnvironment=OPTS=\nPassEnvironment=OPTS", ""),
    ],
)
def test_a_command_line_that_is_not_known_is_told(name: str, service: str, untold: str) -> None:
    files = {f"usr/lib/systemd/system/{name}.service": f"[Service]\n{service}\n", "etc/heat/heat.conf": A, "etc/heat/a.conf": A}
    assert {f.untold.partition(".service ")[2] for f in facts_of(files).of(OptionFiles) if f.program == "heat-engine"} == {untold}


def test_an_instance_tells_what_its_template_leaves_open() -> None:
    files = {
        "usr/lib/systemd/system/heat-engine@.service": "[Service]\nExecStart=/usr/bin/heat-engine --config-file /etc/heat/%i.conf\n",
        "etc/systemd/system/multi-user.target.wants/heat-engine@a.service": {"link": "/usr/lib/systemd/system/heat-engine@.service"},
        "etc/heat/a.conf": A,
    }
    assert [(f.files, f.untold) for f in facts_of(files).of(OptionFiles)] == [(("etc/heat/a.conf",), "")]  # type: ignore[arg-type]


def test_units_without_arguments_share_one_set_with_what_the_search_finds() -> None:
    unit = "[Service]\nExecStart=/usr/bin/{}\n"
    files = {
        "usr/lib/systemd/system/openstack-nova-api.service": unit.format("nova-api"),
        "usr/lib/systemd/system/openstack-nova-conductor.service": unit.format("nova-conductor"),
        "usr/lib/systemd/system/tripleo_nova_scheduler.service": "[Service]\nExecStart=/usr/bin/podman start nova_scheduler\n",
        "etc/nova/nova.conf": A,
        "usr/share/nova/nova-dist.conf": A,
    }
    assert [(f.files, f.complete) for f in facts_of(files).of(OptionFiles)] == [
        (("usr/share/nova/nova-dist.conf", "etc/nova/nova.conf"), True)
    ]


def test_what_is_made_for_containers_takes_the_place_of_the_hosts_own_files() -> None:
    generated = "var/lib/config-data/puppet-generated"
    files = {
        "etc/nova/nova.conf": A,
        "etc/heat/heat.conf": A,
        "usr/share/nova/nova-dist.conf": A,
        f"{generated}/nova/etc/nova/nova.conf": A,
        f"{generated}/nova_libvirt/etc/nova/nova.conf": A,
        "var/lib/config-data/nova/etc/nova/nova.conf": A,
    }
    assert {f.name: (f.files, f.complete) for f in facts_of(files).of(OptionFiles)} == {
        "heat": (("etc/heat/heat.conf",), False),
        "nova:nova": ((f"{generated}/nova/etc/nova/nova.conf",), False),
        "nova_libvirt:nova": ((f"{generated}/nova_libvirt/etc/nova/nova.conf",), False),
    }


def test_hosts_are_kept_apart() -> None:
    assert sets_of({"a/etc/heat/heat.conf": A, "b/etc/heat/heat.conf": A, "b/etc/heat/heat.conf.d/x.conf": A}) == {
        "a/heat": ("a/etc/heat/heat.conf",),
        "b/heat": ("b/etc/heat/heat.conf", "b/etc/heat/heat.conf.d/x.conf"),
    }


def test_loose_files_go_by_their_names_and_unknown_names_make_one_set() -> None:
    assert sets_of({"nova.conf": A, "nova-dist.conf": A, "ml2_conf.ini": A, "neutron.conf": A, "2.conf": A, "1.conf": A}) == {
        "nova": ("nova-dist.conf", "nova.conf"),
        "neutron": ("neutron.conf", "ml2_conf.ini"),
        "*": ("1.conf", "2.conf"),
    }
    assert sets_of({"1-etc.conf": A, "conf.d/9.conf": A, "conf.d/10.conf": A}) == {"*": ("1-etc.conf", "conf.d/10.conf", "conf.d/9.conf")}


def test_an_option_is_one_fact_with_its_place_and_what_it_beats() -> None:
    files = {"1.conf": "[DATABASE]\nmax_retries = 3\nmax_retries: '4'\n", "2.conf": "[database]\nmax_retries =\t-1 \n"}
    (option,) = facts_of(files).of(Option)
    assert (option.name, option.section, option.option, option.value, option.sets) == (
        "database.max_retries", "database", "max_retries", "-1", ("*",),
    )  # fmt: skip
    assert (option.span.path, files["2.conf"][option.span.start : option.span.end]) == ("2.conf", "-1")
    assert [(text.value, text.span.path) for text in option.beaten] == [("4", "1.conf"), ("3", "1.conf")]
    assert option.values == ("3", "4", "-1")


def test_a_file_that_is_refused_leaves_its_set_without_options() -> None:
    facts = facts_of({"1.conf": "[database]\nmax_retries = -1\n", "2.conf": "[database]\n\n  max_retries = 3\n"})
    assert [(f.name, f.refused) for f in facts.of(OptionFiles)] == [("*", "2.conf")]
    assert facts.of(Option) == []
    assert [(u.span.path, u.span.start, u.message, u.fatal) for u in facts.of(Unreadable)] == [
        ("2.conf", 14, "the line is indented, but there is no value above that it could continue", True)
    ]


def test_a_line_that_a_report_masked_does_not_make_the_file_unreadable() -> None:
    facts = facts_of({"1.conf": "[database]\nmax_retries = -1\n*********\n*** x\n"})
    assert [(f.span.start, f.because) for f in facts.of(NotEvaluated)] == [(28, "the line was masked when the report was made")]
    assert [f.span.start for f in facts.of(Unreadable)] == [38]


UNIT_WITH_ENVIRONMENT = {
    "usr/lib/systemd/system/openstack-heat-engine.service": "[Service]\nExecStart=/usr/bin/heat-engine\n"
    'Environment=OS_DATABASE__MAX_RETRIES=3 "OS_DEFAULT__SQL_MAX_RETRIES=4"\n',
    "etc/heat/heat.conf": "[database]\nmax_retries = -1\n",
}


@pytest.mark.parametrize(("release", "value"), [("train", "3"), ("auto", "3"), ("queens", "-1")])
def test_the_environment_beats_files_from_stein_on(release: str, value: str) -> None:
    options = {o.name: (o.value, o.span.path) for o in facts_of(UNIT_WITH_ENVIRONMENT, release).of(Option) if o.option == "max_retries"}
    path = "usr/lib/systemd/system/openstack-heat-engine.service" if value == "3" else "etc/heat/heat.conf"
    assert options["database.max_retries"] == (value, path)


def test_what_is_not_oslo_config_is_left_alone() -> None:
    assert sets_of({"etc/heat/api-paste.ini": "[DEFAULT]\nx\n", "etc/nova/rootwrap.conf": "[DEFAULT]\nx\n", "etc/swift/a.conf": A}) == {}


def test_numbers_are_those_of_python_and_switches_those_of_oslo() -> None:
    assert [integer(text) for text in ("010", "+5", " -1 ", "1_0", "", " ")] == [10, 5, -1, 10, None, None]
    for text in ("0x10", "-1.0", "1e3", "- 1", "\u22121", "-1 # x", "None"):
        with pytest.raises(ValueError, match="invalid literal"):
            integer(text)
    assert [boolean(text) for text in ("True", "ON", "yes", "1", "false", "Off", "no", "0")] == [True] * 4 + [False] * 4
    for text in ("", "t", " true"):
        with pytest.raises(ValueError, match="no boolean"):
            boolean(text)


def test_references_are_to_known_options_of_the_same_section_first() -> None:
    known = {("database", "n"): "1", ("DEFAULT", "n"): "2", ("DEFAULT", "m"): "3"}
    assert substitute("$n ${m} $$ \\$n ${database.n}% $(", "database", known.get) == "1 3 $ $n 1% $("
    for reference in ("${api_database.n}", "${DEFAULT.n}"):  # whose options are in no group
        with pytest.raises(Unresolved):
            substitute(reference, "database", known.get)


def test_a_catalogue_is_not_asked_about_names_that_tell_nothing() -> None:
    assert CATALOGUE.of_config_file("/etc/heat/heat.conf") != ()
    assert [f.services for f in facts_of({"1.conf": A}).of(OptionFiles)] == [()]


def test_a_loose_file_beside_a_hosts_tree_is_a_set_of_its_own() -> None:
    facts = facts_of({"nova.conf": A, "etc/nova/nova.conf": A})
    assert [(f.name, f.files) for f in facts.of(OptionFiles)] == [("nova", ("etc/nova/nova.conf",)), ("nova#2", ("nova.conf",))]
    assert [(option.span.path, option.sets) for option in facts.of(Option)] == [
        ("etc/nova/nova.conf", ("nova",)),
        ("nova.conf", ("nova#2",)),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_whose_bytes_are_no_utf_8_leaves_its_set_without_options_too(encoding: str, tmp_path: Path) -> None:
    data = "[database]\n# café\nmax_retries = -1\n".encode(encoding)
    files: dict[str, Union[str, bytes]] = {"etc/heat/heat.conf": data, "etc/heat/heat.conf.d/1.conf": "[database]\nmax_retries = -1\n"}
    facts = read_facts(Request(("etc",), tree=Memory(files))).facts
    assert [(f.files, f.refused) for f in facts.of(OptionFiles)] == [(tuple(files), "etc/heat/heat.conf")]
    assert [fact.name for fact in facts.of(Unreadable)] == ["etc/heat/heat.conf"]
    assert facts.of(Option) == []
    (tmp_path / "heat.conf").write_bytes(data)
    with pytest.raises((UnicodeDecodeError, cfg.ConfigFileParseError)):
        cfg.ConfigOpts()(["--config-file", str(tmp_path / "heat.conf")], project="x")


@pytest.mark.parametrize(
    "path",
    ["etc/nova/nova-p{}.conf", "etc/nova/nova-p{}.conf.d/x.conf", "d{}/nova.conf", "var/lib/config-data/n{}/etc/nova/nova.conf", "{}.conf"],
)
def test_many_programs_folders_and_containers_take_time_in_proportion(path: str) -> None:
    sources = [Source(path.format(i), A, "oslo") for i in range(6000)]
    begin = time.process_time()
    found = list(option_facts(sources, [], CATALOGUE, Release(None)))
    assert time.process_time() - begin < 5, "in proportion it is less than one second, and was many"
    assert found != []
