"""Model cards: what is known of a version is on the card, what is not known is named."""

from __future__ import annotations

from pathlib import Path

from tests.actions.models.made import check_of, with_models
from tests.fakes import NOON
from unipipe_tui.actions.models.cards import ShowCard, show_card
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.records import How, Promotion


def test_a_card_tells_purpose_data_code_figures_gates_approvals_and_signature(project: Path) -> None:
    world = with_models(project)
    world.history.add_gate_check(check_of(2, 0.9, gulf=0.6))
    move = Promotion("fraud", "challenger", 2, None, How.PROMOTE, "ada", "more recall", NOON, "j")
    world.history.add_promotion(move)
    answer = show_card(ShowCard("fraud", 2), world)
    card, text = answer.card, answer.markdown

    assert (card.purpose, card.note) == ("Finds payments to look at.", "Found *better* features.")
    assert card.commit_subject == "Train deeper"
    assert card.params == {"depth": "5", "seed": "7"}
    assert card.metrics == {"holdout.precision": 0.6, "holdout.recall": 0.9, "loss": 0.1}
    assert card.slices == {"gulf": {"holdout.recall": 0.6}}
    assert card.approvals == (move,)
    for line in (
        "# fraud version 2",
        "Found *better* features.",
        "- data raw: `" + "bb" * 16 + "`",
        "| recall | gulf | closed | 0.6 | >= 0.65 | – |",
        "| slice | holdout.recall |",
        "| 2026-03-09 12:00 UTC | challenger | promote | ada | more recall |",
        "| in | hour | long |  |",
    ):
        assert line in text.splitlines(), line
    assert card.missing == ()


def test_a_card_says_who_serves_the_version(project: Path) -> None:
    world = with_models(project)

    assert "- served by: local" in show_card(ShowCard("fraud", 1), world).markdown
    assert "- served by: no target" in show_card(ShowCard("fraud", 2), world).markdown


def test_a_card_names_what_it_lacks(project: Path) -> None:
    answer = show_card(ShowCard("fraud", 3), with_models(project))

    assert answer.card.missing == (
        "MLflow no longer has the run of this version.",
        "A signature: log the model with one (`mlflow.models.infer_signature`).",
    )
    assert "It was never checked at the gates." in answer.markdown
    assert "## Params" not in answer.markdown


def test_a_rejection_stands_at_the_top_of_the_card(project: Path) -> None:
    world = with_models(project, tags={2: {"unipipe.rejected": "bob", "unipipe.rejected.why": "a *leak* | [x]"}})
    lines = show_card(ShowCard("fraud", 2), world).markdown.splitlines()

    assert lines[2] == r"**Rejected by bob:** a \*leak\* \| \[x\]"


def test_the_card_as_text_is_its_markdown(project: Path) -> None:
    answer = show_card(ShowCard("fraud", 2), with_models(project))

    assert [line.plain for line in lines_of(answer)] == answer.markdown.splitlines()
