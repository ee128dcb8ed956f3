"""The two forms in which MLflow's folder store keeps everything: a `meta.yaml`, and a folder of one file per key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

Meta = Mapping[str, object]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Broken(Exception):
    """A file of the store that cannot be understood; the text says which and why."""


def read_meta(folder: Path, *needed: str) -> Meta:
    """What a folder's `meta.yaml` says; raises Broken if it is no mapping or lacks a key that is needed."""
    file = folder / "meta.yaml"
    try:
        meta = yaml.load(read_text(file), Loader=_LOADER)  # noqa: S506 - a safe loader, in C if there is one
    except OSError as error:
        raise Broken(f"{file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise Broken(f"{file} is not valid YAML.") from error
    if not isinstance(meta, dict):
        raise Broken(f"{file} is empty or no mapping.")
    if lacking := [key for key in needed if key not in meta]:
        raise Broken(f"{file} lacks {', '.join(lacking)}.")
    return meta


def read_texts(folder: Path) -> dict[str, str]:
    """Key to content for every file below a folder, ordered by key; a key may hold slashes."""
    return {key: read_text(file) for key, file in text_files(folder)}


def text_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The keys below a folder and their files, ordered by key; none if there is no folder."""
    files = (file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else ()
    return iter(sorted((file.relative_to(folder).as_posix(), file) for file in files))


def read_text(file: Path) -> str:
    """The content as it stands: line ends are part of a value."""
    return file.read_bytes().decode("utf-8", "replace")


def sub_folders(folder: Path) -> Iterator[Path]:
    """The folders that have a `meta.yaml`, by name; others beside them hold artifacts."""
    found = folder.iterdir() if folder.is_dir() else ()
    return iter(sorted(sub for sub in found if (sub / "meta.yaml").is_file()))


def words(meta: Meta, key: str) -> str:
    """The text under a key, empty for none."""
    value = meta.get(key)
    return "" if value is None else str(value)
