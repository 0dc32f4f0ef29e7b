"""The reader of option files against oslo.config itself, and against its pinned answers."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Facts, Release
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.oslo.facts import OptionSet, Unresolved, boolean, integer, normal, option_sets, split_name, substitute
from lwlint.inputs.oslo.reader import BEFORE_ANY_SECTION, OptionText, option_facts, read
from lwlint.run import Request, check, load_rules
from tests.inputs.oslo.oslo_inputs import layered_files, option_file
from tests.shared import shared

INPUTS = int(os.environ.get("LWLINT_OSLO_INPUTS", "20000"))
LAYERED = int(os.environ.get("LWLINT_OSLO_LAYERED", "1500"))
NOT_SET = "not set"
WRONG = "wrong"

Sections = dict[str, dict[str, list[str]]]


def oslo_cfg() -> Any:
    return pytest.importorskip("oslo_config.cfg", reason="OSLO.CONFIG IS MISSING: the reader is not compared with it")


def as_oslo_reads(cfg: Any, path: Path) -> tuple[Sections, int | None]:
    """Return what oslo.config reads, by section as written, and the line at which it refuses the file."""
    sections: Sections = {}
    parser = cfg.ConfigParser(str(path), sections)
    try:
        parser.parse()
    except cfg.iniparser.ParseError as error:
        return sections, error.lineno
    return sections, None


def as_lwlint_reads(text: OptionText) -> Sections:
    sections: Sections = {}
    for header in text.headers:
        sections.setdefault(header.value, {})
    for setting in text.settings:
        sections[setting.section.value].setdefault(setting.key.value, []).append(setting.value.value)
    return sections


def differences(cfg: Any, path: Path, text: str) -> list[str]:
    source = Source(path.name, text, "oslo")
    theirs, refused_at = as_oslo_reads(cfg, path)
    ours = read(source)
    found = []
    if as_lwlint_reads(ours) != theirs:
        found.append(f"{as_lwlint_reads(ours)} != {theirs}")
    if (ours.refused is None) != (refused_at is None):
        found.append(f"{ours.refused} != refused at line {refused_at}")
    if ours.refused is not None and ours.refused.message != BEFORE_ANY_SECTION and not text.startswith("\ufeff"):
        line = source.position(ours.refused.span.start).line
        if line != refused_at:
            found.append(f"refused at line {line} != {refused_at}")
    return found + misplaced(source, ours)


def misplaced(source: Source, read: OptionText) -> list[str]:
    """Return every header, key and value whose span does not hold what was read."""
    found = []
    for header in read.headers:
        if source.text[header.span.start : header.span.end] != f"[{header.value}]":
            found.append(f"header {header}")
    for setting in read.settings:
        if source.text[setting.key.span.start : setting.key.span.end] != setting.key.value:
            found.append(f"key {setting.key}")
        written = source.text[setting.value.span.start : setting.value.span.end]
        if setting.continued:
            end = setting.continued[-1].span
            if not written.endswith(source.text[end.start : end.end]) or written != written.strip():
                found.append(f"value {setting.value}")
        elif setting.value.value not in (written, written[1:-1]):
            found.append(f"value {setting.value}")
    return found


def test_generated_files_are_read_or_refused_as_by_oslo_config(tmp_path: Path) -> None:
    cfg = oslo_cfg()
    generator = random.Random(20160729)
    path = tmp_path / "x.conf"
    wrong, refused, settings = [], 0, 0
    for _ in range(INPUTS):
        text = option_file(generator)
        path.write_bytes(text.encode())
        wrong += [(text, difference) for difference in differences(cfg, path, text)]
        result = read(Source("x.conf", text, "oslo"))
        refused += result.refused is not None
        settings += len(result.settings)
    assert wrong[:3] == []
    assert INPUTS / 10 < refused < INPUTS / 2, "the inputs should be a mixture"
    assert settings > INPUTS, "the inputs should hold something"


@pytest.mark.parametrize("folder", ["debian", "rdo-dist"])
def test_real_files_are_read_as_by_oslo_config(folder: str) -> None:
    cfg = oslo_cfg()
    wrong = []
    paths = [path for path in sorted(shared(f"corpus/conf/{folder}").rglob("*")) if path.is_file()]
    for path in paths:
        wrong += [(path.name, d) for d in differences(cfg, path, path.read_bytes().decode())]
    assert paths != []
    assert wrong == []


def effective(texts: dict[str, str]) -> OptionSet:
    """Return the one option set of files with names that tell no project."""
    sources = [Source(path, text, "oslo") for path, text in texts.items()]
    sets = option_sets(Facts(option_facts(sources, [], Catalogue([]), Release(None))))
    assert len(sets) == 1
    return sets[0]


DECLARED = {
    "database/max_retries": ("int", "DEFAULT/sql_max_retries", "DATABASE/sql_max_retries"),
    "database/db_max_retries": ("int",),
    "database/retry_interval": ("int",),
    "database/switch": ("bool", "sql/switch"),
    "database/items": ("multi", "DEFAULT/items"),
    "api_database/max_retries": ("int",),
}


def as_lwlint_sees(option_set: OptionSet, name: str, kind: str, old: tuple[str, ...]) -> Any:
    names = [split_name(n) for n in (name, *old)]
    if kind == "multi":
        found = [option_set.options[n] for n in names if n in option_set.options]
        alone = len(found) == 1 and not any("$" in value for value in found[0].values)
        return NOT_SET if not found else found[0].values if alone else None
    option = option_set.choose(names)
    if option is None:
        return NOT_SET

    def lookup(name: tuple[str, str]) -> str | None:
        declared = DECLARED.get("/".join(name))
        if declared is None or declared[0] == "multi":
            return None
        value = as_lwlint_sees(option_set, "/".join(name), declared[0], declared[1:])
        return "" if value in (NOT_SET, None) else str(value)

    try:
        return {"int": integer, "bool": boolean}[kind](substitute(option.value, names[0][0], lookup))
    except (ValueError, Unresolved):
        return WRONG


def as_oslo_sees(cfg: Any, files: list[str]) -> dict[str, Any]:
    conf = cfg.ConfigOpts()
    kinds = {"int": cfg.IntOpt, "bool": cfg.BoolOpt, "multi": cfg.MultiStrOpt}
    for name, (kind, *old) in DECLARED.items():
        group, option = name.split("/")
        deprecated = [cfg.DeprecatedOpt(n.split("/")[1], group=n.split("/")[0]) for n in old]
        conf.register_opt(kinds[kind](option, deprecated_opts=deprecated), group=group)
    conf([a for f in files for a in ("--config-file", f)], project="x", default_config_files=[], default_config_dirs=[])
    seen: dict[str, Any] = {}
    for name in DECLARED:
        group, option = name.split("/")
        try:
            value = conf[group][option]
            seen[name] = NOT_SET if conf.get_location(option, group) is None or value is None else value
        except (ValueError, cfg.Error):
            seen[name] = WRONG
    return seen


def test_layered_files_have_the_effective_values_of_oslo_config(tmp_path: Path) -> None:
    cfg = oslo_cfg()
    generator = random.Random(34)
    wrong, answers = [], set()
    for _ in range(LAYERED):
        texts = layered_files(generator)
        for i, text in enumerate(texts):
            (tmp_path / f"{i}.conf").write_text(text)
        theirs = as_oslo_sees(cfg, [str(tmp_path / f"{i}.conf") for i in range(len(texts))])
        ours = effective({f"{i}.conf": text for i, text in enumerate(texts)})
        for name, (kind, *old) in DECLARED.items():
            seen = as_lwlint_sees(ours, name, kind, tuple(old))
            expected = tuple(theirs[name]) if kind == "multi" and theirs[name] not in (NOT_SET, WRONG) else theirs[name]
            if seen is None and kind != "multi":  # an empty value: None, as if it were not set
                seen = NOT_SET
            answers.add(str(expected))
            if seen is not None and seen != expected and "$" not in str(expected):
                wrong.append((name, texts, seen, expected))
    assert wrong[:3] == []
    assert {"-1", "10", "0", "5", "True", "False", NOT_SET, WRONG} <= answers


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("[DEFAULT]\nsql_max_retries = $db_max_retries\n[database]\ndb_max_retries = -1\n", "pass"),
        ("[DEFAULT]\nsql_max_retries = ${database.db_max_retries}\n[database]\ndb_max_retries = -1\n", "pass"),
        ("[database]\nmax_retries = ${DEFAULT.db_max_retries}\ndb_max_retries = -1\n", "not evaluated"),
    ],
)
def test_a_reference_is_looked_up_in_the_section_of_the_option_wherever_its_old_name_stands(
    text: str, outcome: str, tmp_path: Path
) -> None:
    cfg = oslo_cfg()
    path = tmp_path / "nova.conf"
    path.write_text(text)
    conf = cfg.ConfigOpts()
    old = [cfg.DeprecatedOpt("sql_max_retries", group="DEFAULT")]
    conf.register_opts([cfg.IntOpt("max_retries", deprecated_opts=old), cfg.IntOpt("db_max_retries")], group="database")
    conf(["--config-file", str(path)], project="x", default_config_files=[], default_config_dirs=[])
    try:
        value = conf.database.max_retries
    except cfg.Error:
        value = WRONG
    assert (value == -1) == (outcome == "pass")
    request = Request(("etc",), release="mitaka", tree=Memory({"etc/nova/nova.conf": text}))
    (verdict,) = check(request, list(load_rules(select=["LW301"]))).verdicts
    assert verdict.outcome == outcome


OPTIONS = {  # as oslo.db and oslo.messaging declare them: kind of environment -> option -> old names
    "new": {"database.max_retries": (), "database.db_max_retries": (), "api_database.max_retries": ()},
    "old": {
        "database.max_retries": ("DEFAULT/sql_max_retries", "DATABASE/sql_max_retries"),
        "database.db_max_retries": (),
        "api_database.max_retries": (),
        "oslo_messaging_rabbit.rabbit_max_retries": ("DEFAULT/rabbit_max_retries",),
    },
}


def cases() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared("corpus/conf/cases.json").read_text())["cases"]
    return found


@pytest.mark.parametrize("versions", ["old", "new"])
def test_the_recorded_answers_of_oslo_db_and_oslo_messaging_are_reached(versions: str) -> None:
    wrong, compared = [], 0
    for name, case in cases().items():
        expected = case[versions]
        sources = [Source(path, text, "oslo") for path, text in case["files"].items()]
        facts = Facts(option_facts(sources, [], Catalogue([]), Release(None)))
        sets = option_sets(facts)
        if "error" in expected:
            if [s.files.refused is not None for s in sets] != [True]:
                wrong.append((name, "refused", expected))
            continue
        for option, old in OPTIONS[versions].items():
            compared += 1
            section, _, key = option.partition(".")
            names = [(normal(section), key), *(split_name(n) for n in old)]
            found = sets[0].choose(names) if sets else None
            value, where = expected[option]
            try:
                seen = (integer(substitute(found.value, section, lambda _: None)), "user") if found else (value, "opt_default")
            except (ValueError, Unresolved):
                seen = (value, "error")
            if seen != (value, where):
                wrong.append((name, option, seen, (value, where)))
    assert compared > 100
    assert wrong == []


def test_a_recorded_case_is_a_finding_where_the_value_that_oslo_reads_gives_up() -> None:
    rules = {rule.code: rule for rule in load_rules(select=["LW301", "LW302"])}
    wrong = []
    for name, case in cases().items():
        request = Request(tuple(sorted({path.split("/")[0] for path in case["files"]})), release="mitaka", tree=Memory(case["files"]))
        report = check(request, list(rules.values()))
        found = sorted({finding.code for finding in report.findings})
        expected = [] if "error" in case["old"] else sorted(expected_codes(case["old"], "".join(case["files"].values())))
        if found != expected:
            wrong.append((name, found, expected))
        if "error" in case["old"] and {v.outcome for v in report.verdicts} != {"not evaluated"}:
            wrong.append((name, "passes", "refused"))
    assert wrong == []


def expected_codes(answers: dict[str, Any], text: str) -> set[str]:
    codes = set()
    for option in ("database.max_retries", "api_database.max_retries"):
        value, where = answers[option]
        used = "connection" in text and option.startswith("database")
        if (where == "user" and value != -1) or (where == "opt_default" and used) or (where == "error" and "$" not in text):
            codes.add("LW301")
    value, where = answers["oslo_messaging_rabbit.rabbit_max_retries"]
    if where == "user" and value > 0:
        codes.add("LW302")
    return codes
