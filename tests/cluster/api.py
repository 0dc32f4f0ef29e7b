"""Stands in for a service of OpenStack: it answers each request over HTTP with its own name and process. Usage: api.py NAME PORT"""

from __future__ import annotations

import http.server
import os
import socket
import sys

NAME, PORT = sys.argv[1], int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{NAME} {socket.gethostname()} {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


Server(("", PORT), Handler).serve_forever()
