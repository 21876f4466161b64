"""Addresses of the moderation desk, and of what authors, reporters and the public see of it."""

from __future__ import annotations

from django.urls import URLPattern, path

from moderation import (
    about_views,
    account_views,
    author_views,
    badges_views,
    decide_views,
    decision_views,
    home_views,
    me_skill_views,
    me_views,
    modlog_feeds,
    modlog_views,
    publish_views,
    queue_views,
    reason_views,
    report_views,
    settings_views,
)

app_name = "moderation"

AUTHOR = "staff/authors/<str:handle>/"
ITEM = "staff/queue/<int:item_id>/"
MINE = "me/skills/<str:slug>/"
DECISION = "me/decisions/<int:decision_id>/"

urlpatterns: list[URLPattern] = [
    path("staff/", home_views.home, name="home"),
    path("staff/queue/", queue_views.queue, name="queue"),
    path("staff/queue/next/", queue_views.take_next, name="next"),
    path("staff/queue/bulk/", decide_views.bulk, name="bulk"),
    path(ITEM, queue_views.item, name="item"),
    path(f"{ITEM}claim/", queue_views.claim, name="claim"),
    path(f"{ITEM}release/", queue_views.release, name="release"),
    path(f"{ITEM}heartbeat/", queue_views.heartbeat, name="heartbeat"),
    path(f"{ITEM}note/", queue_views.note, name="note"),
    path(f"{ITEM}decide/", decide_views.decide_item, name="decide"),
    path(f"{ITEM}undo/", decide_views.undo_decision, name="undo"),
    path("staff/decisions/", decide_views.decisions, name="decisions"),
    path("staff/decisions.csv", decide_views.export, name="export"),
    path("staff/reasons/", reason_views.reasons, name="reasons"),
    path("staff/reasons/new/", reason_views.add, name="reason-new"),
    path("staff/reasons/<slug:key>/", reason_views.edit, name="reason"),
    path("about/moderation/", about_views.moderation, name="about"),
    path("modlog/", modlog_views.log, name="log"),
    path("modlog.atom", modlog_feeds.atom, name="log-atom"),
    path("modlog.json", modlog_feeds.json, name="log-json"),
    path("skills/<str:owner>/<str:slug>/report/", report_views.report, name="report"),
    path("publish/", publish_views.publish, name="publish"),
    path("publish/confirm/", publish_views.confirm, name="publish-confirm"),
    path("me/", me_views.home, name="me"),
    path("me/notices/read/", me_views.read_notices, name="read-notices"),
    path("me/account/", account_views.account, name="account"),
    path("me/account/export/", account_views.export, name="export-account"),
    path("me/account/delete/", account_views.delete, name="delete-account"),
    path("me/account/deleted/", account_views.deleted, name="account-deleted"),
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
