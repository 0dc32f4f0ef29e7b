"""What Heat and its client make of templates and environments: run by a Python that has both, one JSON document in each line.

A line `{"registry": [path, ...], "by": "client", "types": [...]}` is answered by where each type leads to with these environments;
a line `{"template": {...}, "environment": {...}, "value": ...}` by what a value is in a stack of that template, or by why there is none.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def registry(paths: list[str], by: str, types: list[str]) -> dict[str, str | None]:
    """Return where each type leads to; None where Heat knows no such type."""
    from heat.common import environment_util, exception
    from heat.engine.environment import Environment
    from heatclient.common.template_utils import process_multiple_environments_and_files

    tracker: list[str] | None = [] if by == "heat" else None
    files, merged = process_multiple_environments_and_files(env_paths=paths, env_list_tracker=tracker)
    if tracker is not None:
        merged = {"parameters": {}, "parameter_defaults": {}, "resource_registry": {}, "event_sinks": [], "encrypted_param_names": []}
        environment_util.merge_environments(tracker, files, merged, {})
    found: dict[str, str | None] = {}
    for one in types:
        try:
            found[one] = Environment(copy.deepcopy(merged)).registry.get_resource_info(one).value
        except exception.EntityNotFound:
            found[one] = None
        if found[one] is not None and not isinstance(found[one], str):
            found[one] = one if one.startswith("OS::Heat::") else "OS::Heat::None"
    return found


def value(template: dict[str, Any], environment: dict[str, Any], of: Any) -> dict[str, Any]:
    """Return `{"is": ...}`, or `{"fails": ...}`."""
    from heat.common.context import RequestContext
    from heat.engine import function
    from heat.engine.environment import Environment
    from heat.engine.stack import Stack
    from heat.engine.template import Template

    context = RequestContext(project_id="p", user_id="u", username="n", roles=[], is_admin=False, auth_token="x")
    try:
        made = Template(template, env=Environment(environment))
        stack = Stack(context, "x", made, stack_id="1", stack_user_project_id="p", use_stored_context=False)
        parsed = made.parse(stack.defn, of)
        function.validate(parsed)
        return {"is": function.resolve(parsed)}
    except Exception as error:
        return {"fails": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answer line by line."""
    from heat.engine import resources
    from oslo_config import cfg

    cfg.CONF([], project="heat")
    resources.initialise()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = (
            registry(asked["registry"], asked["by"], asked["types"])
            if "registry" in asked
            else value(asked["template"], asked["environment"], asked["value"])
        )
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
