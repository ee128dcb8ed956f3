"""Whether a version's files are the ones that were registered, and whether loading them runs code: asked before every use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import rejection_of
from unipipe_tui.domain.bundles import MODEL_FOLDER, Bundle
from unipipe_tui.domain.errors import CheckSaidNo, Failed
from unipipe_tui.domain.model_files import Hashes, differences, hashes_below, recorded_in, tags_of, told
from unipipe_tui.domain.ports.tools import Registry

ALLOWED = "model: {allow_pickle: true}"
STORE = "the artefact store"
BUNDLE = "the bundle here"


def release_warnings(world: World, model: str, version: int, *, goes_back: bool = False) -> tuple[str, ...]:
    """What a plan that lets a version answer has to say of its files, as far as they are on this machine.

    Going back needs only a bundle that is whole: what the store holds by now is then no more than a warning.

    Raises:
        CheckSaidNo: a file is another one than was registered, or loading it runs code and that is not allowed.
    """
    known = world.tracking.version(model, version)
    found = world.bundles.whole(model, version)
    warnings = []
    if found:
        must_agree(model, version, known.tags, _files_of(found[1]), BUNDLE)
    try:
        stored = world.tracking.contents(known)
        if stored is not None:
            must_agree(model, version, known.tags, stored.hashes, STORE)
    except (CheckSaidNo, Failed) as error:
        if not (goes_back and found):
            raise
        warnings.append(f"the bundle here is whole, but {error.message[0].lower()}{error.message[1:]}")
        stored = None
    reasons = world.bundles.runs_code(model, version) if found else stored.runs_code if stored else ()
    return (*warnings, *_first_use(version, known.tags), *code_warnings(world, model, version, reasons))


def check_warnings(world: World, model: str, version: int) -> tuple[str, ...]:
    """What the plan of a check at the gates has to say of the files that it will load.

    Raises:
        CheckSaidNo: what `must_be_safe_to_score` refuses.
    """
    known = world.tracking.version(model, version)
    stored = world.tracking.contents(known)
    if stored is None:
        return tuple(_first_use(version, known.tags))
    must_agree(model, version, known.tags, stored.hashes, STORE)
    if not stored.runs_code:
        return tuple(_first_use(version, known.tags))
    _refuse_code_of_strangers(world, model, version, known.tags, stored.runs_code)
    return (*_first_use(version, known.tags), _warned(version, stored.runs_code))


def must_be_safe_to_score(world: World, registry: Registry, model: str, version: int) -> None:
    """Let a version be loaded here, at the gates: its files are as they were recorded; at the first use they are recorded.

    One that runs code is loaded when its files were recorded at its registration, since its author trained it with the
    same project, or when the configuration allows it.

    Raises:
        CheckSaidNo: a file is another one, or a stranger's code would run.
    """
    tags = world.tracking.version(model, version).tags
    contents = registry.contents(model, version)
    must_agree(model, version, tags, contents.hashes, STORE)
    _refuse_code_of_strangers(world, model, version, tags, contents.runs_code)
    record_first_use(registry, model, version, tags, contents.hashes)


def must_be_releasable(world: World, model: str, version: int, bundle: Bundle) -> None:
    """Let the bundle of a version answer: its files are as they were recorded; at the first use they are recorded.

    Raises:
        CheckSaidNo: a file is another one, or loading it runs code and that is not allowed.
    """
    known = world.tracking.version(model, version)
    tags = known.tags
    if recorded_in(tags) is None:
        stored = world.tracking.contents(known)
        must_agree(model, version, tags_of(stored.hashes) if stored else tags, _files_of(bundle), BUNDLE)
    must_agree(model, version, tags, _files_of(bundle), BUNDLE)
    code_warnings(world, model, version, world.bundles.runs_code(model, version))
    if recorded_in(tags) is None:
        record_first_use(world.open_registry(), model, version, tags, _files_of(bundle))


def must_agree(model: str, version: int, tags: Mapping[str, str], hashes: Hashes, where: str) -> None:
    """Refuse files that are not the recorded ones; nothing recorded agrees with everything.

    Raises:
        CheckSaidNo: naming the files.
    """
    recorded = recorded_in(tags)
    found = differences(recorded, hashes) if recorded else ()
    if found:
        raise CheckSaidNo(
            f"{where.capitalize()} does not hold {model} version {version} as it was registered: {told(found)}.",
            hint="Put the files back as they were, or, if the change is meant, register the model as a new version.",
        )


def record_first_use(registry: Registry, model: str, version: int, tags: Mapping[str, str], hashes: Hashes) -> None:
    """Record the files of a version that somebody registered without; from now on they must stay so."""
    if recorded_in(tags) is None:
        for key, value in tags_of(hashes).items():
            registry.set_version_tag(model, version, key, value)


def code_warnings(world: World, model: str, version: int, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """The warning that loading a version runs code; none when it does not.

    Raises:
        CheckSaidNo: it does, and the configuration does not allow it.
    """
    if reasons and not _allows_code(world):
        raise _code_refused(model, version, reasons)
    return (_warned(version, reasons),) if reasons else ()


def _refuse_code_of_strangers(
    world: World, model: str, version: int, tags: Mapping[str, str], reasons: tuple[str, ...]
) -> None:
    if reasons and recorded_in(tags) is None and not _allows_code(world):
        raise _code_refused(model, version, reasons)


def _code_refused(model: str, version: int, reasons: tuple[str, ...]) -> CheckSaidNo:
    return CheckSaidNo(
        f"Loading {model} version {version} runs code that came with it: {told(reasons)}.",
        hint=f"Save it in a format that is only data (skops for scikit-learn), or trust its author: {ALLOWED} in unipipe.yaml.",
    )


def _warned(version: int, reasons: tuple[str, ...]) -> str:
    return f"loading version {version} runs code that came with it: {told(reasons)}"


def _allows_code(world: World) -> bool:
    return world.config.model is not None and world.config.model.allow_pickle


def _files_of(bundle: Bundle) -> Hashes:
    return hashes_below(bundle.files, MODEL_FOLDER)


def _first_use(version: int, tags: Mapping[str, str]) -> Iterator[str]:
    if recorded_in(tags) is None:
        yield f"nobody recorded the files of version {version} when it was registered: their digest is recorded now"


def refuse_rejected(world: World, model: str, version: int) -> None:
    """Raise CheckSaidNo when somebody rejected the version."""
    rejection = rejection_of(world.tracking.version(model, version).tags)
    if rejection:
        raise CheckSaidNo(
            f"{model} version {version} was rejected by {rejection.by}: {rejection.reason}.",
            hint=f"Take that back first: unipipe models reject {model} {version} --undo",
        )
