"""Fixed option files as a program sees them: by oslo.config with the options registered, their old names and `$references`."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from lwlint.files.tree import Memory
from lwlint.policy.rules import Rule
from lwlint.run import Request, load_rules
from lwlint.run import fix as mend
from tests.inputs.oslo.test_oslo_differential import oslo_cfg

INPUTS = int(os.environ.get("LWLINT_FIX_EFFECTIVE", "400"))
CODES = ("LW301", "LW303", "LW304")
OLD = (("sql_max_retries", "DEFAULT"), ("sql_max_retries", "DATABASE"))  # names that oslo.db reads too, until 15.0.0
RETRIES = "database.max_retries"
BREAKS = ("\n", "\n", "\n", "\r\n", "\r")
LINES = (
    "connection = mysql://a", "connection = sqlite:///x", "connection=mysql+pymysql://u:p$$w@h/d?a=b#c",
    "max_retries = 3", "max_retries = -1", "max_retries: 010", "MAX_RETRIES = 4", "max-retries = -1", "max_retries =",
    "max_retries = 3 # x", "max_retries = '5'", "max_retries = 5\n  6", "sql_max_retries = 7", "sql_max_retries = -1",
    "max_retries = $retry_interval",
    "max_retries = ${database.retry_interval}", "retry_interval = 2", "retry_interval = $max_retries", "max_pool_size = 5",
    "max_pool_size = ${database.max_retries}", "max_overflow = $sql_max_retries", "items = a", "items = b $$ c", "items = $max_retries x",
    "# max_retries = 10", "; comment é", "", "note = a\n b\n\tc", "note = [database]", "note = ${DEFAULT.sql_max_retries}",
    "note = max_retries = 3", "note = $$max_retries", "note = \\$max_retries",
)  # fmt: skip
HEADERS = ("[database]", "[database]", "[database]", "[DATABASE]", "[DEFAULT]", "[ database ]", "[oslo_db]", "[sql]")


def option_file(random: random.Random) -> str:
    """Return a file that oslo.config reads: sections that stand twice, keys that do, references, continuations, any line breaks."""
    lines = []
    for _ in range(random.randrange(1, 5)):
        lines += [random.choice(HEADERS), *random.choices(LINES, k=random.randrange(6))]
    text = "\n".join(lines) + random.choice(("", "\n", "\n\n", "\n# end"))
    return text.replace("\n", random.choice(BREAKS))


def seen(cfg: Any, path: Path, text: bytes) -> dict[str, Any]:
    """Return the values of the options as the program sees them; an exception's name where it sees none."""
    path.write_bytes(text)
    conf = cfg.ConfigOpts()
    renamed = [cfg.DeprecatedOpt(name, group=group) for name, group in OLD]
    options = {
        "database": [cfg.IntOpt("max_retries", default=10, deprecated_opts=renamed), cfg.StrOpt("connection")],
        "DEFAULT": [cfg.StrOpt("own")],
    }
    options["database"] += [cfg.StrOpt("note"), cfg.MultiStrOpt("items"), cfg.IntOpt("retry_interval", default=10)]
    options["database"] += [cfg.StrOpt("max_pool_size"), cfg.StrOpt("max_overflow")]
    options["DEFAULT"] += [cfg.StrOpt("note"), cfg.MultiStrOpt("items"), cfg.StrOpt("retry_interval")]
    for group, registered in options.items():
        conf.register_opts(registered, group=None if group == "DEFAULT" else group)
    conf(["--config-file", str(path)], project="x", default_config_files=[], default_config_dirs=[])
    found: dict[str, Any] = {}
    for group, registered in options.items():
        for option in registered:
            try:
                found[f"{group}.{option.name}"] = (conf if group == "DEFAULT" else conf[group])[option.name]
            except (ValueError, RecursionError, cfg.Error) as error:
                found[f"{group}.{option.name}"] = type(error).__name__
    return found


@pytest.mark.parametrize("release", ["mitaka", "train"])
def test_a_safe_fix_changes_the_value_that_is_blamed_and_no_other(release: str, tmp_path: Path) -> None:
    cfg = oslo_cfg()
    rules: list[Rule] = [rule for rule in load_rules() if rule.code in CODES]
    generator = random.Random(f"effective {release}")
    wrong: list[Any] = []
    mended = 0
    for _ in range(INPUTS):
        text = option_file(generator)
        files = {"heat.conf": text}
        outcome = mend.fix(Request(("heat.conf",), release=release, tree=Memory(files)), rules)
        codes = {f.finding.code for f in outcome.fixed}
        for before, after in outcome.files.values():
            assert before is not None
            was, is_ = (seen(cfg, tmp_path / "heat.conf", data) for data in (before, after))
            changed = {name: (was[name], is_[name]) for name in was if was[name] != is_[name]}
            other = {name: values for name, values in changed.items() if name != RETRIES}
            if other:
                wrong.append((text, after.decode(), other))
            if RETRIES in changed and is_[RETRIES] != -1:
                wrong.append((text, after.decode(), changed))
            if "LW301" in codes and is_[RETRIES] != -1:
                wrong.append((text, after.decode(), f"LW301 is fixed, and it is {is_[RETRIES]}"))
            mended += changed.keys() == {RETRIES}
            again = mend.fix(Request(("heat.conf",), release=release, tree=Memory({"heat.conf": after.decode()})), rules)
            if again.files:
                wrong.append((text, after.decode(), "a second fix changes it"))
            kept = [line for line in LINES if f"{line}" in text and "retries" not in line and "\n" not in line]
            wrong += [(text, after.decode(), line) for line in kept if line not in after.decode()]
    assert wrong[:3] == []
    assert mended > INPUTS / 10
