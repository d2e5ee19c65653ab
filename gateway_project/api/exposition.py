"""How things stand now as Prometheus' gauges, and the formats in which a scraper may have everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import exposition
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.registry import Collector

from gateway_project.api import statistics
from gateway_project.version import VERSION
from routing.limits import Reading
from routing.services import Service

# Media type → (who writes it, content type). Names of ours need no escaping.
FORMATS: dict[str, tuple[Callable[[Collector], bytes], str]] = {
    "text/plain": (exposition.generate_latest, exposition.CONTENT_TYPE_PLAIN_0_0_4),
    "application/openmetrics-text": (
        openmetrics_exposition.generate_latest,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ),
}
WINDOWS = {
    "requests": ("Requests in an endpoint's sliding window.", "Requests that its window may hold."),
    "tokens": ("Tokens in an endpoint's sliding window.", "Tokens that its window may hold."),
}


class Families(Collector):
    """Metrics that are there already, in the form that the library's writers take."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def gauges(found: Sequence[Service], readings: Mapping[str, Reading], generation: int) -> list[Metric]:
    """Circuits and windows of the services, the configuration's generation, and what runs here."""
    circuits = GaugeMetricFamily(
        "switchyard_circuit_open",
        "1 while an endpoint's circuit is open or half-open.",
        labels=("provider", "endpoint"),
    )
    for service in found:
        is_open = statistics.is_open(service.candidate.identity)
        circuits.add_metric((service.candidate.target.provider, service.name), float(is_open))
    served = GaugeMetricFamily("switchyard_config_generation", "The configuration that answered.", value=generation)
    build = InfoMetricFamily("switchyard_build", "What runs here.", value={"version": VERSION})
    return [circuits, *_windows(found, readings), served, build]


def _windows(found: Sequence[Service], readings: Mapping[str, Reading]) -> Iterable[Metric]:
    for what, (used_text, limit_text) in WINDOWS.items():
        used = GaugeMetricFamily(f"switchyard_window_{what}", used_text, labels=("endpoint",))
        limits = GaugeMetricFamily(f"switchyard_window_limit_{what}", limit_text, labels=("endpoint",))
        for service in found:
            limit = getattr(service.window, what, None)
            if service.window is None or limit is None:
                continue
            limits.add_metric((service.name,), limit)
            if (reading := readings.get(service.window.key)) is not None:
                used.add_metric((service.name,), getattr(reading, f"current_{what}"))
        yield from (used, limits)
