"""What the author of a saved model noted in its `MLmodel` file, read without MLflow."""

from __future__ import annotations

from pathlib import Path

import yaml

from unipipe_tui.domain.errors import Failed


def model_threshold(folder: Path) -> float | None:
    """The score from which on the model says yes: `threshold` in its metadata, None if it names none.

    Raises Failed if the folder holds no readable `MLmodel`, or its threshold is no number.
    """
    file = folder / "MLmodel"
    try:
        described = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise Failed(f"{file} cannot be read.", "Register the model again.") from error
    metadata = described.get("metadata") if isinstance(described, dict) else None
    noted = metadata.get("threshold") if isinstance(metadata, dict) else None
    try:
        return None if noted is None else float(noted)
    except (TypeError, ValueError) as error:
        raise Failed(f"The threshold {noted!r} in {file} is no number.", "Register the model again.") from error
