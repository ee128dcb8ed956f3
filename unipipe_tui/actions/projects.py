"""Projects: starting one, and seeing whether everything that it needs is here."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.config import FILE_NAME
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, ToolMissing, UnipipeError, UsageError
from unipipe_tui.domain.plans import Effect, Plan
from unipipe_tui.domain.ports.tools import Tool
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.values import frozen

STARTER = """\
# What Unipipe knows of this project. Every key has a default; see docs/configuration in Unipipe's repository.
# model: {name: my-model, experiment: my-experiment, run_file: reports/run.json}
# data: {raw: data/raw, label: label, id: id, holdout: data/holdout.parquet, reference: data/train.parquet}
# gates:
#   - {metric: precision, at_least: 0.9}
#   - {metric: pr_auc, not_worse_than: champion, tolerance: 0.01}
# targets:
#   local: {kind: local, port: 8765, follows: champion}
"""


@frozen
class InitProject:
    """Where, and what from."""

    directory: Annotated[Path, OBJECT, "Folder of the project; made when it is not there."] = Path(".")
    recipe: Annotated[
        str | None, "Recipe to start from, with its code and sample data; none: the folder as it is.", Names.RECIPE
    ] = None


@frozen
class InitOrder:
    """What was decided."""

    directory: Path
    recipe: str | None
    git: bool
    """Whether a Git repository must be made."""
    dvc: bool
    """Whether DVC must be initialised."""
    starter: bool
    """Whether a first unipipe.yaml must be written."""
    whole: bool
    """Whether the folder holds nothing yet, so that all that will be in it was made here."""
    subject: str
    """Of the commit."""
    paths: tuple[str, ...]
    """What is committed; without a recipe only what was made here: all else is its owner's to commit."""


@frozen
class Initialised:
    """A project that is ready."""

    directory: str
    recipe: str | None
    commit: str
    files: int


def plan_init(request: InitProject, world: World) -> Plan[InitOrder]:
    """Make a folder a Unipipe project: Git repository, DVC, MLflow in a SQLite file, tracked data, first commit.

    With --recipe a complete project is copied there first; the folder must be empty then.
    """
    directory = world.root
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is not a folder.")
    whole = not directory.exists() or all(p.name == ".unipipe" for p in directory.iterdir())
    if request.recipe and not whole:
        raise UsageError(
            f"{directory} is not empty.", hint="A recipe needs a new folder: unipipe init --recipe NAME DIR"
        )
    alone = request.recipe is not None or not world.git.is_repository()
    dvc = not (directory / ".dvc").is_dir()
    ignores = dvc or (directory / ".dvcignore").exists()
    order = InitOrder(
        directory,
        request.recipe,
        git=alone and not (directory / ".git").exists(),
        dvc=dvc,
        starter=request.recipe is None and not (directory / FILE_NAME).exists(),
        whole=whole,
        subject=f"Begin with the recipe {request.recipe}" if request.recipe else "Begin with Unipipe",
        paths=(".",) if request.recipe else (".dvc", *([".dvcignore"] if ignores else []), FILE_NAME),
    )
    if not (order.git or order.dvc or order.starter):
        raise UsageError(f"{directory} is a project already.", hint="unipipe status")
    return Plan(f"Make {directory} a project", _effects(order, world), _way_back(order), order)


def _effects(order: InitOrder, world: World) -> tuple[Effect, ...]:
    effects = []
    if order.recipe:
        files = world.recipes.files(order.recipe)
        effects.append(plans.write(f"{len(files)} files of the recipe {order.recipe}"))
    if order.git:
        effects.append(plans.run("git", "init"))
        effects.append(plans.run("git", "symbolic-ref", "HEAD", "refs/heads/main"))
    if order.dvc:
        effects.append(plans.run("dvc", "init"))
    if order.recipe:
        effects.append(plans.run("dvc", "add", "data/raw"))
    if order.starter:
        effects.append(plans.write(FILE_NAME))
    effects.append(plans.run("git", "add", "--", *order.paths))
    effects.append(plans.run("git", "commit", "--message", order.subject, "--", *order.paths))
    return tuple(effects)


def _way_back(order: InitOrder) -> str:
    if not order.git:
        return "git revert HEAD"
    folder = shlex.quote(str(order.directory))
    if order.whole:
        return f"rm -r {folder}"
    # The folder was somebody's before: only what is made here may go, wherever the line is typed.
    files = [".dvcignore"] if order.dvc and not (order.directory / ".dvcignore").exists() else []
    made = [".git", *([".dvc"] if order.dvc else []), *files, *([FILE_NAME] if order.starter else [])]
    return f"cd {folder} && rm -r {' '.join(made)}"


def init_project(plan: Plan[InitOrder], world: World, progress: Progress) -> Done[Initialised]:
    """Make the project."""
    order = plan.decided
    order.directory.mkdir(parents=True, exist_ok=True)
    if order.recipe:
        with step(progress, f"copy the recipe {order.recipe}", 1, 3):
            world.recipes.copy(order.recipe, order.directory)
    with step(progress, "initialise Git and DVC", 2, 3):
        if order.git:
            world.git.init(progress)
        # A repository and a configuration may be there now that were not when this world was made.
        there = world.elsewhere(order.directory)
        if order.dvc:
            there.dvc.init(progress)
        if order.recipe and there.config.data.raw:
            there.dvc.add(there.config.data.raw, progress)
        if order.starter:
            (order.directory / FILE_NAME).write_text(STARTER)
    with step(progress, "commit", 3, 3):
        commit = there.git.commit(order.subject, order.paths, progress)
    files = len(world.recipes.files(order.recipe)) if order.recipe else 0
    return Done(Initialised(str(order.directory), order.recipe, commit.id, files), detail=str(order.directory))


@frozen
class Doctor:
    """Nothing to say."""


@frozen
class ToolCheck:
    """One tool, or one part of the project."""

    name: str
    ok: bool
    found: str
    """The version, or what is wrong."""
    remedy: str
    needed: bool
    """Whether nothing works without it."""


@frozen
class Health:
    """Whether everything that is needed is here."""

    root: str
    checks: tuple[ToolCheck, ...]

    @property
    def exit_code(self) -> ExitCode:
        """A needed tool that is missing."""
        return ExitCode.DONE if all(check.ok or not check.needed for check in self.checks) else ExitCode.TOOL_MISSING


def doctor(request: Doctor, world: World) -> Health:
    """Look at every tool: installed, new enough, reachable; with the remedy for what is not. Exit code 3 when one lacks."""
    checks = [_verified(tool) for tool in world.tools]
    checks.append(_writable(world))
    return Health(str(world.root), tuple(checks))


def _verified(tool: Tool) -> ToolCheck:
    try:
        return ToolCheck(tool.name, True, tool.verify(), "", not tool.needed_for)
    except ToolMissing as error:
        return ToolCheck(tool.name, False, error.message, error.hint, not tool.needed_for)


def _writable(world: World) -> ToolCheck:
    try:
        world.history.notices()
    except UnipipeError as error:
        return ToolCheck("store", False, error.message, error.hint, True)
    if world.read_only:
        return ToolCheck("store", False, world.read_only, "Changes are refused until it can be written.", False)
    return ToolCheck("store", True, str(world.root / ".unipipe"), "", True)


INIT = Change(
    "init",
    InitProject,
    plan_init,
    init_project,
    "unipipe init --recipe fraud-detection my-project --yes",
    Danger.CONFIRM,
    folder=lambda request: request.directory,
)
DOCTOR = Look("doctor", Doctor, doctor, "unipipe doctor")
