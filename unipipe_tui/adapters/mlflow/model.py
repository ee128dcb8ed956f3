"""What the author of a saved model noted in its folder: threshold, signature and example, read without MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.model_files import ModelContents, hashes_of, model_files, what_runs_code
from unipipe_tui.domain.model_signatures import Signature, SignatureColumn
from unipipe_tui.domain.serving import Value

LARGEST_EXAMPLE_BYTES = 1_000_000


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


def model_signature(folder: Path) -> Signature | None:
    """The columns that the model takes and gives, and the first row of its example; None when the folder tells none."""
    try:
        described = yaml.safe_load((folder / "MLmodel").read_bytes())
    except (OSError, yaml.YAMLError):
        return None
    noted = described.get("signature") if isinstance(described, dict) else None
    if not isinstance(noted, dict):
        return None
    return Signature(tuple(_columns(noted.get("inputs"))), tuple(_columns(noted.get("outputs"))), _example(folder))


def model_contents(folder: Path) -> ModelContents:
    """Hash the files of a model, and say which of them run code when it is loaded.

    Raises Failed for a link, and for a file that cannot be read.
    """
    return ModelContents(hashes_of(folder), runs_code(folder))


def runs_code(folder: Path) -> tuple[str, ...]:
    """Why loading the model in a folder runs code that came with it; nothing of it is loaded to find out.

    Raises Failed for a link, and for a file that cannot be read.
    """
    try:
        described = yaml.safe_load((folder / "MLmodel").read_bytes())
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        # Whoever knows what the file was says what is wrong with it; until then nobody knows what it loads.
        return ("its MLmodel cannot be read",)
    flavors = described.get("flavors") if isinstance(described, dict) else None
    return what_runs_code(flavors if isinstance(flavors, dict) else {}, model_files(folder))


def _columns(text: Any) -> Iterator[SignatureColumn]:
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict):
            yield SignatureColumn(str(one.get("name") or ""), _type_of(one), bool(one.get("required", True)))


def _type_of(column: dict[str, Any]) -> str:
    tensor = column.get("tensor-spec")
    if isinstance(tensor, dict):
        return f"{tensor.get('dtype', 'tensor')}{tensor.get('shape', '')}"
    return str(column.get("type", "?"))


def _example(folder: Path) -> dict[str, Value] | None:
    """MLflow keeps an example as a table split in columns and rows; any other form is left alone."""
    file = folder / "input_example.json"
    try:
        kept: Any = json.loads(file.read_bytes()) if file.stat().st_size <= LARGEST_EXAMPLE_BYTES else None
        row = dict(zip(kept["columns"], kept["data"][0], strict=True))
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
    plain = all(
        isinstance(name, str) and (value is None or isinstance(value, str | int | float | bool))
        for name, value in row.items()
    )
    return row if plain else None
