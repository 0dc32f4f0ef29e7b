"""What is asked of a template (LW404, LW405) is asked of the option file too (LW301), for every service and release."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint
from lwlint.run import load_catalogue

TRIPLEO = ("liberty", "mitaka", "newton", "ocata", "pike", "queens", "rocky", "stein", "train", "ussuri", "victoria", "wallaby")


def write(root: Path) -> set[str]:
    """Write an option file for each module, and a template for each key of a connection; return the modules."""
    files: dict[str, str] = {}
    modules = set()
    for service in load_catalogue().services:
        for database in service.databases:
            for key in database.connection_keys:
                module = key.partition("::")[0]
                modules.add(module)
                path = f"etc/{module}/{module}.conf"
                lines = f"[{database.section}]\n{database.option} = mysql+pymysql://u@192.0.2.5/{module}\n"
                if lines not in files.get(path, ""):
                    files[path] = files.get(path, "") + lines
                template = f"puppet/services/{module}-{key.replace('::', '_')}.yaml"
                files[template] = (
                    f"heat_template_version: newton\noutputs:\n  role_data:\n    value:\n      service_name: {module}\n"
                    f"      config_settings:\n        {key}: mysql://u@192.0.2.5/x\n"
                )
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return modules


@pytest.mark.parametrize("release", TRIPLEO)
def test_templates_and_option_files_are_asked_for_the_same_retries(release: str, tmp_path: Path) -> None:
    modules = write(tmp_path)
    asked = {}
    for folder, codes in (("etc", ["LW301"]), ("puppet", ["LW404", "LW405"])):
        report = lwlint.check([tmp_path / folder], select=codes, release=release)
        words = {
            word
            for finding in report.findings
            if folder == "etc" or finding.severity != "note"  # of what has no unlimited value nothing is asked: it is told
            for word in finding.span.path.replace("-", "/").split("/")
        }
        asked[folder] = words & modules
    assert asked["etc"] == asked["puppet"]
    assert "nova" in asked["etc"]
    assert ("aodh" in asked["etc"]) is (TRIPLEO.index(release) < TRIPLEO.index("ocata"))
    assert ("ceilometer" in asked["etc"]) is (TRIPLEO.index(release) < TRIPLEO.index("queens"))
    assert asked["etc"].isdisjoint({"barbican", "zaqar", "vitrage"})


@pytest.mark.parametrize("release", TRIPLEO)
def test_what_has_no_unlimited_value_is_told_once_for_templates_and_mended_by_nothing(release: str, tmp_path: Path) -> None:
    write(tmp_path)
    folder = tmp_path / "puppet/services"
    (folder / "barbican-again.yaml").write_text(next(folder.glob("barbican-*.yaml")).read_text())
    notes = [one for one in lwlint.check([tmp_path / "puppet"], select=["LW404"], release=release).findings if one.severity == "note"]
    ended = ["aodh"] * (TRIPLEO.index(release) >= TRIPLEO.index("ocata"))
    assert [one.span.path.rpartition("/")[2].partition("-")[0] for one in notes] == [*ended, "barbican"]
    assert all(one.fix is None and "No setting of the template helps" in one.remedy for one in notes)
