"""Inside a cell: tell HAProxy whether a node of Galera may be sent to, on port 9200 (`python3 -m lab.member ADDRESS`).

It is what the check of the clusters does that Red Hat and Ubuntu set up: 200 for a member that is in step, 503 for all else.
"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pymysql

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"


LOCK = threading.Lock()


class Answer(BaseHTTPRequestHandler):
    """An answer to any request."""

    kept: pymysql.Connection | None = None  # one connection for all checks, so that a database that is full does not fail them

    def do_OPTIONS(self) -> None:  # which HAProxy asks with
        """Answer by what the node says of itself."""
        with LOCK:
            good = self._good()
        self.send_response(200 if good else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _good(self) -> bool:
        try:
            if Answer.kept is None:
                Answer.kept = pymysql.connect(host=ADDRESS, port=3306, user="check", password="check", connect_timeout=2, read_timeout=3)
            with Answer.kept.cursor() as cursor:
                cursor.execute("show status like 'wsrep_local_state'")
                good = cursor.fetchall()[0][1] == "4"
                cursor.execute("show status like 'wsrep_ready'")
                return bool(good and cursor.fetchall()[0][1] == "ON")
        except Exception:
            Answer.kept = None
            return False

    do_GET = do_OPTIONS

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of it."""


if __name__ == "__main__":
    ThreadingHTTPServer((ADDRESS, 9200), Answer).serve_forever()
