"""A bundle: one model version in a folder, sealed by a digest, as it is handed to whatever serves it.

The folder holds `bundle.json` and `model/` (an MLflow model directory). The digest covers every file and every fact
in the manifest, so whoever knows the digest knows exactly what will be loaded.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.model_files import files_in, sha256_of, told
from unipipe_tui.domain.values import frozen

MANIFEST = "bundle.json"
MODEL_FOLDER = "model"
FORMAT = 1


@frozen
class Bundle:
    """Which version this is, what it was made of, and the hash of every file it consists of."""

    model: str
    version: int
    run_id: str
    threshold: float | None
    """From which score on the decision is 1; None leaves it to the server's default."""
    commit: str | None
    data: str | None
    """md5 of the training data, as DVC wrote it."""
    files: tuple[tuple[str, str], ...]
    """Path relative to the folder (POSIX) and sha256, sorted by path."""
    digest: str
    """sha256 over the canonical form of everything above."""


def seal_bundle(
    folder: Path,
    *,
    model: str,
    version: int,
    run_id: str,
    threshold: float | None = None,
    commit: str | None = None,
    data: str | None = None,
) -> Bundle:
    """Hash what the folder holds and write its manifest in one piece.

    Raises UsageError when there is no MLflow model in it, Failed when it holds a symbolic link or a special file.
    """
    if not (folder / MODEL_FOLDER / "MLmodel").is_file():
        raise UsageError(
            f"No MLflow model in {folder / MODEL_FOLDER}.", "A bundle's model/ folder must hold an MLmodel file."
        )
    hashes = tuple((path, sha256_of(folder / path)) for path in _paths_in(folder))
    unsealed = Bundle(model, version, run_id, threshold, commit, data, hashes, digest="")
    bundle = Bundle(model, version, run_id, threshold, commit, data, hashes, digest=_digest_of(unsealed))
    _replace(folder / MANIFEST, json.dumps({"format": FORMAT, **asdict(bundle)}, indent=2) + "\n")
    return bundle


def read_bundle(folder: Path) -> Bundle:
    """What the manifest says, without touching the model's files.

    Raises UsageError when there is no manifest or a newer program wrote it, Failed when it is damaged or disagrees
    with its own digest.
    """
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"No bundle in {folder}: {MANIFEST} is missing.", "Name a folder that holds one.") from None
    except (ValueError, RecursionError) as error:
        raise Failed(f"{folder / MANIFEST} is not readable JSON: {error}", _MAKE_IT_AGAIN) from error
    except OSError as error:
        raise Failed(f"{folder / MANIFEST} cannot be read: {error.strerror}", "Check its permissions.") from error
    bundle = _from_document(document, folder / MANIFEST)
    if bundle.digest != _digest_of(bundle):
        raise Failed(f"{folder / MANIFEST} was changed after it was sealed.", _MAKE_IT_AGAIN)
    return bundle


def verify_bundle(folder: Path) -> Bundle:
    """Hash every file and compare with the manifest; return it when all agree.

    Raises what `read_bundle` raises, and Failed naming the files that are changed, missing or extra.
    """
    bundle = read_bundle(folder)
    wanted = dict(bundle.files)
    present = set(_paths_in(folder))
    found = [f"missing: {path}" for path in sorted(wanted.keys() - present)]
    found += [f"extra: {path}" for path in sorted(present - wanted.keys())]
    found += [
        f"changed: {path}" for path in sorted(present & wanted.keys()) if sha256_of(folder / path) != wanted[path]
    ]
    if found:
        raise Failed(f"The bundle in {folder} is not what was sealed: {told(found)}.", _MAKE_IT_AGAIN)
    return bundle


_MAKE_IT_AGAIN = "Make the bundle again from the registered version."


def _paths_in(folder: Path) -> Iterator[str]:
    """Every file below the folder but the manifest, in order; only plain files and folders are allowed."""
    return (path for path in files_in(folder) if path != MANIFEST)


def _digest_of(bundle: Bundle) -> str:
    facts = {name: value for name, value in asdict(bundle).items() if name != "digest"}
    canonical = json.dumps({"format": FORMAT, **facts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _replace(path: Path, text: str) -> None:
    """Write beside the target and rename: a reader sees the old manifest or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            # mkstemp makes it private; a container often serves as another user than the one that sealed.
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _from_document(document: object, source: Path) -> Bundle:
    """Check every field's type: the manifest may have been written by anybody."""
    if not isinstance(document, dict):
        raise Failed(f"{source} does not hold an object.", _MAKE_IT_AGAIN)
    if document.get("format") != FORMAT:
        raise UsageError(
            f"{source} has format {document.get('format')!r}; this program reads format {FORMAT}.",
            "Serve it with the program that made it, or make the bundle again.",
        )
    try:
        return Bundle(
            model=_text(document["model"]),
            version=_whole_number(document["version"]),
            run_id=_text(document["run_id"]),
            threshold=None if document["threshold"] is None else _number(document["threshold"]),
            commit=None if document["commit"] is None else _text(document["commit"]),
            data=None if document["data"] is None else _text(document["data"]),
            files=tuple((_inside(path), _text(sha256)) for path, sha256 in document["files"]),
            digest=_text(document["digest"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise Failed(f"{source} is damaged: {what}", _MAKE_IT_AGAIN) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _whole_number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _number(value: object) -> float:
    # JSON 1 and 1.0 must keep their form, or the digest would not match what was sealed.
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a number")
    return value


def _inside(value: object) -> str:
    """A relative POSIX path that cannot leave the folder; anything else is refused."""
    text = _text(value)
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text or path.as_posix() != text:
        raise ValueError(f"the path {text!r} leaves the bundle")
    if text in (".", MANIFEST):
        raise ValueError(f"the path {text!r} cannot be a model's file")
    return text
