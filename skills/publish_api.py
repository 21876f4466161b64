"""Publishing by client: files in a form (0.8.0, 0.20.0), or sent ahead by tickets (0.23.3)."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import Namespace
from accounts.policy import Actor, Verb, can
from config.api import json_response
from config.bodies import BodyRefused, number_of, parse_object, read_object, text_of
from config.errors import DomainError
from config.text import clean_line
from skills import tickets
from skills.api import actor_of, router
from skills.bundle import read_parts
from skills.lookup import NotOwner, typed_handle
from skills.models import VersionSource
from skills.multipart import PAYLOAD, read_form
from skills.owner_calls import writer
from skills.paths import MAX_FILES
from skills.services import Publication, Published, publish_version
from skills.stats_api import NEEDS_TOKEN, uploads, writes
from skills.tickets import Claim

MULTIPART: Final = "multipart/form-data"
JSON: Final = "application/json"
UPLOADS: Final = "/api/v1/skills/-/upload/"


class LicenseRefused(DomainError):
    code = "license_not_accepted"


class ContentTypeRefused(DomainError):
    code = "content_type_unsupported"


@router.post("/skills", summary="Publish a version", openapi_extra=NEEDS_TOKEN)
@writes
def publish(request: HttpRequest) -> HttpResponse:
    """A form with `payload` (JSON) and one part `files` a file, or JSON with `files` sent ahead.

    Both say `slug`, `displayName`, `version`, `changelog`, `tags`, `acceptLicenseTerms: true`;
    `ownerHandle`, `summary`, `categories`, `topics` if you like. Again is success again.
    """
    user = writer(request)
    if request.content_type == MULTIPART:
        # The stream itself: `request.body` would hold everything in memory.
        with read_form(request.META, request) as form:
            said = parse_object(form.payload, PAYLOAD)
            namespace, publication = _said(actor_of(request), said)
            bundle = read_parts(form.parts)
            published = publish_version(
                namespace=namespace, bundle=bundle, publication=publication, actor=user
            )
        return _published(published)
    if request.content_type != JSON:
        raise ContentTypeRefused("Publish with a form of files or with JSON; update your client.")
    said = read_object(request)
    namespace, publication = _said(actor_of(request), said)
    bundle, used = tickets.collect(user=user, claims=claims_of(said))
    published = publish_version(
        namespace=namespace, bundle=bundle, publication=publication, actor=user, tickets=used
    )
    return _published(published)


@router.post("/skills/-/upload-url", summary="Announce a file", openapi_extra=NEEDS_TOKEN)
@writes
def upload_url(request: HttpRequest) -> HttpResponse:
    """Body: `path`, `size`, `sha256`. Send the bytes to `uploadUrl` within an hour."""
    user, body = writer(request), read_object(request)
    size = number_of(body, "size")
    ticket = tickets.open_ticket(
        user=user,
        path=text_of(body, "path"),
        size_bytes=-1 if size is None else size,
        sha256=text_of(body, "sha256"),
    )
    url = f"{settings.SITE_URL}{UPLOADS}{ticket.key}"
    return json_response({"uploadUrl": url, "uploadTicket": ticket.key})


@router.post("/skills/-/upload/{key}", summary="Send a file's bytes", openapi_extra=NEEDS_TOKEN)
@uploads
def upload(request: HttpRequest, key: str) -> HttpResponse:
    """The raw bytes; `storageId` and the ticket name the file when you publish."""
    name = tickets.take_upload(user=writer(request), key=key, body=request)
    return json_response({"storageId": name})


def _said(actor: Actor, said: dict[str, Any]) -> tuple[Namespace, Publication]:
    """Return in whose name a version is published, and what is said of it. Raises the refusals."""
    if said.get("acceptLicenseTerms") is not True:
        raise LicenseRefused(
            "Publishing gives the skill away under MIT-0; accept that with acceptLicenseTerms.",
            field="acceptLicenseTerms",
        )
    return _namespace(actor, text_of(said, "ownerHandle")), Publication(
        slug=text_of(said, "slug"),
        version=text_of(said, "version"),
        display_name=text_of(said, "displayName"),
        changelog=text_of(said, "changelog"),
        summary=text_of(said, "summary"),
        tags=_texts(said, "tags") or (),
        categories=_texts(said, "categories"),
        topics=_texts(said, "topics"),
        source=VersionSource.CLI,
    )


def _namespace(actor: Actor, handle: str) -> Namespace:
    """Return the namespace to publish in: the one named, else the token's. Raises `NotOwner`."""
    handle = typed_handle(handle)
    active: Namespace | None = actor.active_namespace
    if active is not None and handle in {"", active.handle}:
        return active
    if not handle:
        raise NotOwner("You have no namespace to publish in; ask an admin for one.")
    found: Namespace | None = Namespace.objects.filter(handle=handle).first()
    if found is None or not can(actor, Verb.PUBLISH, found):
        raise NotOwner(
            f"You may not publish as @{clean_line(handle, 64)}; name an owner that you belong to.",
            field="ownerHandle",
        )
    return found


def _texts(said: dict[str, Any], name: str) -> list[str] | None:
    """Return a list of texts; None where it is absent or null. Raises `BodyRefused`."""
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BodyRefused(f"{name} is a list of texts.", field=name)
    return value


def claims_of(said: dict[str, Any]) -> list[Claim]:
    """Return what `files` says of files that were sent ahead. Raises `BodyRefused`."""
    files = said.get("files")
    if not isinstance(files, list) or not all(isinstance(one, dict) for one in files):
        raise BodyRefused("files is a list of what was sent ahead.", field="files")
    # One more is enough to be refused for their number.
    return [
        Claim(
            path=text_of(one, "path"),
            size_bytes=-1 if (size := number_of(one, "size")) is None else size,
            sha256=text_of(one, "sha256"),
            ticket=text_of(one, "uploadTicket"),
            storage_id=text_of(one, "storageId"),
        )
        for one in files[: MAX_FILES + 1]
    ]


def _published(published: Published) -> HttpResponse:
    """Answer as the clients read it: pending is what nobody else can see yet."""
    skill, version = published.skill, published.version
    state = "published" if skill.is_public and version.is_available else "pending"
    return json_response(
        {
            "ok": True,
            "skillId": str(skill.pk),
            "versionId": str(version.pk),
            "slug": skill.slug,
            "version": version.version,
            "status": state,
            "publicationStatus": state,
        }
    )
