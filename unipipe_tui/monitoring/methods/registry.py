"""All methods, in the order in which they are listed."""

from __future__ import annotations

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.methods import counted, evidently, nannyml, valued
from unipipe_tui.monitoring.methods.method import Method

METHODS: tuple[Method, ...] = (*counted.METHODS, *valued.METHODS, *evidently.METHODS, *nannyml.METHODS)


def method_of(name: DriftMethod) -> Method:
    """The method of that name."""
    return next(method for method in METHODS if method.name is name)
