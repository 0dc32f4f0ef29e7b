"""Options that a program takes from elsewhere (`config_source`): what its files lack is not known, what they have counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules
from tests.inputs.oslo.test_oslo_differential import oslo_cfg

SOURCE = "[DEFAULT]\nconfig_source = Remote\n[remote]\ndriver = remote_file\nuri = https://conf.example.org/heat.conf\n"
CONNECTION = "[database]\nconnection = mysql+pymysql://heat@192.0.2.5/heat\n"
NOT_EVALUATED = "not evaluated"


def outcomes(text: str, release: str) -> dict[str, str]:
    report = check(Request(("etc",), release=release, tree=Memory({"etc/heat/heat.conf": text})), load_rules())
    return {verdict.code: verdict.outcome for verdict in report.verdicts if verdict.code.startswith("LW30")}


@pytest.mark.parametrize(
    ("text", "release", "outcome"),
    [
        (SOURCE + CONNECTION, "caracal", NOT_EVALUATED),
        (SOURCE + CONNECTION, "rocky", NOT_EVALUATED),
        (SOURCE + CONNECTION, "auto", NOT_EVALUATED),
        (SOURCE + CONNECTION, "queens", "fail"),
        (SOURCE, "caracal", NOT_EVALUATED),
        (SOURCE + CONNECTION + "max_retries = 10\n", "caracal", "fail"),
        (SOURCE + CONNECTION + "max_retries = -1\n", "caracal", "pass"),
        (SOURCE.replace("driver", "#driver") + CONNECTION, "caracal", "fail"),
        (SOURCE.replace("[remote]", "[other]") + CONNECTION, "caracal", "fail"),
        (SOURCE.replace("= Remote", "= other,  remote") + CONNECTION, "caracal", NOT_EVALUATED),
    ],
)
def test_retries_that_the_files_lack_may_come_from_elsewhere(text: str, release: str, outcome: str) -> None:
    assert outcomes(text, release)["LW301"] == outcome


def test_nothing_that_may_be_set_elsewhere_is_passed() -> None:
    found = outcomes(SOURCE + CONNECTION + "max_retries = -1\n", "caracal")
    assert {code for code, outcome in found.items() if outcome == NOT_EVALUATED} == {"LW303", "LW305", "LW306", "LW307", "LW309"}


@pytest.mark.parametrize(("more", "value"), [("", -1), ("max_retries = 10\n", 10)])
def test_oslo_config_asks_elsewhere_for_what_the_files_lack(more: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = oslo_cfg()
    from oslo_config.sources import _uri

    def fetched(self: Any, *_: Any) -> str:
        return "[database]\nmax_retries = -1\n"

    monkeypatch.setattr(_uri.URIConfigurationSource, "_fetch_uri", fetched)
    path = tmp_path / "heat.conf"
    path.write_text(SOURCE + CONNECTION + more)
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.IntOpt("max_retries", default=10)], group="database")
    conf(["--config-file", str(path)], project="x", default_config_files=[], default_config_dirs=[])
    assert conf.database.max_retries == value
