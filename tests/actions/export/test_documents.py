"""What other tools watch with is what they take: rules that Prometheus reads, a dashboard that Grafana opens."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.conftest import unipipe
from unipipe_tui.actions.export import metric_names as names
from unipipe_tui.actions.export.dashboard import dashboard
from unipipe_tui.actions.export.documents import (
    ExportDashboard,
    ExportRules,
    plan_dashboard,
    print_dashboard,
    print_rules,
)
from unipipe_tui.actions.export.rules import groups
from unipipe_tui.domain.errors import Refused
from unipipe_tui.serving.log_writer import MOST_ROWS_WAITING
from unipipe_tui.serving.metrics import SECONDS, Answerer, Metrics
from unipipe_tui.serving.scoring import Outcome
from unipipe_tui.wiring import world_at

SCHEMA = Path(__file__).with_name("grafana_dashboard.schema.json")
CONFIG = """
model: {name: fraud}
targets: {local: {}, production: {kind: kubernetes, kubernetes: {namespace: ml}}}
monitoring: {operations: {slow_after_ms: 200}}
slos:
  availability: {kind: availability, goal: 99.9 %, budget: together}
  quality: {kind: quality, metric: precision, goal: 95 %, budget: together, weight: 3}
  right: {kind: quality, metric: accuracy, goal: 95 %}
  found: {kind: quality, metric: recall, goal: 95 %}
  fast: {kind: latency, below: 100ms, goal: 99 %}
  asked: {kind: freshness, of: predictions, within: 1h, goal: 99 %}
  told: {kind: freshness, of: labels, within: 3d, goal: 99 %}
  up: {kind: uptime, goal: 99.5 %, over: 7d, targets: [production]}
"""


@pytest.fixture
def configured(project: Path) -> Path:
    (project / "unipipe.yaml").write_text(CONFIG)
    return project


@pytest.fixture
def rules(configured: Path) -> str:
    exported = print_rules(ExportRules(), world_at(configured))
    assert exported is not None
    assert exported.text is not None
    return exported.text


@pytest.fixture
def drawn(configured: Path) -> Any:
    exported = print_dashboard(ExportDashboard(), world_at(configured))
    assert exported is not None
    assert exported.text is not None
    return json.loads(exported.text)


def served_metrics() -> set[str]:
    """The names of a server's own metrics, once everything has happened."""
    metrics = Metrics()
    one = Answerer("fraud", 1, "stable")
    metrics.count_request(one, 200, 0.01)
    metrics.count_outcomes(one, [Outcome(0.5, 1)])
    metrics.count_label(one, 1, 1)
    metrics.count_dropped(one)
    return {line.split("{")[0].split(" ")[0] for line in metrics.text().decode().splitlines() if line[0] != "#"}


def named_in(expr: str) -> set[str]:
    """The metrics that an expression names."""
    return set(re.findall(r"\b(?:unipipe_[a-z_]+|unipipe:[a-z0-9_:]+)", expr))


def panels_of(document: Any) -> list[Any]:
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def exprs_of(document: Any) -> Iterator[str]:
    """Every query of a dashboard, its variables filled in as Grafana would."""
    marks = [mark["target"]["expr"] for mark in document["annotations"]["list"]]
    for expr in [*(query["expr"] for panel in panels_of(document) for query in panel["targets"]), *marks]:
        yield re.sub(r"\$(target|model|variant)\b", ".*", expr.replace("$__rate_interval", "1m"))


def test_the_names_are_those_of_the_server() -> None:
    told = {
        value
        for name, value in vars(names).items()
        if name.isupper() and isinstance(value, str) and value.startswith("unipipe_")
    }
    served = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in served_metrics()}
    assert told == {name for name in served if not name.endswith("_created")}
    assert names.SECONDS_LIMITS == SECONDS
    assert names.MOST_ROWS_WAITING == MOST_ROWS_WAITING


def test_every_rule_is_whole_and_every_expression_is_promql(rules: str) -> None:
    document = yaml.safe_load(rules)
    assert set(document) == {"groups"}
    assert len({group["name"] for group in document["groups"]}) == len(document["groups"])
    for group in document["groups"]:
        assert set(group) == {"name", "interval", "rules"}
        for rule in group["rules"]:
            kind = "record" if "record" in rule else "alert"
            assert set(rule) <= {kind, "expr", "labels"} | ({"for", "annotations"} if kind == "alert" else set())
            assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", rule[kind])
            assert all(isinstance(value, str) for value in rule.get("labels", {}).values())
            promql_parser.parse(rule["expr"])
    rules_of_all = [rule for group in document["groups"] for rule in group["rules"]]
    keys = [
        (rule.get("record") or rule["alert"], tuple(sorted(rule.get("labels", {}).items()))) for rule in rules_of_all
    ]
    assert len(set(keys)) == len(keys)


def test_rules_use_what_the_server_tells_and_what_other_rules_record(rules: str) -> None:
    every = [rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]]
    known = served_metrics() | {rule["record"] for rule in every if "record" in rule}
    for rule in every:
        assert named_in(rule["expr"]) <= known, rule


def test_the_head_says_how_prometheus_gives_the_label_target(rules: str) -> None:
    head = "".join(line.removeprefix("#").removeprefix(" ") for line in rules.splitlines(True) if line.startswith("#"))
    local, production = yaml.safe_load(head[head.index("scrape_configs") :])["scrape_configs"]
    assert local["static_configs"] == [{"targets": ["127.0.0.1:8765"], "labels": {"target": "local"}}]
    assert production["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"names": ["ml"]}}]
    assert production["relabel_configs"][0]["regex"] == "production"


def test_a_limit_between_those_of_the_histogram_is_told(project: Path) -> None:
    (project / "unipipe.yaml").write_text("slos: {fast: {kind: latency, below: 120ms, goal: 99 %}}")
    exported = print_rules(ExportRules(), world_at(project))
    assert exported is not None
    assert exported.notices == (
        "fast: Prometheus counts up to 100 ms, the nearest limit of the server's histogram to 120ms.",
    )
    assert 'le="0.1"' in (exported.text or "")


PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def promtool(*words: str | Path) -> str:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_takes_the_rules(rules: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules)
    assert "SUCCESS" in promtool("check", "rules", "--lint-fatal", file)


@needs_promtool
def test_prometheus_counts_and_alerts_as_the_rules_say(configured: Path, tmp_path: Path) -> None:
    found = groups(("local",), world_at(configured).config.slos, world_at(configured).config.monitoring.operations)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": found}))
    of = 'target="local",model="fraud",version="1",variant="stable"'

    def series(metric: str, labels: str, a_minute: float) -> dict[str, str]:
        return {"series": f"{metric}{{{of}{labels}}}", "values": f"0+{a_minute:g}x80"}

    inputs = [
        series("unipipe_requests_total", ',status="200"', 60),
        series("unipipe_requests_total", ',status="500"', 40),
        {"series": 'unipipe_requests_total{target="local",variant="shadow",status="500"}', "values": "0+500x80"},
        series("unipipe_request_seconds_count", "", 100),
        series("unipipe_request_seconds_bucket", ',le="0.1"', 97),
        series("unipipe_feedback_total", ',decision="1",label="1"', 9),
        series("unipipe_feedback_total", ',decision="1",label="0"', 1),
        series("unipipe_feedback_total", ',decision="0",label="1"', 3),
        series("unipipe_feedback_total", ',decision="0",label="0"', 7),
        {"series": 'up{target="local"}', "values": "1+0x80"},
    ]
    together = (40 + 3 * 1) / (0.1 + 3 * 0.05 * 10)
    expected = {"together": together, "right": 4 / 20 / 0.05, "found": 3 / 12 / 0.05, "fast": 3.0}
    asked = [
        {
            "expr": f'round(unipipe:slo_burn:ratio{window}{{slo="{budget}"}}, 0.001)',
            "eval_time": "70m",
            "exp_samples": [{"labels": f'{{slo="{budget}",target="local"}}', "value": round(rate, 3)}],
        }
        for budget, rate in expected.items()
        for window in ("5m", "1h")
    ]
    burning = [
        {
            "exp_labels": {
                "severity": severity,
                "slo": "together",
                "target": "local",
                "long_window": long,
                "short_window": short,
            },
            "exp_annotations": {
                "summary": "together of local burns its error budget 26.9 times too fast",
                "command": "unipipe slo show local",
                "description": "availability: answered without 5xx, 99.9 % over 28d; "
                "quality: decided right (precision), 95 % over 28d",
            },
        }
        for long, short, severity in (("1h", "5m", "critical"), ("6h", "30m", "critical"), ("3d", "6h", "warning"))
    ]
    failing = {
        "exp_labels": {"severity": "critical", "target": "local"},
        "exp_annotations": {
            "summary": "40% of the requests to local failed in the last hour",
            "command": "unipipe release show local",
        },
    }
    alerts = [
        {"eval_time": "70m", "alertname": "UnipipeErrors", "exp_alerts": [failing]},
        {"eval_time": "70m", "alertname": "UnipipeTargetAway", "exp_alerts": []},
    ]
    # Of the others the slow rule burns as well: only the shared budget is asked for here.
    budgets = [group for group in found if "local-together" in group["name"] or "slo" not in group["name"]]
    (tmp_path / "together.yml").write_text(yaml.safe_dump({"groups": budgets}))
    only = [{"eval_time": "70m", "alertname": "UnipipeErrorBudgetBurn", "exp_alerts": burning}]

    def tested(file: str, **questions: object) -> None:
        test = {"interval": "1m", "input_series": inputs, **questions}
        whole = {"rule_files": [file], "evaluation_interval": "1m", "tests": [test]}
        (tmp_path / "test.yml").write_text(yaml.safe_dump(whole))
        promtool("test", "rules", tmp_path / "test.yml")

    tested("rules.yml", promql_expr_test=asked, alert_rule_test=alerts)
    tested("together.yml", alert_rule_test=only)


@needs_promtool
def test_one_failed_request_wakes_nobody_and_a_target_that_vanished_does(configured: Path, tmp_path: Path) -> None:
    (configured / "unipipe.yaml").write_text(
        "slos: {availability: {kind: availability, goal: 99.9 %}, up: {kind: uptime, goal: 99 %}}"
    )
    world = world_at(configured)
    found = groups(("local",), world.config.slos, world.config.monitoring.operations)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": found}))

    inputs = [
        {"series": 'unipipe_requests_total{target="local",status="200"}', "values": "0+1x100"},
        {"series": 'unipipe_requests_total{target="local",status="500"}', "values": "0x8 1x91"},
        # Scraped for ten minutes, then nothing is there any more.
        {"series": 'up{target="local"}', "values": "1x10"},
    ]
    asked = [
        {"expr": 'count(ALERTS{slo="availability"})', "eval_time": "12m", "exp_samples": []},
        {"expr": 'count(ALERTS{slo="up"})', "eval_time": "10m", "exp_samples": []},
        {"expr": 'count(ALERTS{slo="up"}) > bool 0', "eval_time": "40m", "exp_samples": [{"labels": "{}", "value": 1}]},
    ]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": asked}
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(whole))
    promtool("test", "rules", tmp_path / "test.yml")


def test_the_dashboard_fits_its_schema(drawn: Any) -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    faults = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(drawn)]
    assert faults == []


def test_panels_have_places_of_their_own_and_ids_of_their_own(drawn: Any) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in drawn["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in drawn["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_query_of_the_dashboard_is_promql_over_what_there_is(drawn: Any, rules: str) -> None:
    recorded = {
        rule["record"] for group in yaml.safe_load(rules)["groups"] for rule in group["rules"] if "record" in rule
    }
    for expr in exprs_of(drawn):
        promql_parser.parse(expr)
        assert named_in(expr) <= served_metrics() | recorded, expr


def test_the_dashboard_shows_what_the_server_tells_for_a_chosen_target_and_variant(drawn: Any) -> None:
    shown = set().union(*(named_in(expr) for expr in exprs_of(drawn)))
    base = {name.removesuffix("_bucket").removesuffix("_count") for name in shown}
    assert {value for key, value in vars(names).items() if key.isupper() and str(value).startswith("unipipe_")} <= base
    assert [variable["name"] for variable in drawn["templating"]["list"]] == [
        "datasource",
        "target",
        "model",
        "variant",
    ]
    assert all("$target" in query["expr"] for panel in panels_of(drawn) for query in panel["targets"])
    assert [mark["name"] for mark in drawn["annotations"]["list"]] == ["Releases", "Burning budgets"]


def test_without_objectives_nothing_is_shown_that_no_rule_records() -> None:
    document = dashboard("fraud", ("local",), ())
    assert not [expr for expr in exprs_of(document) if "unipipe:" in expr]
    assert dashboard("fraud", ("local",), ()) == document


def test_exports_are_printed_or_written_and_never_over_a_file_unasked(configured: Path) -> None:
    printed = unipipe("export", "prometheus", cwd=configured)
    assert printed.exit_code == 0, printed.stderr
    assert yaml.safe_load(printed.stdout)["groups"]
    written = unipipe("export", "grafana", "--to", "dashboard.json", "--json", cwd=configured)
    assert written.exit_code == 0, written.stderr
    assert json.loads((configured / "dashboard.json").read_text())["title"] == "Unipipe: fraud"
    assert json.loads(written.stdout)["to"].endswith("dashboard.json")
    with pytest.raises(Refused, match="is there already"):
        plan_dashboard(ExportDashboard(configured / "dashboard.json"), world_at(configured))
    plan = plan_dashboard(ExportDashboard(configured / "dashboard.json", force=True), world_at(configured))
    assert "over the one that is there" in plan.effects[0].text


def test_an_objective_for_one_target_makes_rules_for_that_target_only(rules: str) -> None:
    of_up = {
        rule["labels"]["target"]
        for group in yaml.safe_load(rules)["groups"]
        for rule in group["rules"]
        if rule.get("labels", {}).get("slo") == "up"
    }
    assert of_up == {"production"}
