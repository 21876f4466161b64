"""A small server that speaks like OpenAI's: the demo's model, and the tests' with scripted faults.

It derives title and summary from what the person asked first. It is no model: pages that show what
it wrote say so.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final

from traces.prices import DEMO_MODEL

BYTES_PER_TOKEN: Final = 4
TITLE_WORDS: Final = 9
LINE_LENGTH: Final = 200
MOST_BODY: Final = 1024 * 1024
FOREVER: Final = 3600.0
_ASKED: Final = re.compile(r"^Person: (.+)", re.MULTILINE)
_ANSWERED: Final = re.compile(r"^Agent: (.+)", re.MULTILINE)

Script = Callable[[int], str]
"""Which fault the n-th request meets (from 0); "" for none. The words are those of `_FAULTS`."""


def summarize(prompt: str) -> dict[str, str]:
    """Return a title and a summary of what stands in a prompt, by its first request."""
    asked = _ASKED.findall(prompt)
    answered = _ANSWERED.findall(prompt)
    first = asked[0][:LINE_LENGTH] if asked else "Session without a request"
    title = " ".join(first.split()[:TITLE_WORDS]).rstrip(".,;:")
    last = answered[-1][:LINE_LENGTH] if answered else "no answer yet"
    return {
        "title": title,
        "summary": f"Asked was: {first} The agent's last words: {last} "
        f"({len(asked)} requests, {len(answered)} answers read.)",
    }


class ModelServer(ThreadingHTTPServer):
    """Answers `/v1/chat/completions`; keeps what it was sent, for tests to look at."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int = 0, *, script: Script = lambda _n: "", delay: float = 0.0
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script = script
        self.delay = delay
        self.complete = completion
        self.keeps = False
        self.received: list[dict[str, Any]] = []
        self.calls = 0
        self.lock = Lock()

    @property
    def address(self) -> str:
        """Return what `OPENAI_BASE_URL` is to be."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def prompts(self) -> str:
        """Return all text that was sent to it."""
        return "\n".join(
            message["content"] for body in self.received for message in body["messages"]
        )


@contextmanager
def serving(**told: Any) -> Iterator[ModelServer]:
    """Run a server in a thread for a `with` block, and keep what it is sent."""
    server = ModelServer(**told)
    server.keeps = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: a line per call is of no use in the demo's terminal."""

    def do_GET(self) -> None:
        """Say which models there are: who starts it learns that it answers."""
        self.answer(200, {"object": "list", "data": [{"id": DEMO_MODEL, "object": "model"}]})

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), MOST_BODY)
        body = json.loads(self.rfile.read(length))
        with self.server.lock:
            n = self.server.calls
            self.server.calls += 1
            if self.server.keeps:
                self.server.received.append(body)
        time.sleep(self.server.delay)
        fault = self.server.script(n)
        if fault in _BROKEN:
            _BROKEN[fault](self)
        elif fault in _REFUSALS:
            status, code, headers = _REFUSALS[fault]
            error = {"message": "Scripted.", "type": "scripted", "code": code}
            self.answer(status, {"error": error}, headers)
        else:
            told = self.server.complete(body)
            if fault:
                _ANSWERS[fault](told)
            self.answer(200, told)

    def answer(self, status: int, told: Any, headers: dict[str, str] | None = None) -> None:
        """Send JSON, or a page where `told` is bytes."""
        raw = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        kind = "text/html" if isinstance(told, bytes) else "application/json"
        sent = {"content-type": kind, "x-request-id": "req_demo", **(headers or {})}
        for name, value in {**sent, "content-length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request, as OpenAI's server would write it."""
    prompt = "\n".join(message["content"] for message in body["messages"])
    content = json.dumps(summarize(prompt))
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content, "refusal": None},
            }
        ],
        "usage": {
            "prompt_tokens": len(prompt.encode()) // BYTES_PER_TOKEN,
            "completion_tokens": len(content.encode()) // BYTES_PER_TOKEN,
            "total_tokens": (len(prompt.encode()) + len(content.encode())) // BYTES_PER_TOKEN,
        },
    }


# --- Faults ---------------------------------------------------------------------------------------


def _hang(_handler: _Handler) -> None:
    time.sleep(FOREVER)


def _trickle(handler: _Handler) -> None:
    """Send a byte now and then, so that no single read ever takes long."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    # Whoever asked hangs up some time.
    with suppress(ConnectionError):
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    handler.close_connection = True


def _drop(handler: _Handler) -> None:
    handler.close_connection = True
    handler.connection.close()


def _page(handler: _Handler) -> None:
    handler.answer(200, b"<html><body>We will be back soon.</body></html>")


_BROKEN: Final[dict[str, Callable[[_Handler], None]]] = {
    "timeout": _hang,
    "trickle": _trickle,
    "dropped": _drop,
    "html": _page,
}
_REFUSALS: Final[dict[str, tuple[int, str | None, dict[str, str]]]] = {
    "rate_limited": (429, "rate_limit_exceeded", {"retry-after": "3600"}),
    "quota": (429, "insufficient_quota", {}),
    "error": (500, None, {}),
    "gateway": (504, None, {}),
    "key": (401, "invalid_api_key", {}),
    "model": (404, "model_not_found", {}),
    "bad_request": (400, "invalid_value", {}),
    "too_long": (400, "context_length_exceeded", {}),
}


def _choice(told: dict[str, Any]) -> dict[str, Any]:
    choice: dict[str, Any] = told["choices"][0]
    return choice


def _truncate(told: dict[str, Any]) -> None:
    _choice(told)["finish_reason"] = "length"
    _choice(told)["message"]["content"] = '{"title": "Half a'


def _filter(told: dict[str, Any]) -> None:
    _choice(told)["finish_reason"] = "content_filter"
    _choice(told)["message"]["content"] = None


def _refuse(told: dict[str, Any]) -> None:
    _choice(told)["message"].update(content=None, refusal="I would rather not.")


def _misshape(told: dict[str, Any]) -> None:
    _choice(told)["message"]["content"] = '{"headline": ["no title"]}'


def _hide_usage(told: dict[str, Any]) -> None:
    del told["usage"]


def _empty(told: dict[str, Any]) -> None:
    told["choices"] = []


_ANSWERS: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "truncated": _truncate,
    "filtered": _filter,
    "refusal": _refuse,
    "wrong_shape": _misshape,
    "no_usage": _hide_usage,
    "empty": _empty,
}
