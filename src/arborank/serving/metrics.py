"""What is counted, for Prometheus; several processes count together if PROMETHEUS_MULTIPROC_DIR names a directory."""

import os
from bisect import bisect_left
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # the library reads it when it is imported
_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_TEXTS = (1, 2, 8, 32, 64, 128, 256, 1024)


class _Times:
    """Times that are counted here, and handed to a histogram now and then, which takes longer."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram, self._lock = histogram, Lock()  # threads count, too
        self._counts, self._total = [0] * (len(_SECONDS) + 1), 0.0

    def add(self, seconds: float) -> None:
        """Count a time."""
        with self._lock:
            self._counts[bisect_left(_SECONDS, seconds)] += 1
            self._total += seconds

    def hand_over(self) -> int:
        """Give the histogram what is counted; return how much that was."""
        with self._lock:
            counts, self._counts = self._counts, [0] * len(self._counts)
            total, self._total = self._total, 0.0
        for bucket, count in zip(self._histogram._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._histogram._sum.inc(total)
        return sum(counts)


class Metrics:
    """Counters of a service. Only names of models and routes that exist become labels, never what a client sends."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._answered: dict[tuple[str, str, int], tuple[Counter, _Times]] = {}  # found sooner than by labels
        self._of_models: dict[str, tuple[Counter, _Times, Counter, Counter]] = {}
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
        self._queued = _Times(self.queue_seconds)
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
        counted = self._answered.get(key)
        if counted is None:
            counter, times = (
                self.requests.labels(model, route, str(status)),
                self.seconds.labels(model, route),
            )
            counted = self._answered[key] = counter, _Times(times)
        counted[1].add(seconds)

    def queued(self, seconds: float) -> None:
        """Count how long a call has waited."""
        self._queued.add(seconds)

    def asked(self, model: str, n_texts: int, n_empty: int, n_unknown: int, seconds: float) -> None:
        """Count texts that the model has answered together, and its time."""
        children = self._of_models.get(model)
        if children is None:
            texts, times = self.texts.labels(model), _Times(self.rank_seconds.labels(model))
            children = texts, times, self.empty.labels(model), self.unknown.labels(model)
            self._of_models[model] = children
        children[0].inc(n_texts)
        children[1].add(seconds)
        if n_empty:
            children[2].inc(n_empty)
        if n_unknown:
            children[3].inc(n_unknown)

    def hand_over(self) -> None:
        """Bring up to date what Prometheus reads."""
        for counter, times in list(self._answered.values()):
            counter.inc(times.hand_over())
        for _, times, _, _ in list(self._of_models.values()):
            times.hand_over()
        self._queued.hand_over()

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them, those of other processes included."""
        self.hand_over()
        directory = os.environ.get(_DIRECTORY)
        if directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
