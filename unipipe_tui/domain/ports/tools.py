"""The doors to the tools outside, in the domain's own words: Git, DVC, MLflow, processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.freshness import PipelineState
from unipipe_tui.domain.model_files import ModelContents
from unipipe_tui.domain.pipelines import Figure, Pipeline
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.reach import Reach
from unipipe_tui.domain.reproduction import Reproduced, StageRun
from unipipe_tui.domain.runs.reproducibility import ParamValue
from unipipe_tui.domain.runs.tags import RunMarks
from unipipe_tui.domain.tracking import ModelVersion, Scored
from unipipe_tui.domain.values import frozen


@frozen
class Commit:
    """One Git commit."""

    id: str
    author: str
    at: datetime
    subject: str


@frozen
class WorkTree:
    """What is checked out, and what was done to it since."""

    commit: str | None
    """Id of the head; None before the first commit."""
    branch: str | None
    """None when detached."""
    changed: tuple[str, ...]
    """Paths that differ from the head, untracked ones included, from the root of the work tree."""


@frozen
class DiffStat:
    """How far two commits are apart; a renamed file counts as two."""

    files: int
    insertions: int
    """Lines; a file that is no text has none."""
    deletions: int
    paths: tuple[str, ...] = ()
    """Those with the most changed lines, twenty at most."""


class Git(Protocol):
    """The project's Git repository."""

    def is_repository(self) -> bool:
        """Whether the project lies in a Git work tree."""
        ...

    def refusal(self) -> str | None:
        """Why Git does not read the repository that is here, for instance because another user owns it."""
        ...

    def head(self) -> Commit | None:
        """The commit that is checked out; None before the first."""
        ...

    def work_tree(self) -> WorkTree | None:
        """What is checked out; None where Git reads no repository."""
        ...

    def commit_of(self, revision: str) -> Commit | None:
        """The commit that a revision names; None when there is none."""
        ...

    def diff_stat(self, before: str, after: str) -> DiffStat | None:
        """What changed from one commit to another; None when the repository does not have both."""
        ...

    def user(self) -> str | None:
        """`Name <address>` as configured."""
        ...

    def verify(self) -> str:
        """The installed version; raises ToolMissing with the remedy."""
        ...

    def init(self, progress: Progress) -> None:
        """Make the folder a repository."""
        ...

    def commit(self, message: str, paths: Sequence[str], progress: Progress) -> Commit:
        """Commit these paths and nothing else; answers with the head when they hold nothing new."""
        ...

    def add_worktree(self, commit: str, folder: Path, progress: Progress) -> Path:
        """Check a commit out in a folder of its own and touch nothing else; answers where in it the project lies."""
        ...

    def remove_worktree(self, folder: Path) -> None:
        """Remove such a folder with all that was made in it; one that is gone is fine."""
        ...


class PipelineFiles(Protocol):
    """The DVC pipeline as its files tell it; nothing is written but the hash cache."""

    def read(self) -> Pipeline:
        """All stages."""
        ...

    def state(self, pipeline: Pipeline) -> PipelineState:
        """What the next `dvc repro` would do."""
        ...

    def snapshot(self, pipeline: Pipeline) -> Mapping[str, str]:
        """By path: the md5 that DVC recorded for tracked data and locked outputs."""
        ...

    def figures(self, pipeline: Pipeline) -> tuple[Figure, ...]:
        """What stands in the metrics files that are here."""
        ...

    def params(self, pipeline: Pipeline) -> tuple[ParamValue, ...]:
        """What stands in the files of params that are here."""
        ...


class Dvc(Protocol):
    """The DVC command line."""

    def verify(self) -> str:
        """The installed version; raises ToolMissing with the remedy."""
        ...

    def init(self, progress: Progress) -> None:
        """Make the project a DVC project."""
        ...

    def add(self, path: str, progress: Progress) -> None:
        """Track a file or folder."""
        ...

    def borrow(self, project: Path) -> None:
        """Use the cache and the remotes of the project that this is a second work tree of."""
        ...

    def pin(self, pointer: str, path: str, md5: str) -> None:
        """Let a `.dvc` file name other content for this path, for `restore` to bring."""
        ...

    def set_params(self, values: Sequence[ParamValue]) -> None:
        """Write other values into the files of params."""
        ...

    def restore(self, targets: Sequence[str], progress: Progress) -> None:
        """Bring recorded data here: out of the cache, else from the remote."""
        ...

    def repro_command(
        self, targets: Sequence[str] = (), *, force: bool = False, reach: Reach = Reach.NEEDED
    ) -> tuple[str, ...]:
        """The very command that `repro` runs, for a plan to show."""
        ...

    def repro(
        self,
        progress: Progress,
        targets: Sequence[str] = (),
        *,
        force: bool = False,
        commit: bool = True,
        reach: Reach = Reach.NEEDED,
        env: Mapping[str, str] | None = None,
        on_stage: Callable[[StageRun], None] | None = None,
    ) -> Reproduced:
        """Bring the pipeline up to date; raises Failed naming the stage that failed.

        Without `commit` the cache takes nothing of what the stages write.
        `on_stage` is told of each stage that ended, also when a later one fails or somebody stops the run.
        """
        ...


class Registry(Protocol):
    """MLflow, opened for writing and for loading models; opening it takes seconds."""

    def register_run(self, model: str, run_id: str, tags: Mapping[str, str] | None = None) -> int:
        """Register the run's model and answer with its version; a run that has one already answers with that.

        A new version bears the digest of its files as a tag.
        """
        ...

    def run_marks(self, run_id: str) -> RunMarks:
        """The name and tags of a run as they are now; one that is deleted still has them."""
        ...

    def set_run_tag(self, run_id: str, key: str, value: str) -> None:
        """Tag a run, over any older value."""
        ...

    def delete_run_tag(self, run_id: str, key: str) -> None:
        """Take a tag away from a run; one that it does not have is no error."""
        ...

    def rename_run(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        ...

    def delete_run(self, run_id: str) -> None:
        """Hide a run; it can be restored."""
        ...

    def restore_run(self, run_id: str) -> None:
        """Let a deleted run be there again."""
        ...

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Let an alias name a version."""
        ...

    def delete_alias(self, model: str, alias: str) -> None:
        """Take an alias away."""
        ...

    def set_version_tag(self, model: str, version: int, key: str, value: str) -> None:
        """Tag a version."""
        ...

    def delete_version_tag(self, model: str, version: int, key: str) -> None:
        """Take a tag away from a version; one that it does not have is no error."""
        ...

    def score(self, model: str, version: int, rows: Path, columns: Sequence[str] = ()) -> Scored:
        """Score a Parquet file with a version, and read these columns beside."""
        ...

    def contents(self, model: str, version: int) -> ModelContents:
        """What the version's files are now; nothing of them is loaded."""
        ...

    def download(self, model: str, version: int, to: Path) -> Path:
        """Copy the version's MLflow model folder."""
        ...

    def threshold(self, model: str, version: int) -> float | None:
        """The decision threshold in the model's metadata."""
        ...


class DistantVersions(Protocol):
    """The registered versions of an MLflow store that is not on this machine; nothing is written there.

    Raises:
        ToolMissing: it does not answer or does not let us in.
    """

    def of_model(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; none when it is not registered."""
        ...

    def of_runs(self, run_ids: Sequence[str]) -> tuple[ModelVersion, ...]:
        """The versions that were made of these runs (full ids): by model, newest first."""
        ...


class Processes(Protocol):
    """Processes of this machine."""

    def is_alive(self, pid: int, started: float | None = None) -> bool:
        """Whether it runs, and is the same that was created then."""
        ...

    def terminate(self, pid: int) -> None:
        """Ask it to end."""
        ...

    def stop_tree(self, pid: int) -> None:
        """End it and all that it started."""
        ...

    def launch(self, argv: Sequence[str], project: Path, cwd: Path | None = None) -> str:
        """Start one of our own command lines (without the program's name) as a detached job of a project; its id.

        Relative paths count from `cwd`, which is where this process stands unless given.
        """
        ...

    def stand_by(self) -> None:
        """Have a process import now what a job will need, so that the next jobs begin at once; it ends with this one."""
        ...

    def stand_down(self) -> None:
        """End what stands by; jobs go on."""
        ...

    def background(self, argv: Sequence[str], project: Path) -> int:
        """Start one of our own command lines that is no job, in a project; its pid. Nobody hears what it says."""
        ...


@frozen
class ProgramRun:
    """A program that was listened to until it ended."""

    exit_code: int
    seconds: float
    last_lines: tuple[str, ...]


class RunProgram(Protocol):
    """Runs a program of the user's in the project, to its end."""

    def __call__(self, argv: Sequence[str], progress: Progress, env: Mapping[str, str]) -> ProgramRun:
        """Run it without a shell, telling each line that it writes; `env` is laid over the environment.

        Raises:
            ToolMissing: the program does not exist, or cannot be executed.
            Stopped: somebody asked for the end.
        """
        ...


class Recipes(Protocol):
    """Projects to start from."""

    def names(self) -> tuple[str, ...]:
        """What there is."""
        ...

    def files(self, recipe: str) -> tuple[str, ...]:
        """The relative paths of the files that a recipe brings, sample data included; raises UsageError when unknown."""
        ...

    def copy(self, recipe: str, to: Path) -> None:
        """Copy them into a folder."""
        ...

    def sample(self, name: str) -> Path:
        """A file of the sample data."""
        ...


class Tool(Protocol):
    """An outside tool that `doctor` looks at."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def needed_for(self) -> str:
        """What does not work without it; empty when nothing works."""
        ...

    def verify(self) -> str:
        """The installed version; raises ToolMissing with the remedy."""
        ...
