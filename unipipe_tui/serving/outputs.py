"""A model's own answer on its way out: as the JSON that MLflow's scoring server writes.

Tables are known by their methods, so that a router before other servers needs no pandas.
"""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import numpy as np
from pydantic import BaseModel


def mlflow_predictions(output: Any) -> str:
    """`{"predictions": ...}`, to the byte as `mlflow models serve` writes it."""
    return _ENCODED({"predictions": _plain(output)})


def _plain(output: Any) -> Any:
    if isinstance(output, np.ndarray):
        return output.tolist()
    if hasattr(output, "to_frame"):
        output = output.to_frame()
    return output.to_dict(orient="records") if hasattr(output, "to_dict") else output


def _other(value: Any) -> Any:
    """What JSON does not know, as MLflow's encoder has it. Raises TypeError for what that does not know either."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes | bytearray):
        return base64.encodebytes(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODED = json.JSONEncoder(default=_other).encode
