"""A log keeps its newest lines, folds them, finds words in them and knows which tell of errors."""

from __future__ import annotations

from unipipe_tui.tui.log_text import LINES_KEPT, LONGEST_LINE, LogText


def test_a_long_line_is_cut_and_says_how_much_is_missing() -> None:
    log = LogText()
    log.add(["x" * (LONGEST_LINE + 1_234)])

    (line,) = log.lines
    assert line.endswith("… (1,234 more characters)")
    assert len(line) < LONGEST_LINE + 50


def test_memory_is_bounded_however_much_is_said() -> None:
    log = LogText()
    log.fold(40)
    log.find("line 7")
    for batch in range(6):
        log.add(f"line {number} " + "y" * 90 for number in range(batch * 5_000, batch * 5_000 + 5_000))

    assert len(log) == LINES_KEPT
    assert log.skipped == 20_000
    assert len(log.rows) == 3 * LINES_KEPT
    assert all(number >= 20_000 for number in log.matches)


def test_rows_that_are_pushed_out_are_counted_so_that_a_reader_can_stay() -> None:
    log = LogText()
    log.fold(10)
    log.add(["a" * 25, "b", *("c" for _ in range(LINES_KEPT - 2))])

    assert log.add(["d", "e"]) == 4
    assert log.rows[0].text == "c"


def test_folded_pieces_join_to_the_line_and_no_piece_is_wider_than_the_room() -> None:
    log = LogText()
    log.add(["日本語" * 7 + "ascii tail", "", "short"])
    log.fold(10)

    assert "".join(row.text for row in log.rows if row.number == 0) == "日本語" * 7 + "ascii tail"
    assert log.widest <= 10
    assert [row.text for row in log.rows if row.number > 0] == ["", "short"]


def test_what_is_searched_is_lit_also_where_a_fold_cuts_it() -> None:
    log = LogText()
    log.add(["0123456NEEDLE89", "nothing", "a needle"])
    log.fold(10)
    log.find("needle")

    assert log.matches == [0, 2]
    assert log.spans(log.rows[0]) == ((7, 10),)
    assert log.spans(log.rows[1]) == ((0, 3),)
    assert (log.match_after(0), log.match_after(2)) == (2, 0)
    assert (log.match_before(2), log.match_before(0)) == (0, 2)


def test_only_errors_are_shown_a_traceback_as_a_whole() -> None:
    log = LogText()
    log.add(
        [
            "training",
            "Traceback (most recent call last):",
            '  File "train.py", line 3, in <module>',
            "    fit()",
            "no columns to fit on",
            "0 warnings",
            "python ended with 1 after 0.2 s",
            "git ended with 0 after 0.2 s",
            "ERROR: failed to reproduce 'train'",
            "KeyError: 'amount'",
        ]
    )
    log.show_only_errors(True)

    assert list(log.lines) == [
        "Traceback (most recent call last):",
        '  File "train.py", line 3, in <module>',
        "    fit()",
        "no columns to fit on",
        "python ended with 1 after 0.2 s",
        "ERROR: failed to reproduce 'train'",
        "KeyError: 'amount'",
    ]
    log.add(["fine", "Fatal: no space left"])
    assert list(log.lines)[-1] == "Fatal: no space left"
