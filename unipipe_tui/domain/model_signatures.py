"""What a saved model takes and gives: the columns that its author declared, and a row to try it with."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.domain.serving import Value
from unipipe_tui.domain.values import frozen


@frozen
class SignatureColumn:
    """One column that a model takes or gives."""

    name: str
    """Empty for a tensor that bears no name."""
    type: str
    """In MLflow's words: `double`, `string`, `float64[-1, 2]`."""
    required: bool = True


@frozen
class Signature:
    """What goes into a model and what comes out of it."""

    inputs: tuple[SignatureColumn, ...] = ()
    outputs: tuple[SignatureColumn, ...] = ()
    example: Mapping[str, Value] | None = None
    """The first row of the example that its author kept with it."""
