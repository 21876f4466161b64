"""Addresses of the moderation desk, and of what authors, reporters and the public see of it."""

from __future__ import annotations

from django.urls import URLPattern, path

from moderation import (
    about_views,
    author_views,
    badges_views,
    decision_views,
    me_skill_views,
    me_views,
    modlog_feeds,
    modlog_views,
    report_views,
    settings_views,
)

app_name = "moderation"

AUTHOR = "staff/authors/<str:handle>/"
MINE = "me/skills/<str:slug>/"
DECISION = "me/decisions/<int:decision_id>/"

urlpatterns: list[URLPattern] = [
    path("about/moderation/", about_views.moderation, name="about"),
    path("modlog/", modlog_views.log, name="log"),
    path("modlog.atom", modlog_feeds.atom, name="log-atom"),
    path("modlog.json", modlog_feeds.json, name="log-json"),
    path("skills/<str:owner>/<str:slug>/report/", report_views.report, name="report"),
    path("me/", me_views.home, name="me"),
    path("me/notices/read/", me_views.read_notices, name="read-notices"),
    path(MINE, me_skill_views.skill, name="my-skill"),
    path(f"{MINE}rescan/", me_skill_views.rescan, name="rescan"),
    path(DECISION, decision_views.decision, name="decision"),
    path(f"{DECISION}appeal/", decision_views.appeal, name="appeal"),
    path(AUTHOR, author_views.author, name="author"),
    path(f"{AUTHOR}ban/", author_views.ban, name="ban"),
    path(f"{AUTHOR}unban/", author_views.unban, name="unban"),
    path("staff/badges/", badges_views.badges, name="badges"),
    path("staff/badges/<int:badge_id>/take/", badges_views.take, name="take-badge"),
    path("staff/settings/", settings_views.settings_page, name="settings"),
    path("staff/settings/reserved/", settings_views.reserve, name="reserve"),
    path("staff/settings/reserved/<int:reserved_id>/free/", settings_views.free, name="free"),
    path("staff/settings/quality/", settings_views.change_gate, name="change-gate"),
]
