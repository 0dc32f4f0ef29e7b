"""The outline of a Heat file is plain, whole, and the same wherever the file lies."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from lwlint.core.source import Source
from lwlint.inputs.heat.outline import Outline, Parameters, Refusal, as_plain, from_plain, outline
from tests.inputs.heat.heat_findings import findings, template
from tests.shared import shared

CONNECTED = template("nova::database_connection: mysql://x\nnova::db::database_max_retries: 5")
BROKEN = "resources: [\n"


def sources() -> list[Source]:
    tree = shared("corpus/tht/pike")
    return [Source(str(path), path.read_text("utf-8"), "heat") for path in sorted(Path(tree).rglob("*.yaml"))]


def test_an_outline_survives_being_made_plain() -> None:
    kinds: set[object] = set()
    for source in (*sources(), Source("broken.yaml", BROKEN, "heat")):
        found = outline(source, Parameters())
        kinds.add(type(found) if isinstance(found, Refusal) else found.form)
        assert from_plain(marshal.loads(marshal.dumps(as_plain(found), 2))) == found
    assert kinds == {"template", "environment", "roles", "other", Refusal}


@pytest.mark.parametrize("text", [CONNECTED, BROKEN, "", "resource_registry: {OS::TripleO::Services::Pacemaker: a.yaml}\n"])
def test_an_outline_does_not_depend_on_the_path(text: str) -> None:
    first, second = (outline(Source(path, text, "heat"), Parameters()) for path in ("a.yaml", "puppet/services/pacemaker/nova-api.yaml"))
    assert first == second
    assert isinstance(first, Refusal if text == BROKEN else Outline)


def test_equal_files_are_told_apart() -> None:
    files = {"a/x.yaml": CONNECTED, "b/x.yaml": CONNECTED, "c.yaml": BROKEN, "d.yaml": BROKEN}
    assert findings(files, "LW404", "LW901") == ["LW404 a/x.yaml:6", "LW404 b/x.yaml:6", "LW901 c.yaml:2", "LW901 d.yaml:2"]
