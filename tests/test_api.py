"""`lwlint.check`, as programs call it."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for path in (Path("d", "nova.conf"), Path("other.conf")):
        path.parent.mkdir(exist_ok=True)
        path.write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    return tmp_path


def test_one_path_is_as_good_as_several_and_is_not_taken_apart(folder: Path) -> None:
    forms = ("d", Path("d"), ["d"], (Path("d"),), iter(["d"]), {"d"}, folder / "d")
    assert [[f.span.path for f in lwlint.check(form, select="LW301").findings] for form in forms] == [
        *([["d/nova.conf"]] * 6),
        [f"{folder}/d/nova.conf"],
    ]
    assert len(lwlint.check(["d", Path("other.conf")], select=["LW301"]).findings) == 2


def test_environments_folders_of_rules_and_codes_are_taken_alike(folder: Path) -> None:
    Path("env.yaml").write_text("parameter_defaults: {}\n")
    Path("rules").mkdir()
    for form in ("env.yaml", Path("env.yaml"), [Path("env.yaml")]):
        assert "env.yaml" in lwlint.check("d", environments=form).sources
    for rules in ("rules", Path("rules"), ["rules"]):
        with pytest.raises(lwlint.core.finding.ConfigurationError, match="rules"):
            lwlint.check("d", rules=rules)
    assert lwlint.check("d", select="LW3", ignore="LW301").findings == ()


def test_a_path_with_nothing_in_it_is_refused(folder: Path) -> None:
    for asked in ({"paths": ""}, {"paths": [""]}, {"environments": ""}, {"rules": ""}, {"select": [""]}):
        with pytest.raises(lwlint.core.finding.ConfigurationError, match="names nothing"):
            lwlint.check(**{"paths": folder, **asked})  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [b"d", [b"d"], 3, [None], None])
def test_what_is_no_path_is_refused(wrong: object, folder: Path) -> None:
    with pytest.raises(TypeError):
        lwlint.check(wrong)  # type: ignore[arg-type]
