"""The file that tells a server of ours what to answer with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.values import frozen

FORMAT = 2


@frozen
class InputColumn:
    """One column that a version must be given."""

    name: str
    type: str
    """In MLflow's words: `double`, `string`."""
    required: bool = True


@frozen
class Source:
    """Where the answers of one variant come from: the folder of its bundle, or another server."""

    variant: Variant
    folder: Path | None = None
    url: str | None = None
    bundle: Bundle | None = None
    """What is known of it; a server that has the folder reads the same there."""
    columns: tuple[InputColumn, ...] = ()
    """What a server at a URL must be given."""


@frozen
class Desired:
    """What a server shall answer with."""

    order: str
    """A name of this very wish."""
    sources: tuple[Source, ...]
    target: str
    release: str | None = None
    sticky: str | None = None
    actor: str | None = None
    at: str | None = None


def desired_text(desired: Desired) -> str:
    """The file's content."""
    document = {
        "format": FORMAT,
        "order": desired.order,
        "release": desired.release,
        "target": desired.target,
        "sticky": desired.sticky,
        "actor": desired.actor,
        "at": desired.at,
        "variants": [_variant(source) for source in desired.sources],
    }
    return json.dumps(document, indent=1) + "\n"


def write_desired(file: Path, text: str) -> None:
    """In one piece: a server that looks meanwhile sees the old file or the new one."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def with_order(text: str, order: str) -> str:
    """The same wish under another name. Raises ValueError when it is none."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("no object")
    return json.dumps({**document, "order": order}, indent=1) + "\n"


def _variant(source: Source) -> dict[str, object]:
    variant, bundle = source.variant, source.bundle
    told: dict[str, object] = {
        "name": variant.name,
        "digest": variant.digest,
        "weight": variant.weight,
        "mirrored": variant.mirrored,
    }
    if bundle is not None:
        told |= {"model": bundle.model, "version": bundle.version, "threshold": bundle.threshold}
        told |= {"run_id": bundle.run_id, "commit": bundle.commit, "data": bundle.data}
    if source.url is None:
        return told | {"bundle": str(source.folder)}
    return told | {"url": source.url, "columns": _columns(source.columns)}


def _columns(columns: Sequence[InputColumn]) -> list[dict[str, object]]:
    return [{"name": one.name, "type": one.type, "required": one.required} for one in columns]
