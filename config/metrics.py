"""`/metrics`: what Prometheus reads, from the database at the moment it asks.

Any process may be asked, so nothing is counted in a process. An app adds what it knows with
`source`; each source takes a few cheap statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

Source = Callable[[], Iterable[GaugeMetricFamily]]
PREFIX: Final = "skillboard_"
_SOURCES: Final[list[Source]] = []
_SAFE: Final = ("GET", "HEAD")


def source(function: Source) -> Source:
    """Have a function asked at every scrape. A decorator."""
    _SOURCES.append(function)
    return function


def gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    """Return one number."""
    return GaugeMetricFamily(PREFIX + name, meaning, value=float(value))


def gauges(
    name: str, meaning: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    """Return a number for each set of labels."""
    family = GaugeMetricFamily(PREFIX + name, meaning, labels=labels)
    for told, value in values.items():
        family.add_metric(told, float(value))
    return family


class _Sources:
    """What the registry asks; it has nothing to say before it is asked."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for function in _SOURCES:
            yield from function()


_REGISTRY: Final = CollectorRegistry()
_REGISTRY.register(_Sources())


@csrf_exempt
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Show all numbers to who holds `METRICS_TOKEN`; to others there is no such page."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    if not wanted or scheme.lower() != "bearer" or not constant_time_compare(token.strip(), wanted):
        raise Http404
    if request.method not in _SAFE:
        return HttpResponseNotAllowed(_SAFE)
    return HttpResponse(generate_latest(_REGISTRY), content_type=CONTENT_TYPE_LATEST)
