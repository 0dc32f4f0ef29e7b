"""What the reader of unit files gives: places, and where systemd stops reading."""

from __future__ import annotations

import pytest

from lwlint.core.facts import Facts, Unreadable
from lwlint.core.source import Link, Source, Span, Text
from lwlint.files.tree import Memory
from lwlint.inputs.systemd import reader
from lwlint.inputs.systemd.facts import IgnoredLine, ShownUnit, Unit, Version
from lwlint.inputs.systemd.reader import shown_unit, unit_facts
from lwlint.inputs.systemd.settings import Assignment, Settings, Stray, exit_status, read, version_of_system
from lwlint.run import AUTO, Request, load_catalogue, read_facts


def assignments(text: str) -> list[tuple[str, str, str]]:
    return [
        (line.section, line.key.value, line.value.value) for line in read(Source("x", text, "unit")).lines if isinstance(line, Assignment)
    ]


def facts(files: dict[str, object], kind: type) -> list[object]:
    return read_facts(Request(tree=Memory(files))).facts.of(kind)  # type: ignore[arg-type]


def test_key_and_value_have_the_span_they_stand_at() -> None:
    text = "\ufeff[Service]\r\n  Restart = always \r\n"
    source = Source("x", text, "unit")
    line = read(source).lines[0]
    assert isinstance(line, Assignment)
    assert [text[slice(*span[1:])] for span in (line.key.span, line.value.span)] == ["Restart", "always"]
    assert source.position(line.value.span.start) == (2, 13)


def test_a_joined_value_spans_from_its_first_to_its_last_character() -> None:
    text = "[Service]\nExecStart=/bin/a \\\n# a comment between\n  b\n"
    line = read(Source("x", text, "unit")).lines[0]
    assert isinstance(line, Assignment)
    assert line.value.value == "/bin/a    b"
    assert text[slice(*line.value.span[1:])] == "/bin/a \\\n# a comment between\n  b"


def test_a_backslash_joins_lines_and_swallows_a_header() -> None:
    assert assignments("[Service]\nEnvironment=A=1 \\\n[Unit]\nRestart=no\n") == [
        ("Service", "Environment", "A=1  [Unit]"),
        ("Service", "Restart", "no"),
    ]


def test_two_backslashes_join_nothing() -> None:
    assert assignments("[Service]\nA=b\\\\\nC=d\n") == [("Service", "A", "b\\\\"), ("Service", "C", "d")]


def test_a_value_that_begins_on_the_next_line() -> None:
    assert assignments("[Service]\nRestart=\\\nalways") == [("Service", "Restart", "always")]


@pytest.mark.parametrize("broken", ["[Service", "[Service] # note", "[Ser'vice]", "[", "A=\udcff", "A=\ufdd0"])
def test_systemd_stops_reading_at_a_line_like_this(broken: str) -> None:
    text = f"[Service]\nB=1\n{broken}\nC=2\n"
    unit = read(Source("x", text, "unit"))
    assert [line.key.value for line in unit.lines if isinstance(line, Assignment)] == ["B"]
    assert unit.stop is not None
    assert text[slice(*unit.stop.text.span[1:])] == broken


def test_a_line_of_more_than_a_mebibyte_stops_the_file() -> None:
    stop = read(Source("x", "[Service]\nA=" + "x" * 1024 * 1024 + "\nB=1\n", "unit")).stop
    assert stop is not None
    assert stop.because == "line is longer than 1 MiB"


def test_endless_continuation_stops_the_file() -> None:
    stop = read(Source("x", "[Service]\nA=\\\n" + "x\\\n" * 600_000, "unit")).stop
    assert stop is not None
    assert stop.because == "line is longer than 1 MiB"


def test_a_nul_ends_a_line() -> None:
    assert assignments("[Service]\0A=1\0\0B=2") == [("Service", "A", "1"), ("Service", "B", "2")]


def test_lines_that_assign_nothing_are_kept() -> None:
    lines = read(Source("x", "[Service]\nwords\n=x\n", "unit")).lines
    assert [(line.text.value, line.because) for line in lines if isinstance(line, Stray)] == [
        ("words", "it has no `=`"),
        ("=x", "it has no key in front of `=`"),
    ]


@pytest.mark.parametrize("text", ["", "\0", "\ufeff", "\\", "[]", "=", "[Unit]\n=\n", "\udcff\udcfe[\0U\0"])
def test_nothing_makes_the_reader_fail(text: str) -> None:
    assert isinstance(facts({"etc/systemd/system/neutron-server.service": text.encode("utf-8", "surrogateescape")}, Unit)[0], Unit)


def test_a_header_that_stops_a_unit_file_is_told_and_the_unit_is_in_error() -> None:
    files = {"etc/systemd/system/neutron-server.service": "[Service]\nExecStart=/bin/a\n[Install\nWantedBy=x\n"}
    assert [unit.load_state for unit in facts(files, Unit)] == ["error"]  # type: ignore[attr-defined]
    assert [fact.message for fact in facts(files, Unreadable)] == [  # type: ignore[attr-defined]
        "section header `[Install` does not end in `]`; systemd reads the file no further"
    ]


def test_the_winner_knows_whom_it_beats() -> None:
    files = {
        "usr/lib/systemd/system/neutron-server.service": "[Service]\nExecStart=/bin/a\nRestart=always\n",
        "etc/systemd/system/neutron-server.service.d/10.conf": "[Service]\nRestart=on-abort\n",
        "etc/systemd/system/neutron-server.service.d/9.conf": "[Service]\nRestart=no\n",
    }
    (unit,) = facts(files, Unit)
    restart = unit.settings["Service.Restart"]  # type: ignore[attr-defined]
    assert [(s.value, s.span.path.rpartition("/")[2]) for s in (*restart.beaten, restart)] == [
        ("always", "neutron-server.service"),
        ("on-abort", "10.conf"),
        ("no", "9.conf"),
    ]


def test_a_drop_in_without_a_unit_file_sets_nothing_but_is_known() -> None:
    (unit,) = facts({"etc/systemd/system/neutron-server.service.d/10.conf": "[Service]\nRestart=no\n"}, Unit)
    assert (unit.load_state, dict(unit.settings), unit.pending["Service.Restart"].value) == ("not-found", {}, "no")  # type: ignore[attr-defined]


def test_hosts_are_kept_apart() -> None:
    files = {
        "a/usr/lib/systemd/system/neutron-server.service": "[Service]\nExecStart=/bin/a\nRestart=always\n",
        "b/usr/lib/systemd/system/neutron-server.service": "[Service]\nExecStart=/bin/a\n",
        "b/etc/systemd/system/neutron-server.service.d/x.conf": "[Service]\nRestart=no\n",
    }
    found = [(unit.host, unit.settings["Service.Restart"].value) for unit in facts(files, Unit)]  # type: ignore[attr-defined]
    assert found == [("a", "always"), ("b", "no")]


def test_an_instance_that_another_unit_wants_is_a_unit() -> None:
    files = {
        "usr/lib/systemd/system/a@.service": "[Service]\nExecStart=/bin/a %i\n",
        "usr/lib/systemd/system/b.service": "[Unit]\nWants=a@x.service\n[Service]\nExecStart=/bin/b\n",
    }
    assert [unit.name for unit in facts(files, Unit)] == ["a@.service", "b.service", "a@x.service"]  # type: ignore[attr-defined]


def test_a_line_that_does_nothing_is_told_once_for_all_units_it_is_read_for() -> None:
    files = {
        "etc/systemd/system/service.d/x.conf": "[Service]\nRestart=maybe\n",
        "usr/lib/systemd/system/neutron-server.service": "[Service]\nExecStart=/bin/a\n",
        "usr/lib/systemd/system/neutron-l3-agent.service": "[Service]\nExecStart=/bin/a\n",
    }
    assert [(line.name, line.value) for line in facts(files, IgnoredLine)] == [("Service.Restart", "maybe")]  # type: ignore[attr-defined]


def test_an_empty_kill_mode_takes_the_one_before_back() -> None:
    """systemd 252 in test mode loads such a unit, and refuses it with `KillMode=process` alone."""
    text = "[Service]\nExecStart=/bin/sleep 1\nPAMName=login\nKillMode=process\n"
    folder = "usr/lib/systemd/system/"
    found = facts({f"{folder}a.service": text, f"{folder}b.service": text + "KillMode =\n"}, Unit)
    assert [unit.load_state for unit in found if isinstance(unit, Unit)] == ["bad-setting", "loaded"]
    assert facts({f"{folder}b.service": text + "KillMode =\n"}, IgnoredLine) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, (100_000, 10_000_000, 5, 90_000_000)),
        ({"etc/systemd/system.conf": "[Manager]\nDefaultRestartSec=7\nDefaultTimeoutStartSec=0\n"}, (7_000_000, 10_000_000, 5, None)),
        (
            {"etc/systemd/system.conf": "[Manager]\nDefaultTimeoutStartSec=5min\nDefaultTimeoutStartSec=junk\n"},
            (100_000, 10_000_000, 5, 300_000_000),
        ),
        ({"etc/systemd/system.conf": "DefaultRestartSec=7\n[Service]\nDefaultRestartSec=7\n"}, (100_000, 10_000_000, 5, 90_000_000)),
        (
            {
                "etc/systemd/system.conf": "[Manager]\nDefaultStartLimitBurst=9\nDefaultStartLimitIntervalSec=3\n",
                "usr/lib/systemd/system.conf.d/20-b.conf": "[Manager]\nDefaultStartLimitBurst=2\n",
                "run/systemd/system.conf.d/10-a.conf": "[Manager]\nDefaultStartLimitBurst=4\nDefaultStartLimitInterval=60\n",
                "usr/lib/systemd/system.conf.d/10-a.conf": "[Manager]\nDefaultStartLimitIntervalSec=0\n",
            },
            (100_000, 60_000_000, 2, 90_000_000),
        ),
    ],
)
def test_what_a_unit_leaves_unset_is_as_the_manager_has_it(files: dict[str, object], expected: tuple[object, ...]) -> None:
    """systemd 252 in test mode; a start timeout of 0 is none."""
    found = facts({**files, "usr/lib/systemd/system/a.service": "[Service]\nExecStart=/bin/true\n"}, Unit)
    times = [(u.restart_usec, u.start_limit_interval_usec, u.start_limit_burst, u.timeout_start_usec) for u in found if isinstance(u, Unit)]
    assert times == [expected]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("WorkingDirectory=var/lib/nova", "it is not an absolute path"),
        ("WorkingDirectory=/var/../lib", "the path goes through `..`"),
        ("WorkingDirectory=-var", ""),
        ("RootDirectory=/" + "x" * 256, "the path is too long"),
        ("ExecStart=/" + "x" * 256, "its path is too long"),
        ("PIDFile=/../x", "the path goes through `..`"),
        ("PIDFile=nova/../x.pid", "the path goes through `..`"),
        ("PIDFile=nova/x.pid", ""),
        ("PIDFile=%F/x", ""),
        ("WorkingDirectory=~", ""),
        ("WorkingDirectory=", ""),
        ("RootDirectory=x", "it is not an absolute path"),
        ("User=nova:nova", "it cannot be the name of a user or group"),
        ("User=65535", "it is no user's or group's number"),
        ("User=%H", ""),
        ("User=%Q", "systemd knows no specifier `%Q` (a plain `%` is written `%%`)"),
        ("Group=", ""),
        ("SupplementaryGroups=kolla no/va", "it cannot be the name of a user or group"),
        ("DynamicUser=maybe", "it is not a boolean"),
        ("SELinuxContext=-%Q", ""),
        ("ExecStart=@/bin/a", "it has no name for the program, which must follow where `@` is in front of it"),
        ("ExecStart=@/bin/a a", ""),
    ],
)
def test_a_setting_for_whose_value_systemd_refuses_the_unit_is_told(line: str, why: str) -> None:
    """Systemd 252 was asked about each setting that it knows with twenty odd values."""
    found = Settings("a.service").read(read(Source("a.service", f"[Service]\n{line}\n", "unit")))
    assert (found[0] if found else "") == (f"`{line}`: {why}" if why else "")


def test_a_unit_whose_pid_file_is_no_path_is_not_loaded_at_all() -> None:
    settings = Settings("a.service")
    settings.read(read(Source("a.service", "[Service]\nPIDFile=/../x\n", "unit")))
    assert settings.state == "error"
    refused = Settings("a.service")
    refused.read(read(Source("a.service", "[Service]\nRootDirectory=/../x\n", "unit")))
    assert refused.state == "bad-setting"


@pytest.mark.parametrize(
    ("line", "because"),
    [
        ("ConditionPathExists=|!/var/../run/a", "the path goes through `..`"),
        ("ConditionPathExists=run/a", "it is not an absolute path"),
        ("ConditionPathExists=!/run/a", None),
        ("ConditionHost=a/../b", None),
        ("RequiresMountsFor=/a ../b", "it is not an absolute path"),
    ],
)
def test_a_path_that_systemd_drops_is_told(line: str, because: str | None) -> None:
    settings = Settings("a.service")
    assert settings.read(read(Source("a.service", f"[Unit]\n{line}\n", "unit"))) is None
    assert [each.because for each in settings.ignored] == [because] * (because is not None)
    key = f"Unit.{line.partition('=')[0]}"
    assert settings.done()[0].get(key) is None or settings.done()[0][key].value == line.partition("=")[2].replace(" ../b", "")


def test_behind_such_a_line_nothing_of_a_drop_in_is_read() -> None:
    settings = Settings("a.service")
    settings.read_drop_in(read(Source("x.conf", "[Service]\nWorkingDirectory=x\nRestart=always\n", "unit")))
    assert "Service.Restart" not in settings.done()[0]
    assert [(line.name, line.because) for line in settings.ignored] == [
        ("Service.WorkingDirectory", "it is not an absolute path, and systemd reads this file no further")
    ]


def test_a_link_of_a_generator_enables_a_unit_as_it_is_made_at_each_boot() -> None:
    folder = "usr/lib/systemd/system/"
    files: dict[str, object] = {
        f"{folder}a.service": "[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=x.target\n",
        f"{folder}t@.service": "[Service]\nExecStart=/bin/a\n",
        "run/systemd/generator/multi-user.target.wants/a.service": {"link": "/usr/lib/systemd/system/a.service"},
        "etc/systemd/system/multi-user.target.wants/t@one.service": {"link": "/usr/lib/systemd/system/t@.service"},
    }
    assert {unit.name: unit.enabled for unit in facts(files, Unit) if isinstance(unit, Unit)} == {
        "a.service": "enabled",
        "t@.service": "indirect",
        "t@one.service": "enabled",
    }


@pytest.mark.parametrize(
    ("unit", "line", "state", "dropped"),
    [
        ("nova-compute@.service", "User=%i", "loaded", []),
        ("nova-compute@.service", "WorkingDirectory=%I", "loaded", []),
        ("nova-compute@.service", "ExecStartPre=%I/bin/a", "loaded", []),
        ("nova-compute@.service", "ExecStartPre=/usr/bin/%i", "loaded", []),
        ("nova-compute@.service", "WorkingDirectory=/%i/../a", "bad-setting", []),
        ("nova-compute@.service", "BusName=org.%i", "loaded", []),
        ("nova-compute@.service", "RestartSec=%i", "loaded", ["it is not a time span"]),
        ("nova-compute.service", "ExecStartPre=%V/bin/a", "loaded", []),
        ("nova-compute.service", "WorkingDirectory=%T/a", "loaded", []),
        ("nova-compute.service", "User=%i", "bad-setting", []),
        ("nova-compute.service", "ExecStartPre=a/b", "bad-setting", []),
    ],
)
def test_what_a_specifier_stands_for_in_an_instance_is_open_in_its_template(unit: str, line: str, state: str, dropped: list[str]) -> None:
    """`RestartSec=` and the like take no specifiers at all."""
    files = {f"etc/systemd/system/{unit}": f"[Service]\nExecStart=/usr/bin/nova-compute\n{line}\n"}
    facts = read_facts(Request(tuple(files), tree=Memory(files))).facts
    (found,) = facts.of(Unit)
    assert found.load_state == state
    assert [one.because for one in facts.of(IgnoredLine)] == dropped


def test_a_dependency_of_a_template_on_its_instance_is_named_in_the_instance_alone() -> None:
    template = "etc/systemd/system/nova-compute@.service"
    files = {template: "[Unit]\nRequires=%i.service\n[Service]\nExecStart=/usr/bin/nova-compute\n"}
    files["etc/systemd/system/a.target"] = "[Unit]\nWants=nova-compute@mariadb.service\n"
    facts = read_facts(Request(tuple(files), tree=Memory(files))).facts
    assert not facts.of(IgnoredLine)
    needs = {unit.name: unit.lists["Unit.Requires"][0].value for unit in facts.of(Unit) if "Unit.Requires" in unit.lists}
    assert needs == {"nova-compute@.service": "%i.service", "nova-compute@mariadb.service": "mariadb.service"}


def test_keys_of_today_are_known() -> None:
    """Those that systemd 253 to 262 brought, by `systemd --dump-configuration-items`."""
    text = (
        "[Unit]\nWantsMountsFor=/var/lib/nova\nConditionPathIsSocket=/run/x\nAssertKernelModuleLoaded=vhost_net\n"
        "[Service]\nExecStart=/usr/bin/nova-api\nLogFilterPatterns=~DEBUG\nRestartRandomizedDelaySec=5\nStateDirectoryQuota=5%\n"
    )
    facts = list(unit_facts([Source("etc/systemd/system/nova-api.service", text, "unit")], (), load_catalogue()))
    assert [fact for fact in facts if isinstance(fact, IgnoredLine)] == []
    (unit,) = (fact for fact in facts if isinstance(fact, Unit))
    assert [entry.value for entry in unit.lists["Unit.WantsMountsFor"]] == ["/var/lib/nova"]


@pytest.mark.parametrize(("key", "good", "bad"), [("RestartSteps", "5", "many"), ("RestartMaxDelaySec", "1min", "soon")])
def test_a_wrong_value_of_the_growing_pauses_leaves_the_one_before(key: str, good: str, bad: str) -> None:
    text = f"[Service]\nExecStart=/usr/bin/nova-api\n{key}={good}\n{key}={bad}\n"
    facts = list(unit_facts([Source("etc/systemd/system/nova-api.service", text, "unit")], (), load_catalogue()))
    (unit,) = (fact for fact in facts if isinstance(fact, Unit))
    assert unit.settings[f"Service.{key}"].value == good
    assert [fact.name for fact in facts if isinstance(fact, IgnoredLine)] == [f"Service.{key}"]


@pytest.mark.parametrize(
    ("unit", "named"),
    [("nova-api.service", "db@nova-api.service"), ("nova-api@one.service", "db@one.service"), ("nova-api@.service", "db@.service")],
)
def test_a_dependency_on_a_template_is_one_on_its_instance_of_the_unit(unit: str, named: str) -> None:
    """As systemd 252 has it in test mode, by a line of the file and by a link."""
    files = [Source(f"etc/systemd/system/{unit}", "[Unit]\nRequires=db@.service\n[Service]\nExecStart=/usr/bin/nova-api\n", "unit")]
    links = [Link(f"etc/systemd/system/{unit}.wants/db@.service", "/usr/lib/systemd/system/db@.service")]
    (found,) = (fact for fact in unit_facts(files, links, load_catalogue()) if isinstance(fact, Unit) and fact.name == unit)
    assert [entry.value for key in ("Requires", "Wants") for entry in found.lists[f"Unit.{key}"]] == [named, named]


@pytest.mark.parametrize(
    ("word", "known"),
    [("RTMIN+30", True), ("SIGRTMIN+31", False), ("RTMAX-30", True), ("SIGRTMAX-31", False), ("RTMIN+030", True), ("RTMIN+\u0663", False)],
)
def test_a_signal_of_real_time_is_one_that_there_is(word: str, known: bool) -> None:
    assert (exit_status(word) is not None) == known


def _facts_on(system: str, files: dict[str, str], release: str = AUTO) -> Facts:
    """Return the facts of a host whose `/etc/os-release` is `system`."""
    every = {**files, **({"etc/os-release": system} if system else {})}
    return read_facts(Request(tuple(files), tree=Memory(every), release=release)).facts


_EL7, _EL8, _EL9 = ('ID="centos"\nVERSION_ID="7"\n', "ID='rhel'\nVERSION_ID='8.4'\n", 'ID="rocky"\nVERSION_ID="9.3"\n')


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ('NAME="x"\nVERSION_ID="7.9"\nID="rhel"\n', 219, 219),
        ('ID="rhel"\nVERSION_ID="7.1"\n', 208, 208),
        (_EL7, 208, 219),
        ('ID="centos"\nVERSION_ID="8"\nID_LIKE="rhel fedora"\n', 239, 239),
        (_EL8, 239, 239),
        (_EL9, 252, 252),
        ('ID="rhel"\nVERSION_ID="9.1"\n', 250, 250),
        ('ID="centos"\nVERSION_ID="9"\n', 249, 252),
        ('ID="centos"\nVERSION_ID="10"\n', 256, 257),
        ('ID=ubuntu\nVERSION_ID="16.04"\n', 229, 229),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', 255, 255),
        ("ID=debian\nVERSION_ID=12\n", 252, 254),
        ("ID=debian\nVERSION_ID=13\n", 257, 260),
        ("12.5\n", 252, 254),
        ("bookworm/sid\n", 0, 100_000),
        ("DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n", 249, 249),
        ('ID="sles"\nVERSION_ID="12.1"\n', 210, 210),
        ('ID="sles"\nVERSION_ID="12.4"\n', 228, 228),
        ('ID="sles"\nVERSION_ID="15.5"\n', 249, 249),
        ("CentOS Linux release 7.9.2009 (Core)\n", 219, 219),
        ("Red Hat Enterprise Linux Server release 7.2 (Maipo)\n", 219, 219),
        ("Fedora release 24 (Twenty Four)\n", 0, 100_000),
        ("ID=fedora\nVERSION_ID=24\n", 0, 100_000),
    ],
)
def test_a_distribution_tells_its_systemd(text: str, least: int, most: int) -> None:
    found = version_of_system(text) or Version()
    assert (found.least, found.most) == (least, most)


@pytest.mark.parametrize(
    ("number", "text", "dropped"),
    [
        ("8.0", "Type=exec", True),
        ("8.1", "Type=exec", False),
        ("8.2", "ExecCondition=/bin/true", True),
        ("8.4", "ExecCondition=/bin/true", False),
        ("8.10", "SuccessExitStatus=TEMPFAIL", True),
        ("9.3", "Type=notify-reload", True),
        ("9.4", "Type=notify-reload", False),
        ("9.6", "RestartMode=direct", True),
    ],
)
def test_el_takes_what_later_versions_brought_into_its_own(number: str, text: str, dropped: bool) -> None:
    """systemd-rhel8 239-15, 239-32; systemd-rhel9 252-21, 252-74."""
    files = {"etc/systemd/system/openstack-nova-api.service": f"[Service]\nExecStart=/usr/bin/nova-api\n{text}\n"}
    facts = _facts_on(f'ID="rhel"\nVERSION_ID="{number}"\n', files)
    (unit,) = facts.of(Unit)
    assert (bool(facts.of(IgnoredLine)), unit.otherwise) == (dropped, ())


@pytest.mark.parametrize(("system", "state"), [(_EL7, "static"), (_EL8, "disabled"), (_EL9, "disabled"), ("", "disabled")])
def test_how_a_unit_is_enabled_is_read_in_drop_ins_from_systemd_236_on(system: str, state: str) -> None:
    """NEWS of systemd 236."""
    files = {
        "usr/lib/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=/usr/bin/nova-api\n",
        "etc/systemd/system/openstack-nova-api.service.d/a.conf": "[Install]\nWantedBy=multi-user.target\n",
    }
    facts = _facts_on(system, files)
    (unit,) = facts.of(Unit)
    lost = [line.because for line in facts.of(IgnoredLine)]
    assert unit.settings.get("Install.WantedBy") is None if state == "static" else unit.settings["Install.WantedBy"].value
    assert lost == (["systemd before 236 reads no `[Install]` in a drop-in (EL 7 has 219 at most)"] if state == "static" else [])


@pytest.mark.parametrize(
    ("system", "release", "state", "because"),
    [
        (_EL7, AUTO, "bad-setting", "`Type=oneshot` cannot have `Restart=on-failure` before systemd 244 (EL 7 has 219 at most)"),
        (_EL8, AUTO, "bad-setting", "`Type=oneshot` cannot have `Restart=on-failure` before systemd 244 (EL 8 has 239)"),
        (
            "",
            "train",
            "bad-setting",
            "`Type=oneshot` cannot have `Restart=on-failure` before systemd 244 (hosts of train have 242 at most)",
        ),
        (_EL9, AUTO, "loaded", ""),
        (_EL9, "train", "loaded", ""),  # what the host itself says counts
        ("ID=centos\nVERSION_ID=8\n", AUTO, "loaded", ""),  # EL 8.7 has it; what is judged of it is not known
        ("ID=rhel\nVERSION_ID=8.10\n", AUTO, "loaded", ""),
        ("", "wallaby", "loaded", ""),
        ("", AUTO, "loaded", ""),
    ],
)
def test_a_oneshot_unit_is_restarted_by_systemd_244_and_later(system: str, release: str, state: str, because: str) -> None:
    """systemd, pull request 13754, and systemd-rhel8, pull request 284."""
    text = "[Service]\nType=oneshot\nExecStart=/usr/bin/neutron-ovs-cleanup\nRestart=on-failure\n"
    (unit,) = _facts_on(system, {"usr/lib/systemd/system/neutron-ovs-cleanup.service": text}, release).of(Unit)
    assert (unit.load_state, unit.because) == (state, because)


@pytest.mark.parametrize(("system", "restart"), [(_EL7, "always"), (_EL8, "always"), (_EL9, None), ("", None)])
def test_a_unit_file_includes_another_up_to_systemd_245(system: str, restart: str | None) -> None:
    """The one that it includes may stand in the middle, is read in its place, and includes nothing itself."""
    files = {
        "usr/lib/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n.include x.conf\n",
        "etc/systemd/system/openstack-nova-api.service": (
            "[Service]\nRestart=no\n.include /usr/lib/systemd/system/openstack-nova-api.service\nNice=5\n"
        ),
    }
    (unit,) = _facts_on(system, files).of(Unit)
    found = unit.settings.get("Service.ExecStart")
    assert (unit.load_state, found and unit.settings["Service.Restart"].value) == ("loaded" if restart else "bad-setting", restart)
    assert found is None or found.span.path == "usr/lib/systemd/system/openstack-nova-api.service"


def test_what_an_included_file_that_is_not_at_hand_has_is_not_known() -> None:
    files = {"etc/systemd/system/openstack-nova-api.service": ".include /usr/lib/systemd/system/nova.inc\n[Service]\nRestart=always\n"}
    (unit,) = _facts_on(_EL7, files).of(Unit)
    why = "`/usr/lib/systemd/system/nova.inc`, which openstack-nova-api.service includes, was not given"
    assert (unit.load_state, unit.unsure, unit.settings["Service.Restart"].value) == ("loaded", why, "always")


def test_files_that_are_included_again_and_again_count_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_AGAIN", 30)
    files = {
        "usr/lib/systemd/system/nova.inc": "[Service]\n" + "Environment=A=1\n" * 9,
        "etc/systemd/system/openstack-nova-api.service": ".include /usr/lib/systemd/system/nova.inc\n" * 5 + "[Service]\nExecStart=/x\n",
    }
    for system, refused in ((_EL7, 1), (_EL9, 0)):
        found = _facts_on(system, files)
        assert (len(found.of(Unreadable)), len(found.of(Unit))) == (refused, 1 - refused)


@pytest.mark.parametrize(
    ("system", "read"),
    [
        (_EL7, []),
        (_EL8, ["openstack-.service.d"]),
        (_EL9, ["openstack-.service.d", "service.d"]),
        ("", ["openstack-.service.d", "service.d"]),
    ],
)
def test_drop_ins_of_prefixes_and_types_came_later(system: str, read: list[str]) -> None:
    """NEWS of systemd 239 and 244."""
    folders = ["openstack-.service.d", "service.d"]
    files = {f"etc/systemd/system/{folder}/{i}.conf": "[Service]\nNice=1\n" for i, folder in enumerate(folders)}
    files["usr/lib/systemd/system/openstack-nova-api.service"] = "[Service]\nExecStart=/usr/bin/nova-api\n"
    files["usr/lib/systemd/system/sshd.service"] = "[Service]\nExecStart=/usr/sbin/sshd\n"
    facts = _facts_on(system, files)
    unit = next(unit for unit in facts.of(Unit) if unit.name == "openstack-nova-api.service")
    assert [path.split("/")[-2] for path in unit.drop_ins] == read
    lost = [line.span.path.split("/")[-2] for line in facts.of(IgnoredLine) if line.service is not None]
    assert lost == [folder for folder in folders if folder not in read]


@pytest.mark.parametrize(
    ("line", "since"),
    [
        ("[Unit]\nStartLimitIntervalSec=0", 230),
        ("[Unit]\nStartLimitInterval=0", 229),
        ("[Unit]\nUpholds=a.service", 249),
        ("[Service]\nType=exec", 240),
        ("[Service]\nExecCondition=/bin/true", 243),
        ("[Service]\nExecStartPre=+/bin/true", 231),
        ("[Service]\nExecStartPre=true", 239),
        ("[Service]\nRestartPreventExitStatus=FAILURE", 243),
        ("[Service]\nRestartPreventExitStatus=1 SIGABRT", None),
        ("[Service]\nStartLimitInterval=0", None),
        ("[Service]\nRestart=on-abnormal", None),
    ],
)
def test_what_an_old_systemd_does_not_know_does_nothing(line: str, since: int | None) -> None:
    text = f"[Service]\nExecStart=/usr/bin/nova-api\n{line}\n"
    path = "usr/lib/systemd/system/openstack-nova-api.service"
    (old,) = _facts_on(_EL7, {path: text}).of(Unit)
    found = _facts_on(_EL7, {path: text}).of(IgnoredLine)
    assert (old.load_state, [str(since) in one.because for one in found]) == ("loaded", [True] if since else [])
    assert not _facts_on(_EL9, {path: text}).of(IgnoredLine)


def test_an_old_systemd_refuses_a_unit_whose_only_program_it_does_not_take() -> None:
    """systemd 239 refuses it for the line, one before 234 drops the line and refuses a service without a program."""
    files = {"usr/lib/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=:/usr/bin/nova-api\n"}
    said = {name: _facts_on(system, files).of(Unit)[0].because for name, system in (("7", _EL7), ("8", _EL8), ("9", _EL9))}
    why = "`ExecStart=:/usr/bin/nova-api`: the mark `:` came with systemd 242 (EL 8 has 239)"
    assert said == {"7": "it has no `ExecStart=`", "8": why, "9": ""}


def test_units_of_containers_tell_the_earliest_release_alone() -> None:
    """`tripleo_*` units came with stein, whose hosts have systemd 241 at most; these may as well be of wallaby."""
    files = {
        "etc/systemd/system/tripleo_nova_api.service": "[Unit]\nUpholds=a.service\n[Service]\nExecStart=/usr/bin/podman start nova_api\n"
    }
    facts = _facts_on("", files)
    assert (facts.release.name, facts.of(IgnoredLine)) == ("stein", [])


@pytest.mark.parametrize(
    ("system", "by"), [("", {"multi-user.target"}), (_EL9, set()), ('ID=ubuntu\nVERSION_ID="24.04"\n', {"multi-user.target"})]
)
def test_folders_of_upholds_are_read_by_systemd_254_and_later(system: str, by: set[str]) -> None:
    link = Link("etc/systemd/system/multi-user.target.upholds/nova-api.service", "/usr/lib/systemd/system/nova-api.service")
    source = Source("usr/lib/systemd/system/nova-api.service", "[Service]\nExecStart=/usr/bin/nova-api\n", "unit")
    version = version_of_system(system) or Version()
    units = [fact for fact in unit_facts([source], [link], load_catalogue(), (), lambda root: version) if isinstance(fact, Unit)]
    assert {name for unit in units for name in unit.upheld_by} == by


@pytest.mark.parametrize("state", ["bad-setting", "error"])
def test_a_unit_that_is_refused_is_shown_as_such_by_old_and_new_systemd(state: str) -> None:
    """NEWS of systemd 239, which brought `bad-setting`."""
    span = Span("systemctl_show", 0, 0)
    properties = {"Id": Text("nova-api.service", span), "LoadState": Text(state, span)}
    shown = ShownUnit("nova-api.service", span, properties, service=load_catalogue().of_unit("openstack-nova-api.service"))
    (unit,) = shown_unit(shown, ())
    assert (unit.load_state, unit.because, unit.settings) == (state, "as `systemctl show` has it", {})
