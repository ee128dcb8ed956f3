"""What the desired file may say, and what is no wish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unipipe_tui.domain.errors import Failed
from unipipe_tui.serving.desired import read_desired
from unipipe_tui.serving.scoring import Facts
from unipipe_tui.serving.validation import Column, Kind

FILE = Path("/serving/desired.json")
STABLE = {"name": "stable", "bundle": "fraud-1", "digest": "aa", "weight": 100}
UPSTREAM = {
    "name": "stable",
    "url": "http://127.0.0.1:5000/",
    "digest": "aa",
    "weight": 100,
    "model": "fraud",
    "version": 3,
    "threshold": 0.2,
    "commit": "c0ffee",
    "columns": [{"name": "amount", "type": "double"}, {"name": "note", "type": "string", "required": False}],
}


def written(*variants: object, **more: object) -> bytes:
    return json.dumps({"format": 2, "variants": variants, **more}).encode()


def test_a_bundle_is_meant_from_the_files_own_place() -> None:
    desired = read_desired(written(STABLE, order="o", release="r-1", sticky="card"), FILE)
    assert (desired.order, desired.release, desired.sticky) == ("o", "r-1", "card")
    (variant,) = desired.variants
    assert (variant.bundle, variant.weight, variant.mirrored) == (FILE.parent / "fraud-1", 100.0, False)


def test_another_server_brings_its_facts_and_columns_along() -> None:
    (variant,) = read_desired(written(UPSTREAM), FILE).variants
    assert variant.url == "http://127.0.0.1:5000"
    assert variant.facts == Facts("fraud", 3, "aa", 0.2, commit="c0ffee")
    assert variant.columns == (Column("amount", Kind.DOUBLE, True), Column("note", Kind.STRING, False))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "does not say"),
        (b"[]", "does not say"),
        (b'{"bundle": "x", "digest": "y"}', "format"),
        (written(), "100 %"),
        (written({**STABLE, "weight": 90}), "100 %"),
        (written(STABLE, STABLE), "one name"),
        (written({**STABLE, "url": "http://x"}), "either a bundle or a url"),
        (written({**STABLE, "bundle": None}), "either a bundle or a url"),
        (written({**UPSTREAM, "url": "file:///etc/passwd"}), "is no http"),
        (written({**UPSTREAM, "columns": []}), "names its model, version and columns"),
        (written({**UPSTREAM, "columns": [{"name": "x", "type": "tensor"}]}), "tensor"),
        (written({**STABLE, "name": ""}), "is not a text"),
    ],
)
def test_what_is_no_wish_is_refused_with_the_reason(content: bytes, says: str) -> None:
    with pytest.raises(Failed, match=says):
        read_desired(content, FILE)
