"""What a program gets by `import lwlint`, and by `lwlint.audit`: the functions, and the classes of what they return and raise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lwlint
from lwlint.audit import audit_reports
from lwlint.core import finding
from tests.shared import HERE

CONF = "[database]\nconnection = mysql+pymysql://nova@h/nova\nmax_retries = 5\n"


def test_each_name_of_the_face_is_there_and_nothing_else() -> None:
    assert all(hasattr(lwlint, name) for name in lwlint.__all__)
    assert (lwlint.Report, lwlint.Finding, lwlint.ConfigurationError) == (finding.Report, finding.Finding, finding.ConfigurationError)
    with pytest.raises(AttributeError, match="`reprot`"):
        lwlint.reprot  # noqa: B018


def test_importing_the_face_imports_none_of_what_it_returns() -> None:
    done = "import sys, lwlint; print(sorted(name for name in sys.modules if name.startswith('lwlint.')))"
    assert subprocess.run([sys.executable, "-c", done], capture_output=True, text=True, check=True, cwd=HERE).stdout.strip() == "[]"


def test_a_fix_is_written_only_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "nova.conf"
    path.write_text(CONF)
    outcome = lwlint.fix("nova.conf", select="finite-database-retries")
    assert (path.read_text(), list(outcome.files)) == (CONF, ["nova.conf"])
    assert [one.finding.rule for one in outcome.fixed] == ["finite-database-retries"]
    assert lwlint.fix(Path("nova.conf"), select=["finite-database-retries"], write=True).files == outcome.files
    assert path.read_text() == CONF.replace("= 5", "= -1")
    assert lwlint.fix(["nova.conf"], select=["finite-database-retries"]).files == {}
    with pytest.raises(lwlint.ConfigurationError, match="no such file"):
        lwlint.fix("nowhere.conf", write=True)


def test_reports_of_hosts_are_audited_with_one_answer_for_each_cluster() -> None:
    reports = HERE / "fixtures" / "sos" / "newton"
    (cluster,) = audit_reports(reports).clusters
    names = [host.name for host in cluster.hosts]
    assert (len(names), bool(cluster.found)) == (3, True)
    (hidden,) = audit_reports([str(reports)], anonymize=True).clusters
    assert len(hidden.found) == len(cluster.found)
    assert not any(name in repr(hidden) for name in names)
    with pytest.raises(lwlint.ConfigurationError, match="`nowhere`"):
        audit_reports("nowhere")
    with pytest.raises(lwlint.ConfigurationError, match="wallabi"):
        audit_reports(reports, release="wallabi")
