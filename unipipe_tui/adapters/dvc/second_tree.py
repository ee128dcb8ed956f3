"""What a second work tree of a DVC project needs: the first one's cache and remotes, other data, other params.

All that is written here lies in the second tree, and Git or DVC read it there.
"""

from __future__ import annotations

import ast
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser, Error
from pathlib import Path

import yaml

from unipipe_tui.adapters.dvc.config import read_config
from unipipe_tui.adapters.dvc.documents import Unreadable, load
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.runs.reproducibility import ParamValue

LINKS = "reflink,symlink,copy"
"""Data is read from the cache, not copied out of it, where nobody configured how."""
DEFAULT_PARAMS = "params.yaml"
YAML_FILES = (".yaml", ".yml")


def borrow_settings(tree: Path, project: Path) -> None:
    """Let a second tree use the project's cache, its remotes and what only this clone knows of them.

    Raises:
        Failed: the settings cannot be read.
    """
    own, local = _settings(tree / ".dvc" / "config"), _settings(project / ".dvc" / "config.local")
    for name, value in (
        ("dir", str(read_config(project).cache_folder.resolve())),
        ("type", _first(local, own, "cache", "type") or LINKS),
    ):
        _set(local, "cache", name, value)
    # What DVC notes about files goes with the tree, instead of staying on the machine.
    _set(local, "core", "site_cache_dir", str(tree / ".dvc" / "tmp" / "site"))
    for section in {*own.sections(), *local.sections()}:
        url = _first(local, own, section, "url")
        # A path counts from the folder of the file that names it, and this one lies elsewhere.
        if section.startswith(("'remote", "remote")) and url and "://" not in url and not Path(url).is_absolute():
            _set(local, section, "url", posixpath.normpath((project / ".dvc" / url).absolute().as_posix()))
    # It may hold what opens a remote.
    (file := tree / ".dvc" / "config.local").touch(mode=0o600)
    with file.open("w", encoding="utf-8") as opened:
        local.write(opened)


def pin_data(tree: Path, pointer: str, path: str, md5: str) -> None:
    """Let a `.dvc` file name other content for one of its outputs.

    Raises:
        Failed: it does not name that output.
    """
    file = tree / pointer
    try:
        document = load(file)
        outputs = document["outs"] if isinstance(document, dict) else []
        here = posixpath.dirname(pointer)
        [output] = [out for out in outputs if posixpath.normpath(posixpath.join(here, out["path"])) == path]
    except (OSError, Unreadable, KeyError, TypeError, ValueError):
        raise Failed(f"{pointer} does not name {path}.", hint="Look at it in the work tree.") from None
    for known in ("size", "nfiles"):
        output.pop(known, None)
    output["md5"] = md5
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def read_params(root: Path, pipeline: Pipeline) -> tuple[ParamValue, ...]:
    """Every value in the files of params that the stages name, as MLflow would log it."""
    files = dict.fromkeys([DEFAULT_PARAMS, *(ref.file for stage in pipeline.stages for ref in stage.params)])
    return tuple(
        ParamValue(file, ".".join(way), str(value)) for file in files for way, value in _leaves(_document(root / file))
    )


def write_params(root: Path, values: Sequence[ParamValue]) -> None:
    """Write other values into files of params, each of the kind that was there.

    Raises:
        Failed: a file is neither YAML nor JSON, or lacks a key.
    """
    for name in dict.fromkeys(value.file for value in values):
        _rewrite(root / name, {value.key: value.text for value in values if value.file == name})


def _rewrite(file: Path, wanted: Mapping[str, str]) -> None:
    kind = file.suffix.lower()
    document = _document(file)
    found = {".".join(way): (way, value) for way, value in _leaves(document)}
    if kind not in (*YAML_FILES, ".json") or not wanted.keys() <= found.keys():
        raise Failed(f"The params in {file.name} cannot be set: only YAML and JSON are written.")
    for key, text in wanted.items():
        (*above, last), value = found[key]
        section = document
        for part in above:
            section = section[part]  # type: ignore[index]
        section[last] = _like(value, text)  # type: ignore[index]
    text = json.dumps(document) if kind == ".json" else yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    file.write_text(text, encoding="utf-8")


def _document(file: Path) -> object:
    try:
        return load(file)
    except (OSError, Unreadable):
        return {}


def _leaves(value: object, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, Mapping):
        for key, content in value.items():
            if isinstance(key, str):
                yield from _leaves(content, (*above, key))
    elif above:
        yield above, value


def _like(value: object, text: str) -> object:
    """A logged text as the kind of thing that stood there: MLflow logs everything as `str` shows it."""
    if isinstance(value, str):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _settings(file: Path) -> ConfigParser:
    settings = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        settings.read(file, encoding="utf-8-sig")
    except (Error, UnicodeDecodeError) as error:
        raise Failed(f"{file} cannot be read: {error}") from None
    return settings


def _first(local: ConfigParser, own: ConfigParser, section: str, option: str) -> str | None:
    """What DVC would take: the setting of this clone, else that of the project."""
    found = (settings.get(section, option, fallback=None) for settings in (local, own))
    return next((value.strip().strip("\"'") for value in found if value), None)


def _set(settings: ConfigParser, section: str, option: str, value: str) -> None:
    if not settings.has_section(section):
        settings.add_section(section)
    settings.set(section, option, f'"{value}"')
