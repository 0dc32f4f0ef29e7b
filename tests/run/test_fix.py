"""Fixes in memory: what they do to a text, what is refused, and that nothing is fixed twice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from lwlint.core.finding import AddKey, AddOption, ConfigurationError, DropLines, Fix, Replace, SetOption
from lwlint.core.source import Source, Span
from lwlint.files.tree import Memory, Overlay
from lwlint.run import Request, check, load_rules
from lwlint.run import fix as mend
from lwlint.run.fix import NoPlace, Outcome, apply_changes, edits, overlap
from tests.shared import HERE

UNIT = "usr/lib/systemd/system/openstack-nova-api.service"
DROP_IN = "etc/systemd/system/openstack-nova-api.service.d/50-lwlint.conf"


def outcome(
    files: Mapping[str, str | Mapping[str, str]], *select: str, unsafe: bool = False, release: str = "auto", path: str = "."
) -> Outcome:
    return mend.fix(Request((path,), release=release, tree=Memory(files)), load_rules(select=select), unsafe=unsafe)  # type: ignore[arg-type]


def fixed(files: Mapping[str, str], *select: str, unsafe: bool = False, release: str = "auto") -> dict[str, str]:
    """Return the files that are changed, as they are after; assert that a second fix changes nothing."""
    result = outcome(files, *select, unsafe=unsafe, release=release)
    after = {path: new.decode() for path, (_, new) in result.files.items()}
    again = outcome({**files, **after}, *select, unsafe=unsafe, release=release)
    assert (again.files, again.fixed) == ({}, ())
    return after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[database]\nconnection = mysql://a\n", "[database]\nconnection = mysql://a\nmax_retries = -1\n"),
        ("[database]\nconnection=mysql://a", "[database]\nconnection=mysql://a\nmax_retries=-1"),
        ("[DATABASE]\r\nconnection: mysql://a\r\n\r\n# x\r\n", "[DATABASE]\r\nconnection: mysql://a\r\nmax_retries: -1\r\n\r\n# x\r\n"),
        ("[database]\nconnection = mysql:\n  //a  \n\n[x]\n", "[database]\nconnection = mysql:\n  //a  \nmax_retries = -1\n\n[x]\n"),
        ("[database]\nconnection = mysql://a\nmax_retries = 3\n", "[database]\nconnection = mysql://a\nmax_retries = -1\n"),
        ("[database]\n# three\nmax_retries=3\nmax_retries = 5\n", "[database]\n# three\nmax_retries=3\nmax_retries = -1\n"),
        ("[database]\nmax_retries : '10'  \n", "[database]\nmax_retries : -1  \n"),
        ("[database]\nmax_retries =\n", "[database]\nmax_retries = -1\n"),
        ("[database]\nmax_retries=\n", "[database]\nmax_retries=-1\n"),
        ("[database]\nmax_retries = -1 # forever\n", "[database]\nmax_retries = -1\n"),
        ("[database]\nmax_retries = -1\n -1\n[x]\n", "[database]\nmax_retries = -1\n[x]\n"),
        ("[indexer]\nurl = mysql://a\n", "[indexer]\nurl = mysql://a\n\n[database]\nmax_retries = -1\n"),
        ("[indexer]\r\nurl = mysql://a", "[indexer]\r\nurl = mysql://a\r\n\r\n[database]\r\nmax_retries = -1"),
        ("[Database]\n# none\n[indexer]\nurl = mysql://a\n", "[Database]\nmax_retries = -1\n# none\n[indexer]\nurl = mysql://a\n"),
    ],
)
def test_an_option_is_set_or_added_in_the_style_of_its_file(text: str, expected: str) -> None:
    assert fixed({"gnocchi.conf": text}, "LW301") == {"gnocchi.conf": expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[storage:sqlalchemy]\nconnection = mysql://a\n[database]\nmax_retries = -1\n",
            "[storage:sqlalchemy]\nconnection = mysql://a\nmax_retries = -1\n[database]\nmax_retries = -1\n",
        ),
        (
            "[storage:sqlalchemy]\nconnection = mysql://a\nmax_retries = -1\n",
            "[storage:sqlalchemy]\nconnection = mysql://a\nmax_retries = -1\n\n[database]\nmax_retries = -1\n",
        ),
        (
            "[storage:sqlalchemy]\nconnection = x://a",
            "[storage:sqlalchemy]\nconnection = x://a\nmax_retries = -1\n\n[database]\nmax_retries = -1",
        ),
        (
            "[storage:sqlalchemy]\nconnection = x://a\n[database]\nmax_retries = 5\n",
            "[storage:sqlalchemy]\nconnection = x://a\nmax_retries = -1\n[database]\nmax_retries = -1\n",
        ),
        (
            "[storage:sqlalchemy]\nconnection = x://a\nmax_retries = 0\n[database]\nmax_retries = 5\n",
            "[storage:sqlalchemy]\nconnection = x://a\nmax_retries = -1\n[database]\nmax_retries = -1\n",
        ),
    ],
)
def test_of_an_option_that_moved_both_names_are_set_where_the_release_is_not_known(text: str, expected: str) -> None:
    assert fixed({"designate.conf": text}, "LW301") == {"designate.conf": expected}


def test_limits_of_the_broker_become_zero_or_go() -> None:
    text = "[oslo_messaging_rabbit]\nrabbit_max_retries = 5\nheartbeat_rate = 2\n"
    assert fixed({"heat.conf": text}, "LW302", release="mitaka") == {"heat.conf": text.replace("5", "0")}
    twice = "[DEFAULT]\nrabbit_max_retries = 5\ndebug = true\nrabbit_max_retries = 1\n"
    assert fixed({"heat.conf": twice}, "LW303", release="train") == {"heat.conf": "[DEFAULT]\ndebug = true\n"}


def test_an_old_name_becomes_the_current_one_where_it_is_read() -> None:
    assert fixed({"heat.conf": "[database]\nsql_max_retries = -1\n"}, "LW303") == {"heat.conf": "[database]\nmax_retries = -1\n"}
    text = "[DEFAULT]\nsql_max_retries = -1\ndebug = 1\n[database]\nconnection = mysql://a\n"
    expected = "[DEFAULT]\ndebug = 1\n[database]\nmax_retries = -1\nconnection = mysql://a\n"
    assert fixed({"heat.conf": text}, "LW303") == {"heat.conf": expected}


@pytest.mark.parametrize(
    ("text", "unsafe", "expected"),
    [
        ("[database]\nmax-retries = -1\n", False, "[database]\nmax_retries = -1\n"),
        ("[ database ]\nmax_retries = -1\nx = 1\n", False, "[ database ]\nx = 1\n\n[database]\nmax_retries = -1\n"),
        ("[DEFAULT]\nmax_retries = -1\n[database]\n", False, "[DEFAULT]\n[database]\nmax_retries = -1\n"),
        ("[DEFAULT]\nmax_retries = 7\n[database]\n", False, None),
        ("[DEFAULT]\nmax_retries = 7\n[database]\n", True, "[DEFAULT]\n[database]\nmax_retries = 7\n"),
        ("[DEFAULT]\nmax_retries = -1\n[database]\nmax_retries = -1\n", True, None),
        ("[DEFAULT]\nmax_retries = -1\nother = $max_retries\n[database]\n", True, None),
    ],
)
def test_a_misplaced_option_is_moved_where_it_is_read(text: str, unsafe: bool, expected: str | None) -> None:
    assert fixed({"cinder.conf": text}, "LW304", unsafe=unsafe) == ({"cinder.conf": expected} if expected else {})


def test_what_is_moved_is_not_added_too() -> None:
    text = "[DEFAULT]\nmax_retries = -1\n[database]\nconnection = mysql://a\n"
    expected = "[DEFAULT]\n[database]\nmax_retries = -1\nconnection = mysql://a\n"
    assert fixed({"cinder.conf": text}, "LW301", "LW304") == {"cinder.conf": expected}


def test_a_value_that_others_refer_to_is_only_changed_on_demand() -> None:
    text = "[database]\nmax_retries = 5\nmax_pool_size = $max_retries\n"
    result = outcome({"heat.conf": text}, "LW301")
    assert (result.files, [f.code for f in result.unsafe]) == ({}, ["LW301"])
    assert fixed({"heat.conf": text}, "LW301", unsafe=True) == {"heat.conf": text.replace("5", "-1")}


def test_a_file_of_a_distribution_and_a_packaged_unit_are_left_alone() -> None:
    text = "[database]\nconnection = mysql://a\nmax_retries = 3\n"
    assert fixed({"usr/share/nova/nova-dist.conf": text}, "LW301") == {}
    assert list(fixed({UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n"}, "LW201")) == [DROP_IN]


def test_a_unit_gets_a_drop_in_with_which_it_is_never_given_up() -> None:
    unit = {UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n"}
    assert fixed(unit) == {DROP_IN: "[Service]\nStartLimitInterval=0\nRestart=always\n"}
    limited = {UNIT: "[Unit]\nStartLimitBurst=3\n[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n"}
    assert fixed(limited, "LW203") == {DROP_IN: "[Service]\nStartLimitInterval=0\n"}


def test_a_drop_in_that_is_there_is_added_to() -> None:
    files = {UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n", DROP_IN: "[Service]\nUMask=027"}
    assert fixed(files, "LW201") == {DROP_IN: "[Service]\nUMask=027\n\n[Service]\nStartLimitInterval=0\nRestart=always\n"}
    files = {UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n", DROP_IN: "[Service]\r\nUMask=027\r\n"}
    assert fixed(files, "LW201") == {DROP_IN: "[Service]\r\nUMask=027\r\n\r\n[Service]\r\nStartLimitInterval=0\r\nRestart=always\r\n"}


def test_a_drop_in_comes_after_the_one_that_takes_the_restart_away() -> None:
    late = UNIT.replace("usr/lib", "etc") + ".d/99-off.conf"
    files = {UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n", late: "[Service]\nRestart=no\n"}
    after = {late.replace(".conf", ".lwlint.conf"): "[Service]\nStartLimitInterval=0\nRestart=always\n"}
    assert fixed(files, "LW201") == after


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ("etc/systemd/system.control/openstack-nova-api.service.d/50-lwlint.conf", "[Service]\nRestart=no\n"),  # which would hide ours
        ("run/systemd/transient/openstack-.service.d/50-lwlint.conf", ""),
        ("usr/lib/systemd/system/service.d/50-lwlint.conf", "[Unit]\nDescription=a\n"),  # which ours would hide
        ("usr/lib/systemd/system/openstack-nova-api.service.d/50-lwlint.conf", "[Service]\nUMask=027\n"),
    ],
)
def test_a_drop_in_has_a_name_of_its_own(other: str, text: str) -> None:
    """Of equal names in the folders of a unit systemd reads one file alone."""
    files = {UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n", other: text}
    after = {DROP_IN.replace(".conf", ".lwlint.conf"): "[Service]\nStartLimitInterval=0\nRestart=always\n"}
    assert fixed(files, "LW201") == after


def test_a_fix_that_does_not_help_is_withdrawn_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    hiding = "etc/systemd/system.control/openstack-nova-api.service.d/50-lwlint.conf"
    monkeypatch.setattr("lwlint.checks.systemd._choose_name", lambda name, folder, drop_ins: name)
    result = outcome({UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n", hiding: "[Service]\nRestart=no\n"}, "LW201")
    assert (result.files, [why for _, why in result.left]) == ({}, ["it does not help: the finding stays"])


def test_a_file_is_only_made_below_a_folder_that_was_named() -> None:
    result = outcome({UNIT: "[Service]\nExecStart=/usr/bin/nova-api\n"}, "LW201", path=UNIT)
    assert [why for _, why in result.left] == [f"`{DROP_IN}` would be outside the folders that were named"]


def test_a_link_is_not_written_through() -> None:
    result = outcome({"heat.conf": {"link": "x/real"}, "x/real": "[database]\nmax_retries = 1\n"}, "LW301", path="heat.conf")
    assert [why for _, why in result.left] == ["`heat.conf` is a link; name the file that it leads to"]


def test_an_allowed_finding_is_not_fixed() -> None:
    text = "[database]\n# lwlint: allow LW301 -- because the vendor says so\nmax_retries = 3\n"
    assert fixed({"heat.conf": text}, "LW301") == {}


def test_a_fix_that_would_bring_a_finding_is_withdrawn_alone() -> None:
    template = "heat_template_version: 2016-04-08\n"
    files = {
        "environments/a.yaml": "resource_registry:\n"
        "  OS::TripleO::Services::NovaApi: ../puppet/services/pacemaker/nova-api.yaml\n"
        "  OS::TripleO::Services::HeatApi: ../puppet/services/pacemaker/heat-api.yaml\n",
        "puppet/services/pacemaker/nova-api.yaml": template,
        "puppet/services/pacemaker/heat-api.yaml": template,
        "puppet/services/heat-api.yaml": template,
    }
    result = outcome(files, "LW401", "LW409")
    assert [f.finding.subject for f in result.fixed] == ["mapping OS::TripleO::Services::HeatApi"]
    assert [(f.subject, why.split(":")[0]) for f, why in result.left] == [
        ("mapping OS::TripleO::Services::NovaApi", "it would bring LW409 to `environments/a.yaml`")
    ]


def test_standard_input_cannot_be_fixed() -> None:
    with pytest.raises(ConfigurationError, match="a fix needs a file"):
        mend.fix(Request((), text=b"", text_path="x.conf"), load_rules(select=["LW301"]))


def test_edits_of_the_same_place_overlap() -> None:
    def edit(start: int, end: int, path: str = "a") -> Replace:
        return Replace(Span(path, start, end), "x")

    pairs = [
        (edit(0, 3), edit(2, 5)),
        (edit(0, 3), edit(3, 5)),
        (edit(1, 1), edit(1, 1)),
        (edit(0, 3), edit(1, 2, "b")),
        (edit(2, 2), edit(1, 3)),
    ]
    assert [overlap(*pair) for pair in pairs] == [True, False, True, False, True]
    assert [overlap(*pair[::-1]) for pair in pairs] == [True, False, True, False, True]


def test_two_fixes_of_one_place_are_not_both_applied() -> None:
    text = "[database]\nmax_retries = 3\n"
    request = Request(("heat.conf",), tree=Memory({"heat.conf": text}))
    rounds = mend._Rounds(request, load_rules(select=["LW301"]), unsafe=False)
    (found,) = check(request, load_rules(select=["LW301"])).findings
    other = replace(found, fix=Fix("set it to 7", (SetOption(Span("heat.conf", 11, 22), "7"),)))
    assert [f.fix for f, _ in rounds._choose([found, other])] == [found.fix]


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("x:\n  a: 1\n  b: 2\n", AddKey(Span("t.yaml", 5, 6), "n", "-1"), "x:\n  n: -1\n  a: 1\n  b: 2\n"),
        ("x:\r\n  - a: 1\r\n", AddKey(Span("t.yaml", 8, 9), "n", "-1"), "x:\r\n  - n: -1\r\n    a: 1\r\n"),
        ("x: {a: 1}\n", AddKey(Span("t.yaml", 4, 5), "n", "-1"), "x: {n: -1, a: 1}\n"),
        ("x:\n  # of a\n  # too\n  a: 1\n", AddKey(Span("t.yaml", 22, 23), "n", "-1"), "x:\n  n: -1\n  # of a\n  # too\n  a: 1\n"),
        ("# of a\r\na: 1\r\n", AddKey(Span("t.yaml", 8, 9), "n", "-1"), "n: -1\r\n# of a\r\na: 1\r\n"),
        ("x:\n   # deeper\n  a: 1\n", AddKey(Span("t.yaml", 17, 18), "n", "-1"), "x:\n   # deeper\n  n: -1\n  a: 1\n"),
        ("y: 'a\n# no comment'\na: 1\n", AddKey(Span("t.yaml", 20, 21), "n", "-1"), "y: 'a\n# no comment'\nn: -1\na: 1\n"),
        ("x:\n  # of the item\n  - a: 1\n", AddKey(Span("t.yaml", 23, 24), "n", "-1"), "x:\n  # of the item\n  - n: -1\n    a: 1\n"),
        ("x:\n  'a': 1\n", AddKey(Span("t.yaml", 5, 8), "n", "-1"), "x:\n  'n': -1\n  'a': 1\n"),
        (
            "x:\n  a:\n    image: i\n",
            AddKey(Span("t.yaml", 5, 6), "n", "y", inside=True, having=("image",)),
            "x:\n  a:\n    n: y\n    image: i\n",
        ),
        ("x:\n  a: {image: i}\n", AddKey(Span("t.yaml", 5, 6), "n", "y", inside=True), "x:\n  a: {n: y, image: i}\n"),
        ("x:\n  a: 1\n  b: 2\n", DropLines(Span("t.yaml", 5, 6)), "x:\n  b: 2\n"),
        ("x:\n  a: 1 # why\n  b: 2\n", DropLines(Span("t.yaml", 5, 6)), "x:\n  b: 2\n"),
    ],
)
def test_a_key_is_added_in_the_style_of_its_mapping(text: str, change: AddKey | DropLines, expected: str) -> None:
    found = edits(Fix("", (change,)), {"t.yaml": Source("t.yaml", text, "heat")})
    assert apply_changes(text, found) == expected


@pytest.mark.parametrize(
    ("path", "text", "change", "because"),
    [
        ("t.yaml", "x:\n  ? a\n  : 1\n", AddKey(Span("t.yaml", 7, 8), "n", "1"), "there is something before it on its line"),
        ("t.yaml", "y: &y {image: i}\na: *y\n", AddKey(Span("t.yaml", 17, 18), "n", "1", inside=True), "its mapping is written elsewhere"),
        (
            "t.yaml",
            "a:\n  if: [c, {}, {}]\n",
            AddKey(Span("t.yaml", 0, 1), "n", "1", inside=True, having=("image",)),
            "a function makes its mapping",
        ),
        ("t.yaml", "x:\n  a: 1\n", AddKey(Span("t.yaml", 3, 4), "n", "1"), "there is no key there"),
        ("t.yaml", "x:\n  a: 1\n", DropLines(Span("t.yaml", 5, 6)), "it does not have lines of its own"),
        ("t.yaml", "x: {a: 1, b: 2}\n", DropLines(Span("t.yaml", 4, 5)), "it does not have lines of its own"),
        ("t.j2.yaml", "{{x}}: 1\n", Replace(Span("t.j2.yaml", 0, 5), "y"), "Jinja writes it"),
    ],
)
def test_where_there_is_no_certain_place_nothing_is_changed(
    path: str, text: str, change: AddKey | DropLines | Replace, because: str
) -> None:
    with pytest.raises(NoPlace, match=because):
        edits(Fix("", (change,)), {path: Source(path, text, "heat")})


def test_a_setting_that_is_not_there_is_told() -> None:
    source = {"a.conf": Source("a.conf", "[a]\nb = 1\n", "oslo")}
    for change in (SetOption(Span("a.conf", 5, 6), "1"), DropLines(Span("a.conf", 5, 6))):
        with pytest.raises(NoPlace, match="there is no option there"):
            edits(Fix("", (change,)), source)
    (added,) = edits(Fix("", (AddOption(Span("a.conf", 4, 5), "n", "o", "1"),)), source)
    assert added.text == "\n[n]\no = 1\n"


def test_an_overlay_has_new_files_in_new_folders() -> None:
    over = Overlay(Memory({"a/b": "1", "c": "2"}), {"a/b": b"3", "a/d/e": b"4"})
    assert (over.names("a"), over.names("a/d"), over.read("a/b"), over.read("c"), over.read("a/d/e", 0)) == (
        ["b", "d"],
        ["e"],
        b"3",
        b"2",
        b"",
    )
    assert [over.kind(p) for p in ("a/d", "a/d/e", "a/f", "c")] == ["folder", "file", None, "file"]
    assert (over.size("a/d/e"), over.real_kind("a/b")) == (1, "file")


@pytest.mark.parametrize("path", ["fixtures/newton", "fixtures/sos/mitaka-full/sosreport-full-controller-0.localdomain-20160615071005"])
def test_as_many_findings_are_told_to_be_fixable_as_are_fixed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    request, rules = Request((path,)), load_rules(examples=False)
    assert len(mend.fixable(request, check(request, rules))) == len(mend.fix(request, rules).fixed) > 0


def test_a_template_that_is_not_there_a_link_and_what_was_not_named_are_not_told_to_be_fixable() -> None:
    files: dict[str, str | dict[str, str]] = {
        "environments/a.yaml": "resource_registry:\n"
        "  OS::TripleO::Services::NovaApi: ../puppet/services/pacemaker/nova-api.yaml\n"
        "  OS::TripleO::Services::Keystone: ../puppet/services/pacemaker/keystone.yaml\n",
        "puppet/services/nova-api.yaml": "heat_template_version: pike\n",
        "puppet/services/pacemaker/nova-api.yaml": "heat_template_version: pike\n",
        "puppet/services/pacemaker/keystone.yaml": "heat_template_version: pike\n",
        "etc/real": "[database]\nconnection = mysql://a\nmax_retries = 3\n",
        "etc/nova/nova.conf": {"link": "../real"},
    }
    request, rules = Request(tree=Memory(files)), load_rules(select=["LW401", "LW409", "LW301"], examples=False)
    report = check(request, rules)
    done = mend.fix(request, rules)
    told = mend.fixable(request, report)
    assert {(f.fingerprint, f.span) for f in report.findings if f.subject.endswith("NovaApi")} == set(told)
    assert [one.finding.subject for one in done.fixed] == [f.subject for f in report.findings if (f.fingerprint, f.span) in told]
    assert len([f for f in report.findings if f.fix is not None]) >= 3
