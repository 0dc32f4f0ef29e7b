"""What a stranger sends takes time in proportion to its size, bounded memory, and reports of a bounded length."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.growth import MOST_EXPONENT, MOST_MEMORY, measure
from bench.shape import Shape
from bench.shapes import SHAPES
from lwlint.cli import main
from lwlint.files.gitignore import covers
from lwlint.report import MOST_ALIKE

UNIT = "openstack-nova-api.service"
ENOUGH = 20  # CPU seconds: an input in proportion takes one or two here, a quadratic one minutes
BY_NAME = {shape.name: shape for shape in SHAPES}


def seconds(arguments: list[str]) -> float:
    """Return the CPU seconds that a run takes; what it prints is not looked at."""
    begin = time.process_time()
    main(arguments)
    return time.process_time() - begin


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ("archive: links whose names end with a slash", 1_000),
        ("archive: links to links", 1_000),
        ("archive: links in a circle", 1_000),
        (".gitignore: stars in one pattern", 13),
        (".gitignore: doubled stars", 2_000),
        (".gitignore: brackets that do not end", 100_000),
        ("CIB: blanks in an interval", 100_000),
        ("manifest: allow comments", 300),
        ("unit: allow comments", 1_000),
        ("environment: allow comments", 500),
        ("CIB: allow comments", 500),
        ("CIB: resources in one line", 2_000),
        ("environment: doubled keys in one line", 2_000),
        ("environment: chain of aliases", 1_000),
        ("template: map_merge by conditions", 800),
        ("CIB: resources with orders", 1_000),
        ("CIB: chain of addresses to another's", 1_000),
        ("CIB: circles of addresses", 1_000),
        ("CIB: a colocation of addresses", 4_000),
        ("CIB: HAProxies, each with an address", 1_000),
        ("CIB: colocations of one group", 1_000),
        ("CIB: an order of others", 4_000),
        ("CIB: addresses in one order", 16_000),
        ("CIB: orders of one tag", 2_000),
        ("CIB: locations by pattern", 2_000),
        ("CIB: a rule in itself", 1),
        ("unit: drop-ins of the type", 800),
        ("CIB: defaults and resources", 4_000),
        ("manifest: constraints", 1_000),
        ("template: statements of Jinja", 4_000),
        ("template: settings between statements of Jinja", 8_000),
        ("quadlets", 5_000),
        ("report: units and resources", 5_000),
        ("services: units and resources", 4_000),
    ],
)
def test_an_input_that_grew_faster_than_its_size_does_no_more(
    shape: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert seconds(BY_NAME[shape].make(tmp_path, size)) < ENOUGH


LONG = "a." * 40_000 + "a"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", f"[tool.lwlint]\n{LONG} = 1\n", "pyproject.toml:2:1: a key of more than 200 parts"),
        ("pyproject.toml", f"[tool.lwlint]\nlimit = 1\n[x]\ny = {{{LONG} = 1}}\n", "pyproject.toml:4:6: a key of more than 200 parts"),
        ("pyproject.toml", f"[tool.lwlint]\nlimit = 1\n[{LONG}]\n", "pyproject.toml:3:2: a key of more than 200 parts"),
        ("pyproject.toml", f'[tool.lwlint]\nlimit = 1\n[x]\ny = "{LONG}" # {LONG[:300]}\n', ""),
        ("tox.ini", f"[lwlint]\n{LONG} = 1\n", "tox.ini:2:1: a key of more than 200 parts"),
        ("tox.ini", "[lwlint]\nselect =\n" + "  LW301,\n" * 60_000, ""),
        (".lwlint.yaml", f"ignore: [{'LW1, LW302, ' * 30_000}]\n", ""),
    ],
)
def test_a_configuration_takes_time_in_proportion_to_its_size(
    name: str, text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    Path(name).write_text(text)
    assert seconds(["check", "--no-cache", "--format", "csv", "."]) < ENOUGH / 4
    out, told = capsys.readouterr()
    assert (said in told, "LW301" in out) == (True, not said)


def test_a_unit_with_many_names_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("etc/systemd/system", "usr/lib/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / f"usr/lib/systemd/system/{UNIT}").write_text("[Service]\nExecStart=/usr/bin/nova-api\n")
    for number in range(2_000):
        (tmp_path / f"etc/systemd/system/a{number}.service").symlink_to(f"/usr/lib/systemd/system/{UNIT}")
    assert seconds(["check", "--no-config", "--no-cache", "."]) < ENOUGH
    assert capsys.readouterr().out.count("error LW201") == 1


def test_hidden_parameters_and_resources_of_a_manifest_are_each_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hidden = "".join(f"  P{i}: {{type: string, hidden: true, default: s3cret{i}}}\n" for i in range(10_000))
    (tmp_path / "t.yaml").write_text(f"heat_template_version: rocky\nparameters:\n{hidden}  A: {{type: string}}\n  A: {{type: string}}\n")
    made = "pacemaker::resource::ip {{ 'ip{0}': ip_address => '192.0.2.{0}' }}\n"
    bound = (
        "pacemaker::constraint::base {{ 'c{0}': constraint_type => 'order', first_resource => 'ip{0}',"
        " second_resource => 'haproxy-clone' }}\n"
    )
    (tmp_path / "a.pp").write_text("".join((made + bound).format(i) for i in range(3_000)))
    assert seconds(["check", "--no-config", "--no-cache", "."]) < ENOUGH
    out = capsys.readouterr().out
    assert "LW410" in out
    assert "s3cret" not in out


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a*a*a*a*a*a*a*a*a*a*a*a*b", "a" * 200),
        ("?*?*?*?*?*?*?*?*?*?*?*b", "a" * 200),
        ("[ab]*[ab]*[ab]*[ab]*[ab]*[ab]*[ab]*c", "a" * 200),
        ("**/a/**/a/**/a/**/a/**/a/**/b", "a/" * 100 + "a"),
        ("**/*a*/**/*a*/**/*a*/**/b", "aa/" * 60 + "a"),
        ("*/*/*/*/*/*/*/*/*/*/*/*/b", "a/" * 12 + "a"),
        ("a**a**a**a**a**a**a**a**b", "a" * 200),
        ("*\udcff*a*a*a*a*a*a*a*a*a*b", "\udcff" + "a" * 200),
    ],
)
def test_a_pattern_is_matched_without_going_back(pattern: str, name: str) -> None:
    begin = time.process_time()
    assert not covers((pattern,), name)
    assert covers((f"{pattern[:-1]}?",), name)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github", "gitlab", "checkstyle", "markdown", "csv"])
def test_findings_without_number_are_counted_and_not_listed(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / UNIT).write_text("[Service]\nExecStart=/x\n" + "A=1\n" * (MOST_ALIKE + 500))
    assert main(["check", "--no-cache", "--no-config", "-v", "--format", form, "."]) == 1
    shown = capsys.readouterr().out
    assert "500 more findings of this rule in this file are counted, not listed" in shown
    assert len(shown) < 5_000_000


def test_the_counts_of_a_report_are_of_all_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / UNIT).write_text("[Service]\nExecStart=/x\n" + "A=1\n" * (MOST_ALIKE + 500))
    main(["check", "--no-cache", "--no-config", "--select", "LW209", "--format", "json", "."])
    told = json.loads(capsys.readouterr().out)
    assert sum(told["summary"]["findings"].values()) == MOST_ALIKE + 500
    assert len(told["findings"]) == MOST_ALIKE + 1
    main(["check", "--no-cache", "--no-config", "--select", "LW209", "."])
    assert f"{MOST_ALIKE + 495} more notes of LW209" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "markdown"])
def test_a_report_in_pieces_is_the_report_in_one(form: str) -> None:
    import io

    from lwlint.report import FORMATS, How, Output, deliver
    from tests.report.report_sample import REPORT, RULES

    out = io.StringIO()
    how = How(fail_on="warning", exit_code=1)
    deliver((Output(form),), REPORT, RULES, how, out=out)
    assert out.getvalue() == FORMATS[form](REPORT, RULES, how)


_SETTINGS = "heat_template_version: ocata\nresources: {}\noutputs:\n  role_data:\n    value:\n      config_settings:\n"
_LONG = "a" * 100_001
_TEMPLATE_WITH_INPUTS = """\
heat_template_version: ocata
resources:
  Config:
    type: OS::Heat::StructuredConfig
    properties:
      config:
        hiera:
          datafiles:
            x:
              nova::db::database_connection: mysql://a
              nova::db::database_max_retries: {get_input: a9}
  Deployment:
    type: OS::Heat::StructuredDeployment
    properties:
      config: {get_resource: Config}
      input_values:
        a0: ""
"""


@pytest.mark.parametrize(
    "text",
    [
        f"{_SETTINGS}        x: &a {_LONG}\n        nova::db::database_connection: mysql://a\n"
        f"        nova::db::database_max_retries: {{list_join: ['', [{', '.join(['*a'] * 1_000)}]]}}\n",
        f"{_SETTINGS}        nova::db::database_connection: mysql://a\n"
        f"        nova::db::database_max_retries: {{str_replace: {{template: {'a' * 1_000}, params: {{a: {_LONG[:1_000]}}}}}}}\n",
        _TEMPLATE_WITH_INPUTS
        + "".join(f"        a{n}: {{list_join: ['', [{', '.join([f'{{get_input: a{n - 1}}}'] * 10)}]]}}\n" for n in range(1, 10)),
    ],
    ids=["a list that is joined", "a text with values put in", "inputs of inputs"],
)
def test_a_value_that_is_put_together_takes_no_more_room_than_its_file(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "controller.yaml").write_text(text, "utf-8")
    assert seconds(["check", "controller.yaml", "--select", "LW404", "--format", "json", "--no-cache"]) < ENOUGH
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert (verdict["outcome"], "known only in a deployment" in verdict["because"]) == ("not evaluated", True)


def test_standard_input_is_read_no_further_than_a_file_may_be_long(tmp_path: Path) -> None:
    command = "import sys; sys.argv = ['lwlint', 'check', '--no-cache', '--no-config', '-', '--stdin-filename', 'a.yaml']\n"
    command += "import lwlint.cli\ntry:\n lwlint.cli.main()\nexcept SystemExit: pass\n"
    # what `getrusage` tells is at least what the process had that started this one
    command += "print(int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]) // 1024, file=sys.stderr)"
    process = subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    try:
        for _ in range(300):
            process.stdin.write(b"\0" * 1_000_000)
        process.stdin.close()
    except BrokenPipeError:
        pass
    process.stdin = None
    out, err = process.communicate(timeout=120)
    assert b"limit for its kind" in out
    assert int(err.split()[-1]) < 200


@pytest.mark.night
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_time_grows_in_proportion_and_memory_is_bounded(shape: Shape) -> None:
    figure = measure(shape)
    for _ in range(2):
        if figure.met:
            break
        figure = measure(shape)  # of a machine that does something else as well
    assert figure.memory <= MOST_MEMORY
    assert figure.exponent is None or figure.exponent <= MOST_EXPONENT
