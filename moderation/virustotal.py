"""VirusTotal, asked by hash: the client, what an answer means, and from how many engines on.

Nothing but a SHA-256 leaves the server: no file, no text, no name. Nothing is ever uploaded. What
VirusTotal does not know is unknown, which is not clean.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import orjson
from django.conf import settings

from moderation.scanners import Confidence, Finding, Severity

TIMEOUT_SECONDS: Final = 8
"""For one question, body included."""

BODY_LIMIT: Final = 4 * 1024 * 1024
"""An answer names each engine and each behaviour; real ones are some hundred kilobytes."""

MALICIOUS_FROM: Final = 5
"""So many engines that say “malicious” are no accident: of a harmless file, one or two err."""

SUSPICIOUS_FROM: Final = 2
"""So many engines with any objection are a reason to look; a single one is only noted."""

MOST_ENGINES: Final = 1_000

NOT_FOUND: Final = "NotFoundError"
_READ_BYTES: Final = 64 * 1024
_OK, _UNAUTHORIZED, _FORBIDDEN, _MISSING, _TOO_MANY = 200, 401, 403, 404, 429


class QuotaReached(Exception):
    """The key has used up its look-ups of this minute or day; ask again later."""


class KeyRefused(Exception):
    """VirusTotal does not accept `VT_API_KEY`; no question will be answered until it is mended."""


class Unavailable(Exception):
    """There was no answer, or none that can be read; ask again later."""


@dataclass(frozen=True, slots=True)
class Report:
    """What VirusTotal says of one hash. `engines` counts those that came to a result.

    Without one it is unknown there: never seen, or not examined yet.
    """

    malicious: int = 0
    suspicious: int = 0
    engines: int = 0

    @property
    def is_known(self) -> bool:
        return self.engines > 0

    @property
    def objections(self) -> int:
        return self.malicious + self.suspicious


UNKNOWN: Final = Report()


# --- What an answer means -------------------------------------------------------------------------


def finding_of(file: str, report: Report) -> Finding | None:
    """Return what the engines hold against a file ("" = the ZIP); None where nothing is said.

    Five engines that say “malicious” make it malicious, two objections of any kind suspicious;
    one is of severity low and flags nothing. The verdict follows from the findings as everywhere.
    """
    if report.malicious >= MALICIOUS_FROM:
        rule, attack_class = "vt.malicious", "known-malware"
        severity, confidence = Severity.CRITICAL, Confidence.HIGH
    elif report.objections >= SUSPICIOUS_FROM:
        rule, attack_class = "vt.suspicious", "antivirus-alarm"
        severity, confidence = Severity.MEDIUM, Confidence.MEDIUM
    elif report.objections:
        rule, attack_class = "vt.suspicious", "antivirus-alarm"
        severity, confidence = Severity.LOW, Confidence.LOW
    else:
        return None
    snippet = f"{report.objections} of {report.engines} engines"
    return Finding(rule, attack_class, severity, confidence, file, line=0, snippet=snippet)


def read_report(sha256: str, body: bytes) -> Report:
    """Return the report in an answer about this hash. Raises `Unavailable` for anything else."""
    try:
        data = orjson.loads(body)["data"]
        about, attributes = data["id"], data["attributes"]
        stats = attributes.get("last_analysis_stats") or {}
        said = {kind: _count(stats.get(kind, 0)) for kind in _RESULTS}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"The answer cannot be read: {type(error).__name__}") from error
    if about != sha256:
        raise Unavailable("The answer is about another file.")
    return Report(said["malicious"], said["suspicious"], sum(said.values()))


# Engines that timed out, failed or do not read the type have come to no result.
_RESULTS: Final = ("malicious", "suspicious", "undetected", "harmless")


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_ENGINES:
        raise ValueError(value)
    return value


# --- Asking ---------------------------------------------------------------------------------------


def is_on() -> bool:
    """Say whether this installation asks VirusTotal at all."""
    return bool(settings.VT_API_KEY)


class VirusTotal:
    """A connection to VirusTotal, for a `with` block; it is closed whatever happens.

    The library speaks asyncio; this runs it in a loop of its own, because the library would take
    the thread's and never close it, and because the database is read between two questions.
    """

    def __enter__(self) -> Self:
        # Some megabytes that no process needs that asks nothing.
        import vt

        self._runner = asyncio.Runner()

        async def connect() -> Any:
            # The client keeps the loop it is made in.
            return vt.Client(
                settings.VT_API_KEY,
                agent=f"Skillboard {settings.VERSION}",
                host=settings.VT_HOST,
                timeout=TIMEOUT_SECONDS,
            )

        try:
            self._client = self._runner.run(connect())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self._client.close_async())
        finally:
            self._runner.close()

    def look_up(self, sha256: str) -> Report:
        """Return what is known of a file with this hash.

        Raises `QuotaReached`, `KeyRefused`, or `Unavailable`.
        """
        import aiohttp

        try:
            status, body = self._runner.run(self._get(sha256))
        except (aiohttp.ClientError, OSError) as error:
            # A time-out is an OSError, too. Its own words may hold addresses; its kind is enough.
            raise Unavailable(f"There was no answer: {type(error).__name__}") from error
        if status == _OK:
            return read_report(sha256, body)
        code = _error_code(body)
        if status == _MISSING and code == NOT_FOUND:
            return UNKNOWN
        if status == _TOO_MANY:
            raise QuotaReached(code)
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            raise KeyRefused(f"VirusTotal refuses VT_API_KEY ({code or status}).")
        raise Unavailable(f"The answer was {status} {code}".strip())

    async def _get(self, sha256: str) -> tuple[int, bytes]:
        """Return status and body, read only as far as an answer may be long."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            response = await self._client.get_async("/files/{}", sha256)
            try:
                return response.status, await _bounded(response)
            finally:
                # Not to be used again when it was not read to its end.
                response.close()


async def _bounded(response: Any) -> bytes:
    body = bytearray()
    while chunk := await response.content.read_async(_READ_BYTES):
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Unavailable(f"The answer is longer than {BODY_LIMIT} bytes.")
    return bytes(body)


def _error_code(body: bytes) -> str:
    """Return the code of VirusTotal's own error; "" for the words of anybody between."""
    try:
        code = orjson.loads(body)["error"]["code"]
    except (KeyError, TypeError, ValueError):
        return ""
    return code[:60] if isinstance(code, str) and code.isascii() and code.isalnum() else ""
