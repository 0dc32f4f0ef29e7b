"""Fixed option files against oslo.config itself: nothing but the intended options means something else."""

from __future__ import annotations

import difflib
import io
import os
import random
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.oslo.reader import OptionText, read
from lwlint.policy.rules import Rule
from lwlint.run import Request, load_rules
from lwlint.run import fix as mend
from lwlint.run.fix import Outcome
from tests.inputs.oslo.oslo_inputs import option_file
from tests.inputs.oslo.test_oslo_differential import Sections, as_oslo_reads, cases, oslo_cfg
from tests.shared import shared

INPUTS = int(os.environ.get("LWLINT_FIX_INPUTS", "500"))
CODES = ("LW301", "LW302", "LW303", "LW304", "LW306", "LW307", "LW308")
INTENDED = (  # options that the rules above may set, rename, move or take away
    "max_retries", "sql_max_retries", "db_max_retries", "rabbit_max_retries", "rpc_retry_attempts", "retry",
    "default_rpc_retry_attempts", "rpc_reply_retry_attempts", "default_notification_retry_attempts",
)  # fmt: skip
MEANT = ("-1", "0")


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [rule for rule in load_rules() if rule.code in CODES]


def fixed(files: dict[str, str], rules: list[Rule], release: str = "auto") -> Outcome:
    return mend.fix(Request(tuple(sorted({p.split("/")[0] for p in files})), release=release, tree=Memory(files)), rules, unsafe=True)


def without_intended(sections: Sections) -> list[tuple[str, str, list[str]]]:
    """Return everything but the options that a fix may change; a section that holds nothing else counts for nothing."""
    options = [(section, name, values) for section, found in sections.items() for name, values in found.items()]
    return sorted((s if s == "DEFAULT" else s.lower(), n, v) for s, n, v in options if not is_intended(n))


def oslo_reads(cfg: Any, folder: Path, text: bytes) -> tuple[Sections, int | None]:
    path = folder / "x.conf"
    path.write_bytes(text)
    return as_oslo_reads(cfg, path)


def differences(cfg: Any, folder: Path, before: bytes, after: bytes) -> list[str]:
    """Return what else than the intended options means something else after, by oslo.config, and which lines are touched without need."""
    (was, refused), (is_, refused_after) = oslo_reads(cfg, folder, before), oslo_reads(cfg, folder, after)
    found = [] if (refused, refused_after) == (None, None) else [f"refused: {refused} {refused_after}"]
    if without_intended(was) != without_intended(is_):
        found.append(f"{without_intended(was)} != {without_intended(is_)}")
    lines = list(difflib.ndiff(before.decode().splitlines(keepends=True), after.decode().splitlines(keepends=True)))
    touched = [line[2:] for line in lines if line[0] in "+-"]
    return found + [f"touched {line!r}" for line in touched if line.strip() and not is_intended(line)]


def is_intended(line: str) -> bool:
    return any(name in line.lower().replace("-", "_") for name in INTENDED) or line.strip() in (
        "[database]",
        "[DEFAULT]",
        "[oslo_messaging_rabbit]",
    )


def new_values(cfg: Any, folder: Path, before: bytes, after: bytes) -> set[str]:
    """Return the effective values that intended options have after and had not before."""
    was, is_ = (
        {(s, n): v[-1] for s, found in oslo_reads(cfg, folder, text)[0].items() for n, v in found.items() if is_intended(n)}
        for text in (before, after)
    )
    return {value for key, value in is_.items() if was.get(key) != value}


def test_generated_files_change_in_the_intended_options_only(tmp_path: Path, rules: list[Rule]) -> None:
    cfg = oslo_cfg()
    generator = random.Random(4105)
    wrong, changed, values = [], 0, set()
    for _ in range(INPUTS):
        text = option_file(generator)
        if generator.random() < 0.5 and "\r" not in text:
            text += "\n[database]\nconnection = mysql://a\n"
        outcome = fixed({"cinder.conf": text}, rules)
        for before, after in outcome.files.values():
            assert before is not None
            changed += 1
            values |= new_values(cfg, tmp_path, before, after)
            wrong += [(text, after.decode(), d) for d in differences(cfg, tmp_path, before, after) if "touched" not in d]
            again = fixed({"cinder.conf": after.decode()}, rules)
            if again.files or again.fixed:
                wrong.append((text, after.decode(), "a second fix changes it"))
    assert wrong[:3] == []
    assert changed > INPUTS / 20, "the inputs should hold something to fix"
    assert set(MEANT[:1]) <= values


def test_the_recorded_cases_are_fixed_without_a_trace_elsewhere(tmp_path: Path, rules: list[Rule]) -> None:
    cfg = oslo_cfg()
    wrong, fixes = [], 0
    for name, case in cases().items():
        for release in ("mitaka", "train"):
            outcome = fixed(case["files"], rules, release)
            fixes += len(outcome.fixed)
            for path, (before, after) in outcome.files.items():
                assert before is not None
                wrong += [(name, path, d) for d in differences(cfg, tmp_path, before, after)]
            after_all = {**case["files"], **{path: after.decode() for path, (_, after) in outcome.files.items()}}
            if fixed(after_all, rules, release).files:
                wrong.append((name, "", "a second fix changes it"))
    assert wrong == []
    assert fixes > 20


@pytest.mark.parametrize("folder", ["debian", "rdo-dist"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_real_files_change_in_the_lines_of_the_intended_options_only(
    folder: str, line_break: str, tmp_path: Path, rules: list[Rule]
) -> None:
    cfg = oslo_cfg()
    wrong, fixes = [], 0
    for path in sorted(p for p in shared(f"corpus/conf/{folder}").rglob("*.conf") if "-dist" not in p.name):
        text = (
            path.read_bytes()
            .decode()
            .replace("[database]\n", "[database]\nconnection = mysql://a\n#max_retries = 5\n")
            .replace("\n", line_break)
        )
        outcome = fixed({path.name: text}, rules)
        fixes += len(outcome.fixed)
        for before, after in outcome.files.values():
            assert before is not None
            added = f"{line_break}max_retries = -1{line_break}#max_retries".encode()
            if after.replace(added, f"{line_break}#max_retries".encode()) != before:
                wrong.append((path.name, "bytes"))
            wrong += [(path.name, d) for d in differences(cfg, tmp_path, before, after)]
    assert wrong == []
    assert fixes > 0 or folder == "rdo-dist"


def test_iniparse_would_refuse_or_change_or_misread_files_that_oslo_config_reads() -> None:
    """Why it is not what edits here (docs/adr/0010-edits.md): were it to agree on all of them, it could."""
    iniparse = pytest.importorskip("iniparse")
    generator = random.Random(1)
    outcomes: dict[str, int] = {}
    for _ in range(400):
        source = Source("x.conf", option_file(generator), "oslo")
        read_ = read(source)
        if read_.refused is None:
            outcome = with_iniparse(iniparse, source.text, read_)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert sorted(outcomes) == ["another value", "other bytes", "refused", "the same"]
    assert outcomes["the same"] < sum(outcomes.values()) / 2


def with_iniparse(iniparse: Any, text: str, expected: OptionText) -> str:
    try:
        config = iniparse.INIConfig(io.StringIO(text, newline=""))
        if str(config) != text:
            return "other bytes"
        last = {(setting.section.value, setting.name): setting.text for setting in expected.settings}
        return "the same" if all(config[section][name] == value for (section, name), value in last.items()) else "another value"
    except Exception:  # it raises what it likes
        return "refused"
