"""Addresses of the moderation desk."""

from __future__ import annotations

from django.urls import URLPattern, path

from moderation import author_views

app_name = "moderation"

AUTHOR = "staff/authors/<str:handle>/"

urlpatterns: list[URLPattern] = [
    path(AUTHOR, author_views.author, name="author"),
    path(f"{AUTHOR}ban/", author_views.ban, name="ban"),
    path(f"{AUTHOR}unban/", author_views.unban, name="unban"),
]
