"""Values that `map_replace` puts in the place of words: those of a role's own parameters are known in a deployment only."""

from __future__ import annotations

import pytest

from lwlint.inputs.heat.facts import HieraKey
from tests.inputs.heat.heat_findings import facts

HEAD = """heat_template_version: queens
parameters:
  Retries: {type: number, default: -1}
resources:
  Values:
    type: OS::Heat::Value
    properties:
      type: json
      value:
        map_replace:
"""
TAIL = """outputs:
  role_data:
    value:
      config_settings:
        map_merge:
          - get_attr: [Values, value]
"""
OF_ROLE = """          - map_replace:
            - cinder::db::database_max_retries: %s
            - values: {get_param: [RoleParameters]}
"""
PLAIN = "          - cinder::db::database_max_retries: %s\n"
LAST = "          - values: {Retries: %s}\n"


@pytest.mark.parametrize(
    ("inner", "outer", "values"),
    [
        (PLAIN % "Retries", LAST % "{get_param: Retries}", ("-1",)),
        (PLAIN % "Retries", LAST % 10, ("10",)),
        (PLAIN % "-1", LAST % 10, ("-1",)),
        (OF_ROLE % "-1", LAST % 10, ("-1",)),
        (OF_ROLE % "Retries", LAST % "{get_param: Retries}", None),  # the role may have a value of its own
        (PLAIN % "Retries", "          - keys: {x: y}\n", ("Retries",)),
    ],
)
def test_a_word_stands_for_what_replaces_it(inner: str, outer: str, values: tuple[str, ...] | None) -> None:
    (key,) = [one for one in facts({"x.yaml": HEAD + inner + outer + TAIL}, "hiera_key") if isinstance(one, HieraKey)]
    assert (key.name, key.values) == ("cinder::db::database_max_retries", values)
