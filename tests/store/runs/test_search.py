"""A search of the index answers as MLflow's own does on the same runs, and nothing that was typed gets into the SQL."""

from __future__ import annotations

import math
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Field,
    FieldKind,
    Life,
    Not,
    Operator,
    Order,
    RunQuery,
    Word,
)
from unipipe_tui.domain.runs.query_grammar import ATTRIBUTES, all_examples
from unipipe_tui.domain.runs.query_text import parse_field, parse_order, parse_where
from unipipe_tui.domain.runs.rows import DatasetRow, ExperimentRow, MetricRow, ParamRow, RunBatch, RunRow, TagRow
from unipipe_tui.store.runs.conditions import ATTRIBUTES as COLUMNS
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory
from unipipe_tui.store.runs.search import count_and_page, fields_of, fields_sql, numbers_that_fit, page_sql

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = pytest.mark.xdist_group("mlflow")

LIVES = {Life.ACTIVE: ViewType.ACTIVE_ONLY, Life.DELETED: ViewType.DELETED_ONLY, Life.ALL: ViewType.ALL}
KELVIN = "\u212a"
TEXTS = (
    *(
        "6",
        "06",
        "6.0",
        "10",
        "-1e-3",
        "XGB",
        "xgb",
        "xGb-2",
        "",
        "a%b",
        "a_b",
        "aXb",
        "É",
        "é",
        "ÉT",
        KELVIN,
        "k",
        "ſ",
    ),
    *(
        "it's",
        'say "hi"',
        "a\\b",
        "a\\%b",
        "--",
        "select",
        "日本",
        "😀",
        "x" * 6000,
        "%",
        "_",
        "null",
        "İ",
        "i",
        "A\nB",
    ),
)
NUMBERS = (0.1, 0.5, 0.5000000001, -0.0, 0.0, 3.0, 1e-9, -7.25, 1e300, math.nan, math.inf, -math.inf)
METRICS = ("auc", "val loss", "loss/top-1", "select", "größe")
PARAMS = ("depth", "model.name", "select", "learning rate", "a:b")
TAGS = ("team", "größe", "reviewed", "from")
NAMES = ("night", "Night-1", "ÉA", "éa", "a%b", "it's", "night")
STARTS = (1_700_000_000_000, 1_700_000_000_001, 1_710_000_000_000)


@dataclass(frozen=True)
class Both:
    """The same runs in MLflow's database and in an index."""

    client: MlflowClient
    experiments: list[str]
    place: Memory

    def theirs(self, where: str, order_by: list[str], life: Life = Life.ACTIVE) -> list[str]:
        """The ids that MLflow finds."""
        found = self.client.search_runs(self.experiments, where, LIVES[life], 5000, order_by)
        return [run.info.run_id for run in found]

    def ours(self, where: str, order_by: list[str], life: Life = Life.ACTIVE) -> list[str]:
        """The ids that the index finds."""
        return self.asked(RunQuery(parse_where(where), tuple(map(parse_order, order_by)), None, 0, life))

    def asked(self, query: RunQuery) -> list[str]:
        """The ids on a page of the index."""
        with self.place.reading() as connection:
            return [str(run_id) for (run_id,) in fields_of(connection, query, ())]


@pytest.fixture(scope="module")
def both(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """A hundred runs of every kind."""
    path = tmp_path_factory.mktemp("search") / "mlflow.db"
    shutil.copyfile(empty_database, path)
    client = MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}")
    _fill(client, path)
    experiments = [one.experiment_id for one in client.search_experiments(ViewType.ALL)]
    place = Memory()
    RunIndex(place).take("mlflow", str(path), _batch(client, experiments))
    return Both(client, experiments, place)


def _fill(client: MlflowClient, path: Path) -> None:
    chance = random.Random(7)
    experiments = ["0", client.create_experiment("lasting"), client.create_experiment("short-lived")]
    for number in range(60):
        run = client.create_run(
            experiments[number % 3 if number % 5 else 1], chance.choice(STARTS), run_name=chance.choice(NAMES)
        )
        run_id = run.info.run_id
        client.log_batch(
            run_id,
            [Metric(key, chance.choice(NUMBERS), 0, 0) for key in METRICS if chance.random() < 0.7],
            [Param("depth", TEXTS[number % len(TEXTS)])] * (number % 7 > 0)
            + [Param(key, chance.choice(TEXTS)) for key in PARAMS[1:] if chance.random() < 0.7],
            [RunTag(key, chance.choice(TEXTS)[:5000]) for key in TAGS if chance.random() < 0.7],
        )
        client.log_inputs(run_id, _datasets(chance))
        if chance.random() < 0.6:
            client.set_terminated(run_id, chance.choice(("FINISHED", "FAILED", "KILLED")), 1_710_000_000_000 + number)
        if chance.random() < 0.15:
            client.delete_run(run_id)
    client.delete_experiment(experiments[2])
    with sqlite3.connect(path) as connection:
        # What MLflow's client cannot write, but other programs did.
        ids = [run_id for (run_id,) in connection.execute("SELECT run_uuid FROM runs ORDER BY run_uuid")]
        connection.executemany("UPDATE runs SET user_id = 'Ada' WHERE run_uuid = ?", [(one,) for one in ids[30:60]])
    connection.close()


def _datasets(chance: random.Random) -> list[DatasetInput]:
    made = {}
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        name, digest = chance.choice(("payments", "Payments", "it's")), chance.choice(("d1", "d2"))
        tags = (
            [InputTag("mlflow.data.context", chance.choice(("training", "Evaluation")))]
            if chance.random() < 0.7
            else []
        )
        made[name, digest] = DatasetInput(Dataset(name, digest, "local", "{}"), tags)
    return list(made.values())


def _batch(client: MlflowClient, experiments: list[str]) -> RunBatch:
    runs = list(client.search_runs(experiments, "", ViewType.ALL, 5000))
    return RunBatch(
        cursor="all",
        runs=[
            RunRow(
                run.info.run_id,
                run.info.run_name,
                run.info.experiment_id,
                run.info.status,
                run.info.lifecycle_stage,
                run.info.user_id,
                run.info.start_time,
                run.info.end_time,
                run.info.artifact_uri,
            )
            for run in runs
        ],
        metrics=[MetricRow(run.info.run_id, key, value) for run in runs for key, value in run.data.metrics.items()],
        params=[ParamRow(run.info.run_id, key, value) for run in runs for key, value in run.data.params.items()],
        tags=[TagRow(run.info.run_id, key, value) for run in runs for key, value in run.data.tags.items()],
        datasets=[
            DatasetRow(
                run.info.run_id,
                given.dataset.name,
                given.dataset.digest,
                next((tag.value for tag in given.tags if tag.key == "mlflow.data.context"), ""),
            )
            for run in runs
            for given in run.inputs.dataset_inputs
        ],
        experiments=[
            ExperimentRow(one.experiment_id, one.name, one.lifecycle_stage)
            for one in client.search_experiments(ViewType.ALL)
        ],
    )


class Asking:
    """Makes up filters and orders that MLflow accepts."""

    def __init__(self, both: Both, seed: int) -> None:
        self._chance = random.Random(seed)
        self._pick = self._chance.choice
        self._ids = both.theirs("", [], Life.ALL)

    def where(self) -> str:
        """Up to four comparisons."""
        kinds = (self._metric, self._metric, self._text, self._text, self._attribute, self._moment, self._dataset)
        clauses = [self._pick(kinds)() for _ in range(self._pick((0, 1, 1, 1, 1, 2, 2, 3)))]
        return self._pick((" and ", " AND ", "\n  And ")).join(clauses)

    def order_by(self) -> list[str]:
        """Up to three orders by different fields."""
        fields = [
            *(self._named(("metrics", "metric"), key) for key in METRICS),
            *(self._named(("params", "parameter"), key) for key in PARAMS),
            *(self._named(("tags",), key) for key in TAGS),
            *("start_time", "attributes.end_time", "run_id", "attr.status", "run.artifact_uri", "attribute.user_id"),
        ]
        chosen = self._chance.sample(fields, self._pick((0, 1, 1, 2, 3)))
        return [f"{one}{self._pick(('', ' ASC', ' DESC', ' desc'))}" for one in chosen]

    def _metric(self) -> str:
        number = self._pick(("0.5", "0", "-0.0", "3", "-7.25", "1e-9", "1e300", "0.1", "1e999", "-1e999", ".5"))
        field = self._named(("metrics", "metric"), self._pick((*METRICS, "unknown")))
        return f"{field}{self._spaced(self._pick(('=', '!=', '>', '>=', '<', '<=')))}{number}"

    def _text(self) -> str:
        kind, keys = self._pick(((("params", "param", "parameter"), PARAMS), (("tags", "tag"), TAGS)))
        return self._compared(self._named(kind, self._pick((*keys, "unknown"))), may_be_null=True)

    def _attribute(self) -> str:
        name = self._pick(("status", "run_name", "`Run name`", "user_id", "artifact_uri", "run_id"))
        if name == "run_id" and self._chance.random() < 0.7:
            listed = ", ".join(f"{quote}{one}{quote}" for one, quote in zip(self._some_ids(), "'\"'", strict=False))
            return f"attributes.run_id {self._pick(('IN', 'in', 'NOT IN'))} ({listed})"
        return self._compared(f"{self._pick(('attributes', 'attribute', 'attr', 'run'))}.{name}")

    def _some_ids(self) -> list[str]:
        return [*self._chance.sample(self._ids, 2), "unknown"]

    def _moment(self) -> str:
        name = self._pick(("start_time", "attributes.created", "attr.Created", "end_time", "attributes.end_time"))
        sign = self._pick(("=", "!=", ">", ">=", "<", "<="))
        return f"{name} {sign} {self._pick(('1700000000000', '1700000000001', '1710000000050', '1.7e12', '0'))}"

    def _dataset(self) -> str:
        name = self._pick(("name", "digest", "context"))
        field = f"{self._pick(('datasets', 'dataset'))}.{name}"
        values = {"name": ("payments", "it's"), "digest": ("d1", "d2", "d9"), "context": ("training", "evaluation", "")}
        if self._chance.random() < 0.3:
            return f'{field} {self._pick(("IN", "NOT IN"))} ("{self._pick(values[name])}", "d2")'
        return self._compared(field, (*values[name], "PAY%", "%a_%", "D_"))

    def _compared(self, field: str, values: tuple[str, ...] = (), *, may_be_null: bool = False) -> str:
        if may_be_null and self._chance.random() < 0.2:
            return f"{field} {self._pick(('IS NULL', 'is null', 'IS NOT NULL', 'is not null'))}"
        sign = self._pick(("=", "!=", "LIKE", "like", "ILIKE", "ilike"))
        value = self._pick(
            values or (*TEXTS, *NAMES, "FINISHED", "fin%", "A", "ada", *("x%", "%6%", "_", "__", "%", "É%"))
        )
        if "like" in sign.lower() and self._chance.random() < 0.6 and len(value) < 100:
            value = f"{self._pick(('%', '', '_'))}{self._pick((value.upper(), value.lower(), value))}{self._pick(('%', ''))}"
        quote = '"' if "'" in value else "'" if '"' in value else self._pick("'\"")
        return f"{field}{self._spaced(sign)}{quote}{value}{quote}"

    def _named(self, kinds: tuple[str, ...], key: str) -> str:
        plain = key.isidentifier() and key != "from" and self._chance.random() < 0.5
        return f"{self._pick(kinds)}.{key if plain else self._pick('`' + chr(34)).join(('', key, ''))}"

    def _spaced(self, sign: str) -> str:
        return f" {sign} " if sign.isalpha() else self._pick((sign, f" {sign} ", f"  {sign}"))


@pytest.mark.parametrize("seed", range(20))
def test_random_filters_and_orders_find_the_runs_that_mlflow_finds_in_its_order(both: Both, seed: int) -> None:
    asking = Asking(both, seed)
    for _ in range(15):
        where, order_by, life = asking.where(), asking.order_by(), random.Random(seed).choice(list(Life))
        assert both.ours(where, order_by, life) == both.theirs(where, order_by, life), (where, order_by, life)


def test_the_questions_made_up_here_find_some_runs_and_not_only_all_or_none(both: Both) -> None:
    asking = Asking(both, 0)
    found = [len(both.ours(asking.where(), [], Life.ALL)) for _ in range(100)]
    assert sum(0 < count < 60 for count in found) > 30


def test_a_run_with_a_broken_figure_fits_no_comparison_of_it_but_that_it_is_another(both: Both) -> None:
    broken = {run_id for run_id, value in cells(both, "metrics.auc") if isinstance(value, float) and math.isnan(value)}
    assert broken
    for sign in ("=", ">", ">=", "<", "<="):
        assert not broken & set(both.ours(f"metrics.auc {sign} 0", [], Life.ALL))
    assert broken <= set(both.ours("metrics.auc != 0", [], Life.ALL))


@pytest.mark.parametrize("pattern", ["é", "É%", "Ét", "k", "K", KELVIN, "ſ", "s", "i", "İ", "xGb%", "_", "a_B", "日_"])
def test_like_and_ilike_know_the_letters_that_sqlite_knows(both: Both, pattern: str) -> None:
    for key in ("params.depth", "params.select", "tags.team", "run_name"):
        for operator in ("LIKE", "ILIKE"):
            where = f"{key} {operator} '{pattern}'"
            assert both.ours(where, [], Life.ALL) == both.theirs(where, [], Life.ALL), where


@pytest.mark.parametrize("seed", range(3))
def test_not_means_all_other_runs_and_or_means_either(both: Both, seed: int) -> None:
    asking = Asking(both, 100 + seed)
    everything = set(both.ours("", [], Life.ALL))
    for _ in range(20):
        one, other = asking.where() or "xgb", asking.where() or "depth:6"
        fits_one, fits_other = set(both.ours(one, [], Life.ALL)), set(both.ours(other, [], Life.ALL))
        assert set(both.ours(f"not ({one})", [], Life.ALL)) == everything - fits_one
        assert set(both.ours(f"({one}) or {other}", [], Life.ALL)) == fits_one | fits_other
        assert set(both.ours(f"({one}) not ({other})", [], Life.ALL)) == fits_one - fits_other


def test_pages_add_up_to_the_whole_and_each_knows_how_many_there_are(both: Both) -> None:
    query = RunQuery(parse_where("metrics.auc IS NOT NULL"), (parse_order("metrics.auc DESC"),), None, 0, Life.ALL)
    whole = both.asked(query)
    pages = [both.asked(RunQuery(query.where, query.order_by, 7, offset, Life.ALL)) for offset in range(0, 100, 7)]
    assert [run_id for page in pages for run_id in page] == whole
    with both.place.reading() as connection:
        for limit, offset in ((7, 0), (7, 98), (0, 0), (5, 5000), (None, 3)):
            total, numbers = count_and_page(connection, RunQuery(query.where, query.order_by, limit, offset, Life.ALL))
            assert total == len(whole)
            assert len(numbers) == len(whole[offset:][:limit])


def test_the_numbers_that_fit_are_those_of_all_pages(both: Both) -> None:
    query = RunQuery(parse_where("status = FINISHED"), limit=1)
    with both.place.reading() as connection:
        for _ in range(2):
            with numbers_that_fit(connection, query) as table:
                counted = connection.execute(f"SELECT count(DISTINCT run) FROM {table}").fetchone()
            assert counted == (len(both.theirs("status = 'FINISHED'", [])),)


def test_a_table_of_fields_holds_what_mlflow_holds_and_none_for_the_rest(both: Both) -> None:
    names = (
        *("metrics.`val loss`", "params.`learning rate`", "tags.team"),
        *("start_time", "end_time", "status", "experiment_id"),
    )
    query = RunQuery(None, (parse_order("params.depth"),), 20, 3, Life.ALL)
    with both.place.reading() as connection:
        table = fields_of(connection, query, [parse_field(name) for name in names])
    runs = both.client.search_runs(both.experiments, "", ViewType.ALL, 23, ["params.depth"])[3:]
    assert [tuple(map(comparable, row)) for row in table] == [
        tuple(
            map(
                comparable,
                (
                    run.info.run_id,
                    run.data.metrics.get("val loss"),
                    run.data.params.get("learning rate"),
                    run.data.tags.get("team"),
                    run.info.start_time,
                    run.info.end_time,
                    run.info.status,
                    run.info.experiment_id,
                ),
            )
        )
        for run in runs
    ]


def comparable(cell: object) -> object:
    return "NaN" if isinstance(cell, float) and math.isnan(cell) else cell


def cells(both: Both, field: str) -> list[tuple[object, object]]:
    with both.place.reading() as connection:
        query = RunQuery(limit=None, life=Life.ALL)
        return [(run_id, value) for run_id, value in fields_of(connection, query, [parse_field(field)])]


def test_every_attribute_of_the_language_is_a_column_and_every_example_can_be_asked(both: Both) -> None:
    assert set(COLUMNS) == {row.name for row in ATTRIBUTES}
    for example in all_examples():
        both.ours(example, [f"{row.name} DESC" for row in ATTRIBUTES], Life.ALL)


SMALL = RunBatch(
    cursor="1",
    runs=[
        RunRow("aa1", "night", "1", "FINISHED", user="Ada", started=1_795_248_000_000, ended=1_795_248_090_000),
        RunRow("aa2", "Morgen", "1", "RUNNING", user=None, started=1_795_161_600_000),
        RunRow("bb1", "", "2", "FAILED", user="bob", started=None, ended=None),
        RunRow("bb2", "lost", "3", "FINISHED", user="bob", started=9_000_000_000_000_000_000, ended=-(10**18)),
    ],
    params=[ParamRow("aa1", "depth", "6"), ParamRow("aa2", "depth", "16"), ParamRow("bb1", "model", "XGBoost")],
    metrics=[MetricRow("aa1", "auc", 0.5), MetricRow("aa2", "auc", math.nan), MetricRow("bb1", "val.auc", 6.0)],
    tags=[
        TagRow("aa1", "reviewed", "yes"),
        TagRow("aa2", "mlflow.log-model.history", '[{"flavors": "XGBoost"}]'),
        TagRow("bb1", "depth", "deep"),
    ],
    datasets=[DatasetRow("aa1", "payments", "d1", "training"), DatasetRow("aa1", "accounts", "d2")],
    experiments=[ExperimentRow("1", "Fraud"), ExperimentRow("2", "churn"), ExperimentRow("3", "old", "deleted")],
)


@contextmanager
def small() -> Iterator[duckdb.DuckDBPyConnection]:
    place = Memory()
    RunIndex(place).take("mlflow", "here", SMALL)
    with place.reading() as connection:
        yield connection


def found(text: str, *orders: str, life: Life = Life.ALL, experiments: tuple[str, ...] = ()) -> str:
    query = RunQuery(parse_where(text), tuple(map(parse_order, orders)), None, 0, life, experiments)
    with small() as connection:
        return " ".join(str(run_id) for (run_id,) in fields_of(connection, query, ()))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("NIGHT", "aa1"),
        ("morg", "aa2"),
        ("AA", "aa1 aa2"),
        ("a1", ""),
        ("fraud", "aa1 aa2"),
        ("xgboost", "bb1"),
        ("yes", "aa1"),
        ("reviewed", ""),
        ("depth:6", "aa1"),
        ("depth:6.0", "aa1"),
        ("depth:dee", "bb1"),
        ("params.depth:16", "aa2"),
        ("auc:0.50", "aa1"),
        ("val.auc:6", "bb1"),
        ("metrics.val.auc:6", "bb1"),
        ("tag:REV", "aa1"),
        ("tag:yes", "aa1"),
        ("param:dep", "aa1 aa2"),
        ("param:xgb", "bb1"),
        ("metric:VAL", "bb1"),
        ("dataset:pay", "aa1"),
        ("dataset:train", "aa1"),
        ("datasets.digest:D2", "aa1"),
        ("user:ada", "aa1"),
        ("status:fin", "aa1 bb2"),
        ("id:BB", "bb1 bb2"),
        ("run:bb", "bb1 bb2"),
        ("attributes.name:morgen", "aa2"),
        ("experiment:chur", "bb1"),
        ("source:mlflow", "aa1 aa2 bb1 bb2"),
        ("started:2026-11-21", "aa1"),
        ("started:2026-11", "aa1 aa2"),
        ('started:"2026-11-20 08"', "aa2"),
        ("duration:90", "aa1"),
        ("duration:soon", ""),
        ("nothing:here", ""),
        ("duration >= 90", "aa1"),
        ("end_time IS NULL", "aa2 bb1"),
        ("user_id != 'bob'", "aa1"),
        ("not user_id = 'bob'", "aa1 aa2"),
        ("run_name IS NULL", "bb1"),
        ("run_name != 'night'", "aa2 bb2"),
        ("start_time > '2026-11-20T12:00'", "aa1 bb2"),
        ("experiment = 'Fraud'", "aa1 aa2"),
        ("experiment NOT IN ('Fraud', 'old')", "bb1"),
        ("params.depth > 6", "aa2"),
        ("params.model > 6", ""),
        ("params.depth in (6, 7)", "aa1"),
        ("metrics.auc IS NOT NULL", "aa1 aa2"),
        ("datasets.name IS NULL", "aa2 bb1 bb2"),
        ("dataset.context IS NULL status = FINISHED", "bb2"),
        ("dataset.context != 'training'", ""),
        ("lifecycle = active", "aa1 aa2 bb1"),
        ("lifecycle = deleted", "bb2"),
    ],
)
def test_words_and_what_mlflow_lacks_find_the_runs_they_should(text: str, ids: str) -> None:
    assert found(text, "run_id") == ids


def test_what_a_run_lacks_comes_last_whichever_way_and_a_broken_figure_just_before() -> None:
    assert found("", "metrics.auc", "run_id") == found("", "metrics.auc DESC", "run_id") == "aa1 aa2 bb1 bb2"
    assert found("", "end_time") == "bb2 aa1 aa2 bb1"
    assert found("", "end_time DESC") == "aa1 bb2 aa2 bb1"
    assert found("", "experiment DESC", "run_id") == "bb2 bb1 aa1 aa2"
    assert found("", "run_name DESC") == "aa1 bb2 aa2 bb1"
    assert found("") == "bb2 aa1 aa2 bb1"


def test_a_field_that_is_ordered_by_twice_counts_once() -> None:
    assert found("", "run_id DESC", "metrics.auc", "run_id") == "bb2 bb1 aa2 aa1"


def test_runs_of_a_deleted_experiment_count_as_deleted() -> None:
    assert found("", "run_id", life=Life.ACTIVE) == "aa1 aa2 bb1"
    assert found("", "run_id", life=Life.DELETED) == "bb2"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("lifecycle_stage = 'deleted'", "bb2"),
        ("lifecycle_stage IN ('active', 'deleted')", "aa1 aa2 bb1 bb2"),
        ("lifecycle:del", "bb2"),
        ("attributes.lifecycle:del", "bb2"),
        ("not lifecycle = active", "bb2"),
        ("status = FINISHED and (id:aa or lifecycle = deleted)", "aa1 bb2"),
        ("status = FINISHED", "aa1"),
        ("tag:deleted or params.lifecycle:x or user:bob", "bb1"),
    ],
)
def test_deleted_runs_are_hidden_unless_the_question_names_the_stage_of_life(text: str, ids: str) -> None:
    assert found(text, "run_id", life=Life.ACTIVE) == ids


def test_only_the_runs_of_the_named_experiments_are_found() -> None:
    assert found("", "run_id", experiments=("Fraud",)) == "aa1 aa2"
    assert found("", "run_id", experiments=("churn", "old"), life=Life.ACTIVE) == "bb1"
    assert found("", experiments=("fraud",)) == ""


def test_the_data_sets_of_a_run_stand_together_in_one_cell() -> None:
    fields = [parse_field(f"datasets.{name}") for name in ("name", "digest", "context")]
    with small() as connection:
        query = RunQuery(order_by=(parse_order("run_id"),), limit=2)
        rows = fields_of(connection, query, fields)
    assert rows == (("aa1", "accounts, payments", "d1, d2", "training"), ("aa2", None, None, None))


@pytest.mark.parametrize("kind", [FieldKind.ATTRIBUTE, FieldKind.DATASET])
def test_a_column_that_there_is_not_is_refused_before_any_sql_is_made(kind: FieldKind) -> None:
    wrong = Field(kind, "run_id; DROP TABLE runs")
    for query in (RunQuery(Comparison(wrong, Operator.EQUAL, "x")), RunQuery(order_by=(Order(wrong),))):
        with pytest.raises(UsageError, match="There is no field"):
            page_sql(query)
    with pytest.raises(UsageError, match="There is no field"):
        fields_sql(RunQuery(), [wrong])


MARK = "zq7"
HOSTILE = st.one_of(
    st.sampled_from(
        ["'", '"', "`", "\\", "--", "/*", ";", "select", "' OR 1=1 --", "'); DROP TABLE runs; --", "{}", "{0}", "?"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.text(st.sampled_from("'\"`\\%_;-$?{}\ud800\u0000é"), max_size=8),
)
MARKED = st.builds(lambda before, after: f"{before}{MARK}{after}", HOSTILE, HOSTILE)
OWN_KEYS = st.sampled_from([FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG]).flatmap(
    lambda kind: st.builds(Field, st.just(kind), MARKED)
)
TEXT_FIELDS = st.one_of(
    st.builds(Field, st.sampled_from([FieldKind.PARAM, FieldKind.TAG]), MARKED),
    st.sampled_from([Field(FieldKind.ATTRIBUTE, "user_id"), Field(FieldKind.DATASET, "digest")]),
)
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, TEXT_FIELDS, st.sampled_from([Operator.EQUAL, Operator.LIKE, Operator.ILIKE]), MARKED),
    st.builds(Comparison, TEXT_FIELDS, st.just(Operator.NOT_IN), st.tuples(MARKED, MARKED)),
    st.builds(Comparison, OWN_KEYS, st.just(Operator.LESS), st.floats()),
    st.builds(Comparison, OWN_KEYS, st.just(Operator.IS_NULL)),
    st.builds(
        Word, MARKED, st.one_of(st.none(), MARKED, st.sampled_from(["tag", "dataset", "run", "user", "started"]))
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def empty() -> Memory:
    """An index without a run."""
    return Memory()


@pytest.fixture(scope="module")
def single() -> Memory:
    """An index that a test puts one run into, each in the place of the one before."""
    return Memory()


@settings(max_examples=150)
@given(CONDITIONS, OWN_KEYS, MARKED)
def test_nothing_that_was_typed_gets_into_the_sql_and_all_of_it_can_be_asked(
    empty: Memory, condition: Condition, field: Field, experiment: str
) -> None:
    query = RunQuery(condition, (Order(field),), 5, 0, Life.ACTIVE, (experiment,))
    with empty.reading() as connection:
        for statement in (page_sql(query), fields_sql(query, [field])):
            assert MARK not in statement.text
            assert statement.text.count("?") == len(statement.values)
            assert connection.execute(statement.text, statement.values).fetchall() == []


@settings(max_examples=40)
@given(MARKED, MARKED)
def test_keys_and_values_of_any_letters_are_found_as_they_are(single: Memory, key: str, value: str) -> None:
    batch = RunBatch(cursor="1", runs=[RunRow("1", "a", "0", "FINISHED")], params=[ParamRow("1", key, value)])
    RunIndex(single).take("mlflow", "here", batch)
    field = Field(FieldKind.PARAM, key)
    for operator, wanted, count in (
        (Operator.EQUAL, value, 1),
        (Operator.NOT_EQUAL, value, 0),
        (Operator.IN, (value, "other"), 1),
        (Operator.EQUAL, f"{value}.", 0),
    ):
        with single.reading() as connection:
            assert count_and_page(connection, RunQuery(Comparison(field, operator, wanted)))[0] == count
            assert fields_of(connection, RunQuery(), [field])[0][1] is not None


def test_like_knows_no_escape_and_one_letter_is_one_character_whatever_its_bytes() -> None:
    for (text, pattern), fits in zip(product(("a\\%b", "😀"), ("a\\%b", "_", "%")), (1, 0, 1, 0, 1, 1), strict=True):
        place = Memory()
        RunIndex(place).take("mlflow", "here", RunBatch("1", [RunRow("1", text, "0", "FINISHED")]))
        with place.reading() as connection:
            like = Comparison(Field(FieldKind.ATTRIBUTE, "run_name"), Operator.LIKE, pattern)
            assert count_and_page(connection, RunQuery(like))[0] == fits
