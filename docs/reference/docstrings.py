"""Docstrings below the fields of a dataclass: Python drops them, so they are read from the source."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from typing import Any


def field_docs(kind: type[Any]) -> dict[str, str]:
    """What the source says of each field, for those that have a docstring."""
    body = _body(kind)
    docs: dict[str, str] = {}
    for statement, following in pairwise(body):
        named = isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if named and _is_text(following):
            docs[statement.target.id] = inspect.cleandoc(following.value.value)  # type: ignore[attr-defined]
    return docs


def _body(kind: type[Any]) -> list[ast.stmt]:
    module = inspect.getmodule(kind)
    tree = ast.parse(inspect.getsource(module)) if module else ast.Module([], [])
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == kind.__name__]
    return found[0].body if found else []


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
