"""A server that speaks as much of GitHub as signing in takes, over a real connection."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET = "invented-client", "invented-secret"


class GitHubServer(ThreadingHTTPServer):
    """Who is signed in there, and how it answers; `faults` names what goes wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.person: Any = {"id": 583231, "login": "octo-cat", "name": "Octo Cat"}
        self.fault = ""
        self.codes: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self.address = f"http://localhost:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: GitHubServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.server.asked.append(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/login/oauth/authorize":
            self._authorize(asked)
        elif address.path == "/user" and self.server.fault == "user":
            self._send(500, b"{}")
        elif address.path == "/user":
            token = self.headers.get("Authorization", "").removeprefix("token ")
            known = token in self.server.tokens
            self._send(200 if known else 401, json.dumps(self.server.person).encode())
        else:
            self._send(404, b"{}")

    def _authorize(self, asked: dict[str, str]) -> None:
        assert asked["client_id"] == CLIENT
        told = {"state": asked["state"]}
        if self.server.fault == "denied":
            told["error"] = "access_denied"
        else:
            told["code"] = secrets.token_hex(8)
            self.server.codes[told["code"]] = asked["code_challenge"]
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(told)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {name: values[0] for name, values in parse_qs(body).items()}
        verifier = hashlib.sha256(said["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        is_right = (said["client_id"], said["client_secret"]) == (CLIENT, SECRET)
        is_known = self.server.codes.pop(said["code"], None) == challenge
        if self.server.fault == "token":
            self._send(200, b"[1")
        elif not (is_right and is_known):
            self._send(200, json.dumps({"error": "bad_verification_code"}).encode())
        else:
            token = secrets.token_hex(8)
            self.server.tokens.add(token)
            self._send(200, json.dumps({"access_token": token, "scope": ""}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
