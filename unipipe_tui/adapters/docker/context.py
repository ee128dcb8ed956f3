"""The folder that an image is built from: everything the Dockerfile copies, and nothing else; the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import unipipe_tui
from unipipe_tui.adapters.docker.dockerfile import (
    PIP_SETTINGS,
    SERVING_PACKAGES,
    ImageFacts,
    desired_of_image,
    dockerfile,
    dockerignore,
    files_named_in,
    image_requirements,
)
from unipipe_tui.adapters.mlflow.model import runs_code
from unipipe_tui.config import ImageConfig
from unipipe_tui.domain.bundles import MANIFEST, MODEL_FOLDER, Bundle

CODE = Path(unipipe_tui.__file__).parent
ROOMS = ("domain", "serving")
"""All of ours that serving needs: no screen, no command line, no store, no DVC."""
INSIDE = Path(__file__).with_name("inside")
AUTHORITIES = "PIP_CERT"


def facts_of(
    folder: Path,
    bundle: Bundle,
    config: ImageConfig,
    environment: Mapping[str, str],
    source: str | None,
    *,
    allow_pickle: bool = False,
) -> ImageFacts:
    """What the image of this bundle will be made of."""
    return ImageFacts(
        bundle=bundle,
        base=config.base,
        requirements=image_requirements(_text(folder / MODEL_FOLDER / "requirements.txt"), _installed()),
        code=_hash_of_code(),
        built_by=unipipe_tui.__version__,
        made_at=_made_at(folder / MODEL_FOLDER),
        source=source,
        pip_arguments=config.pip_arguments,
        pip_settings=tuple(pip_settings(environment)),
        has_authorities=_authorities(environment) is not None,
        allow_pickle=allow_pickle and bool(runs_code(folder / MODEL_FOLDER)),
    )


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Settings of pip that mean something in a build as well: places on this machine's disk do not."""
    found = {name: environment[name] for name in PIP_SETTINGS if environment.get(name)}
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        distant = " ".join(word for word in found.pop(name, "").split() if re.match(r"https?://", word))
        if distant:
            found[name] = distant
    return {name: found[name] for name in PIP_SETTINGS if name in found}


def write_context(place: Path, folder: Path, facts: ImageFacts, environment: Mapping[str, str]) -> Path:
    """Write the folder anew, in one piece; its files are readable by everybody, whatever they are here."""
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name[:12]}-"))
    try:
        for name, text in _texts(facts):
            _write(new / name, text.encode())
        _write_pip_files(new / "pip", folder / MODEL_FOLDER, facts, environment)
        for name, path in _code_files().items():
            _write(new / "code" / name, path.read_bytes())
        for name, _sha256 in (*facts.bundle.files, (MANIFEST, "")):
            _place(folder / name, new / "bundle" / name)
        _open_folders(new)
        _swap(new, place)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return place


def _texts(facts: ImageFacts) -> Iterator[tuple[str, str]]:
    yield "Dockerfile", dockerfile(facts)
    yield ".dockerignore", dockerignore()
    yield "desired.json", desired_of_image(facts.bundle)


def _write_pip_files(place: Path, model: Path, facts: ImageFacts, environment: Mapping[str, str]) -> None:
    _write(place / "requirements.txt", facts.requirements.encode())
    for name in files_named_in(facts.requirements):
        named = model / name
        if named.is_file() and named.resolve().is_relative_to(model.resolve()):
            _write(place / name, named.read_bytes())
    authorities = _authorities(environment)
    if authorities is not None:
        _write(place / "ca.crt", authorities.read_bytes())


def _authorities(environment: Mapping[str, str]) -> Path | None:
    """The file of certificates that pip was told to trust here: a build must trust whom its machine trusts."""
    named = Path(environment[AUTHORITIES]) if environment.get(AUTHORITIES) else None
    return named if named is not None and named.is_file() else None


def _code_files() -> dict[str, Path]:
    """What is copied into the image, by its path there."""
    found = (CODE / "__init__.py", *(path for room in ROOMS for path in (CODE / room).rglob("*.py")))
    ours = {f"{CODE.name}/{path.relative_to(CODE).as_posix()}": path for path in sorted(found)}
    return ours | {f"inside/{path.name}": path for path in sorted(INSIDE.glob("*.py"))}


def _hash_of_code() -> str:
    told = hashlib.sha256()
    for name, path in _code_files().items():
        told.update(f"{name}\n".encode() + path.read_bytes())
    return told.hexdigest()


def _installed() -> dict[str, str]:
    found = {}
    for name in SERVING_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _made_at(model: Path) -> str | None:
    """When MLflow saved the model, in UTC."""
    noted = re.search(r"^utc_time_created: '([\d-]{10}) ([\d:]{8})[\d.]*'", _text(model / "MLmodel"), re.MULTILINE)
    return f"{noted[1]}T{noted[2]}Z" if noted else None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _place(source: Path, target: Path) -> None:
    """The same file once more where it may be read by everybody, else a copy that may."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.stat().st_mode & 0o777 == 0o644:
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)
    target.chmod(0o644)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o644)


def _open_folders(top: Path) -> None:
    for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def _swap(new: Path, place: Path) -> None:
    """Put the new folder where an old one may stand; whoever reads the old one keeps it."""
    if place.exists():
        old = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name[:12]}-")) / "old"
        place.rename(old)
        shutil.rmtree(old.parent, ignore_errors=True)
    new.rename(place)
