"""A release as documents for other tools: Kubernetes, kustomize, Argo Rollouts, Flagger, KServe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.release.recording import release_id
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetKind
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import CheckSaidNo, Failed, Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.exports import Exported, ExportFile, ExportFormat, ExportSetup, Finding, KServeMode
from unipipe_tui.domain.ports.targets import Package, Wanted
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.rollouts.strategies import Strategy, StrategyKind, read_steps
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant, only
from unipipe_tui.domain.values import frozen

PLAIN = (ExportFormat.MANIFESTS, ExportFormat.KUSTOMIZE)
"""What knows no strategy but the rolling update."""
NO_IMAGE = "NAME@sha256:DIGEST"
ALL_RELEASES = 1_000_000


@frozen
class ExportRelease:
    """Which version, for which target, as what."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    format: Annotated[ExportFormat, "For whom the documents are."] = ExportFormat.MANIFESTS
    version: Annotated[int | None, "Version; the champion when left out.", Names.VERSION] = None
    strategy: Annotated[StrategyKind | None, "How it gets there; what the target is configured for when left out."] = (
        None
    )
    steps: Annotated[str | None, "Percent at each step of a canary, as 10,25,50."] = None
    image: Annotated[str | None, "Its image, by digest; the one of an earlier release when left out."] = None
    mode: Annotated[KServeMode | None, "How KServe runs it."] = None
    provider: Annotated[str | None, "Flagger's mesh or ingress: istio, gatewayapi:v1, kubernetes."] = None
    metrics: Annotated[str | None, "Address of the Prometheus that Flagger asks."] = None
    to: Annotated[Path | None, "Folder to write the files to; without one they are printed."] = None
    force: Annotated[bool, "Write over files that are there."] = False


@frozen
class ReleaseExported:
    """What was exported."""

    target: str
    model: str
    version: int
    format: ExportFormat
    strategy: StrategyKind
    files: tuple[ExportFile, ...]
    schemas: str
    """Version of the schemas of Kubernetes that the documents were checked against."""
    to: Path | None
    """The folder; None when nothing was written."""

    @property
    def text(self) -> str | None:
        """All documents, each under the name of its file, when they are to be printed."""
        if self.to is not None:
            return None
        return "".join(f"# {file.name}\n{file.text.rstrip()}\n" for file in self.files)


@frozen
class ExportReleaseOrder:
    """What will be written."""

    request: ExportRelease
    target: str
    model: str
    version: int
    strategy: Strategy
    folder: Path


def print_release(request: ExportRelease, world: World) -> ReleaseExported | None:
    """The documents of a request that names no folder; None when it names one."""
    if request.to is not None:
        return None
    order = _order(request, world, Path())
    found = world.bundles.whole(order.model, order.version)
    if found is None:
        raise UsageError(
            f"{order.model} version {order.version} has no bundle yet.", hint="With --to FOLDER it is made first."
        )
    image = request.image or _known_image(world, order)
    if image is None:
        raise UsageError(f"No image of version {order.version} is known.", hint=f"Name it: --image {NO_IMAGE}")
    return _answer(order, _exported(order, world, Package(found[0], found[1], image)), None)


def plan_export_release(request: ExportRelease, world: World) -> Plan[ExportReleaseOrder]:
    """Export a release as documents for another tool: manifests, kustomize, argo-rollouts, flagger or kserve.

    What that tool would ignore, or carry out as something else, without a word is refused (exit code 4), with the page
    that says so. Without --to the documents are printed and nothing is recorded. With --to they are written to a folder;
    the bundle is made first when it is not there, and the image built when none is known.
    """
    if request.to is None:
        raise UsageError("No folder is named.", hint="Give one: --to deploy; without --dry-run they are printed.")
    order = _order(request, world, Path(os.path.abspath(request.to)))
    if order.folder.is_file():
        raise UsageError(f"{order.folder} is a file.", hint="Give a folder.")
    found = world.bundles.whole(order.model, order.version)
    image = request.image or _known_image(world, order)
    _refuse_without_image(world, order, image)
    effects = []
    if found is None:
        effects.append(plans.write(f"the sealed bundle of {order.model} version {order.version}"))
    if image is None:
        effects.append(plans.write(f"the image of {order.model} version {order.version}, built and pushed"))
    draft = Package(Path(), found[1] if found else _unmade(order), image or NO_IMAGE)
    exported = _exported(order, world, draft)
    for file in exported.files:
        path = order.folder / file.name
        _refuse_if_there(path, force=request.force)
        effects.append(plans.write(f"{path}{', over the one that is there' if path.exists() else ''}"))
    title = f"Export version {order.version} for {order.target} as {request.format.value}"
    warnings = () if found else ("File names that hold a part of the digest are known when the bundle is made.",)
    return Plan(title, tuple(effects), "delete the files", order, warnings)


def export_release(plan: Plan[ExportReleaseOrder], world: World, progress: Progress) -> Done[ReleaseExported]:
    """Write the files."""
    order = plan.decided
    with step(progress, "make the bundle", 1, 3):
        folder, bundle = bundle_to_serve(world, order.model, order.version)
    with step(progress, "find the image", 2, 3):
        image = order.request.image or _known_image(world, order)
        package = Package(folder, bundle, image)
        if image is None:
            package = world.target_of(order.target).package(folder, bundle, progress)
    with step(progress, "write the files", 3, 3):
        exported = _exported(order, world, package)
        for file in exported.files:
            _write(order.folder / file.name, file.text, force=order.request.force)
    detail = f"{order.model} version {order.version} as {order.request.format.value} to {order.folder}"
    return Done(_answer(order, exported, order.folder), detail=detail)


def _order(request: ExportRelease, world: World, folder: Path) -> ExportReleaseOrder:
    target, model = world.target(request.target), world.model.name
    version = request.version if request.version is not None else world.tracking.alias(model, CHAMPION)
    if version is None:
        raise UsageError(f"{model}@{CHAMPION} names no version yet.", hint="Name one with --version.")
    # Nobody can do anything with documents of a version that is not there.
    world.tracking.version(model, version)
    known = world.targets[target].strategy
    # What a target is configured for is no wish of whoever exports for a tool that cannot do it.
    usual = StrategyKind.ROLLING if request.format in PLAIN else known.kind
    strategy = Strategy(
        kind=request.strategy or usual,
        steps=known.steps if request.steps is None else read_steps(request.steps),
        pause_seconds=known.pause_seconds,
        automatic=known.automatic,
        sticky=None if request.format in PLAIN else known.sticky,
    )
    return ExportReleaseOrder(request, target, model, version, strategy, folder)


def _exported(order: ExportReleaseOrder, world: World, package: Package) -> Exported:
    """The documents. Raises CheckSaidNo when something stands against them."""
    bundle, request = package.bundle, order.request
    number = world.rollouts.total(order.target)
    variant = Variant(STABLE, order.model, order.version, bundle.digest)
    wanted = Wanted(
        release=release_id(order.target, order.version, None, number),
        traffic=only(variant),
        packages={bundle.digest: package},
        actor=world.actor,
        at=world.now(),
    )
    setup = ExportSetup(request.mode, request.provider, request.metrics)
    exported = world.exporter_of(order.target).export(wanted, order.strategy, request.format, setup)
    if exported.findings:
        raise CheckSaidNo(
            "\n".join(_told(finding) for finding in exported.findings),
            hint=" ".join(dict.fromkeys(finding.hint for finding in exported.findings if finding.hint)),
        )
    return exported


def _told(finding: Finding) -> str:
    return f"{finding.said} [{finding.rule}: {finding.source}]"


def _known_image(world: World, order: ExportReleaseOrder) -> str | None:
    """The image of the newest release of the version to any target."""
    releases = world.history.releases(None, ALL_RELEASES)
    found = (one for one in releases if (one.model, one.version) == (order.model, order.version) and one.image)
    return next((one.image for one in found), None)


def _refuse_without_image(world: World, order: ExportReleaseOrder, image: str | None) -> None:
    builds = world.targets[order.target].kind in (TargetKind.KUBERNETES, TargetKind.DOCKER)
    if image is None and not builds:
        raise UsageError(
            f"No image of version {order.version} is known, and {order.target} builds none.",
            hint=f"Name it: --image {NO_IMAGE}",
        )


def _unmade(order: ExportReleaseOrder) -> Bundle:
    """What is known of a bundle that is not made yet."""
    return Bundle(order.model, order.version, "", None, None, None, (), "0" * 64)


def _answer(order: ExportReleaseOrder, exported: Exported, to: Path | None) -> ReleaseExported:
    return ReleaseExported(
        target=order.target,
        model=order.model,
        version=order.version,
        format=order.request.format,
        strategy=order.strategy.kind,
        files=exported.files,
        schemas=exported.facts.get("schemas", ""),
        to=to,
    )


def _refuse_if_there(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Refused(f"{path} is there already.", hint="Choose another folder, or write over it with --force.")


def _write(path: Path, text: str, *, force: bool) -> None:
    _refuse_if_there(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise Failed(f"{path} could not be written: {error.strerror or error}.", hint="Choose another --to.") from None


EXPORT = Change(
    "release export",
    ExportRelease,
    plan_export_release,
    export_release,
    "unipipe release export production --format argo-rollouts --to deploy",
    danger=Danger.NONE,
    answer=print_release,
)
