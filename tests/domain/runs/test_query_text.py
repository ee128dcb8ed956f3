"""What a person types about runs is read as MLflow would read it, and a mistake is shown where it was made."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query import (
    AllOf,
    AnyOf,
    Comparison,
    Field,
    FieldKind,
    Not,
    Operator,
    Order,
    Word,
)
from unipipe_tui.domain.runs.query_grammar import ATTRIBUTES, KINDS, OPERATORS, ORDERS, all_examples, operator_written
from unipipe_tui.domain.runs.query_text import parse_field, parse_order, parse_where


def metric(key: str, operator: Operator, value: float) -> Comparison:
    return Comparison(Field(FieldKind.METRIC, key), operator, value)


def param(key: str, value: str, operator: Operator = Operator.EQUAL) -> Comparison:
    return Comparison(Field(FieldKind.PARAM, key), operator, value)


def attribute(key: str, operator: Operator, value: str | float | tuple[str, ...] | None) -> Comparison:
    return Comparison(Field(FieldKind.ATTRIBUTE, key), operator, value)


def test_the_filter_of_the_documentation_of_mlflow_is_read_as_it_is() -> None:
    assert parse_where("metrics.x > 0.8 and params.depth = '6'") == AllOf(
        (metric("x", Operator.GREATER, 0.8), param("depth", "6"))
    )


def test_conditions_that_merely_follow_each_other_are_joined_by_and() -> None:
    assert parse_where("metrics.pr_auc > 0.8 params.depth=6 tag:x text") == AllOf(
        (metric("pr_auc", Operator.GREATER, 0.8), param("depth", "6"), Word("x", "tag"), Word("text"))
    )


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_nothing_typed_asks_for_all_runs(text: str) -> None:
    assert parse_where(text) is None


@pytest.mark.parametrize("prefix", ["metrics", "metric", "`metrics`", "Metrics"])
@pytest.mark.parametrize("key", ["val loss", "a.b", "größe", "it's", "a=b", "(x)"])
def test_keys_of_any_letters_can_be_quoted(prefix: str, key: str) -> None:
    for quote in '`"':
        assert parse_where(f"{prefix}.{quote}{key}{quote}>=1") == metric(key, Operator.GREATER_OR_EQUAL, 1)


@pytest.mark.parametrize(("word", "kind"), [(word, row.kind) for row in KINDS for word in (row.kind.value, *row.also)])
def test_every_word_for_a_kind_of_field_is_taken(word: str, kind: FieldKind) -> None:
    key = "start_time" if kind is FieldKind.ATTRIBUTE else "digest"
    assert parse_field(f"{word}.{key}") == Field(kind, key)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "start_time",
            "end_time",
            "created",
            "Created",
            "run_id",
            "run_name",
            "`run name`",
            "`Run name`",
            '"Run Name"',
        ),
        *("status", "user_id", "artifact_uri"),
    ],
)
def test_every_name_that_mlflow_has_for_an_attribute_is_taken_with_and_without_its_kind(name: str) -> None:
    known = {row.name: {row.name, *row.also} for row in ATTRIBUTES}
    for written in (name, f"attributes.{name}", f"attr.{name}", f"run.{name}"):
        assert name.strip('`"').lower() in known[parse_field(written).key]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'6'", "6"),
        ('"6"', "6"),
        ("6", "6"),
        ("''", ""),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        ("'it''s'", "it''s"),
        (r"'it\'s'", r"it\'s"),
        ("'C:\\dir\\'", "C:\\dir\\"),
        ("adam-w/2:x", "adam-w/2:x"),
        ("größe", "größe"),
        ("'--'", "--"),
        ("'a\nb'", "a\nb"),
    ],
)
def test_a_value_counts_as_it_stands_between_the_quotes_or_without_any(written: str, value: str) -> None:
    assert parse_where(f"params.a = {written}") == param("a", value)
    assert parse_where(f"params.a={written} x") == AllOf((param("a", value), Word("x"))) or written.endswith("\\'")


@pytest.mark.parametrize("number", ["0.5", "-0.5", ".5", "5.", "1e-3", "1E5", "+2", "007", "1e999", "-1e999"])
def test_numbers_are_written_as_in_mlflow(number: str) -> None:
    assert parse_where(f"metrics.a<{number}") == metric("a", Operator.LESS, float(number))


@pytest.mark.parametrize("word", ["abc", "nan", "inf", "1_000", "0x1f", "'0.5'", "1e", "--1", "١"])
def test_what_is_no_number_is_not_taken_for_one(word: str) -> None:
    with pytest.raises(UsageError, match=r"^Column 13: expected a number, found "):
        parse_where(f"metrics.a = {word}")


@pytest.mark.parametrize(
    ("written", "operator", "value"),
    [
        ("like 'x%'", Operator.LIKE, "x%"),
        ("ILike '%X'", Operator.ILIKE, "%X"),
        ("in ('a', \"b\")", Operator.IN, ("a", "b")),
        ("NOT  in('a',)", Operator.NOT_IN, ("a",)),
        (r"IN ('it\'s', 'a''b')", Operator.IN, ("it's", "ab")),
        ("in (a, 'C:\\q')", Operator.IN, ("a", "C:\\q")),
        ("is null", Operator.IS_NULL, None),
        ("Is Not Null", Operator.IS_NOT_NULL, None),
        ("<> x", Operator.NOT_EQUAL, "x"),
        ("== x", Operator.EQUAL, "x"),
    ],
)
def test_operators_of_words_and_lists_are_read_in_any_case(
    written: str, operator: Operator, value: str | tuple[str, ...] | None
) -> None:
    assert parse_where(f"run_id {written}") == attribute("run_id", operator, value)


def test_no_blank_is_needed_around_quoted_texts() -> None:
    read = AllOf((param("a", "x"), param("b", "y", Operator.LIKE), Word("z")))
    assert parse_where("params.a='x'and params.b like'y'AND z") == read
    assert parse_where("params.a='x'params.`b`like\"y\"z") == read


def test_times_may_be_milliseconds_or_dates() -> None:
    for written in ("1795219200000", "1.7952192e12", "'2026-11-21'", "2026-11-21", "'2026-11-21T01:00+01:00'"):
        assert parse_where(f"created >= {written}") == attribute(
            "start_time", Operator.GREATER_OR_EQUAL, 1795219200000.0
        )


def test_params_are_compared_as_texts_but_by_size_as_numbers() -> None:
    assert parse_where("params.lr = 0.10") == param("lr", "0.10")
    assert parse_where("params.lr < 0.10") == Comparison(Field(FieldKind.PARAM, "lr"), Operator.LESS, 0.1)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("xgboost", Word("xgboost")),
        ("'two words'", Word("two words")),
        ('"and"', Word("and")),
        ("`x`", Word("x")),
        ("tag:nightly", Word("nightly", "tag")),
        ('tag:"two words"', Word("two words", "tag")),
        ("`my key`:'a:b'", Word("a:b", "my key")),
        ("a:b:c", Word("b:c", "a")),
        ("a:''", Word("", "a")),
        ("s3://bucket/x", Word("s3://bucket/x")),
        ("'a:b'", Word("a:b")),
        (":x", Word(":x")),
        ("0.8", Word("0.8")),
        ("--", Word("--")),
        ("nothing", Word("nothing")),
        ("run.py", Word("run.py")),
        ("'metrics.x'", Word("metrics.x")),
        ("null", Word("null")),
    ],
)
def test_words_alone_and_behind_a_key_are_looked_for(text: str, word: Word) -> None:
    assert parse_where(text) == word


def test_and_binds_more_tightly_than_or_and_not_most_tightly() -> None:
    a, b, c, d = map(Word, "abcd")
    assert parse_where("a or b and c or d") == AnyOf((a, AllOf((b, c)), d))
    assert parse_where("not a b OR Not not c") == AnyOf((AllOf((Not(a), b)), Not(Not(c))))
    assert parse_where("a (b or c) AND (((d)))") == AllOf((a, AnyOf((b, c)), d))
    assert parse_where("not(a or b)c") == AllOf((Not(AnyOf((a, b))), c))
    assert parse_where("a not in_b") == AllOf((a, Not(Word("in_b"))))


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.x DESC", Order(Field(FieldKind.METRIC, "x"), descending=True)),
        ("metrics.`val loss` desc", Order(Field(FieldKind.METRIC, "val loss"), descending=True)),
        ('params."a b"  asc ', Order(Field(FieldKind.PARAM, "a b"))),
        ("attributes.start_time", Order(Field(FieldKind.ATTRIBUTE, "start_time"))),
        ("Created ASC", Order(Field(FieldKind.ATTRIBUTE, "start_time"))),
        ("tags.desc", Order(Field(FieldKind.TAG, "desc"))),
    ],
)
def test_orders_are_written_as_in_mlflow(text: str, order: Order) -> None:
    assert parse_order(text) == order


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("metrics.x > abc", 13, "expected a number, found abc"),
        ("metrics.x >", 12, "expected a number, found the end"),
        ("metrics.x > and b", 13, "expected a number, found and"),
        ("metrics.x like 'a'", 11, "metrics.x cannot be compared by LIKE"),
        ("metrics.x ~ 3", 11, "expected an operator after metrics.x, found ~"),
        ("a (params.x)", 12, "expected an operator after params.x, found )"),
        ("metrics.x => 3", 11, "there is no operator =>"),
        ("a and depth = 6", 7, "there is no attribute 'depth'"),
        ("depths.x = 6", 1, "'depths' is no kind of field"),
        ("metrics. > 6", 9, "expected a name after metrics."),
        ("datasets.size = 6", 1, "a data set has no 'size'"),
        ("> 6", 1, "expected a condition, found >"),
        ("a or", 5, "expected a condition, found the end"),
        ("a and and b", 7, "expected a condition, found and"),
        ("or a", 1, "expected a condition, found or"),
        ("not", 4, "expected a condition, found the end"),
        ("(a or b", 8, "expected a closing bracket, found the end"),
        ("a or b)", 7, ") is not expected here"),
        ("()", 2, "expected a condition, found )"),
        ("a, b", 2, "expected a condition, found ,"),
        ("params.x = 'open", 12, "the quote ' is not closed"),
        ("it's", 3, "the quote ' is not closed"),
        ("params.x in 'a'", 13, "expected a list such as"),
        ("params.x in ()", 14, "expected a text, found )"),
        ("params.x in ('a' 'b')", 18, "expected a comma or the closing bracket, found 'b'"),
        ("params.x is 3", 13, "expected NULL or NOT NULL, found 3"),
        ("params.x is not 3", 17, "expected NULL, found 3"),
        ("params.x not like 'a'", 10, "there is no operator NOT LIKE"),
        ("params.x = = 3", 12, "expected a text, found ="),
        ("start_time > yesterday", 14, "expected a time, found yesterday"),
        ("tag: x", 5, "expected a value after tag:"),
        ("日本 = 3", 1, "there is no attribute '日本'"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, column: int, what: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_where(text)
    assert raised.value.message.startswith(f"Column {column}: {what}")
    assert "\n" not in raised.value.message
    remedy, line, caret = raised.value.hint.split("\n")
    assert remedy.endswith((".", ")")) and "Look here" not in remedy
    assert line.strip() == text.strip()
    assert caret.index("^") == line.index(text[:1]) + column - 1


@pytest.mark.parametrize(
    "text", ["datasets.name", "metrics.a up", "metrics.a DESC NULLS LAST", "", "'x'", "unknown", "a, b"]
)
def test_an_order_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^Column \d+: "):
        parse_order(text)


def test_an_unknown_attribute_is_told_all_that_there_are() -> None:
    with pytest.raises(UsageError) as raised:
        parse_field("owner")
    assert all(row.name in raised.value.hint for row in ATTRIBUTES)


def test_the_caret_stands_under_the_place_behind_wide_letters_and_in_long_and_many_lines() -> None:
    with pytest.raises(UsageError) as raised:
        parse_where("日本 e\u0301 = \x1b[31m")
    *_, line, caret = raised.value.hint.split("\n")
    assert (line, caret) == ("    日本 e\u0301 =  [31m", "         ^")
    with pytest.raises(UsageError) as raised:
        parse_where("\n" * 10_000 + "metrics.x > b\n" + "c " * 5000)
    *_, line, caret = raised.value.hint.split("\n")
    assert line[caret.index("^") :].startswith("b c c")
    assert len(line) < 140
    assert raised.value.message.startswith("Column 10013: ")


def test_brackets_may_be_deep_but_not_bottomless() -> None:
    assert parse_where("(" * 50 + "a" + ")" * 50) == Word("a")
    for text in ("(" * 100_000, "not " * 100_000 + "a"):
        with pytest.raises(UsageError, match="more than 50 brackets"):
            parse_where(text)


@pytest.mark.parametrize(
    "piece", ["'a\\' \"b\\\" ", "a ", "metrics.a>1 ", "'", "''", "`", "(a ", "a:", "params.x in (a,", "\\'", " "]
)
def test_a_very_long_text_takes_no_more_time_than_its_length(piece: str) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        with suppress(UsageError):
            parse_where(piece * count)
        return time.process_time() - begun

    # Ten times the text; if it took the square of that, it would be a hundred times. The quickest of some, for the
    # machine has other things to do.
    assert min(seconds(20_000) for _ in range(3)) < 40 * max(min(seconds(2_000) for _ in range(3)), 0.01)


def test_more_conditions_than_an_answer_has_time_for_are_refused_and_in_is_named() -> None:
    assert parse_where(" or ".join(["metrics.x > 1"] * 100))
    with pytest.raises(UsageError, match="more than 100 conditions"):
        parse_where(" or ".join(["metrics.x > 1"] * 101))


@pytest.mark.parametrize("example", all_examples())
def test_every_example_of_the_page_on_queries_is_one(example: str) -> None:
    assert parse_where(example) is not None


def test_every_operator_is_in_the_table_and_every_other_way_to_write_it_is_read() -> None:
    assert [row.operator for row in OPERATORS] == list(Operator)
    assert all(operator_written(sign) is row.operator for row in OPERATORS for sign in row.also)
    for row in OPERATORS:
        read = parse_where(row.example)
        assert isinstance(read, Comparison) and read.operator is row.operator
    for form in ORDERS:
        assert isinstance(parse_order(form.example), Order)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="`"), min_size=1, max_size=8)
FIELDS = st.one_of(
    st.builds(Field, st.sampled_from([FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG]), NAMES),
    st.sampled_from([Field(FieldKind.ATTRIBUTE, row.name) for row in ATTRIBUTES]),
)


@settings(max_examples=200)
@given(FIELDS)
def test_a_field_that_is_shown_is_read_as_the_same(field: Field) -> None:
    assert parse_field(str(field)) == field


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(
                [
                    "a",
                    "metrics.x",
                    ">",
                    "'",
                    "0.5",
                    " ",
                    "and",
                    "not",
                    "(",
                    ")",
                    "in",
                    "is",
                    "null",
                    ",",
                    ":",
                    "`",
                    "\\",
                ]
            ),
            max_size=12,
        ).map("".join),
    )
)
def test_whatever_is_typed_is_read_or_refused_with_its_place(text: str) -> None:
    refused: UsageError | None = None
    try:
        read = parse_where(text)
    except UsageError as error:
        refused = error
    if refused:
        assert refused.message.startswith("Column ")
        assert refused.message.isprintable()
    else:
        assert read is None or text.strip()
