"""Recipes: projects to start from, shipped with the program, and the sample data that they use."""

from __future__ import annotations

import shutil
from pathlib import Path

from unipipe_tui.domain.errors import UsageError

SAMPLES_OF = {"fraud-detection": {"payments.parquet": "data/raw/payments.parquet"}}
"""By recipe: which file of the sample data belongs where."""

LEFTOVERS = ("__pycache__", ".pytest_cache", ".dvc", ".unipipe", "mlflow.db", "mlartifacts")
"""What a run or a test leaves in a recipe's folder; it is no part of the recipe."""


class ShippedRecipes:
    """The folders `recipes` and `sample_data`, inside the installed package or beside it in a checkout."""

    def __init__(self, package: Path) -> None:
        self._recipes = _shipped(package, "recipes")
        self._samples = _shipped(package, "sample_data")

    def names(self) -> tuple[str, ...]:
        """What there is to start from."""
        return tuple(sorted(folder.name for folder in self._recipes.iterdir() if (folder / "dvc.yaml").is_file()))

    def files(self, recipe: str) -> tuple[str, ...]:
        """The relative paths of the files that a recipe brings, sample data included.

        Raises:
            UsageError: there is no such recipe.
        """
        source = self._folder(recipe)
        own = (p.relative_to(source) for p in source.rglob("*") if p.is_file())
        return (*sorted(str(p) for p in own if not set(LEFTOVERS) & set(p.parts)), *SAMPLES_OF.get(recipe, {}).values())

    def copy(self, recipe: str, to: Path) -> None:
        """Copy a recipe and its data into a folder."""
        shutil.copytree(self._folder(recipe), to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LEFTOVERS))
        for name, place in SAMPLES_OF.get(recipe, {}).items():
            (to / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.sample(name), to / place)

    def sample(self, name: str) -> Path:
        """A file of the sample data."""
        return self._samples / name

    def _folder(self, recipe: str) -> Path:
        if recipe not in self.names():
            raise UsageError(f"There is no recipe {recipe!r}.", hint=f"There is: {', '.join(self.names())}.")
        return self._recipes / recipe


def _shipped(package: Path, name: str) -> Path:
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
