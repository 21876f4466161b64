"""Addresses of the pages of traces. Ids are a client's, slashes and colons included."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from traces import feed_views, trace_images, trace_views

app_name = "traces"

WANTED = "(?P<wanted>.+?)"
IMAGE = r"^og/traces/(?P<public_id>[0-9A-Za-z]{22})-(?P<mark>[0-9a-z]{1,32})\.png$"

urlpatterns: list[URLPattern] = [
    path("t/", feed_views.feed, name="feed"),
    path("t.atom", feed_views.atom, name="atom"),
    re_path(rf"^t/{WANTED}/?$", trace_views.to_page, name="short"),
    re_path(rf"^s/{WANTED}/messages/(?P<message_id>.+)$", trace_views.message, name="message"),
    re_path(rf"^s/{WANTED}/full$", trace_views.every_message, name="full"),
    re_path(rf"^s/{WANTED}\.md$", trace_views.markdown, name="markdown"),
    re_path(rf"^s/{WANTED}/$", trace_views.to_page, name="slashed"),
    re_path(rf"^s/{WANTED}$", trace_views.conversation, name="trace"),
    re_path(IMAGE, trace_images.trace_image, name="image"),
]
