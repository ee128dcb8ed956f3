"""Drives the `dvc` command line: every change to a DVC project goes through it, so that it can be seen and repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from unipipe_tui.adapters.dvc.config import read_config
from unipipe_tui.adapters.dvc.files import DvcFiles
from unipipe_tui.adapters.dvc.program import dvc_program, environment
from unipipe_tui.adapters.dvc.second_tree import borrow_settings, pin_data, write_params
from unipipe_tui.adapters.process import Streamed, capture, stream
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.events import StepEnded, StepStarted
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.reach import Reach, within_reach
from unipipe_tui.domain.reproduction import Outcome, Reproduced, StageRun
from unipipe_tui.domain.runs.reproducibility import ParamValue

MINIMUM_VERSION = (3, 50)
REMEDY = "Install it beside unipipe: `pip install 'dvc>=3.50'`."
SHOWN_LINES = 12

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_QUOTED = r"'(?P<address>.+)'"


class StageFailed(Failed):
    """A stage's command did not succeed; what went well before it stays done."""

    def __init__(self, address: str, reason: str, last_lines: Sequence[str], stages: tuple[StageRun, ...]) -> None:
        said = "".join(f"\n  {line}" for line in last_lines)
        super().__init__(
            f"The stage {address} failed: {reason}." + (f" Its last lines:{said}" if said else ""),
            hint=f"Its outputs were removed before it ran (`dvc checkout {address}` restores the recorded ones). "
            "Mend it and run again: stages that succeeded are skipped.",
        )
        self.address = address
        self.last_lines = tuple(last_lines)
        self.stages = stages


class Dvc:
    """The `dvc` program, working in one project."""

    def __init__(self, root: Path, program: str | None = None) -> None:
        """`program` is the executable; by default the one beside this Python, then the one on PATH."""
        self._root = root
        self._program = program or dvc_program()

    def verify(self) -> str:
        """The installed version. Raises `ToolMissing` when there is none, or one that is too old."""
        answer = capture((self._program, "--version"), cwd=self._root, env=environment())
        found = re.match(r"\s*((\d+)\.(\d+)\S*)", answer.stdout)
        if answer.exit_code != 0 or found is None:
            raise ToolMissing("dvc is installed but does not answer `dvc --version`.", hint=REMEDY)
        if (int(found[2]), int(found[3])) < MINIMUM_VERSION:
            raise ToolMissing(f"dvc {found[1]} is too old: 3.50 or newer is needed.", hint=REMEDY)
        return found[1]

    def init(self, progress: Progress) -> None:
        """Make the folder a DVC project, with Git where there is one. Raises `Failed`."""
        within_git = any((folder / ".git").exists() for folder in self._root.absolute().parents)
        layout = () if (self._root / ".git").exists() else ("--subdir",) if within_git else ("--no-scm",)
        self._run(("init", *layout), progress)

    def add(self, path: str, progress: Progress) -> None:
        """Track a file or folder; DVC writes `<path>.dvc` beside it. Raises `Failed`."""
        self._run(("add", path), progress)

    def borrow(self, project: Path) -> None:
        """Use the cache and the remotes of the project that this is a second work tree of. Raises `Failed`."""
        borrow_settings(self._root, project)

    def pin(self, pointer: str, path: str, md5: str) -> None:
        """Let a `.dvc` file name other content for this path, for `restore` to bring. Raises `Failed`."""
        pin_data(self._root, pointer, path, md5)

    def set_params(self, values: Sequence[ParamValue]) -> None:
        """Write other values into the files of params. Raises `Failed`."""
        write_params(self._root, values)

    def restore(self, targets: Sequence[str], progress: Progress) -> None:
        """Bring the recorded data of these targets here: out of the cache, else from the remote. Raises `Failed`."""
        if not targets:
            return
        try:
            self._run(("checkout", *targets), progress)
        except Failed as missing:
            if read_config(self._root).default_remote is None:
                raise Failed(
                    f"The data is not in the cache any more, and there is no remote to pull it from: {missing.message}",
                    hint="Add the remote that has it: dvc remote add --default NAME URL",
                ) from None
            self._run(("pull", *targets), progress)

    def repro_command(
        self, targets: Sequence[str] = (), *, force: bool = False, reach: Reach = Reach.NEEDED
    ) -> tuple[str, ...]:
        """The very command that `repro` runs, for a plan to show; without targets it covers every dvc.yaml."""
        chosen = targets or _project_files(DvcFiles(self._root).read())
        return ("dvc", *_repro_words(chosen, force=force, commit=True, reach=reach))

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
        """Run the stages that are out of date, each as one step; `env` is laid over the stages' environment.

        Without `commit` the cache takes nothing of what they write.
        `on_stage` is told of each stage that ended, also when a later one fails or somebody stops the run.

        Raises:
            StageFailed: a stage did not succeed; it is named, with its last lines.
            Failed: dvc itself refused, for example over a broken dvc.yaml.
            Stopped: somebody asked for the end; dvc and its children are gone.
        """
        pipeline = DvcFiles(self._root).read()
        chosen = tuple(targets) or _project_files(pipeline)
        following = _Following(progress, _count(pipeline, chosen, reach), on_stage or _untold)
        try:
            ended = stream(
                (self._program, *_repro_words(chosen, force=force, commit=commit, reach=reach)),
                progress,
                cwd=self._root,
                env={**environment(), **(env or {})},
                tool="dvc",
                on_line=following.hear,
            )
        except BaseException:
            following.end(Outcome.FAILED)
            raise
        following.end(None if ended.exit_code == 0 else Outcome.FAILED)
        if ended.exit_code != 0:
            raise following.failure() or _failure("dvc repro", ended)
        return Reproduced(tuple(following.stages))

    def _run(self, words: tuple[str, ...], progress: Progress) -> None:
        ended = stream((self._program, *words), progress, cwd=self._root, env=environment(), tool="dvc")
        if ended.exit_code != 0:
            raise _failure(f"dvc {words[0]}", ended)


_SKIPPED = re.compile(rf"^(?:Stage )?{_QUOTED} didn't change, skipping$")
_CACHED = re.compile(rf"^Stage {_QUOTED} is cached - skipping run")
_RUNNING = re.compile(rf"^Running stage {_QUOTED}:$")
_VERIFIED = re.compile(rf"^Verifying (?:data sources|outputs) in (?:frozen )?stage: {_QUOTED}$")
_BROKEN = re.compile(r"^ERROR: failed to reproduce '(?P<address>[^']+)': (?P<reason>.*)$")


class _Following:
    """Understands dvc's narration of a `repro`, line by line, and reports each stage as a step."""

    def __init__(self, progress: Progress, total: int, on_stage: Callable[[StageRun], None]) -> None:
        self.stages: list[StageRun] = []
        self._on_stage = on_stage
        self._progress = progress
        self._total = total
        self._open: str | None = None
        self._success = Outcome.RAN
        self._begun = 0.0
        self._said: list[str] = []
        self._broken: re.Match[str] | None = None

    def hear(self, line: str) -> None:
        """Take in one line of output."""
        if found := _RUNNING.match(line):
            self._begin(found["address"])
        elif found := _VERIFIED.match(line):
            self._begin(found["address"], Outcome.VERIFIED)
        elif found := _CACHED.match(line):
            self._begin(found["address"])
            self.end(Outcome.CACHED)
        elif found := _SKIPPED.match(line):
            self._begin(found["address"])
            self.end(Outcome.SKIPPED)
        elif found := _BROKEN.match(line):
            self._broken = found
        elif self._open is not None and not line.startswith("> "):
            self._said = [*self._said[-SHOWN_LINES + 1 :], _plain(line)]

    def end(self, outcome: Outcome | None = None) -> None:
        """Close the stage that is open, if one is; without an outcome it went well."""
        if self._open is None:
            return
        outcome = outcome or self._success
        seconds = monotonic() - self._begun
        self.stages.append(StageRun(self._open, outcome, seconds))
        self._on_stage(self.stages[-1])
        word = {Outcome.SKIPPED: "skipped", Outcome.FAILED: "failed"}.get(outcome, "done")
        self._progress.emit(StepEnded(self._open, word, seconds))
        self._open = None

    def failure(self) -> StageFailed | None:
        """The failure of a stage, once dvc has ended; None when no stage is to blame."""
        if self._broken is None:
            return None
        reason = _plain(self._broken["reason"]).removeprefix("failed to run: ")
        lines = [line for line in self._said if line.strip()]
        return StageFailed(self._broken["address"], reason.rstrip("."), lines, tuple(self.stages))

    def _begin(self, address: str, success: Outcome = Outcome.RAN) -> None:
        self.end()
        self._open, self._success, self._begun, self._said = address, success, monotonic(), []
        number = len(self.stages) + 1
        self._progress.emit(StepStarted(address, number, max(number, self._total)))


def _untold(stage: StageRun) -> None:
    """Nobody wants to know."""


_REACH_FLAGS: Mapping[Reach, tuple[str, ...]] = MappingProxyType(
    {Reach.NEEDED: (), Reach.ONLY: ("--single-item",), Reach.DOWNSTREAM: ("--downstream",)}
)


def _repro_words(targets: Sequence[str], *, force: bool, commit: bool, reach: Reach) -> tuple[str, ...]:
    flags = (*(["--force"] if force else []), *([] if commit else ["--no-commit"]), *_REACH_FLAGS[reach])
    return ("repro", *flags, *targets)


def _project_files(pipeline: Pipeline) -> tuple[str, ...]:
    """What to name so that dvc covers every dvc.yaml: nothing when the one at the root is all there is."""
    files = tuple(dict.fromkeys(stage.file for stage in pipeline.stages if not stage.is_data))
    return () if files in {(), ("dvc.yaml",)} else files


def _count(pipeline: Pipeline, targets: Sequence[str], reach: Reach) -> int:
    """How many stages dvc will speak of: those that are named, alone or by file, and all that the run reaches."""
    named = set(targets) or {"dvc.yaml"}
    chosen = [stage.address for stage in pipeline.stages if named & {stage.address, stage.file, stage.template}]
    return len(within_reach(pipeline, chosen, reach)) if chosen else 0


def _failure(command: str, ended: Streamed) -> Failed:
    """What dvc gave as the reason, or its last lines when it gave none."""
    lines = [_plain(line) for line in ended.tail if line.strip()]
    if any("Unable to acquire lock" in line for line in lines):
        return Failed(
            f"`{command}` could not start: another DVC process holds the project's lock.", hint="Wait for it to end."
        )
    first_error = next((number for number, line in enumerate(lines) if line.startswith("ERROR: ")), -SHOWN_LINES)
    reason = "\n  ".join(lines[first_error:][:SHOWN_LINES]).removeprefix("ERROR: ") or "it said nothing"
    return Failed(
        f"`{command}` failed (exit code {ended.exit_code}): {reason}", hint=f"Run `{command} -v` to see more."
    )


def _plain(line: str) -> str:
    return _CONTROL.sub("", line).rstrip()
