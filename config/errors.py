"""The one base of every error that a business rule raises on purpose."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal with a stable code and one sentence that tells the reader what to do next.

    Services and pure modules raise subclasses; views and the API turn them into a 4xx answer.
    No HTTP status lives here: the same refusal reaches commands and jobs.
    """

    code = "refused"
    # After how many seconds the same may be asked again, where time alone helps.
    retry_after: int | None = None

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code
