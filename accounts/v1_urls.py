"""Addresses of the traces contract that are about people: login, session, namespaces."""

from __future__ import annotations

from django.urls import path

from accounts import namespaces_api, session_api
from config.envelope import by_method

urlpatterns = [
    path("health", by_method(GET=session_api.health)),
    path("auth/cli/start", by_method(POST=session_api.start)),
    path("auth/cli/status", by_method(GET=session_api.status)),
    path("auth/cli/complete", by_method(POST=session_api.complete)),
    path("session", by_method(GET=session_api.show, DELETE=session_api.end)),
    path("session/switch", by_method(POST=session_api.switch)),
    path("namespaces", by_method(GET=namespaces_api.mine, POST=namespaces_api.create)),
    path("namespaces/<str:handle>/invites", by_method(POST=namespaces_api.invite)),
]
