"""The server's own counters in OpenTelemetry's terms: names, labels and numbers are those of `/metrics`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as OtlpMetric
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric
from prometheus_client.samples import Sample

CUMULATIVE = AggregationTemporality.CUMULATIVE
Labels = tuple[tuple[str, str], ...]


def data_of(families: Iterable[Metric], resource: Resource, library: str, began: int, now: int) -> MetricsData:
    """All families as they are now; they count from `began` on. Both are nanoseconds since the epoch."""
    metrics = [_metric(family, began, now) for family in families]
    scope = ScopeMetrics(InstrumentationScope(library), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(family: Metric, began: int, now: int) -> OtlpMetric:
    match family.type:
        case "counter":
            points = [_number(one, began, now) for one in family.samples if one.name.endswith("_total")]
            data: Sum | Gauge | Histogram = Sum(points, CUMULATIVE, is_monotonic=True)
        case "histogram":
            data = Histogram(list(_histograms(family.samples, began, now)), CUMULATIVE)
        case _:
            data = Gauge([_number(one, began, now) for one in family.samples])
    return OtlpMetric(family.name, family.documentation, "", data)


def _number(sample: Sample, began: int, now: int) -> NumberDataPoint:
    return NumberDataPoint(dict(sample.labels), began, now, sample.value)


def _histograms(samples: Iterable[Sample], began: int, now: int) -> Iterator[HistogramDataPoint]:
    """One for each set of labels; Prometheus counts up to each limit, OTLP between them."""
    below: dict[Labels, dict[float, float]] = {}
    sums: dict[Labels, float] = {}
    for sample in samples:
        key = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            below.setdefault(key, {})[float(sample.labels["le"])] = sample.value
        elif sample.name.endswith("_sum"):
            sums[key] = sample.value
    for key, counts in below.items():
        limits = sorted(counts)
        between = [after - before for before, after in pairwise([0.0, *(counts[limit] for limit in limits)])]
        yield HistogramDataPoint(
            attributes=dict(key),
            start_time_unix_nano=began,
            time_unix_nano=now,
            count=int(counts[limits[-1]]),
            sum=sums.get(key, 0.0),
            bucket_counts=[int(count) for count in between],
            explicit_bounds=[limit for limit in limits if not math.isinf(limit)],
            # Nobody keeps them; the encoding can leave them out, its types cannot say so.
            min=None,  # type: ignore[arg-type]
            max=None,  # type: ignore[arg-type]
        )
