"""The bundles of this workspace, a folder each: what a model server is given."""

from __future__ import annotations

from pathlib import Path

from unipipe_tui.adapters.mlflow.model import runs_code
from unipipe_tui.domain.bundles import MODEL_FOLDER, Bundle, read_bundle, verify_bundle
from unipipe_tui.domain.errors import UnipipeError


class BundleFolder:
    """Bundles by model and version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, model: str, version: int) -> Path:
        """Where the version's bundle belongs."""
        return self._folder / f"{model}-{version}"

    def find(self, model: str, version: int) -> tuple[Path, Bundle] | None:
        """The sealed bundle of a version, by its manifest alone; None when it was never made."""
        place = self.place(model, version)
        try:
            return place, read_bundle(place)
        except UnipipeError:
            return None

    def whole(self, model: str, version: int) -> tuple[Path, Bundle] | None:
        """The sealed bundle of a version, every file of it checked; None when it was never made or is damaged."""
        place = self.place(model, version)
        try:
            return place, verify_bundle(place)
        except UnipipeError:
            return None

    def runs_code(self, model: str, version: int) -> tuple[str, ...]:
        """Why loading the version's bundle runs code that came with it; empty when it is only data or never made."""
        folder = self.place(model, version) / MODEL_FOLDER
        return runs_code(folder) if folder.is_dir() else ()
