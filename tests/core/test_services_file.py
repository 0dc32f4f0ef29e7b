"""What the loader of `rules/services.yaml` refuses."""

from __future__ import annotations

import pytest

from lwlint.core.catalogue import load
from lwlint.core.finding import ConfigurationError


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("core: {a: {unit: x}}\n", "s.yaml:1:12: `unit`: unknown key; did you mean `units`?"),
        ("cores: {}\n", "s.yaml:1:1: `cores`: unknown key; did you mean `core`?"),
        ("core:\n  a:\n    units: [x]\n", "s.yaml:3:12: `units` must be words with blanks between"),
        ("core:\n  a: {releases: mitaak..}\n", "s.yaml:2:17: `mitaak`: unknown release; did you mean `mitaka`?"),
        ("core:\n  a: {in_spec: maybe}\n", "s.yaml:2:16: `in_spec` must be `true` or `false`"),
        ("core:\n  a: {databases: nova}\n", "s.yaml:2:18: `nova`: unknown database"),
        ("core:\n  a: {units: x}\n  b: {units: y x}\n", "s.yaml:3:14: `x` belongs to `a` already"),
        ("core:\n  a: {aliases: Nova}\n  b: {aliases: NOVA}\n", "s.yaml:3:16: `os::tripleo::services::nova` belongs to `a` already"),
        (
            "core:\n  a: {pacemaker: {agents: 'ocf:x:y'}}\n  b:\n    pacemaker: {agents: 'ocf:x:y'}\n",
            "s.yaml:4:25: `ocf:x:y` belongs to `a` already",
        ),
        ("core: {a: {}}\nactive_active: {a: {}}\n", "s.yaml:2:17: `a` is listed under two kinds"),
        ("core: {a: {units: x, units: y}}\n", "s.yaml:1:22: key `units` is set twice"),
        ("core: {a: {pacemaker: {agents_with_id: 'ocf:x:y'}}}\n", "s.yaml:1:40: `ocf:x:y` must be `AGENT=ID`"),
        ("databases: {a: {connection: x}}\n", "s.yaml:1:16: `section` is missing"),
    ],
)
def test_a_mistake_in_the_catalogue_is_refused_at_its_place(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(text, "s.yaml")
    assert str(refused.value) == complaint
