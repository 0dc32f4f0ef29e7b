"""Answers pip-audit in the place of OSV from a checkout of PyPA's advisory database, where the network has none.

`python .ci/advisories.py CHECKOUT COMMAND...` runs COMMAND with the address in OSV_URL, and exits as it does. The format:
https://ossf.github.io/osv-schema/.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from packaging.version import Version

Advisory = dict[str, Any]


def is_affected(advisory: Advisory, version: str) -> bool:
    """Return whether an advisory is about a version of its package."""
    return "withdrawn" not in advisory and any(_names(affected, version) for affected in advisory["affected"])


def _names(affected: Advisory, version: str) -> bool:
    ranges = (one for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM")
    return version in affected.get("versions", ()) or any(_holds(one["events"], Version(version)) for one in ranges)


def _holds(events: list[dict[str, str]], version: Version) -> bool:
    inside = False
    for event in events:
        for name, value in event.items():
            if name == "introduced":
                inside = inside or value == "0" or version >= Version(value)
            elif name == "fixed":
                inside = inside and version < Version(value)
            elif name == "last_affected":
                inside = inside and version <= Version(value)
    return inside


def advisories(checkout: Path, package: str) -> list[Advisory]:
    """Return the advisories on a package; times stay text."""
    folder = checkout / "vulns" / re.sub(r"[-_.]+", "-", package).lower()
    return [yaml.load(file.read_bytes(), Loader=yaml.BaseLoader) for file in sorted(folder.glob("*.yaml"))]


def main(checkout: Path, command: list[str]) -> int:
    """Serve while the command runs."""
    if not (checkout / "vulns").is_dir():
        print(f"{checkout}: there is no folder `vulns` here; name a checkout of github.com/pypa/advisory-database", file=sys.stderr)
        return 2

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = [each for each in advisories(checkout, asked["package"]["name"]) if is_affected(each, asked["version"])]
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each question."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return subprocess.run(command, env={**os.environ, "OSV_URL": f"http://127.0.0.1:{server.server_port}/"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
