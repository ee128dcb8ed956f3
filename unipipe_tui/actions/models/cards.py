"""Model cards: what the registry, the run, the gates and the promotions know of one version, on one page."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.lineage.tracing import Lineage, ShowLineage, show_lineage
from unipipe_tui.actions.models.registry import figures_of, targets_serving
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import DIGEST_TAG, rejection_of
from unipipe_tui.domain.model_cards import CardData, ModelCard, card_markdown, sliced
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.records import GateCheck
from unipipe_tui.domain.runs.tags import NOTE_TAG
from unipipe_tui.domain.tracking import ModelVersion, Run
from unipipe_tui.domain.values import frozen


@frozen
class ShowCard:
    """Which version."""

    model: Annotated[str, OBJECT, "Registered model.", Names.MODEL]
    version: Annotated[int, OBJECT, "Version to tell of.", Names.VERSION]


@frozen
class Card:
    """The card of a version, and the same as Markdown."""

    card: ModelCard
    markdown: str


def show_card(request: ShowCard, world: World) -> Card:
    """Compose the card of a version as Markdown: purpose, data, commit, params, gates, metrics, slices, approvals, signature."""
    version = world.tracking.version(request.model, request.version)
    lineage = show_lineage(ShowLineage(f"{version.model}/{version.version}"), world)
    run = world.tracking.runs(1, ids=(version.run_id,)).runs if version.run_id else ()
    checks = world.history.gate_checks(version.model, version.version)
    card = _card(version, lineage, run[0] if run else None, checks[0] if checks else None, world)
    return Card(card, card_markdown(card))


def _card(version: ModelVersion, lineage: Lineage, run: Run | None, check: GateCheck | None, world: World) -> ModelCard:
    purpose = next((model.description for model in world.tracking.models() if model.name == version.model), "")
    slices = dict.fromkeys(result.slice for result in check.results if result.slice) if check else {}
    whole, parts = sliced({figure.name: figure.value for figure in figures_of(run)}, slices)
    signature = world.tracking.signature(version)
    return ModelCard(
        model=version.model,
        version=version.version,
        purpose=purpose,
        description=version.description,
        note=run.tags.get(NOTE_TAG, "") if run else "",
        aliases=version.aliases,
        created=version.created,
        served_by=targets_serving(world, version.model).get(version.version, ()),
        rejection=rejection_of(version.tags),
        run_id=version.run_id,
        run_name=run.name if run else "",
        author=run.user if run else "",
        commit=lineage.commit_id,
        commit_subject=lineage.commit.subject if lineage.commit else "",
        data=tuple(CardData(one.name, one.md5) for one in lineage.data),
        params=dict(run.params) if run else {},
        metrics=whole,
        slices=parts,
        check=check,
        approvals=lineage.promotions,
        inputs=signature.inputs if signature else (),
        outputs=signature.outputs if signature else (),
        missing=(*lineage.missing, *_unsaid(purpose, version, run, signature)),
        digest=version.tags.get(DIGEST_TAG),
    )


def _unsaid(purpose: str, version: ModelVersion, run: Run | None, signature: Signature | None) -> list[str]:
    said = []
    if not (purpose or version.description or (run and run.tags.get(NOTE_TAG))):
        said.append("A description: write one in MLflow, or note one on the run with `unipipe runs note`.")
    if signature is None:
        said.append("A signature: log the model with one (`mlflow.models.infer_signature`).")
    return said


CARD = Look("models card", ShowCard, show_card, "unipipe models card fraud-detector 2")
