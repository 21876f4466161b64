"""Addresses of the pages of traces. Ids are a client's, slashes and colons included."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from traces import about_views, feed_views, trace_images, trace_views

app_name = "traces"

IMAGE = r"^og/traces/(?P<public_id>[0-9A-Za-z]{22})-(?P<mark>[0-9a-z]{1,32})\.png$"

urlpatterns: list[URLPattern] = [
    path("about/ai-summaries/", about_views.summaries, name="about-summaries"),
    path("t/", feed_views.feed, name="feed"),
    path("t.atom", feed_views.atom, name="atom"),
    path("t/<path:wanted>/", trace_views.to_page, name="slashed-short"),
    path("t/<path:wanted>", trace_views.to_page, name="short"),
    path("s/<path:wanted>/messages/<path:message_id>", trace_views.message, name="message"),
    path("s/<path:wanted>/full", trace_views.every_message, name="full"),
    path("s/<path:wanted>.md", trace_views.markdown, name="markdown"),
    path("s/<path:wanted>/", trace_views.to_page, name="slashed"),
    path("s/<path:wanted>", trace_views.conversation, name="trace"),
    re_path(IMAGE, trace_images.trace_image, name="image"),
]
