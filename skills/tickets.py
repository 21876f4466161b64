"""Files sent ahead of their version: a ticket each, the bytes, and what a publish takes of them.

A ticket belongs to one person and one content, lives for an hour, and is good for one version. It
is used in the transaction of that version (`use`), so of two publishes with one ticket one wins,
and a killed one has used none. The content is kept by hash like all other; what no version took is
swept with the rest (`skills.blobs.sweep`), whose day of grace is longer than a ticket's hour.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, Final, cast

from django.db.models import Count, Sum
from django.utils import timezone

from accounts.models import User
from config.bodies import Readable
from config.errors import DomainError
from skills import blobs
from skills.bundle import Bundle, BundleFile, read_parts
from skills.models import UploadTicket
from skills.packing import SPOOL_BYTES, Borrowed
from skills.paths import (
    MAX_FILE_BYTES,
    MAX_FILES,
    check_path,
    file_too_large,
    is_junk,
    quoted,
    too_many_files,
)

LIFE: Final = timedelta(hours=1)
# What one person may have under way: several whole skills.
MAX_OPEN_TICKETS: Final = 5_000
MAX_OPEN_BYTES: Final = 500 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_KEY_LENGTH: Final = 43
_DROPPED: Final = 5_000


class FileDeclared(DomainError):
    """A size or a hash that no file has."""

    code = "file_invalid"


class TicketRefused(DomainError):
    """No ticket of this person's that is still good; the sentence says why."""

    code = "ticket_invalid"


class TooManyTickets(DomainError):
    code = "too_many_tickets"


class UploadTooLarge(DomainError):
    code = "upload_too_large"


class UploadDiffers(DomainError):
    """The bytes are not those that the ticket was asked for."""

    code = "upload_differs"


@dataclass(frozen=True)
class Claim:
    """What the last call of a publish says of a file that was sent ahead."""

    path: str
    size_bytes: int
    sha256: str
    ticket: str
    # The name that the upload was answered with; "" where the client leaves it out.
    storage_id: str = ""


def storage_id(sha256: str) -> str:
    """Return the name that a client keeps of uploaded content."""
    return f"st_{sha256}"


def open_ticket(*, user: User, path: str, size_bytes: int, sha256: str) -> UploadTicket:
    """Give leave to send one file. Raises `BundleRefused`, `FileDeclared`, `TooManyTickets`.

    Asked twice, it gives two tickets; the one that is not used expires.
    """
    if not is_junk(path):
        check_path(path)
    _check_declared(path, size_bytes, sha256)
    _refuse_more(user, 1, size_bytes)
    ticket = _ticket(user, size_bytes, sha256)
    ticket.save()
    return ticket


def send_ahead(*, user: User, bundle: Bundle) -> list[Claim]:
    """Keep the files of a bundle under tickets, as if a client had sent them; return their claims.

    Three statements, however many files. Killed, it leaves content for the sweep or tickets that
    expire. Raises `TooManyTickets`.
    """
    _refuse_more(user, len(bundle.files), bundle.size_bytes)
    blobs.store(bundle.files)
    made = [_ticket(user, file.size_bytes, file.sha256) for file in bundle.files]
    for ticket in made:
        ticket.uploaded_at = timezone.now()
    UploadTicket.objects.bulk_create(made)
    return [
        Claim(file.path, file.size_bytes, file.sha256, ticket.key, storage_id(file.sha256))
        for file, ticket in zip(bundle.files, made, strict=True)
    ]


def _refuse_more(user: User, count: int, size_bytes: int) -> None:
    """Raise `TooManyTickets` for a person who has as much under way as one may have.

    Without a lock: two at once may pass the limit by what one sends, which harms nobody.
    """
    mine = UploadTicket.objects.filter(
        user=user, expires_at__gt=timezone.now(), used_at__isnull=True
    )
    under_way = mine.aggregate(tickets=Count("*"), size=Sum("size_bytes", default=0))
    is_full = under_way["tickets"] + count > MAX_OPEN_TICKETS
    if is_full or under_way["size"] + size_bytes > MAX_OPEN_BYTES:
        raise TooManyTickets(
            "You have as much under way as one person may have; publish it, or wait an hour."
        )


def _ticket(user: User, size_bytes: int, sha256: str) -> UploadTicket:
    return UploadTicket(
        key=secrets.token_urlsafe(32),
        user=user,
        size_bytes=size_bytes,
        sha256=sha256,
        expires_at=timezone.now() + LIFE,
    )


def _check_declared(path: str, size_bytes: int, sha256: str) -> None:
    if _SHA256.fullmatch(sha256) is None:
        raise FileDeclared("sha256 is 64 lower-case hexadecimal characters.", field="sha256")
    if size_bytes < 0:
        raise FileDeclared("size is the number of bytes.", field="size")
    if size_bytes > MAX_FILE_BYTES:
        raise file_too_large(path)


def take_upload(*, user: User, key: str, body: Readable) -> str:
    """Store the bytes that a ticket was given for; return the name to publish them by.

    Sent again, it is success again and writes nothing. Raises `TicketRefused`; `UploadTooLarge`
    as soon as there is a byte too many; `UploadDiffers`. Killed half way, the ticket is still good.
    """
    ticket = _usable({key: _of_user(user, [key]).get(key)})[key]
    if ticket.uploaded_at is None:
        with closing(tempfile.SpooledTemporaryFile(SPOOL_BYTES)) as spool:
            blobs.store([_received(ticket, body, cast("BinaryIO", spool))])
        UploadTicket.objects.filter(pk=ticket.pk).update(uploaded_at=timezone.now())
    return storage_id(ticket.sha256)


def _received(ticket: UploadTicket, body: Readable, spool: BinaryIO) -> BundleFile:
    digest, size = hashlib.sha256(), 0
    while chunk := body.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > ticket.size_bytes:
            raise UploadTooLarge(
                f"The file is larger than the {ticket.size_bytes:,} bytes it was announced with;"
                " publish again."
            )
        digest.update(chunk)
        spool.write(chunk)
    if size != ticket.size_bytes or digest.hexdigest() != ticket.sha256:
        raise UploadDiffers("The file changed while it was sent; publish again.")

    def reopen() -> BinaryIO:
        spool.seek(0)
        return cast("BinaryIO", Borrowed(spool))

    return BundleFile("", size, ticket.sha256, "application/octet-stream", reopen)


def collect(*, user: User, claims: Sequence[Claim]) -> tuple[Bundle, frozenset[int]]:
    """Return the bundle of files that were sent ahead, and the tickets that it uses.

    A ticket that was used is taken, too: the same publish, sent again, must find its version. One
    statement, and the files are read from the store one by one. Raises `TicketRefused`,
    `BundleRefused`, `FrontMatterRefused`.
    """
    if len(claims) > MAX_FILES:
        raise too_many_files()
    keys = [claim.ticket for claim in claims]
    if len(set(keys)) < len(keys):
        raise TicketRefused("Each file needs an upload of its own; publish again.", field="files")
    found = _of_user(user, keys)
    tickets = _usable({key: found.get(key) for key in keys}, used_too=True)
    for claim in claims:
        _check_claim(claim, tickets[claim.ticket])
    parts = ((c.path, cast("BinaryIO", _Stored(c.sha256))) for c in claims)
    return read_parts(parts), frozenset(ticket.pk for ticket in tickets.values())


def _check_claim(claim: Claim, ticket: UploadTicket) -> None:
    if ticket.uploaded_at is None:
        raise TicketRefused(
            f"{quoted(claim.path)} was announced and not sent; publish again.", field="files"
        )
    named = claim.storage_id in {"", storage_id(ticket.sha256)}
    if not named or (claim.size_bytes, claim.sha256) != (ticket.size_bytes, ticket.sha256):
        raise TicketRefused(
            f"{quoted(claim.path)} is not the file that was sent for it; publish again.",
            field="files",
        )


class _Stored:
    """A part whose bytes lie in the store; opened only while it is read."""

    def __init__(self, sha256: str) -> None:
        self._sha256 = sha256

    def seek(self, _offset: int) -> int:
        return 0

    def read(self, size: int) -> bytes:
        try:
            with blobs.open_blob(self._sha256) as content:
                return content.read(size)
        except FileNotFoundError:
            raise TicketRefused("A file that was sent is gone; publish again.") from None


def use(ticket_ids: Collection[int]) -> None:
    """Use tickets up for a version, in its transaction. Raises `TicketRefused`.

    Locked in key order first: of two versions that name one ticket, the second is refused.
    """
    if not ticket_ids:
        return
    rows = UploadTicket.objects.filter(pk__in=ticket_ids, used_at__isnull=True)
    locked = rows.select_for_update().order_by("pk").values("pk")
    used = UploadTicket.objects.filter(pk__in=locked).update(used_at=timezone.now())
    if used < len(ticket_ids):
        raise TicketRefused("These files went into another version; publish again.", field="files")


def drop_expired() -> int:
    """Delete tickets that are past their time, in batches; return how many. Safe twice."""
    dropped = 0
    while True:
        over = UploadTicket.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")
        rows, _ = UploadTicket.objects.filter(
            pk__in=list(over.values_list("pk", flat=True)[:_DROPPED])
        ).delete()
        if not rows:
            return dropped
        dropped += rows


def _of_user(user: User, keys: Collection[str]) -> dict[str, UploadTicket]:
    wanted = [key for key in keys if len(key) == _KEY_LENGTH and key.isascii() and "\0" not in key]
    return {row.key: row for row in UploadTicket.objects.filter(user=user, key__in=wanted)}


def _usable(
    named: Mapping[str, UploadTicket | None], *, used_too: bool = False
) -> dict[str, UploadTicket]:
    """Return the tickets by their keys. Raises `TicketRefused` for the first that is not good."""
    now, found = timezone.now(), {}
    for key, ticket in named.items():
        if ticket is None:
            raise TicketRefused("This upload is not known; publish again.", field="files")
        if ticket.used_at is not None and not used_too:
            raise TicketRefused("This upload is used already; publish again.", field="files")
        if ticket.expires_at <= now:
            raise TicketRefused(
                "This upload took longer than an hour; publish again.", field="files"
            )
        found[key] = ticket
    return found
