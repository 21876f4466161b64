"""Addresses of the traces contract that are about traces and their messages."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
