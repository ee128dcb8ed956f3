"""A dashboard for Grafana in its classic JSON: what is drawn of a target, and where it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from unipipe_tui.actions.export import metric_names as names
from unipipe_tui.actions.export.metric_names import selected
from unipipe_tui.actions.export.panels import CHOSEN, Panel, Query, Row, budget_row, rows

Json = dict[str, Any]
SCHEMA_VERSION = 39
"""That of Grafana 10.4 and 11; newer ones migrate it when it is opened."""
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 8


def dashboard(title: str, targets: Sequence[str], budgets: Sequence[str]) -> Json:
    """The whole dashboard; error budgets only where there are some."""
    shown = [*rows(), *((budget_row(),) if budgets else ())]
    return {
        "uid": f"unipipe-{hashlib.sha256(title.encode()).hexdigest()[:12]}",
        "title": f"Unipipe: {title}",
        "description": f"Targets {', '.join(targets)}. Made by `unipipe export grafana`.",
        "tags": ["unipipe"],
        "timezone": "utc",
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": list(_variables())},
        "annotations": {"list": [_releases(), *((_burning(),) if budgets else ())]},
        "panels": list(_placed(shown)),
        "links": [],
    }


def _variables() -> Iterator[Json]:
    yield {
        "type": "datasource",
        "name": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "refresh": 1,
        "regex": "",
    }
    yield _chosen("target", "Target", f"label_values({names.REQUESTS}, target)")
    yield _chosen("model", "Model", f"label_values({selected(names.REQUESTS, *CHOSEN[:1])}, model)")
    yield _chosen("variant", "Variant", f"label_values({selected(names.REQUESTS, *CHOSEN[:2])}, variant)")


def _chosen(name: str, label: str, query: str) -> Json:
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "regex": "",
    }


def _releases() -> Json:
    """A version that answers now and did not a minute before: a server shows itself before its first request."""
    there = f"count by (target, version, variant) ({selected(f'{names.SECONDS}_count', *CHOSEN)})"
    before = f"count by (target, version, variant) ({selected(f'{names.SECONDS}_count', *CHOSEN)} offset 1m)"
    return _marks(
        "Releases", "blue", f"{there} unless {before}", "{{target}}: version {{version}} answers as {{variant}}"
    )


def _burning() -> Json:
    burning = 'ALERTS{alertname="UnipipeErrorBudgetBurn",alertstate="firing",target=~"$target"}'
    return _marks("Burning budgets", "red", burning, "{{slo}} of {{target}} ({{severity}})")


def _marks(name: str, colour: str, expr: str, title: str) -> Json:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        # The first four are asked for by the schema, and read by Grafana's own source of annotations only.
        "target": {
            "limit": 100,
            "matchAny": False,
            "tags": [],
            "type": "dashboard",
            "expr": expr,
            "refId": "Anno",
            "interval": "1m",
        },
        "titleFormat": title,
        "textFormat": "",
        "useValueForTime": False,
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Rows below one another, panels beside one another."""
    numbers, y = count(1), 0
    for row in rows:
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        yield {
            "type": "row",
            "id": next(numbers),
            "title": row.title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        x, y = 0, y + 1
        for panel in row.panels:
            place = {"x": x, "y": y, "w": panel.width, "h": HEIGHT}
            yield _panel(panel, next(numbers), place)
            x += panel.width
        y += HEIGHT


def _panel(panel: Panel, number: int, place: Json) -> Json:
    return {
        "type": panel.kind,
        "id": number,
        "title": panel.title,
        "description": panel.what,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [
            _query(query, letter, panel.kind) for query, letter in zip(panel.queries, "ABCDEFGH", strict=False)
        ],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": OPTIONS[panel.kind],
    }


def _query(query: Query, letter: str, kind: str) -> Json:
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend,
        "format": query.format,
        "range": kind != "stat",
        "instant": kind == "stat",
    }


def _field(panel: Panel) -> Json:
    field: Json = {"unit": panel.unit, "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"}}
    if panel.kind != "stat":
        field["min"] = 0
    if panel.most is not None:
        field["max"] = panel.most
    steps = panel.limits or ((0, "green"),)
    field["thresholds"] = {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}
    if panel.kind == "timeseries":
        field["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 25 if panel.stacked else 0,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"},
        }
    return field


OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "heatmap": {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "reverse": False, "exponent": 0.5, "fill": "blue"},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False},
    },
}
