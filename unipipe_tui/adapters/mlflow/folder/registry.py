"""The models that MLflow's folder store keeps under `models/`: registered ones, and per experiment the logged ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unipipe_tui.adapters.mlflow.folder.text import Broken, Meta, read_meta, read_texts, sub_folders, words
from unipipe_tui.adapters.mlflow.words import NO_STAGE, PROMPT_TAG, REMOVED_STAGE, moment
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel


class RegistryFolder:
    """Registered models, one folder each, with a folder per version and a file per alias."""

    def __init__(self, store: Path) -> None:
        self._models = store / "models"

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name, without prompts and without those that are broken."""
        return tuple(model for model in self._read_models() if isinstance(model, RegisteredModel))

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; empty for an unknown one."""
        folder = next((folder for folder in sub_folders(self._models) if folder.name == model), None)
        found = [v for v in self._read_versions(folder) if isinstance(v, ModelVersion)] if folder else []
        return tuple(sorted(found, key=lambda version: -version.version))

    def storage(self, version: ModelVersion) -> str:
        """The URI that the registry itself noted for a version's files; empty for none."""
        try:
            return words(read_meta(self._models / version.model / f"version-{version.version}"), "storage_location")
        except Broken:
            return ""

    def problems(self) -> Iterator[str]:
        """One sentence for each model or version that cannot be read."""
        for model in self._read_models():
            if isinstance(model, Broken):
                yield str(model)
            else:
                versions = self._read_versions(self._models / model.name)
                yield from (str(version) for version in versions if isinstance(version, Broken))

    def _read_models(self) -> Iterator[RegisteredModel | Broken]:
        for folder in sub_folders(self._models):
            try:
                meta = read_meta(folder, "name")
            except Broken as broken:
                yield broken
                continue
            if read_texts(folder / "tags").get(PROMPT_TAG, "").lower() == "true":
                continue
            numbers = [version.version for version in self.versions(folder.name)]
            aliases = tuple((alias, number) for alias, number in _aliases(folder) if number is not None)
            yield RegisteredModel(folder.name, aliases, max(numbers, default=None), words(meta, "description"))

    def _read_versions(self, folder: Path) -> Iterator[ModelVersion | Broken]:
        aliases = _aliases(folder)
        for version_folder in sub_folders(folder):
            number = _number(version_folder.name.removeprefix("version-"))
            if number is None or not version_folder.name.startswith("version-"):
                continue
            try:
                meta = read_meta(version_folder, "version")
            except Broken as broken:
                yield broken
                continue
            if words(meta, "current_stage") != REMOVED_STAGE:
                bearers = tuple(alias for alias, borne in aliases if borne == number)
                yield _version(folder.name, number, meta, bearers, read_texts(version_folder / "tags"))


def _version(model: str, number: int, meta: Meta, aliases: tuple[str, ...], tags: dict[str, str]) -> ModelVersion:
    stage = words(meta, "current_stage")
    return ModelVersion(
        model=model,
        version=number,
        run_id=words(meta, "run_id") or None,
        source=words(meta, "source"),
        status=words(meta, "status") or "READY",
        stage=None if stage in ("", NO_STAGE) else stage,
        aliases=aliases,
        tags=tags,
        created=moment(meta.get("creation_timestamp")),
        description=words(meta, "description"),
    )


def _aliases(model_folder: Path) -> tuple[tuple[str, int | None], ...]:
    return tuple((alias, _number(text)) for alias, text in read_texts(model_folder / "aliases").items())


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def logged_models(store: Path) -> Iterator[tuple[str, Meta]]:
    """The id and description of every model that a run logged since MLflow 3; broken ones are left out."""
    for experiment in sub_folders(store):
        for folder in sub_folders(experiment / "models"):
            try:
                yield folder.name, read_meta(folder, "artifact_location")
            except Broken:
                continue
