"""A baseline of real trees still knows every finding when they are moved, renamed and laid out anew."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as Tree
from pathlib import Path

from ruamel.yaml import YAML, YAMLError

from lwlint.core.finding import Report
from lwlint.files.tree import Memory
from lwlint.policy import baseline
from lwlint.run import Request, check, load_rules
from tests.shared import shared

NEW_LINES = "# a line more\n\n"


def yaml_anew(text: str) -> str:
    """The same YAML: other indentation, other quotes, more lines, carriage returns."""
    yaml = YAML()
    yaml.indent(mapping=4, sequence=6, offset=3)
    yaml.width = 1000
    out = io.StringIO()
    try:
        yaml.dump(yaml.load(text), out)
    except YAMLError:  # a key that stands twice: only lines move
        return NEW_LINES + text
    lines = [re.sub(r"(: |- )'?([A-Za-z][\w:/.]*)'?$", r'\1"\2"', line) for line in out.getvalue().split("\n")]
    return NEW_LINES + "\r\n".join(lines)


def lines_anew(text: str) -> str:
    """The same options or unit: other blanks around `=`, more lines."""
    return "\n".join(NEW_LINES + line if line.startswith("[") else re.sub(r"^(\w+) *= *", r"\1  =   ", line) for line in text.split("\n"))


def xml_anew(text: str) -> str:
    """The same CIB: attributes in another order, each on its line."""
    root = Tree.fromstring(text)
    for element in root.iter():
        for name, value in reversed(list(element.items())):
            del element.attrib[name]
            element.set(name, value)
    Tree.indent(root, "\t")
    return "<!-- anew -->\n" + re.sub(r' (\w[\w-]*=")', r"\n   \1", Tree.tostring(root, "unicode"))


def report(files: dict[str, str]) -> Report:
    return check(Request(tree=Memory(files)), load_rules(examples=False))


def left_over(before: dict[str, str], after: dict[str, str]) -> tuple[list[str], list[str], set[str]]:
    """What is new, what is gone, and the codes that are known again."""
    old = baseline.read(baseline.record(report(before)), "b")
    result = baseline.compare(report(after), old)
    return (
        [f"{f.code} {f.span.path} {f.message}" for f in result.new],
        [f"{e.code} {e.path} {e.message}" for e in (*result.gone, *result.unseen)],
        {f.code for f in result.known},
    )


def texts(folder: Path, pattern: str) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob(pattern))}


def test_a_tree_of_templates_laid_out_anew_has_nothing_new() -> None:
    before = texts(shared("corpus/tht/newton-before"), "*.yaml")
    blamed = {finding.span.path for finding in report(before).findings}
    after = {path: yaml_anew(text) if path in blamed else NEW_LINES + text for path, text in before.items()}
    twice = ["puppet/controller.yaml", "puppet/services/keystone.yaml", "puppet/services/nova-base.yaml"]  # a key stands twice there
    assert sorted(path for path in blamed if after[path] == NEW_LINES + before[path]) == twice
    new, gone, codes = left_over(before, after)
    assert (new, gone) == ([], [])
    assert codes >= {"LW401", "LW403", "LW404"}


def host(name: str) -> dict[str, str]:
    """A controller with the full architecture's CIB, units of RDO and option files with finite retries."""
    files = {f"{name}/var/lib/pacemaker/cib/cib.xml": (shared("corpus/cib/2.1.5") / "complex_enforce_colo.xml").read_text("utf-8")}
    for path in sorted(shared("corpus/units/rdo").glob("n*/*.service")):
        files[f"{name}/usr/lib/systemd/system/{path.name.partition('.')[2]}"] = path.read_text("utf-8")
    for path in sorted(shared("corpus/conf/debian").glob("*/*.conf")):
        text = re.sub(r"^connection *=.*$", "connection = mysql://u:p@db/x\nmax_retries = 7", path.read_text("utf-8"), flags=re.MULTILINE)
        files[f"{name}/etc/{path.parent.name}/{path.name}"] = text
    return files


def test_a_host_renamed_and_laid_out_anew_has_nothing_new() -> None:
    before = host("controller-0")
    after = {
        path.replace("controller-0/", "moved/ctl-a/"): xml_anew(text) if path.endswith(".xml") else lines_anew(text)
        for path, text in before.items()
    }
    new, gone, codes = left_over(before, after)
    assert (new, gone) == ([], [])
    assert codes >= {"LW201", "LW301"}
