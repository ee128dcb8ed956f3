"""A model's files: what is recorded of them so that a changed byte is seen, and which of them run code when loaded.

Nothing here loads a model: files are hashed, and looked at by their names and first bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from unipipe_tui.domain.aliases_and_tags import DIGEST_TAG, FILES_TAG
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen

WRITTEN_BY_MLFLOW = "registered_model_meta"
"""MLflow notes in it, inside the store, under which name somebody loaded the model: it is no part of what was registered."""
LONGEST_FILES_TAG = 4_500
"""Older registries take tags of 5,000 characters; of a model with more files only the digest is recorded."""
SHORT = 16
"""Hexadecimal digits that tell which file is another one; whether one is, the whole digest tells."""

Hashes = tuple[tuple[str, str], ...]
"""Path relative to the folder (POSIX) and sha256 of every file, sorted by path."""


@frozen
class Recorded:
    """What the registry says that a version's files were when it was registered."""

    digest: str
    files: Mapping[str, str] | None = None
    """The beginning of each file's sha256, by path; None when it was not noted."""


def files_in(folder: Path) -> Iterator[str]:
    """Every file below a folder, in order. Raises Failed for a link or a special file."""
    found: list[str] = []
    for root, folders, files in os.walk(folder, onerror=_cannot_list):
        for name in folders + files:
            path = Path(root, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise Failed(f"{path} is a link or a special file.", "A bundle holds plain files only.")
        found += [Path(root, name).relative_to(folder).as_posix() for name in files]
    yield from sorted(found)


def sha256_of(path: Path) -> str:
    """The sha256 of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}", "Check its permissions.") from error


def hashes_of(folder: Path) -> Hashes:
    """The hash of every file that was registered with the model in this folder."""
    return tuple((path, sha256_of(folder / path)) for path in files_in(folder) if path != WRITTEN_BY_MLFLOW)


def hashes_below(hashes: Hashes, folder: str) -> Hashes:
    """Of the hashes of a folder those of the model that lies in one of its folders."""
    inside = ((path.removeprefix(f"{folder}/"), sha) for path, sha in hashes if path.startswith(f"{folder}/"))
    return tuple((path, sha) for path, sha in inside if path != WRITTEN_BY_MLFLOW)


def digest_of(hashes: Hashes) -> str:
    """One sha256 over all files and their names."""
    canonical = json.dumps(sorted(hashes), separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def tags_of(hashes: Hashes) -> dict[str, str]:
    """The tags that record a version's files for everybody who reads the registry."""
    told = json.dumps({path: sha[:SHORT] for path, sha in hashes}, separators=(",", ":"))
    return {DIGEST_TAG: digest_of(hashes)} | ({FILES_TAG: told} if len(told) <= LONGEST_FILES_TAG else {})


def recorded_in(tags: Mapping[str, str]) -> Recorded | None:
    """What a version's tags say of its files; None when nothing was recorded."""
    digest = tags.get(DIGEST_TAG)
    if digest is None:
        return None
    try:
        noted = json.loads(tags.get(FILES_TAG, ""))
    except (ValueError, RecursionError):
        noted = None
    return Recorded(digest, {str(k): str(v) for k, v in noted.items()} if isinstance(noted, dict) else None)


def differences(recorded: Recorded, hashes: Hashes) -> tuple[str, ...]:
    """What is another thing than was recorded: `changed: model.skops`; empty when nothing is."""
    if digest_of(hashes) == recorded.digest:
        return ()
    found = {path: sha[:SHORT] for path, sha in hashes}
    known = recorded.files
    if known is None or found == known:
        # The list of files is there to name the culprit; the digest alone decides.
        return ("changed: a file, or what the registry recorded",)
    return (
        *(f"missing: {path}" for path in sorted(known.keys() - found.keys())),
        *(f"extra: {path}" for path in sorted(found.keys() - known.keys())),
        *(f"changed: {path}" for path in sorted(found.keys() & known.keys()) if found[path] != known[path]),
    )


@frozen
class ModelContents:
    """What a model's folder holds, found without loading it."""

    hashes: Hashes
    runs_code: tuple[str, ...]
    """Why loading it runs code that came with it; empty when it is only data."""


PYFUNC = "python_function"
DATA_ONLY_LOADERS = frozenset({"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost", "mlflow.onnx"})
"""Loaders of MLflow that have a format which is data; whether this model is saved in it, its flavor says."""
AUTHORS_OWN = frozenset({"mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model"})
PICKLE_SUFFIXES = (".pkl", ".pickle", ".cloudpickle", ".joblib", ".dill", ".pth", ".pt", ".ckpt")
PLACE_KEYS = ("model_path", "data", "code", "pickled_model")
"""Where a flavor notes what it loads."""
HEAD_BYTES = 2
PICKLE_PROTOCOLS = range(2, 10)


@frozen
class ModelFile:
    """A file by its name and by what it begins with."""

    path: str
    head: bytes = b""
    members: tuple[str, ...] = ()
    """What an archive holds."""


def model_files(folder: Path) -> tuple[ModelFile, ...]:
    """The files of a model as `what_runs_code` looks at them."""
    return tuple(_looked_at(folder, path) for path in files_in(folder))


def what_runs_code(flavors: Mapping[str, object], files: Sequence[ModelFile]) -> tuple[str, ...]:
    """Why loading this model runs code that came with it, one reason each; empty when it is only data.

    `flavors` is what its `MLmodel` says. A loader that is not known to read data only counts as one that runs code.
    """
    return (*_of_loader(flavors), *(reason for file in files if (reason := _of_file(file))))


def _looked_at(folder: Path, path: str) -> ModelFile:
    try:
        with (folder / path).open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head != b"PK":
            return ModelFile(path, head)
        with zipfile.ZipFile(folder / path) as archive:
            return ModelFile(path, head, tuple(archive.namelist()))
    except (zipfile.BadZipFile, UnicodeError, NotImplementedError, ValueError):
        return ModelFile(path, head)
    except OSError as error:
        raise Failed(f"{folder / path} cannot be read: {error.strerror}", "Check its permissions.") from error


def _of_file(file: ModelFile) -> str | None:
    if file.path.lower().endswith(PICKLE_SUFFIXES):
        return f"{file.path} is a pickle by its name"
    if file.head[:1] == b"\x80" and file.head[1:2] and file.head[1] in PICKLE_PROTOCOLS:
        return f"{file.path} is a pickle"
    inside = next((name for name in file.members if name.lower().endswith(PICKLE_SUFFIXES)), None)
    return f"{file.path} holds a pickle ({inside})" if inside else None


def _of_loader(flavors: Mapping[str, object]) -> Iterator[str]:
    pyfunc = _section(flavors, PYFUNC)
    # Without this flavor nothing loads it.
    loader = str(pyfunc.get("loader_module", "")) if pyfunc else ""
    if not pyfunc:
        return
    if loader in AUTHORS_OWN:
        yield "it is Python code of its author (a custom pyfunc)"
    elif loader not in DATA_ONLY_LOADERS:
        yield f"{loader or 'an unknown loader'} loads it, which may run code"
    else:
        yield from _of_flavor(loader, _section(flavors, loader.rpartition(".")[2]))
    yield from (f"it names {place}, which lies outside of it" for place in sorted(_places_outside(flavors)))
    named = {str(section["code"]) for name in flavors if (section := _section(flavors, name)).get("code")}
    yield from (f"it brings Python modules of its author ({folder}/)" for folder in sorted(named))


def _places_outside(flavors: Mapping[str, object]) -> Iterator[str]:
    """What is loaded from elsewhere, where no digest vouches for it."""
    for name in flavors:
        section = _section(flavors, name)
        for place in (str(section[key]) for key in PLACE_KEYS if section.get(key)):
            if place.startswith("/") or ".." in PurePosixPath(place).parts:
                yield place


def _of_flavor(loader: str, flavor: Mapping[str, object]) -> Iterator[str]:
    """The formats of a loader that are no data; what is not said is what MLflow assumes."""
    saved_as = flavor.get("serialization_format")
    made_as = str(flavor.get("model_class") or "")
    if loader == "mlflow.sklearn" and saved_as != "skops":
        yield f"scikit-learn saved it as {saved_as or 'pickle'}"
    if loader == "mlflow.lightgbm" and made_as not in ("", "lightgbm.basic.Booster") and saved_as != "skops":
        yield f"LightGBM saved it as {saved_as or 'cloudpickle'}"
    if loader == "mlflow.xgboost" and made_as and not made_as.startswith("xgboost."):
        yield f"it is loaded as {made_as}, which is no class of XGBoost"


def _section(flavors: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = flavors.get(name)
    return found if isinstance(found, Mapping) else {}


def _cannot_list(error: OSError) -> None:
    raise Failed(f"{error.filename} cannot be listed: {error.strerror}", "Check its permissions.") from error


def told(parts: Collection[str], most: int = 5) -> str:
    """The first of them as one part of a sentence."""
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return "; ".join(list(parts)[:most]) + more
