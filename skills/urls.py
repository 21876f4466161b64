"""Addresses of the public pages."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from skills import (
    about_views,
    author_feeds,
    board_feeds,
    board_images,
    board_views,
    comment_staff_views,
    comment_views,
    diff_views,
    file_views,
    own_views,
    skill_views,
    stats_views,
    transfer_views,
    views,
)

app_name = "skills"

IMAGE = r"^og/boards/(?P<board>[a-z-]+)-(?P<window>[0-9a-z]+)-(?P<mark>[0-9a-z]{1,32})\.png$"
SKILL = "skills/<str:owner>/<str:slug>/"
MINE = "me/skills/<str:slug>/"
STAFF_COMMENT = "staff/comments/<int:comment_id>/"

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("skills/", views.browse, name="browse"),
    path(SKILL, skill_views.skill, name="skill"),
    path(f"{SKILL}star/", stats_views.star, name="star"),
    path(f"{SKILL}comments/", comment_views.write, name="comments"),
    path(f"{SKILL}comments/<int:comment_id>/", comment_views.comment, name="comment"),
    path(f"{SKILL}comments/<int:comment_id>/delete/", comment_views.delete, name="comment-delete"),
    path(
        f"{SKILL}comments/<int:comment_id>/restore/", comment_views.restore, name="comment-restore"
    ),
    path(f"{SKILL}comments/<int:comment_id>/report/", comment_views.report, name="comment-report"),
    path(f"{SKILL}security/", skill_views.security, name="security"),
    path(f"{SKILL}versions/", skill_views.versions, name="versions"),
    path(f"{SKILL}versions/<str:version>/", skill_views.version, name="version"),
    path(f"{SKILL}versions/<str:version>/files/<path:path>", file_views.file, name="file"),
    path(f"{SKILL}diff/", diff_views.pick, name="diff-form"),
    path(f"{SKILL}diff/<str:pair>/", diff_views.diff, name="diff"),
    path(f"{MINE}manage/", own_views.manage, name="manage"),
    path(f"{MINE}manage/<slug:deed>/", own_views.act, name="act"),
    path("me/transfers/", transfer_views.transfers, name="transfers"),
    path("me/transfers/<int:transfer_id>/<slug:answer>/", transfer_views.answer, name="answer"),
    path("u/<str:handle>/", views.author, name="author"),
    path("u/<str:handle>.atom", author_feeds.atom, name="author-atom"),
    path("leaderboards/<str:board>.atom", board_feeds.atom, name="board-atom"),
    path("leaderboards/<str:board>.json", board_feeds.json, name="board-json"),
    path("leaderboards/<str:board>/", board_views.board, name="board"),
    re_path(IMAGE, board_images.board_image, name="board-image"),
    path("about/feeds/", about_views.feeds, name="about-feeds"),
    path("about/counts/", about_views.counts, name="about-counts"),
    path("about/ranking/", about_views.rules, name="about-ranking"),
    path("staff/comments/", comment_staff_views.comments_list, name="staff-comments"),
    path(STAFF_COMMENT, comment_staff_views.comment, name="staff-comment"),
    path(f"{STAFF_COMMENT}hide/", comment_staff_views.hide, name="staff-comment-hide"),
    path(f"{STAFF_COMMENT}show/", comment_staff_views.show, name="staff-comment-show"),
    path(f"{STAFF_COMMENT}dismiss/", comment_staff_views.dismiss, name="staff-comment-dismiss"),
]
