"""What an edit costs in an editor: a text of the pike tree that is not saved is judged as `lwlint server` judges it.

It is run in a process of its own, on the lwlint that is installed there; it prints the processor time of an edit, and of judging all anew.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

# a template, one that others take in, roles, an environment, and the registry that all hangs on
EDITED = (
    "puppet/services/nova-api.yaml",
    "puppet/services/nova-base.yaml",
    "docker/services/nova-api.yaml",
    "roles_data.yaml",
    "environments/puppet-pacemaker.yaml",
    "overcloud-resource-registry-puppet.j2.yaml",
)


def main() -> None:
    """Print the milliseconds of the median edit and of the dearest file's, and of a judgement of the whole tree without anything kept."""
    from lwlint.cli.arguments import parse
    from lwlint.cli.server import Session, prepare

    session = Session(prepare(parse(["server", "--no-cache", "--no-config"])))
    session.judge()
    costs: dict[str, list[float]] = {}
    for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        for path in EDITED:
            with open(path, "rb") as file:
                session.texts[path] = b"# edit %d\n" % number + file.read()
            costs.setdefault(path, []).append(_cost(session.judge))
    edits = [statistics.median(each) for each in costs.values()]
    whole = _cost(Session(prepare(parse(["server", "--no-cache", "--no-config"]))).judge)
    print(f"{statistics.median(edits) * 1000:.1f} {max(edits) * 1000:.1f} {whole * 1000:.1f}")


def _cost(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
