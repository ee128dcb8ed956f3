"""The file in which an operator says what shall answer: variants with their shares, each a bundle or another server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unipipe_tui.domain.errors import Failed, UnipipeError
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.scoring import Facts
from unipipe_tui.serving.validation import Column, Kind

FORMAT = 2


@frozen
class WantedVariant:
    """One variant, and where its answers come from."""

    name: str
    digest: str
    weight: float
    mirrored: bool
    bundle: Path | None = None
    url: str | None = None
    facts: Facts | None = None
    """What the file says of it; None for a bundle that is only named by its digest."""
    columns: tuple[Column, ...] = ()
    """What the other server must be given; a bundle knows that itself."""


@frozen
class Desired:
    """What the operator wants served."""

    variants: tuple[WantedVariant, ...]
    order: str | None = None
    """What the operator calls this very wish, so that an answer to an earlier one is not taken for its own."""
    release: str | None = None
    target: str | None = None
    sticky: str | None = None
    actor: str | None = None
    at: str | None = None


def read_desired(content: bytes, file: Path) -> Desired:
    """Parse the file; a relative folder is meant from the file's own place. Raises Failed when it is no wish."""
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r} is not {FORMAT}")
        variants = tuple(_variant(given, file.parent) for given in document["variants"])
        desired = Desired(variants, *(_text_or_none(document, key) for key in _WORDS))
        _demand_traffic(desired)
    except UnipipeError as error:
        raise Failed(f"{file} does not say what to serve: {error.message}", error.hint) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Failed(f"{file} does not say what to serve: {error!r}.", _EXAMPLE) from error
    return desired


_WORDS = ("order", "release", "target", "sticky", "actor", "at")
_EXAMPLE = (
    'It must hold {"format": 2, "variants": [{"name": "stable", "weight": 100, "digest": "<sha256>", '
    '"bundle": "<folder>"}]}.'
)


def _demand_traffic(desired: Desired) -> None:
    """Names that are told apart, and shares that make 100 %."""
    facts = [(wanted, wanted.facts) for wanted in desired.variants]
    Traffic(
        tuple(
            Variant(
                wanted.name,
                known.model if known else "",
                known.version if known else 0,
                wanted.digest,
                wanted.weight,
                wanted.mirrored,
            )
            for wanted, known in facts
        )
    )


def _variant(given: Mapping[str, Any], folder: Path) -> WantedVariant:
    bundle, url = given.get("bundle"), given.get("url")
    if (bundle is None) == (url is None):
        raise ValueError("a variant has either a bundle or a url")
    if url is not None and (urlsplit(url).scheme != "http" or not urlsplit(url).hostname):
        raise ValueError(f"{url!r} is no http://host:port")
    columns = tuple(_column(one) for one in given.get("columns", ()))
    facts = _facts(given)
    if url is not None and (facts is None or not columns):
        raise ValueError("a variant with a url names its model, version and columns")
    return WantedVariant(
        name=_text(given["name"]),
        digest=_text(given["digest"]),
        weight=float(given.get("weight", 0.0)),
        mirrored=bool(given.get("mirrored", False)),
        bundle=None if bundle is None else folder / _text(bundle),
        url=None if url is None else _text(url).rstrip("/"),
        facts=facts,
        columns=columns,
    )


def _facts(given: Mapping[str, Any]) -> Facts | None:
    if given.get("model") is None or given.get("version") is None:
        return None
    threshold = given.get("threshold")
    return Facts(
        _text(given["model"]),
        int(given["version"]),
        _text(given["digest"]),
        None if threshold is None else float(threshold),
        run_id=_text_or_none(given, "run_id"),
        commit=_text_or_none(given, "commit"),
        data=_text_or_none(given, "data"),
    )


def _column(given: Mapping[str, Any]) -> Column:
    return Column(_text(given["name"]), Kind(given["type"]), bool(given.get("required", True)))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is not a text")
    return value


def _text_or_none(given: Mapping[str, Any], key: str) -> str | None:
    return None if given.get(key) is None else str(given[key])
