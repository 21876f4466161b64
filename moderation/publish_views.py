"""`/publish/`: a ZIP is sent, the checks are shown, and then it is published.

By the service that clients call. The files of a checked ZIP wait under upload tickets, as those of
a client do, and the form names them: publishing needs no second upload, and twice is once.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO, Final, cast

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.identity import page_actor, signed_in
from accounts.models import Namespace, User
from accounts.namespace_views import refuse
from accounts.policy import Verb, can
from accounts.views import refuse_unstorable_form
from config.api import take_quota
from config.bodies import parse_object
from config.errors import DomainError
from config.formats import bytes_size
from config.ratelimit import take_exact
from config.site import too_many_requests
from config.text import clean_line
from config.uploads import OneFile
from moderation.publish_checks import Checks, check
from moderation.publish_forms import DetailsForm
from skills import tickets
from skills.addresses import my_skill_url, publish_url
from skills.bundle import Bundle, read_zip
from skills.models import Skill, VersionSource
from skills.multipart import MAX_BODY_BYTES, declared_length
from skills.numbers import is_plain, next_number
from skills.own_forms import FIELD_OF
from skills.paths import MAX_BUNDLE_BYTES, MAX_FILES
from skills.publish_api import claims_of
from skills.services import Publication, Submission, publish_versions
from skills.slugs import normalize_slug
from skills.standing import LATEST
from skills.tickets import Claim

# Each unpacks and scans up to a whole skill while the page waits.
CHECKS_A_MINUTE: Final = 10
FIRST_VERSION: Final = "1.0.0"
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


# Django reads the whole form to find the token: it is checked once the size is known.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def publish(request: HttpRequest, viewer: User) -> HttpResponse:
    """Ask for a ZIP; answer one with what is in it, what would come of it, and the last form."""
    if request.method != "POST":
        return _start(request)
    if declared_length(request.META) > MAX_BODY_BYTES:
        most = bytes_size(MAX_BUNDLE_BYTES)
        return _start(request, f"The file is too large; a skill has at most {most}.", status=413)
    request.upload_handlers = [OneFile(request, "file")]
    return csrf_protect(_take)(request, viewer)


def _take(request: HttpRequest, viewer: User) -> HttpResponse:
    refuse_unstorable_form(request)
    quota = take_exact("check", f"user:{viewer.pk}", CHECKS_A_MINUTE)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    owners, upload = _owners(request), request.FILES.get("file")
    if not owners:
        return _start(request, status=422)
    if upload is None:
        return _start(request, "Choose a ZIP file first.", status=422)
    try:
        bundle = read_zip(cast("BinaryIO", upload.file))
        claims = tickets.send_ahead(user=viewer, bundle=bundle)
    except DomainError as refusal:
        return _start(request, refusal.message, status=422)
    said = _suggested(request, owners, bundle, str(upload.name))
    form = DetailsForm(initial={**said, "claims": _written(claims)}, owners=owners)
    owner = next(one for one in owners if one.handle == said["owner"])
    submission = Submission(owner, bundle, _publication(said), viewer)
    return _page(request, form, check(submission))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest, viewer: User) -> HttpResponse:
    """Publish what was checked, or check it again as it is said now; a GET leads to the start."""
    if request.method != "POST":
        return redirect(publish_url())
    refuse_unstorable_form(request)
    is_check = "check" in request.POST
    if is_check:
        quota = take_exact("check", f"user:{viewer.pk}", CHECKS_A_MINUTE)
    else:
        quota = take_quota(request, "write", viewer)
    if not quota.allowed:
        return too_many_requests(request, quota.reset_seconds)
    try:
        claims = claims_of(parse_object(request.POST.get("claims", ""), "claims"))
        bundle, used = tickets.collect(user=viewer, claims=claims)
    except DomainError as refusal:
        # Without its files nothing is left to be corrected.
        return _start(request, f"{refusal.message} Choose the file again.", status=422)
    owners = _owners(request)
    form = DetailsForm(request.POST, owners=owners)
    form.fields["accepted"].required = not is_check
    if not form.is_valid():
        return _page(request, form, None, bundle, status=422)
    said = form.cleaned_data
    owner = next(one for one in owners if one.handle == said["owner"])
    submission = Submission(owner, bundle, _publication(said), viewer, used)
    return _check(request, form, submission) if is_check else _publish(request, form, submission)


def _check(request: HttpRequest, form: DetailsForm, submission: Submission) -> HttpResponse:
    checks = check(submission)
    if checks.refusal is None:
        return _page(request, form, checks)
    refuse(form, checks.refusal, FIELD_OF.get(checks.refusal.field or ""))
    return _page(request, form, checks, status=422)


def _publish(request: HttpRequest, form: DetailsForm, submission: Submission) -> HttpResponse:
    try:
        (done,) = publish_versions([submission])
    except DomainError as refusal:
        refuse(form, refusal, FIELD_OF.get(refusal.field or ""))
        return _page(request, form, None, submission.bundle, status=422)
    told = "is published; its scan is under way" if done.created else "was published already"
    messages.success(request, f"Version {done.version.version} {told}.")
    return redirect(my_skill_url(done.skill.owner_handle, done.skill.slug))


def _owners(request: HttpRequest) -> list[Namespace]:
    """Return the namespaces that the person publishes for, their own first."""
    actor = page_actor(request)
    rows = Namespace.objects.filter(pk__in=actor.namespace_ids)
    own = [row for row in rows if can(actor, Verb.PUBLISH, row)]
    return sorted(own, key=lambda row: (row.user_id is None, row.handle))


def _suggested(
    request: HttpRequest, owners: list[Namespace], bundle: Bundle, file_name: str
) -> dict[str, Any]:
    """Return what the form says first: of the skill that was named, of SKILL.md, of the file."""
    asked = request.GET.get("owner", "")
    owner = next((one for one in owners if one.handle == asked), owners[0])
    metadata = bundle.metadata
    called = clean_line(metadata.name, 200) or clean_line(file_name.removesuffix(".zip"), 200)
    name = _NO_SLUG.sub("-", normalize_slug(called)).strip("-")
    slug = clean_line(request.GET.get("slug", ""), 200) or name
    skill = Skill.objects.filter(namespace=owner, slug=slug).first()
    said: dict[str, Any] = {"owner": owner.handle, "slug": slug, "tag": LATEST}
    if skill is None:
        number = metadata.version if is_plain(metadata.version) else FIRST_VERSION
        return said | {"display_name": called, "version": number}
    newest = skill.versions.newest_first().values_list("version", flat=True).first()
    return said | {
        "display_name": skill.display_name,
        "version": next_number(newest or "") or FIRST_VERSION,
        "categories": skill.categories,
        "topics": ", ".join(skill.topics),
    }


def _publication(said: dict[str, Any]) -> Publication:
    return Publication(
        slug=said["slug"],
        version=said["version"],
        display_name=said["display_name"],
        changelog=said.get("changelog", ""),
        tags=(said["tag"],),
        categories=said.get("categories", ()),
        topics=[topic for topic in said.get("topics", "").split(",") if topic.strip()],
        source=VersionSource.WEB,
    )


def _written(claims: list[Claim]) -> str:
    """Write claims as a client's publish does, for `claims_of` to read."""
    files = [
        {
            "path": claim.path,
            "size": claim.size_bytes,
            "sha256": claim.sha256,
            "uploadTicket": claim.ticket,
            "storageId": claim.storage_id,
        }
        for claim in claims
    ]
    return orjson.dumps({"files": files}).decode()


def _start(request: HttpRequest, refusal: str = "", *, status: int = 200) -> HttpResponse:
    owner, slug = request.GET.get("owner", ""), request.GET.get("slug", "")
    context = {
        "refusal": refusal,
        "named": f"@{owner}/{slug}" if owner and slug else "",
        "has_owner": bool(_owners(request)),
        "most_files": MAX_FILES,
        "most_bytes": MAX_BUNDLE_BYTES,
    }
    return render(request, "public/publish.html", context, status=status)


def _page(
    request: HttpRequest,
    form: DetailsForm,
    checks: Checks | None,
    bundle: Bundle | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "checks": checks, "bundle": bundle}
    return render(request, "public/publish_checked.html", context, status=status)
