"""`/docs`: what can be asked here, as one plain page made of `/openapi.json`; it needs no script and no network."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Response

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { background: #8881; border: 1px solid #8884; padding: .6rem; overflow-x: auto; }
h2 { border-top: 1px solid #8884; padding-top: 1rem; font-family: ui-monospace, monospace; font-size: 1.1rem; }
th, td { text-align: left; vertical-align: top; padding: 0 1rem .2rem 0; }
:root { color-scheme: light dark; }
"""


def document_routes(describe: Callable[[], Mapping[str, Any]]) -> APIRouter:
    """The page; `describe` makes the OpenAPI document."""
    router = APIRouter()

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        """The page."""
        return Response(page(describe()), media_type="text/html; charset=utf-8")

    return router


def page(document: Mapping[str, Any]) -> str:
    """The whole page of an OpenAPI document."""
    title = html.escape(f"{document['info']['title']} {document['info']['version']}")
    told = "\n".join(
        section
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        for section in _route(path, method, route)
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>\n'
        f'<h1>{title}</h1>\n<p>The same for programs, with the form of every body: <a href="openapi.json">/openapi.json'
        f"</a>.</p>\n{told}\n</html>\n"
    )


def _route(path: str, method: str, route: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2>{method.upper()} {html.escape(path)}</h2>"
    for paragraph in str(route.get("description", "")).split("\n\n"):
        yield f"<p>{html.escape(paragraph)}</p>"
    for kind, content in route.get("requestBody", {}).get("content", {}).items():
        for name, body in _examples(content):
            yield f"<p>{html.escape(' '.join(['Body', kind, name]).strip())}</p>\n<pre>{html.escape(body)}</pre>"
    yield "<table>"
    for status, answer in route.get("responses", {}).items():
        told = f"{answer.get('description', '')} {_form(answer)}".strip()
        yield f"<tr><th>{html.escape(status)}</th><td>{html.escape(told)}</td></tr>"
    yield "</table>"


def _examples(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "example" in content:
        yield "", _written(content["example"])
    for name, example in content.get("examples", {}).items():
        yield name, _written(example["value"])


def _written(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2)


def _form(answer: Mapping[str, Any]) -> str:
    """The name of the answer's form, by which the OpenAPI document has it."""
    schemas = (content.get("schema", {}).get("$ref", "") for content in answer.get("content", {}).values())
    return ", ".join(name.rpartition("/")[2] for name in schemas if name)
