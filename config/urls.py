"""Every address of the site: pages, API, and what crawlers and clients discover."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import ValidationError

from accounts.api import router as accounts_router
from accounts.publishers_api import router as publishers_router
from accounts.users_api import router as users_router
from accounts.views import admin_sign_in
from config import envelope, site, sitemaps
from config.api import ContractAPI, error_response
from config.errors import DomainError
from config.metrics import metrics
from config.reference import reference
from jobs.runs_api import router as runs_router
from moderation.queue_api import router as queue_router
from moderation.reports_api import router as reports_router
from moderation.scans_api import router as scans_router
from moderation.users_api import router as bans_router

# Reading and writing calls share addresses, and an address answers from one router: these two add
# theirs to that of the reading ones.
from skills import ownership_api, publish_api  # noqa: F401
from skills.api import router as skills_router
from skills.board_api import router as boards_router
from skills.moderation_api import router as moderation_router
from skills.stats_api import report_install, report_sync
from skills.stats_api import router as stats_router
from skills.transfers_api import router as transfers_router
from skills.verify_api import router as verify_router
from traces.reference import reference as traces_reference
from traces.summaries_api import router as summaries_router
from traces.trace_views import download
from traces.v1_views import config_json

api = ContractAPI(
    title="Skillboard API",
    version=settings.VERSION,
    description="What the clawhub command line client asks of a registry, and what you may ask.",
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
)
api.add_router("", accounts_router)
api.add_router("", users_router)
api.add_router("", bans_router)
api.add_router("", publishers_router)
api.add_router("", skills_router)
api.add_router("", stats_router)
api.add_router("", transfers_router)
api.add_router("", moderation_router)
api.add_router("", verify_router)
api.add_router("", boards_router)
api.add_router("", reports_router)
api.add_router("", scans_router)
api.add_router("", queue_router)
api.add_router("", summaries_router)
api.add_router("", runs_router)


@api.exception_handler(ValidationError)
def on_validation_error(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name the first parameter that does not parse."""
    first = error.errors[0]
    name = str(first["loc"][-1])
    return error_response(
        DomainError(f"{name}: {first['msg']}.", field=name, code="parameter_invalid")
    )


@api.exception_handler(Http404)
def on_missing(_request: HttpRequest, _error: Http404) -> HttpResponse:
    """Answer as the client reads it: plain text."""
    return site.api_not_found(_request)


urlpatterns: list[URLPattern | URLResolver] = [
    # The same call, as the traces contract has it on the host of the pages.
    path("api/v1/traces/<path:external_id>/download", envelope.by_method(GET=download)),
    path("api/v1/", api.urls),
    path("api/cli/telemetry/install", report_install),
    path("api/cli/telemetry/sync", report_sync),
    path(".well-known/clawhub.json", site.discovery),
    path(".well-known/clawdhub.json", site.discovery),
    # The calls of the traces contract; no address below it ends with a slash.
    path("v1/", include("accounts.v1_urls")),
    path("v1/", include("traces.v1_urls")),
    re_path(r"^v1/", csrf_exempt(envelope.not_found)),
    path("config.json", config_json, name="traces-config"),
    path("healthz", site.healthz, name="healthz"),
    path("readyz", site.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("robots.txt", site.robots, name="robots"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    path("sitemap-<str:section>-<int:part>.xml", sitemaps.part, name="sitemap-part"),
    path("api/docs/", reference, name="api-docs"),
    path("api/docs/traces/", traces_reference, name="api-docs-traces"),
    path("about/", site.about, name="about"),
    # In front of the admin site's own: one sign-in page, with one limit and one lock.
    path("django-admin/login/", admin_sign_in, name="admin-sign-in"),
    path("django-admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("accounts.allauth_urls")),
    path("", include("jobs.urls")),
    path("", include("moderation.urls")),
    path("", include("traces.own_urls")),
    path("", include("skills.urls")),
    path("", include("traces.urls")),
    re_path(r"^api/", site.api_not_found),
]

handler400 = "config.site.bad_request"
handler403 = "config.site.forbidden"
handler404 = "config.site.not_found"
handler500 = "config.site.server_error"
