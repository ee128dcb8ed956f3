"""What a form can fill in by itself: the configured model and the version that waits for promotion."""

from __future__ import annotations

from unipipe_tui.actions.action import Action
from unipipe_tui.actions.models import registry as models
from unipipe_tui.actions.models.registry import ListModels, list_models
from unipipe_tui.actions.request import fields_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import CHALLENGER
from unipipe_tui.tui.forms import Texts


def suggested_texts(action: Action, world: World) -> Texts:
    """Texts for the fields that must be given and whose value is known; reads the registry, so not for the UI thread."""
    needed = {field.name for field in fields_of(action.request) if field.required}
    texts: dict[str, str] = {}
    if "model" in needed and world.config.model:
        texts["model"] = world.config.model.name
    if action.name == models.PROMOTE.name and "model" in texts:
        version = _challenger(world, texts["model"])
        if version is not None:
            texts["version"] = str(version)
    return texts


def _challenger(world: World, model: str) -> int | None:
    found = (line for line in list_models(ListModels(), world).models if line.name == model)
    return next((a.version for line in found for a in line.aliases if a.alias == CHALLENGER), None)
