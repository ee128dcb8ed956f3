"""Reads what a model's `MLmodel` file says: how it is loaded and what it must be given. MLflow is not needed for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.validation import Column, Kind

PYFUNC = "python_function"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@frozen
class MlModel:
    """One model's description, in MLflow's own words."""

    flavors: Mapping[str, Mapping[str, Any]]
    signature: Mapping[str, Any]

    @property
    def loader(self) -> str:
        """The module that MLflow would load it with."""
        return str(self._pyfunc.get("loader_module") or "")

    @property
    def function(self) -> str:
        """The model's function that predicts."""
        return str(self._pyfunc.get("predict_fn") or "predict")

    @property
    def file(self) -> str:
        """Where in its folder the model itself lies."""
        return str(self._pyfunc.get("model_path") or "")

    def columns(self) -> tuple[Column, ...]:
        """The inputs that the signature names; raises UsageError when requests cannot be checked against it."""
        inputs = json.loads(self.signature.get("inputs") or "[]")
        if not inputs or any(one.get("type") == "tensor" or one.get("name") is None for one in inputs):
            raise UsageError(
                "The model has no signature with named columns, so requests cannot be checked.",
                "Log it with signature=infer_signature(inputs, outputs) where inputs is a DataFrame.",
            )
        return tuple(_column(one) for one in inputs)

    @property
    def _pyfunc(self) -> Mapping[str, Any]:
        return self.flavors.get(PYFUNC, {})


def read_mlmodel(folder: Path) -> MlModel:
    """The description of the model in this folder. Raises Failed when it is none."""
    try:
        document = yaml.load((folder / "MLmodel").read_bytes(), _Loader)  # noqa: S506 - the safe one, or its twin in C
        return MlModel(dict(document["flavors"]), dict(document.get("signature") or {}))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Failed(f"{folder / 'MLmodel'} cannot be read: {error}", "Log the model again.") from error


def _column(given: Mapping[str, Any]) -> Column:
    name, kind = str(given["name"]), str(given.get("type"))
    if kind not in {one.value for one in Kind}:
        raise UsageError(f"Input {name!r} has type {kind}, which is not served.", "Use flat columns.")
    return Column(name, Kind(kind), bool(given.get("required", True)))
