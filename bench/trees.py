"""How many findings of each rule there are on releases of tripleo-heat-templates: the table of docs/field.md.

usage: python -m bench.trees GIT_DIRECTORY [REVISION ...]
GIT_DIRECTORY is a clone of openstack/tripleo-heat-templates; without revisions the 13 of the table are counted.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter

RELEASES = (
    "liberty-eol", "mitaka-eol", "newton-eol", "origin/stable/ocata", "origin/stable/pike", "origin/stable/queens", "origin/stable/rocky",
    "origin/stable/stein", "origin/stable/train", "origin/stable/ussuri", "origin/stable/victoria", "14.0.0", "origin/master",
)  # fmt: skip


def count(git: str, revision: str) -> Counter[str]:
    """Return the number of findings of each code in the tree of one revision."""
    tar = subprocess.run(["git", "--git-dir", git, "archive", revision], capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as tree:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            archive.extractall(tree, filter="data")
        words = [sys.executable, "-m", "lwlint", "check", "--no-config", "--no-cache", "--format", "json", "."]
        answer = subprocess.run(words, cwd=tree, capture_output=True, check=False)
    return Counter(finding["code"] for finding in json.loads(answer.stdout)["findings"])


def main() -> None:
    """Print a line for each revision, then the sums of each rule."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    total: Counter[str] = Counter()
    for revision in sys.argv[2:] or RELEASES:
        found = count(sys.argv[1], revision)
        total += found
        print(f"{revision:24} {found.total():5}", *(f"{code} {number}" for code, number in sorted(found.items())), flush=True)
    print(f"{'all':24} {total.total():5}", *(f"{code} {number}" for code, number in sorted(total.items())))


if __name__ == "__main__":
    main()
