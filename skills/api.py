"""The `clawhub` contract, reading side: what the command line clients ask of a registry."""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import register_converter
from django.urls.converters import StringConverter
from django.utils.http import parse_etags
from ninja import Field, P, Query, QueryEx, Router, Schema

from accounts.identity import api_actor
from accounts.policy import ANONYMOUS, Actor, Verb, can
from accounts.services import TokenRefused
from config.api import STATUS_OF_CODE, endpoint, error_response, json_response
from config.errors import DomainError
from config.pagination import parse_limit, read_cursor, sign_cursor
from config.ratelimit import client_address
from skills import lookup, serializers
from skills.blobs import open_blob
from skills.board_pages import board_query, read_board
from skills.events import record_download
from skills.listing import list_query, page
from skills.models import Badge, SkillVersion, VersionFingerprint
from skills.models.listing import SORT_COLUMNS
from skills.search import Narrowing, search


class ReferenceConverter(StringConverter):
    """A slug or `@owner/slug` in a path; percent-encoded slashes arrive decoded."""

    regex = r"@[^/]+/[^/]+|[^/]+"


register_converter(ReferenceConverter, "reference")
router = Router(tags=["skills"])

OK: Final = 200
PREVIEW_MAX_BYTES: Final = 200 * 1024
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,95}")
TRENDING: Final = "trending"
# What the clients and the original's API call our sorts.
SORT_ALIASES: Final = {
    "createdAt": "newest",
    "created-at": "newest",
    "recommended": "updated",
    "default": "updated",
    "rating": "stars",
    "install": "installs",
    "installsAllTime": "installs",
    "installs-all-time": "installs",
    "installsCurrent": "installs-current",
    "current": "installs-current",
} | {sort: sort for sort in SORT_COLUMNS}


class HashRefused(DomainError):
    code = "hash_invalid"


class SlugMissing(DomainError):
    code = "slug_missing"


class PrefixRefused(DomainError):
    code = "prefix_invalid"


class SortUnknown(DomainError):
    code = "sort_invalid"


class BadgeUnknown(DomainError):
    code = "badge_unknown"


class ModeUnknown(DomainError):
    code = "mode_invalid"


def reader(request: HttpRequest) -> Actor:
    """Return who reads; a token that opens nothing makes an anonymous reader, never an error."""
    try:
        return api_actor(request)
    except TokenRefused:
        return ANONYMOUS


def on_refusal(refusal: DomainError) -> HttpResponse:
    """Answer a refusal; an ambiguous name lists its owners in JSON, all else is plain text."""
    if isinstance(refusal, lookup.AmbiguousSlug):
        return json_response(_ambiguity(refusal), status=STATUS_OF_CODE[refusal.code])
    return error_response(refusal)


def on_install_refusal(refusal: DomainError) -> HttpResponse:
    """Answer a refusal of the install call: JSON that says why, plain text for what is unknown."""
    if isinstance(refusal, lookup.Withheld):
        told: dict[str, Any] = {"slug": refusal.slug}
    elif isinstance(refusal, lookup.AmbiguousSlug):
        told = _ambiguity(refusal)
    else:
        return error_response(refusal)
    status = STATUS_OF_CODE[refusal.code]
    told |= {
        "ok": False,
        # The one word of the clients' fixed list that speaks of our kind of archive.
        "reason": "archive_version_missing",
        "message": refusal.message,
        "status": status,
    }
    response = json_response(told, status=status)
    response.headers["X-Error-Code"] = refusal.code
    return response


def _ambiguity(refusal: lookup.AmbiguousSlug) -> dict[str, Any]:
    matches = [
        {
            "ownerHandle": skill.owner_handle,
            "slug": skill.slug,
            "ref": f"@{skill.owner_handle}/{skill.slug}",
            "url": f"{settings.SITE_URL}/skills/{skill.owner_handle}/{skill.slug}/",
        }
        for skill in refusal.matches
    ]
    return {
        "code": refusal.code,
        "message": refusal.message,
        "slug": refusal.slug,
        "matches": matches,
    }


reads = endpoint("read", reader, on_refusal)
installs = endpoint("read", reader, on_install_refusal)
downloads = endpoint("download", reader, on_refusal)


def actor_of(request: HttpRequest) -> Actor:
    """Return the actor that `endpoint` found."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def is_true(text: str) -> bool:
    """Read a flag of a query string."""
    return text in {"true", "1"}


@router.get("/skills", summary="List skills")
@reads
def list_skills(
    request: HttpRequest,  # noqa: ARG001
    *,
    limit: QueryEx[str, P(description="1 to 200, 25 by default")] = "",
    cursor: QueryEx[str, P(description="`nextCursor` of the page before")] = "",
    sort: QueryEx[str, P(description=f"{', '.join(SORT_COLUMNS)} or trending")] = "",
    prefix: QueryEx[str, P(description="slugs that begin so, in ascending order")] = "",
    category: str = "",
    topic: str = "",
    non_suspicious_only: QueryEx[str, P(alias="nonSuspiciousOnly")] = "",
    non_suspicious: QueryEx[str, P(alias="nonSuspicious")] = "",
) -> HttpResponse:
    """One page of the public list. The list ends where `nextCursor` is null, nowhere else."""
    clean = is_true(non_suspicious_only) or is_true(non_suspicious)
    if sort == TRENDING:
        if prefix or category or topic or cursor:
            raise SortUnknown("trending is one page of all skills.", field="sort")
        return _trending(parse_limit(limit), suspicious=not clean)
    wanted = _list_query(sort, prefix, category, topic, suspicious=not clean)
    found = page(wanted, cursor=cursor, limit=parse_limit(limit))
    return json_response(
        {
            "items": [serializers.list_item(card) for card in found.cards],
            "nextCursor": found.next,
        }
    )


def _trending(limit: int, *, suspicious: bool) -> HttpResponse:
    """Answer from the newest snapshot of trending: two statements."""
    shown = read_board(board_query(TRENDING, with_suspicious=suspicious), limit=limit)
    items = [serializers.list_item(row.card) for row in shown.rows]
    return json_response({"items": items, "nextCursor": None})


def _list_query(sort: str, prefix: str, category: str, topic: str, *, suspicious: bool) -> Any:
    if prefix:
        if _PREFIX.fullmatch(prefix) is None:
            raise PrefixRefused(
                "prefix is the beginning of a slug: a-z, 0-9 and hyphens.", field="prefix"
            )
        if sort not in {"", "name"} or category or topic:
            raise PrefixRefused("prefix goes with sort=name and no facet.", field="prefix")
        return list_query(prefix=prefix, suspicious=suspicious)
    if sort and sort not in SORT_ALIASES:
        raise SortUnknown(f"sort is trending, {', '.join(SORT_COLUMNS)}.", field="sort")
    return list_query(
        sort=SORT_ALIASES.get(sort, ""), category=category, topic=topic, suspicious=suspicious
    )


class Among(Schema):
    """Which skills a search may find; all of these hold."""

    category: str = ""
    topic: str = ""
    badge: str = Field("", description=", ".join(f"`{badge}`" for badge in Badge))
    owner_handle: str = Field("", alias="ownerHandle", description="Only skills of theirs")
    highlighted_only: str = Field("", alias="highlightedOnly")
    non_suspicious_only: str = Field("", alias="nonSuspiciousOnly")
    non_suspicious: str = Field("", alias="nonSuspicious")

    def narrowing(self) -> Narrowing:
        """Return it as the search takes it. Raises `BadgeUnknown`, `FacetRefused`."""
        if self.badge and self.badge not in Badge.values:
            raise BadgeUnknown(f"badge is one of {', '.join(Badge.values)}.", field="badge")
        facet = list_query(category=self.category, topic=self.topic)
        badges = {self.badge, Badge.HIGHLIGHTED.value if is_true(self.highlighted_only) else ""}
        return Narrowing(
            suspicious=not (is_true(self.non_suspicious_only) or is_true(self.non_suspicious)),
            category=facet.category,
            topic=facet.topic,
            badges=tuple(sorted(badges - {""})),
            owner=lookup.typed_handle(self.owner_handle),
        )


@router.get("/search", summary="Search skills")
@reads
def search_skills(
    request: HttpRequest,  # noqa: ARG001
    *,
    among: Query[Among],
    q: str = "",
    limit: QueryEx[str, P(description="1 to 200, 25 by default")] = "",
    mode: QueryEx[str, P(description="`exact`: only the skill of this very name")] = "",
) -> HttpResponse:
    """The best matches for `q`, best first. An empty `q` finds nothing."""
    if mode not in {"", "exact"}:
        raise ModeUnknown("mode is exact or absent.", field="mode")
    hits = search(q, limit=parse_limit(limit), among=among.narrowing(), exact=mode == "exact")
    results = [serializers.search_result(hit.card, hit.score) for hit in hits]
    return json_response({"results": results})


@router.get("/skills/{reference:slug}", summary="One skill")
@reads
def get_skill(
    request: HttpRequest,
    slug: str,
    *,
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """A skill with its latest version, its owner and what moderation says of it."""
    skill = lookup.find_skill(actor_of(request), slug, owner_handle or owner)
    return json_response(serializers.skill_detail(skill))


@router.get("/skills/{reference:slug}/versions", summary="Versions of a skill, newest first")
@reads
def list_versions(
    request: HttpRequest,
    slug: str,
    *,
    limit: str = "",
    cursor: str = "",
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """One page of versions."""
    skill = lookup.find_skill(actor_of(request), slug, owner_handle or owner)
    size = parse_limit(limit)
    rows = skill.versions.newest_first().without_texts().filter(withdrawn_at__isnull=True)
    if cursor:
        rows = rows.before(*read_cursor(f"versions:{skill.pk}", cursor, str, int))
    found = list(rows[: size + 1])
    more, found = len(found) > size, found[:size]
    last = found[-1] if more else None
    return json_response(
        {
            "items": [serializers.version_item(version) for version in found],
            "nextCursor": last
            and sign_cursor(f"versions:{skill.pk}", last.created_at.isoformat(), last.pk),
        }
    )


@router.get("/skills/{reference:slug}/versions/{version}", summary="One version with its files")
@reads
def get_version(
    request: HttpRequest,
    slug: str,
    version: str,
    *,
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """A version, its files with size and SHA-256, and its scan."""
    skill = lookup.find_skill(actor_of(request), slug, owner_handle or owner)
    found = lookup.require_available(lookup.find_version(skill, version))
    files = list(found.files.select_related("blob").order_by("path"))
    return json_response(serializers.version_detail(skill, found, files))


@router.get("/skills/{reference:slug}/file", summary="One file of a version")
@reads
def get_file(
    request: HttpRequest,
    slug: str,
    *,
    path: str = "",
    version: str = "",
    tag: str = "",
    preview: str = "",
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponseBase:
    """The raw bytes, as an attachment; `preview=1` gives UTF-8 text up to 200 KB."""
    if not path:
        raise lookup.FileNotInVersion("Say which file: path=SKILL.md.", code="path_missing")
    skill = lookup.find_skill(actor_of(request), slug, owner_handle or owner)
    found = lookup.require_available(lookup.find_version(skill, version, tag))
    file = lookup.find_file(found, path)
    if is_true(preview):
        return _preview(file.blob_id, file.blob.size_bytes)
    return _attachment(request, file.blob_id, file.path.rsplit("/", 1)[-1], file.content_type)


def _preview(sha256: str, size_bytes: int) -> HttpResponse:
    if size_bytes > PREVIEW_MAX_BYTES:
        raise DomainError("Too large for a preview; fetch the file.", code="preview_too_large")
    with open_blob(sha256) as content:
        raw = content.read()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise DomainError("Not UTF-8 text; fetch the file.", code="preview_not_text") from None
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _attachment(
    request: HttpRequest, sha256: str, name: str, content_type: str
) -> HttpResponseBase:
    """Serve stored content: never rendered by a browser, revalidated by its hash."""
    etag = f'"{sha256}"'
    response: HttpResponseBase
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or etag in {held.removeprefix("W/") for held in known}:
        response = HttpResponse(status=304)
    else:
        response = FileResponse(
            open_blob(sha256), as_attachment=True, filename=name, content_type=content_type
        )
        response.headers["X-Content-SHA256"] = sha256
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["ETag"] = etag
    # Short and private: what moderation hides must be gone from caches, too.
    response.headers["Cache-Control"] = "private, max-age=60"
    return response


@router.get("/resolve", summary="Which version is this?")
@reads
def resolve(
    request: HttpRequest,
    *,
    slug: str = "",
    hash_: QueryEx[str, P(alias="hash")] = "",
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """The newest available version with this fingerprint, and the latest version."""
    if not slug:
        raise SlugMissing("Say which skill: slug=…", field="slug")
    if _HASH.fullmatch(hash_) is None:
        raise HashRefused("hash is 64 lower-case hexadecimal characters.", field="hash")
    actor, owner = actor_of(request), owner_handle or owner
    skill = lookup.find_known(actor, slug, owner)
    # A client that publishes names the owner and asks first, also for what mends a hidden skill.
    is_publishing = bool(owner) and can(actor, Verb.PUBLISH, skill)
    if skill.soft_deleted_at is not None or not is_publishing:
        lookup.require_public(skill)
    same = VersionFingerprint.objects.filter(skill=skill, fingerprint=hash_)
    match = (
        SkillVersion.objects.available()
        .filter(pk__in=same.values("version"))
        .newest_first()
        .values_list("version", flat=True)
        .first()
    )
    latest = (skill.latest_version_summary or {}).get("version")
    return json_response(
        {
            "slug": skill.slug,
            "match": match and {"version": match},
            "latestVersion": latest and {"version": latest},
        }
    )


@router.get("/skills/{reference:slug}/install", summary="How to install a skill")
@installs
def install(
    request: HttpRequest,
    slug: str,
    *,
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponse:
    """Where the latest version's ZIP is, or in one sentence why there is none."""
    skill = lookup.find_installable(actor_of(request), slug, owner_handle or owner)
    version = lookup.require_available(lookup.find_version(skill))
    url = serializers.download_url(settings.SITE_URL, skill, version)
    archive = {"version": version.version, "downloadUrl": url}
    return json_response(
        {"ok": True, "slug": skill.slug, "installKind": "archive", "archive": archive}
    )


@router.get("/download", summary="Download a version as ZIP")
@downloads
def download(
    request: HttpRequest,
    *,
    slug: str = "",
    version: str = "",
    tag: str = "",
    owner_handle: QueryEx[str, P(alias="ownerHandle")] = "",
    owner: str = "",
) -> HttpResponseBase:
    """The published files in a ZIP built once, and nothing else."""
    if not slug:
        raise SlugMissing("Say which skill: slug=…", field="slug")
    skill = lookup.find_installable(actor_of(request), slug, owner_handle or owner)
    found = lookup.require_available(lookup.find_version(skill, version, tag))
    name = f"{skill.slug}-{found.version}.zip"
    response = _attachment(request, found.archive_id, name, "application/zip")
    if request.method == "GET" and response.status_code == OK:
        record_download(skill_id=skill.pk, visitor=_visitor(request))
    return response


def _visitor(request: HttpRequest) -> str:
    """Return whose download this is: a person by their token, else an address we can trust."""
    user = actor_of(request).user
    return f"ip:{client_address(request)}" if user is None else f"user:{user.pk}"
