"""Addresses of the public pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from skills import about_views, diff_views, file_views, sitemaps, skill_views, stats_views, views

app_name = "skills"

SKILL = "skills/<str:owner>/<str:slug>/"

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("skills/", views.browse, name="browse"),
    path(SKILL, skill_views.skill, name="skill"),
    path(f"{SKILL}star/", stats_views.star, name="star"),
    path(f"{SKILL}security/", skill_views.security, name="security"),
    path(f"{SKILL}versions/", skill_views.versions, name="versions"),
    path(f"{SKILL}versions/<str:version>/", skill_views.version, name="version"),
    path(f"{SKILL}versions/<str:version>/files/<path:path>", file_views.file, name="file"),
    path(f"{SKILL}diff/", diff_views.pick, name="diff-form"),
    path(f"{SKILL}diff/<str:pair>/", diff_views.diff, name="diff"),
    path("u/<str:handle>/", views.author, name="author"),
    path("about/moderation/", about_views.moderation, name="about-moderation"),
    path("about/counts/", about_views.counts, name="about-counts"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    path("sitemap-<str:section>-<int:part>.xml", sitemaps.part, name="sitemap-part"),
]
