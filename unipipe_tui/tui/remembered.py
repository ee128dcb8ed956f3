"""What the workbench remembers of a project from one launch to the next; rubbish in the file is as good as no file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from unipipe_tui.domain.values import frozen

Kept: TypeAlias = Mapping[str, Any]
"""What a place wants to find again: plain values as JSON has them. Whoever reads it trusts nothing in it."""

NOTHING: Kept = MappingProxyType({})
LARGEST_BYTES = 1_000_000


@frozen
class Remembered:
    """How the workbench stood."""

    theme: str = ""
    place: str = ""
    places: Mapping[str, Kept] = field(default_factory=dict)


def memory_path(folder: Path, project: Path) -> Path:
    """The file of a project."""
    return folder / f"{hashlib.sha256(str(project).encode(errors='surrogateescape')).hexdigest()[:16]}.json"


def recall(path: Path | None) -> Remembered:
    """What was kept last; nothing when there is no such thing or it cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        if path is not None and path.stat().st_size <= LARGEST_BYTES:
            found = json.loads(path.read_text(encoding="utf-8"))
            kept = found if isinstance(found, dict) else {}
            places = {name: kept_of(kept_of(kept, "places"), name) for name in kept_of(kept, "places")}
            return Remembered(text_of(kept, "theme"), text_of(kept, "place"), places)
    return Remembered()


def keep(path: Path | None, remembered: Remembered) -> None:
    """Keep it, whole or not at all; where nothing can be written nothing is remembered."""
    if path is None:
        return
    with suppress(OSError, ValueError):
        text = json.dumps(dataclasses.asdict(remembered), ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
        fresh.write_text(text, encoding="utf-8", errors="replace")
        os.replace(fresh, path)


def kept_of(kept: Kept, name: str) -> Kept:
    """A part of what was kept, by name; nothing when it is none."""
    part = kept.get(name)
    return part if isinstance(part, dict) else NOTHING


def text_of(kept: Kept, name: str) -> str:
    """A text that was kept; empty when there is none."""
    text = kept.get(name)
    return text if isinstance(text, str) else ""


def number_of(kept: Kept, name: str) -> int:
    """A whole number from 0 up that was kept; 0 when there is none."""
    number = kept.get(name)
    return number if type(number) is int and number >= 0 else 0


def texts_of(kept: Kept, name: str) -> tuple[str, ...]:
    """Texts that were kept; none when they are not all texts."""
    texts = kept.get(name)
    return tuple(texts) if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else ()
