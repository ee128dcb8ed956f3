"""Any chart is drawn in any size, and what is drawn is what the values say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.charts.text import LOWEST, NARROWEST, draw
from unipipe_tui.charts.words import cells
from unipipe_tui.domain.charts import (
    Axis,
    Bar,
    BarChart,
    Chart,
    Line,
    LineChart,
    ParallelChart,
    ParallelLine,
    Points,
    Scale,
    ScatterChart,
)

STRANGE = "[bold red]x[/] \x1b[31m\n 損失 é́ $x_2$ _"
NUMBERS = st.floats(width=64)
TEXTS = st.text(max_size=12)


@st.composite
def lines(draw_from: st.DrawFn) -> Line:
    ys = draw_from(st.lists(NUMBERS, max_size=12))
    xs = sorted(draw_from(st.lists(st.floats(allow_nan=False), min_size=len(ys), max_size=len(ys))))
    outline = draw_from(st.booleans())
    return Line(draw_from(TEXTS), tuple(xs), tuple(ys), tuple(ys) if outline else (), tuple(ys) if outline else ())


AXES = st.builds(Axis, TEXTS, TEXTS, st.sampled_from(Scale), st.lists(TEXTS, max_size=4).map(tuple))
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12).map(
    lambda pairs: Points("p", tuple(x for x, _ in pairs), tuple(y for _, y in pairs))
)
CHARTS = st.one_of(
    st.builds(LineChart, TEXTS, AXES, AXES, st.lists(lines(), max_size=3).map(tuple)),
    st.builds(ScatterChart, TEXTS, AXES, AXES, st.lists(POINTS, max_size=3).map(tuple)),
    st.integers(0, 5).flatmap(
        lambda n: st.builds(
            ParallelChart,
            TEXTS,
            st.lists(AXES, min_size=n, max_size=n).map(tuple),
            st.lists(
                st.builds(ParallelLine, TEXTS, st.lists(NUMBERS, min_size=n, max_size=n).map(tuple), st.booleans()),
                max_size=4,
            ).map(tuple),
        )
    ),
    st.builds(BarChart, TEXTS, AXES, st.lists(st.builds(Bar, TEXTS, NUMBERS, NUMBERS), max_size=5).map(tuple)),
)


def told(chart: Chart, width: int = 60, height: int = 14) -> list[str]:
    return ["".join(span.text for span in line) for line in draw(chart, width, height)]


def one_line(*ys: float, **axis: object) -> LineChart:
    y = Axis("loss", **axis)  # type: ignore[arg-type]
    return LineChart("loss", Axis("step"), y, (Line("a", tuple(float(n) for n in range(len(ys))), ys),))


@given(CHARTS, st.integers(1, 300), st.integers(1, 60))
def test_every_chart_fits_its_width_and_holds_nothing_that_a_terminal_acts_on(
    chart: Chart, width: int, height: int
) -> None:
    for line in told(chart, width, height):
        assert cells(line) <= max(width, NARROWEST)
        assert line.isprintable()


@pytest.mark.parametrize("width", [20, 21, 40, 80, 120, 300])
@pytest.mark.parametrize("height", [6, 12, 30])
def test_a_line_chart_takes_the_whole_width_and_the_asked_height(width: int, height: int) -> None:
    drawn = told(one_line(*(math.sin(n / 9) for n in range(100))), width, height)
    assert len(drawn) == max(height, LOWEST + 1)
    assert max(map(cells, drawn)) == width


def test_a_single_peak_among_very_many_values_is_seen() -> None:
    ys = [0.0] * 10_000
    ys[4321] = 1.0
    top = told(one_line(*ys), 40, 12)[1]
    assert any("\u2800" < sign <= "\u28ff" for sign in top)


def test_a_gap_is_left_where_there_is_no_number() -> None:
    drawn = told(one_line(1, 1, math.nan, math.nan, math.inf, 1, 1))
    row = max(drawn, key=lambda line: sum("\u2800" < sign <= "\u28ff" for sign in line))
    left, gap, right = row.partition("┤")[2].strip().partition(" " * 20)
    assert left
    assert gap
    assert right.strip()


def test_a_constant_lies_in_the_middle_and_nothing_says_so() -> None:
    drawn = told(one_line(5, 5, 5), 40, 13)
    assert [n for n, line in enumerate(drawn) if "⠤" in line or "⠒" in line or "⠉" in line or "⣀" in line] == [5]
    assert "5 ┤" in "\n".join(drawn)
    assert any("nothing to show" in line for line in told(one_line()))
    assert any("nothing to show" in line for line in told(one_line(math.nan)))


def test_positive_values_over_more_than_three_decades_are_drawn_by_their_logarithm() -> None:
    wide = told(one_line(1e-6, 1e-3, 1.0))
    assert wide[0] == "loss (log)"
    assert any(line.lstrip().startswith("1e-6") for line in wide)
    assert "(log)" not in told(one_line(1e-2, 1.0))[0]
    assert "(log)" not in told(one_line(-1.0, 1e-6, 1.0))[0]
    assert "(log)" not in told(one_line(1e-6, 1e-3, 1.0, scale=Scale.LINEAR))[0]


def test_values_of_any_size_are_drawn() -> None:
    assert told(one_line(-1.7e308, 0.0, 1.7e308))
    assert told(one_line(5e-324, 1.7e308))
    assert told(one_line(1.0, math.nextafter(1.0, 2.0)))
    assert told(one_line(0.0, 5e-324))
    assert told(one_line(5e-324, scale=Scale.LOG))
    assert told(BarChart("b", Axis("x"), (Bar("a", math.inf, math.nan), Bar("b", 1.0, math.inf))))


def test_times_stand_below_as_times() -> None:
    noon = 1_773_057_600_000.0
    minutes = tuple(noon + 60_000 * n for n in range(30))
    below = told(LineChart("m", Axis("time", scale=Scale.TIME), Axis("m"), (Line("a", minutes, minutes),)), 70)[-2]
    assert "12:10:00" in below
    days = tuple(noon + 86_400_000 * n for n in range(30))
    below = told(LineChart("m", Axis("time", scale=Scale.TIME), Axis("m"), (Line("a", days, days),)), 70)[-2]
    assert "2026-03" in below


def test_lines_are_told_apart_without_colour() -> None:
    chart = LineChart("m", Axis("step"), Axis("m"), (Line("one", (0, 1), (0, 1)), Line("two", (0, 1), (0, 1.0))))
    drawn = told(chart)
    assert drawn[-2:] == ["a one", "b two"]
    ends = [line[-1] for line in drawn if line.endswith((" a", " b"))]
    assert sorted(ends) == ["a", "b"]


def test_groups_of_points_are_told_apart_without_colour() -> None:
    chart = ScatterChart("s", Axis("x"), Axis("y"), (Points("one", (0.0,), (0.0,)), Points("two", (1.0,), (1.0,))))
    drawn = "\n".join(told(chart))
    assert drawn.count("•") == drawn.count("×") == 2


def test_categories_stand_along_their_axis() -> None:
    axis = Axis("kind", categories=("adam", "sgd"))
    drawn = told(ScatterChart("s", axis, Axis("y"), (Points("", (0.0, 1.0), (1.0, 2.0)),)))
    assert "adam" in drawn[-2]
    assert drawn[-2].index("adam") < drawn[-2].index("sgd")


def test_the_best_lines_of_parallel_coordinates_are_marked_on_each_axis() -> None:
    axes = (Axis("depth"), Axis("kind", categories=("a", "b")), Axis("loss"))
    runs = (ParallelLine("best", (1.0, 0.0, 0.1), best=True), ParallelLine("other", (2.0, 1.0, 0.9)))
    drawn = told(ParallelChart("p", axes, runs))
    assert sum(line.count("●") for line in drawn[:-1]) == 3
    assert drawn[-1] == "● the best 1 of 2"


def test_bars_are_as_long_as_their_values() -> None:
    drawn = told(BarChart("b", Axis("x"), (Bar("long", 2.0, 0.1), Bar("half", 1.0), Bar("negative", -1.0))))
    assert abs(drawn[1].count("█") - 2 * drawn[2].count("█")) <= 1 < drawn[2].count("█")
    assert "█" not in drawn[3]
    assert drawn[1].endswith("2 ± 0.1")


def test_names_of_any_characters_are_shown_and_harmless() -> None:
    chart = LineChart(STRANGE, Axis(STRANGE), Axis(STRANGE), (Line(STRANGE, (0.0,), (1.0,)), Line("b", (0.0,), (1.0,))))
    drawn = "\n".join(told(chart, 80))
    assert "[bold red]x[/] \\x1b[31m\\n 損失" in drawn
    assert "\x1b" not in drawn
