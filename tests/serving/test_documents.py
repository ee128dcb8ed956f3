"""The documents that the server gives of itself: whole, with examples that are true, and without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from .in_process import served

pytestmark = pytest.mark.xdist_group("serving")
ROUTES = {
    "POST /predict",
    "POST /feedback",
    "POST /invocations",
    "GET /version",
    "GET /ping",
    "GET /health",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models/{model}",
    "GET /v2/models/{model}/ready",
    "POST /v2/models/{model}/infer",
    "GET /v2/models/{model}/versions/{version}",
    "GET /v2/models/{model}/versions/{version}/ready",
    "POST /v2/models/{model}/versions/{version}/infer",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("documents")
    with served(home) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def test_every_route_is_told_with_what_it_does_and_what_it_answers(document: dict[str, Any]) -> None:
    routes = {f"{verb.upper()} {path}": one for path, verbs in document["paths"].items() for verb, one in verbs.items()}
    assert routes.keys() == ROUTES
    for route in routes.values():
        assert route["description"]
        assert "200" in route["responses"]


def test_every_body_has_an_example_of_the_form_that_it_names(document: dict[str, Any]) -> None:
    told = 0
    for verbs in document["paths"].values():
        for content in verbs.get("post", {}).get("requestBody", {}).get("content", {}).values():
            examples = (
                [content["example"]] if "example" in content else [one["value"] for one in content["examples"].values()]
            )
            for example in examples:
                jsonschema.validate(example, {**content["schema"], "components": document["components"]})
                told += 1
    assert told >= 9


def test_the_page_tells_every_route_and_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for route in ROUTES:
        assert f"<h2>{route}</h2>" in page.text
    assert "dataframe_split" in page.text
    assert not re.findall(r"<script|<link|src=|https?://", page.text)
