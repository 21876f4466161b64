"""Which part of a page a request wants."""

from __future__ import annotations

from django.http import HttpRequest


def wants_partial(request: HttpRequest) -> bool:
    """Say whether htmx asks for a region of the page only; going Back asks for all of it.

    Answers that differ by this send `Vary: HX-Request, HX-Request-Type`.
    """
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Request-Type") == "partial"
        and "HX-History-Restore-Request" not in headers
    )
