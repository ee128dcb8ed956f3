"""Models: what is registered, how each version did, and moving aliases to them."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Container, Vertical
from textual.widget import Widget

from unipipe_tui.actions.models import cards as model_cards
from unipipe_tui.actions.models import comparison as model_comparison
from unipipe_tui.actions.models import registry as models
from unipipe_tui.actions.models import rejection as model_rejection
from unipipe_tui.actions.models.cards import ShowCard
from unipipe_tui.actions.models.comparison import CompareVersions
from unipipe_tui.actions.models.registry import ListModels, ModelList, ModelView, ShowModel, VersionLine
from unipipe_tui.actions.release import starting
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import YES, Texts
from unipipe_tui.tui.keys import MODELS
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.reading import ReadingScreen
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.model_card import markdown_lines
from unipipe_tui.tui.sheets.model_comparison import comparison_lines
from unipipe_tui.tui.sheets.models import models_sheet, version_id, version_lines, versions_sheet
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane, TablePane
from unipipe_tui.tui.widgets.reading import Reading


class ModelsPane(TablePane[ModelList]):
    """The registered models."""

    TITLE = "Models"
    EMPTY = "No model is registered yet; training does it: unipipe pipeline run"

    def sheet_of(self, answer: ModelList) -> Sheet:
        """One row a model."""
        return models_sheet(answer)


class VersionsPane(TablePane[ModelView]):
    """The versions of one model."""

    TITLE = "Versions"
    EMPTY = "No version yet."

    @property
    def title(self) -> str:
        """Names the model: where there is only one, nothing else does."""
        return f"Versions of {harmless(self.answer.model)}" if self.answer else self.TITLE

    def sheet_of(self, answer: ModelView) -> Sheet:
        """One row a version."""
        return versions_sheet(answer)


class ModelsScreen(Place):
    """Registered models and their versions."""

    NAME = "models"
    BINDINGS = bindings_of(MODELS)
    AUTO_FOCUS = "#versions Grid"

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        """Whether there was a model already, to put the cursor on."""

    def parts(self) -> Iterable[Widget]:
        """Models, versions, and below or beside them all that is known of the version under the cursor."""
        tables = Vertical(ModelsPane(id="models"), VersionsPane(id="versions"), id="model-tables")
        # Until a model is known there is only to say that, or why none is.
        yield Container(tables, Reading("Version", id="version"), id="models-place", classes="-none")

    def look(self, world: World) -> None:
        """Look at the models; the versions follow the cursor."""
        self.query_one(ModelsPane).ask(models.LIST, ListModels(), world)
        self._look_at_versions()

    def selection(self) -> Texts:
        """The model and the version under the cursors."""
        version = self._version
        known = {"model": self._model or "", "version": str(version.version) if version else ""}
        return {name: text for name, text in known.items() if text}

    @on(LookPane.Answered, "#models")
    def make_room(self) -> None:
        """A table of one model would only waste room, and without any there is nothing but that to say."""
        models_pane, place = self.query_one(ModelsPane), self.query_one("#models-place")
        count = len(models_pane.grid.sheet.rows)
        place.set_class(count == 1, "-one")
        place.set_class(count == 0, "-none")
        if count and not self._begun:
            self._begin()
        elif count == 1 and models_pane.grid.has_focus:
            self.query_one(VersionsPane).grid.focus()
        self._look_at_versions()

    def _begin(self) -> None:
        """Put the cursor where somebody most likely wants it: on the versions of the project's own model."""
        self._begun = True
        own = self.world.config.model if self.world else None
        if own:
            self.query_one(ModelsPane).grid.point_at(own.name)
        if self.focused is None:
            self.query_one(VersionsPane).grid.focus()

    @on(Grid.Pointed, "#models Grid")
    def show_versions(self) -> None:
        """Show the versions of the model under the cursor."""
        self._look_at_versions()

    @on(Grid.Pointed, "#versions Grid")
    @on(LookPane.Answered, "#versions")
    def show_version(self) -> None:
        """Show all that is known of the version under the cursor."""
        view, version = self._view, self._version
        reading = self.query_one(Reading)
        reading.border_title = f"Version {version.version}" if version else "Version"
        lines = version_lines(view, version) if view and version else []
        reading.show(lines, about=(view.model if view else "", version.version if version else None))

    @on(Grid.Chosen, "#models Grid")
    def go_to_versions(self) -> None:
        """Go on to the versions."""
        self.query_one(VersionsPane).grid.focus()

    @on(Grid.Chosen, "#versions Grid")
    def action_card(self) -> None:
        """Show the card of the version under the cursor."""
        world, version, model = self.world, self._version, self._model
        if world and version and model:
            request = ShowCard(model, version.version)
            card = ReadingScreen(
                model_cards.CARD,
                request,
                world,
                lambda answer, width: markdown_lines(answer.markdown, width),
                lambda answer: answer.markdown,
            )
            self.app.push_screen(card)

    def action_compare(self) -> None:
        """Compare the two marked versions, or the one under the cursor with the marked one or the champion."""
        pair, world, model = self._pair(), self.world, self._model
        if pair is None or world is None or model is None:
            self.notify("Mark two versions with space, then compare them.", markup=False)
            return
        request = CompareVersions(model, *pair)
        self.app.push_screen(ReadingScreen(model_comparison.COMPARE, request, world, comparison_lines))

    def action_release(self) -> None:
        """Ask where the version under the cursor is released, and by which steps."""
        self.post_message(Asked(starting.START, self.selection()))

    def action_reject(self) -> None:
        """Ask why the version under the cursor is rejected; take the rejection back where there is one."""
        version, selected = self._version, self.selection()
        if version is not None and version.rejection:
            self.post_message(Asked(model_rejection.REJECT, {**selected, "undo": YES}, complete=True))
        elif version is not None:
            self.post_message(Asked(model_rejection.REJECT, selected))

    def _pair(self) -> tuple[int, int] | None:
        """The older one first: the newer is measured against it; the champion before all others."""
        view, version = self._view, self._version
        if view is None or version is None:
            return None
        rows = self.query_one(VersionsPane).grid.marks
        marked = {line.version for line in view.versions if version_id(view.model, line.version) in rows}
        if not marked:
            champions = [line.version for line in view.versions if CHAMPION in line.aliases]
            return (champions[0], version.version) if champions and champions[0] != version.version else None
        pair = sorted(marked | {version.version} if len(marked) == 1 else marked)
        return (pair[0], pair[1]) if len(pair) == 2 else None

    @property
    def _model(self) -> str | None:
        return self.query_one(ModelsPane).grid.pointed

    @property
    def _view(self) -> ModelView | None:
        return self.query_one(VersionsPane).answer

    @property
    def _version(self) -> VersionLine | None:
        """The version under the cursor; none while rows of another model than the one under its cursor are in sight."""
        row, view = self.query_one(VersionsPane).grid.pointed, self._view
        if view is None or view.model != self._model:
            return None
        return next((line for line in view.versions if version_id(view.model, line.version) == row), None)

    def _look_at_versions(self) -> None:
        model, world = self._model, self.world
        if model and world:
            self.query_one(VersionsPane).ask(models.SHOW, ShowModel(model), world)
