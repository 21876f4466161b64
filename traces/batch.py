"""A batch of messages as the client sends it: read, checked, cleaned, hashed, redacted. Pure.

A message is compared by a hash of what was received, before redaction, so that an unchanged one
costs no redaction and no write; the redactor's version is part of the hash, so that a new rule
reaches messages the next time they are sent.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson

from config.bodies import BodyRefused
from config.errors import DomainError
from traces import redaction
from traces.wrappers import is_wrapper

MAX_MESSAGES: Final = 1_000
MAX_PARTS: Final = 100
MAX_MESSAGE_CHARACTERS: Final = 512 * 1024
MAX_ID: Final = 255
MAX_NAME: Final = 128
MAX_ROLE: Final = 32
MAX_POSITION: Final = 2**31 - 1
MAX_TIME: Final = 253_402_300_799_000  # the end of the year 9999, in milliseconds
MAX_DIGITS: Final = 18
_ESCAPED: Final = (b"\\u0000", b"\\ud", b"\\uD")


class MessageInvalid(DomainError):
    code = "message_invalid"


class MessageTooLarge(DomainError):
    code = "message_too_large"


@dataclass(frozen=True)
class Received:
    """One message as it was received, cleaned of what no table can store."""

    external_id: str
    position: int
    role: str
    model: str
    text: str | None
    parts: list[dict[str, Any]]
    sent_at: int
    json: bytes
    """`[role, position, model, text, parts]` with sorted keys."""

    @cached_property
    def content_hash(self) -> bytes:
        """Return the hash of what was received and of the redactor's version."""
        hashed = hashlib.blake2b(self.json, digest_size=16, person=_PERSON)
        return hashed.digest()


_PERSON: Final = f"redactor {redaction.VERSION}".encode()


def read_json(raw: bytes) -> Any:
    """Return the value of a request's body; NUL and lone surrogates in it become U+FFFD.

    Raises `BodyRefused`.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _read_slowly(raw)
    # Only an escape can have brought a NUL.
    return redaction.clean_value(value) if _ESCAPED[0] in raw else value


def _read_slowly(raw: bytes) -> Any:
    """Read what the fast parser refuses: lone surrogates, and whatever is no JSON at all."""
    refusal = BodyRefused("The body is no JSON, or was cut off on its way.")
    if not any(escape in raw for escape in _ESCAPED):
        raise refusal
    try:
        value = json.loads(raw, parse_int=_bounded_number, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        raise refusal from None
    return redaction.clean_value(value)


def _bounded_number(digits: str) -> float:
    # What is longer could be no number of JSON's writer; a float holds any length.
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def milliseconds_now() -> int:
    """Return the time as the contract writes it."""
    return time.time_ns() // 1_000_000


def read_batch(body: Any) -> list[Received]:
    """Return the messages of a batch; of those with the same id the last one counts.

    Raises `MessageInvalid`, `MessageTooLarge`; nothing of a batch is stored then.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list):
        raise MessageInvalid("Send {“messages”: [ … ]}.", field="messages")
    if len(messages) > MAX_MESSAGES:
        raise MessageInvalid(f"Send at most {MAX_MESSAGES} messages at once.", field="messages")
    now = milliseconds_now()
    read = (read_message(message, now, f"messages[{n}]") for n, message in enumerate(messages))
    return list({message.external_id: message for message in read}.values())


def read_message(message: Any, now: int, field: str, external_id: str | None = None) -> Received:
    """Return one message; `now` stands for a time it does not tell.

    Raises `MessageInvalid`, `MessageTooLarge`.
    """
    if not isinstance(message, dict):
        raise MessageInvalid("A message is an object.", field=field)
    if external_id is None:
        external_id = _text(message, "externalId", MAX_ID, field)
    role = _text(message, "role", MAX_ROLE, field)
    position = _number(message, "order", field, most=MAX_POSITION, default=None)
    sent_at = _number(message, "timestamp", field, most=MAX_TIME, default=now)
    model = message.get("model")
    if not isinstance(model, str | None):
        raise MessageInvalid("model is text.", field=f"{field}.model")
    text = message.get("textContent")
    if not isinstance(text, str | None):
        raise MessageInvalid("textContent is text.", field=f"{field}.textContent")
    parts = _parts(message.get("parts"), field)
    model = (model or "")[:MAX_NAME]
    try:
        whole = orjson.dumps([role, position, model, text, parts], option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        raise MessageInvalid("Its parts are nested too deeply.", field=f"{field}.parts") from None
    _check_size(whole, text, external_id)
    return Received(external_id, position, role, model, text, parts, sent_at, whole)


def _check_size(whole: bytes, text: str | None, external_id: str) -> None:
    # The text stands in the parts again: clients measure it once, as JSON, where a line break is
    # two characters. They count bytes, which are never fewer.
    if len(whole) <= MAX_MESSAGE_CHARACTERS:
        return
    if len(whole.decode()) - len(orjson.dumps(text).decode()) > MAX_MESSAGE_CHARACTERS:
        raise MessageTooLarge(
            f"The message {external_id} is larger than {MAX_MESSAGE_CHARACTERS // 1024} KiB;"
            " shorten it and share again.",
            field="messages",
        )


def _text(message: dict[str, Any], name: str, most: int, field: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise MessageInvalid(
            f"{name} is a text of 1 to {most} characters.", field=f"{field}.{name}"
        )
    return value


def _number(
    message: dict[str, Any], name: str, field: str, *, most: int, default: int | None
) -> int:
    value = message.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MessageInvalid(f"{name} is a whole number from 0 to {most}.", field=f"{field}.{name}")
    return value


def _parts(parts: Any, field: str) -> list[dict[str, Any]]:
    """Return the parts, each with a type and an object: the client reads no other shape back."""
    if parts is None:
        return []
    if not isinstance(parts, list) or len(parts) > MAX_PARTS:
        raise MessageInvalid(
            f"parts is a list of at most {MAX_PARTS} objects.", field=f"{field}.parts"
        )
    for n, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or not 0 < len(kind) <= MAX_ROLE:
            raise MessageInvalid("A part has a type.", field=f"{field}.parts[{n}].type")
        content = part.setdefault("content", {})
        if content is None:
            part["content"] = {}
        elif not isinstance(content, dict):
            raise MessageInvalid("content is an object.", field=f"{field}.parts[{n}].content")
    return parts


# --- What is stored ------------------------------------------------------------------------------


def stored_rows(messages: Sequence[Received]) -> bytes:
    """Return the rows of `sql/upsert_messages.sql` as one JSON text, redacted."""
    # One look at all of them costs a quarter of a look at each.
    is_clean = not redaction.may_hold_secret(b"\n".join(message.json for message in messages))
    return orjson.dumps([stored_row(message, is_clean=is_clean) for message in messages])


def stored_row(message: Received, *, is_clean: bool = False) -> dict[str, Any]:
    """Return one message as the table holds it; `is_clean` says that no rule can match it."""
    text, parts, model = message.text, message.parts, message.model
    taken: list[redaction.Redaction] = []
    if not is_clean and redaction.may_hold_secret(message.json):
        if text is not None:
            text, found = redaction.redact_text(text, "textContent")
            taken += found
        parts, found = redaction.redact_value(parts, "parts")
        taken += found
        model, found = redaction.redact_text(model, "model")
        taken += found
    return {
        "external_id": message.external_id,
        "position": message.position,
        "role": message.role,
        "kind": kind_of(message.role, parts, text),
        "tool": tool_of(parts),
        "model": model,
        "text": text,
        "parts": parts,
        "redactions": [[r.rule, r.place, r.times] for r in taken],
        "sent_at": message.sent_at,
        "content_hash": message.content_hash.hex(),
    }


# The weightiest part decides what a message of several parts is.
_KIND_OF_PART: Final = {
    "error": "error",
    "tool_result": "tool_result",
    "tool_call": "tool_call",
    "thinking": "thinking",
}


def kind_of(role: str, parts: list[dict[str, Any]], text: str | None) -> str:
    """Return what a message is to its reader: a value of `traces.models.Kind`."""
    types = {part["type"]: part["content"] for part in reversed(parts)}
    for part, kind in _KIND_OF_PART.items():
        if part not in types or (part == "thinking" and "text" in types):
            continue
        failed = kind == "tool_result" and types[part].get("status") == "error"
        return "tool_error" if failed else kind
    if role == "user":
        said = text or _text_of(types)
        return "wrapper" if said and is_wrapper(said) else "user"
    if role == "assistant" and ("text" in types or text or not types):
        return "assistant"
    return "other"


def _text_of(types: dict[str, dict[str, Any]]) -> str:
    said = types.get("text", {}).get("text")
    return said if isinstance(said, str) else ""


def tool_of(parts: list[dict[str, Any]]) -> str:
    """Return the name of the first tool that is called or answers, "" without one."""
    for part in parts:
        name = part["content"].get("toolName")
        if part["type"] in {"tool_call", "tool_result"} and isinstance(name, str):
            return name[:MAX_NAME]
    return ""
