"""Where a project keeps what MLflow tracked, found by looking at files and settings only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.domain.tracking import TrackingKind, TrackingPlace

NOT_SEARCHED = frozenset({"node_modules", "venv", "site-packages", "__pycache__"})
HOSTED = frozenset({"databricks", "databricks-uc", "uc"})
"""Tracking URIs that are no path although they have no scheme."""


def find_tracking(
    root: Path,
    env: Mapping[str, str],
    configured_uri: str | None = None,
    in_use: Callable[[TrackingPlace], bool] = lambda place: True,
) -> TrackingPlace:
    """Name the store that a project uses: its configuration, the environment, then what lies in its folders.

    Of several that lie there the first `in_use` is taken, else the first: a program that was started once without its
    settings leaves an empty store behind.
    """
    if configured_uri:
        return place_of(configured_uri, root, "unipipe.yaml")
    if named := env.get("MLFLOW_TRACKING_URI"):
        return place_of(named, root, "MLFLOW_TRACKING_URI")
    found = [_found(path, root) for path in dict.fromkeys(_stores_under(root))]
    if not found:
        return TrackingPlace(TrackingKind.NOTHING, "", None, "no mlflow.db and no mlruns folder was found")
    chosen = found[0] if len(found) == 1 else next((place for place in found if in_use(place)), found[0])
    others = tuple(place.path for place in found if place is not chosen and place.path is not None)
    return replace(chosen, also=others)


def place_of(uri: str, root: Path, because: str) -> TrackingPlace:
    """Understand a tracking URI; a relative one counts from `root`. Credentials in a server's URI are kept."""
    scheme = uri.partition(":")[0].lower()
    if scheme.startswith("sqlite"):
        # SQLAlchemy's form: three slashes, then a path that is relative unless it begins with a fourth.
        database = re.sub(r"^[^:]*:/{0,3}", "", uri.partition("?")[0], count=1)
        path = (root / database).absolute()
        return TrackingPlace(TrackingKind.SQLITE, sqlite_uri(path), path, because)
    folder = local_path(uri, root)
    if folder is not None and uri not in HOSTED:
        return TrackingPlace(TrackingKind.FOLDER, folder.as_uri(), folder, because)
    return TrackingPlace(TrackingKind.REMOTE, uri, None, because)


def out_of_reach(place: TrackingPlace) -> ToolMissing:
    """The error for a store that is no file of this machine."""
    return ToolMissing(
        f"The MLflow store {place.shown} ({place.because}) is a server: only local stores are read yet.",
        hint="Name a SQLite file or an mlruns folder in unipipe.yaml, for example  mlflow: sqlite:///mlflow.db",
    )


def sqlite_uri(path: Path) -> str:
    """The absolute URI under which MLflow's client opens a SQLite file."""
    return f"sqlite:///{path.absolute().as_posix()}"


def local_path(uri: str, root: Path) -> Path | None:
    """The path that a URI or plain path means on this machine, whether it exists or not; None for remote ones."""
    if re.match(r"[A-Za-z]:[\\/]", uri):
        return None  # another system's drive letter, not a scheme
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return None if re.match(r"/[A-Za-z]:", parts.path) else (root / unquote(parts.path)).absolute()
    return None if parts.scheme or not uri else (root / uri).absolute()


def _found(path: Path, root: Path) -> TrackingPlace:
    because = f"{path.relative_to(root.absolute()).as_posix()} was found"
    if path.is_dir():
        return TrackingPlace(TrackingKind.FOLDER, path.as_uri(), path, because)
    return TrackingPlace(TrackingKind.SQLITE, sqlite_uri(path), path, because)


def _stores_under(root: Path) -> Iterator[Path]:
    folders = [root.absolute(), *sorted(_searched(root.absolute()))]
    for folder in folders:
        if (database := folder / "mlflow.db").is_file():
            yield database
        if holds_experiments(runs := folder / "mlruns"):
            yield runs


def _searched(root: Path) -> Iterator[Path]:
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in NOT_SEARCHED:
            yield folder


def holds_experiments(folder: Path) -> bool:
    """Whether an `mlruns` folder is a store: beside a database it holds artifacts only."""
    return folder.is_dir() and next(folder.glob("*/meta.yaml"), None) is not None


def first_model_folder(uris: Iterable[str], root: Path) -> Path | None:
    """The first of these URIs that is a model's folder on this machine.

    A store that was copied from another machine still names that machine's paths: what follows `mlruns/` in them is
    then looked for beside the store, in `root`.
    """
    folders = (folder for uri in uris for folder in folders_meant(uri, root))
    return next((folder for folder in folders if (folder / "MLmodel").is_file()), None)


def folders_meant(uri: str, root: Path) -> tuple[Path, ...]:
    """The folders on this machine that a URI may mean, whether they exist or not; none when it is remote."""
    return tuple(folder for folder in (local_path(uri, root), _after_mlruns(uri, root)) if folder is not None)


def _after_mlruns(uri: str, root: Path) -> Path | None:
    if uri.startswith("mlflow-artifacts:"):
        return None
    _, found, tail = unquote(uri).replace("\\", "/").rpartition("mlruns/")
    return None if not found or ".." in tail.split("/") else root.absolute() / "mlruns" / tail
