"""Addresses of the traces contract that are about people: login, session, namespaces."""

from __future__ import annotations

from django.urls import path

from accounts import session_api
from config.envelope import by_method

urlpatterns = [
    path("health", by_method(GET=session_api.health)),
]
