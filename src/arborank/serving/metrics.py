"""What is counted, for Prometheus; several processes count together if PROMETHEUS_MULTIPROC_DIR names a directory."""

import os
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # the library reads it when it is imported
_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_TEXTS = (1, 2, 8, 32, 64, 128, 256, 1024)


class Metrics:
    """Counters of a service. Only names of models and routes that exist become labels, never what a client sends."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        # found sooner than by labels
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._of_models: dict[str, tuple[Counter, Histogram, Counter, Counter]] = {}
        several = _DIRECTORY in os.environ
        if not several:
            ProcessCollector(registry=registry)
        one_each: dict[str, Any] = {"multiprocess_mode": "mostrecent"} if several else {}
        summed: dict[str, Any] = {"multiprocess_mode": "livesum"} if several else {}
        of_model, of_route = ["model"], ["model", "route"]

        def counter(name: str, what: str, labels: list[str]) -> Counter:
            return Counter(f"arborank_{name}", what, labels, registry=registry)

        def histogram(name: str, what: str, labels: list[str], buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"arborank_{name}", what, labels, registry=registry, buckets=buckets)

        def gauge(name: str, what: str, labels: list[str], mode: dict[str, Any]) -> Gauge:
            return Gauge(f"arborank_{name}", what, labels, registry=registry, **mode)

        self.requests = counter("requests_total", "Requests answered.", [*of_route, "status"])
        self.seconds = histogram("request_seconds", "Time from request to answer.", of_route, _SECONDS)
        self.rank_seconds = histogram(
            "rank_seconds", "Time of the model for texts answered together.", of_model, _SECONDS
        )
        self.queue_seconds = histogram("queue_seconds", "Time until the work began.", [], _SECONDS)
        self.texts = counter("texts_total", "Texts and prefixes answered.", of_model)
        self.batch_texts = histogram("batch_texts", "Texts of a request of several.", [], _TEXTS)
        self.in_flight = gauge("in_flight_texts", "Texts being answered.", [], summed)
        self.rejected = counter("rejected_total", "Requests refused.", ["reason"])
        self.empty = counter("empty_answers_total", "Texts without an answer.", of_model)
        self.unknown = counter("unknown_texts_total", "Texts without anything the model knows.", of_model)
        self.info = gauge(
            "model_info", "1 for the revision that is served.", [*of_model, "revision", "kind"], one_each
        )
        self.n_labels = gauge("model_labels", "Labels of a model.", of_model, one_each)
        self.n_bytes = gauge("model_bytes", "Size of a model's files.", of_model, one_each)
        self.load_seconds = gauge(
            "model_load_seconds", "Time to load a model and to warm it.", of_model, one_each
        )
        self.loaded = gauge("model_loaded_timestamp_seconds", "When a model was loaded.", of_model, one_each)
        self.reload_failures = counter(
            "reload_failures_total", "Models that could not be loaded again.", of_model
        )
        self.updates = counter("label_updates_total", "Changes of labels.", [*of_model, "op"])

    def answered(self, model: str, route: str, status: int, seconds: float) -> None:
        """Count a request and its time."""
        key = model, route, status
        children = self._answered.get(key)
        if children is None:
            children = self.requests.labels(model, route, str(status)), self.seconds.labels(model, route)
            self._answered[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def asked(self, model: str, n_texts: int, n_empty: int, n_unknown: int, seconds: float) -> None:
        """Count texts that the model has answered together, and its time."""
        children = self._of_models.get(model)
        if children is None:
            counted = self.texts.labels(model), self.rank_seconds.labels(model)
            children = *counted, self.empty.labels(model), self.unknown.labels(model)
            self._of_models[model] = children
        texts, times, empty, unknown = children
        texts.inc(n_texts)
        times.observe(seconds)
        if n_empty:
            empty.inc(n_empty)
        if n_unknown:
            unknown.inc(n_unknown)

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them, those of other processes included."""
        directory = os.environ.get(_DIRECTORY)
        if directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
