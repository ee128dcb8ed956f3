"""What a pipeline is made of, how its stages hang together, and why one of them would run again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import Enum
from functools import cached_property

from unipipe_tui.domain.graphs import Graph, folders_above
from unipipe_tui.domain.values import frozen


class OutputKind(Enum):
    """The section of a stage that names the output."""

    DATA = "out"
    METRIC = "metric"
    PLOT = "plot"


@frozen
class Output:
    """A file or folder that a stage promises to write."""

    path: str
    """From the repository's root, with `/`; absolute or a URL when it lies outside."""
    kind: OutputKind = OutputKind.DATA
    cached: bool = True
    """False: Git keeps it, DVC only watches it."""
    persist: bool = False
    """It is not removed before the stage runs."""
    remote: str | None = None
    external: bool = False


@frozen
class Dependency:
    """A file or folder that a stage reads."""

    path: str
    external: bool = False
    """It lies behind a URL, in another repository or in a dataset: nobody can look at it offline."""
    source: str | None = None
    """The repository it is imported from."""


@frozen
class ParamReference:
    """One value, or one whole file of values, that a stage reads."""

    file: str
    key: str | None
    """None: every value of the file."""


@frozen
class Fingerprint:
    """What DVC wrote down about a file or folder when it last saw it."""

    value: str
    """The md5 (ending in `.dir` for a folder) or, outside the repository, an etag."""
    size_bytes: int | None = None
    files: int | None = None
    normalises_newlines: bool = False
    """Written by DVC 2 or older: CRLF counted as LF in files that look like text."""

    @property
    def is_folder(self) -> bool:
        """Whether the fingerprint is that of a folder."""
        return self.value.endswith(".dir")


@frozen
class Locked:
    """What the lock file says of the last time a stage ran."""

    command: tuple[str, ...]
    dependencies: Mapping[str, Fingerprint]
    outputs: Mapping[str, Fingerprint]
    params: Mapping[str, Mapping[str, object]]
    """File → key → value."""


@frozen
class Stage:
    """One step of a pipeline, or one piece of tracked data."""

    address: str
    """As DVC writes it: `train`, `prepare@us`, `sub/dvc.yaml:train`, `data/raw.dvc`."""
    name: str
    file: str
    """The file that declares it, from the root."""
    workdir: str = "."
    command: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    outputs: tuple[Output, ...] = ()
    params: tuple[ParamReference, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    description: str = ""
    template: str | None = None
    """The address of the foreach or matrix stage that generated it."""
    is_data: bool = False
    """Data that was added (`dvc add`) or imported: it has no command."""
    is_import: bool = False
    locked: Locked | None = None

    @property
    def runs_every_time(self) -> bool:
        """Declared so, or nothing could tell whether it has to run."""
        return self.always_changed or bool(self.command and not (self.dependencies or self.outputs or self.params))


@frozen
class Artifact:
    """A file that the project names for others: a model, a dataset."""

    name: str
    path: str
    type: str = ""
    description: str = ""


@frozen
class Figure:
    """One value of a metrics file."""

    path: str
    key: str
    """Dotted, as `dvc metrics show` writes it."""
    value: float | int | str | bool


@frozen
class Problem:
    """Something in the project's files that hides part of the pipeline, or breaks it for DVC."""

    file: str
    line: int | None
    """Counted from 1."""
    message: str

    @property
    def sentence(self) -> str:
        """Where, and what."""
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


@frozen
class Pipeline:
    """All stages of a project, in the order they are declared, and what is wrong with its files."""

    stages: tuple[Stage, ...] = ()
    problems: tuple[Problem, ...] = ()
    metrics: tuple[str, ...] = ()
    """Files of figures that a dvc.yaml names outside its stages."""
    plots: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    inner_projects: tuple[str, ...] = ()
    """Folders inside that are DVC projects of their own: their stages are not among these."""
    initialised: bool = True
    """Whether the root is a DVC project; a dvc.yaml can be read where none is."""

    @cached_property
    def by_address(self) -> Mapping[str, Stage]:
        """Every stage under its address."""
        return {stage.address: stage for stage in self.stages}

    @cached_property
    def graph(self) -> Graph:
        """Which stage waits for which: whoever reads a path waits for whoever writes it."""
        return Graph.by_paths(
            {stage.address: [found.path for found in stage.dependencies if not found.source] for stage in self.stages},
            {stage.address: [found.path for found in stage.outputs] for stage in self.stages},
        )

    def parents(self, address: str) -> tuple[str, ...]:
        """Addresses of the stages whose outputs this one reads. `KeyError` for an unknown address."""
        return self.graph.parents[address]

    def children(self, address: str) -> tuple[str, ...]:
        """Addresses of the stages that read an output of this one. `KeyError` for an unknown address."""
        return self.graph.children[address]

    def upstream(self, address: str) -> tuple[str, ...]:
        """Everything that comes before a stage, in running order. `KeyError` for an unknown address."""
        return self.graph.before(address)

    def downstream(self, address: str) -> tuple[str, ...]:
        """Everything that comes after a stage, in running order. `KeyError` for an unknown address."""
        return self.graph.after(address)

    def order(self) -> tuple[str, ...]:
        """Running order; of two stages that may run at once, the one declared first comes first.

        Stages on a circle cannot be ordered: they follow at the end, as declared.
        """
        return self.graph.order

    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The stages by depth: every stage stands one layer below its deepest parent."""
        return self.graph.layers

    def circle(self) -> tuple[str, ...]:
        """Stages that wait for each other, and those that wait for them; empty when all is well."""
        return self.graph.stuck

    def defects(self) -> tuple[Problem, ...]:
        """What makes DVC refuse the graph: outputs with two owners, outputs inside others, and circles."""
        return (*_shared_outputs(self.stages), *self._circle_problem())

    def _circle_problem(self) -> tuple[Problem, ...]:
        if not self.circle():
            return ()
        names = ", ".join(self.circle())
        return (Problem(self.by_address[self.circle()[0]].file, None, f"these stages wait for each other: {names}"),)


class CauseKind(Enum):
    """What makes a stage run again, or keeps it from running."""

    NEVER_RUN = "never run"
    COMMAND_CHANGED = "command changed"
    DEPENDENCY_CHANGED = "dependency changed"
    DEPENDENCY_MISSING = "dependency missing"
    DEPENDENCY_NEW = "dependency new"
    PARAM_CHANGED = "param changed"
    PARAM_NEW = "param new"
    PARAM_REMOVED = "param removed"
    OUTPUT_CHANGED = "output changed"
    OUTPUT_MISSING = "output missing"
    OUTPUT_NEW = "output new"
    OUTPUT_NOT_IN_CACHE = "output not in cache"
    DATA_NOT_PULLED = "data not pulled"
    DATA_NOT_CHECKED_OUT = "data not checked out"
    ALWAYS_CHANGED = "always changed"
    UPSTREAM_WILL_RUN = "upstream will run"
    FROZEN = "frozen"
    NOT_CHECKED = "not checked"


_SENTENCES: Mapping[CauseKind, str] = {
    CauseKind.NEVER_RUN: "it has never run here",
    CauseKind.COMMAND_CHANGED: "its command changed from `{before}` to `{after}`",
    CauseKind.DEPENDENCY_CHANGED: "{subject} changed ({before} → {after})",
    CauseKind.DEPENDENCY_MISSING: "{subject} is missing",
    CauseKind.DEPENDENCY_NEW: "{subject} is a new dependency",
    CauseKind.PARAM_CHANGED: "{subject} changed from {before} to {after}",
    CauseKind.PARAM_NEW: "{subject} is a new param ({after})",
    CauseKind.PARAM_REMOVED: "{subject} is gone (it was {before})",
    CauseKind.OUTPUT_CHANGED: "its output {subject} was changed since ({before} → {after})",
    CauseKind.OUTPUT_MISSING: "its output {subject} is missing",
    CauseKind.OUTPUT_NEW: "{subject} is a new output",
    CauseKind.OUTPUT_NOT_IN_CACHE: "its output {subject} is not in the DVC cache",
    CauseKind.DATA_NOT_PULLED: "{subject} was never pulled",
    CauseKind.DATA_NOT_CHECKED_OUT: "{subject} is in the DVC cache, not in the workspace",
    CauseKind.ALWAYS_CHANGED: "it runs every time",
    CauseKind.UPSTREAM_WILL_RUN: "{subject} runs before it",
    CauseKind.FROZEN: "it is frozen: it will not run",
    CauseKind.NOT_CHECKED: "{subject} lies outside the repository and was not checked",
}

RESTORABLE = frozenset({CauseKind.DATA_NOT_PULLED, CauseKind.DATA_NOT_CHECKED_OUT})
"""Causes that fetching known data takes away, without running anything."""


@frozen
class Cause:
    """One reason, with the thing it is about and its value before and after where that is known."""

    kind: CauseKind
    subject: str = ""
    before: str = ""
    after: str = ""

    @property
    def sentence(self) -> str:
        """The reason in words, to follow the stage's name."""
        return _SENTENCES[self.kind].format(subject=self.subject, before=self.before, after=self.after)


class Freshness(Enum):
    """What the next `dvc repro` would do with a stage."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER_RUN = "never run"
    FROZEN = "frozen"
    NOT_PULLED = "not pulled"
    UNKNOWN = "unknown"


@frozen
class StageState:
    """A stage, whether it is up to date, and why not."""

    stage: Stage
    freshness: Freshness
    causes: tuple[Cause, ...] = ()
    size_bytes: int | None = None
    """What its outputs weighed when they were last recorded."""

    @property
    def will_run(self) -> bool:
        """Whether the next `dvc repro` runs its command."""
        return bool(self.stage.command) and self.freshness in {Freshness.STALE, Freshness.NEVER_RUN}

    @property
    def way_back(self) -> str:
        """The command line that brings the known data that is missing here; empty when none is."""
        kinds = {cause.kind for cause in self.causes}
        if CauseKind.DATA_NOT_PULLED in kinds:
            return "dvc pull"
        return "dvc checkout" if CauseKind.DATA_NOT_CHECKED_OUT in kinds else ""

    @property
    def may_be_spared(self) -> bool:
        """Whether it runs only if the stages before it write something new."""
        return self.will_run and all(cause.kind is CauseKind.UPSTREAM_WILL_RUN for cause in self.causes)


@frozen
class Folded:
    """One line of a folded view: a stage, or all stages that one template generated."""

    address: str
    states: tuple[StageState, ...]
    is_template: bool

    @cached_property
    def counts(self) -> Mapping[Freshness, int]:
        """How many stages are in which state; states that nobody is in are left out."""
        counts: dict[Freshness, int] = {}
        for state in self.states:
            counts[state.freshness] = counts.get(state.freshness, 0) + 1
        return counts

    @property
    def freshness(self) -> Freshness:
        """The state that most needs attention."""
        return min((state.freshness for state in self.states), key=_URGENCY.index)


_URGENCY = (
    Freshness.STALE, Freshness.NEVER_RUN, Freshness.NOT_PULLED, Freshness.UNKNOWN, Freshness.FROZEN, Freshness.FRESH,
)  # fmt: skip


@frozen
class PipelineState:
    """The state of every stage, in running order."""

    states: tuple[StageState, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    can_pull: bool = True
    """False: data is missing, and no remote is set to pull it from."""

    def of(self, address: str) -> StageState:
        """The state of one stage. `KeyError` for an unknown address."""
        return self._by_address[address]

    @cached_property
    def _by_address(self) -> Mapping[str, StageState]:
        return {state.stage.address: state for state in self.states}

    @property
    def will_run(self) -> tuple[StageState, ...]:
        """The stages that the next `dvc repro` runs, in order."""
        return tuple(state for state in self.states if state.will_run)

    def folded(self) -> tuple[Folded, ...]:
        """Stages of one foreach or matrix as one line, where the first of them stands."""
        groups: dict[tuple[str, bool], list[StageState]] = {}
        for state in self.states:
            template = state.stage.template
            groups.setdefault((template or state.stage.address, template is not None), []).append(state)
        return tuple(Folded(address, tuple(states), folded) for (address, folded), states in groups.items())


def judge(stage: Stage, causes: Iterable[Cause], stale_parents: Iterable[str] = ()) -> StageState:
    """What the causes found for one stage amount to, given which parents will run before it."""
    found = (*causes, *(Cause(CauseKind.UPSTREAM_WILL_RUN, parent) for parent in stale_parents))
    kinds = {cause.kind for cause in found}
    if stage.frozen and not stage.is_data:
        found = (Cause(CauseKind.FROZEN), *(cause for cause in found if cause.kind is not CauseKind.UPSTREAM_WILL_RUN))
    return StageState(stage, _freshness(stage, kinds), found, _recorded_bytes(stage))


def _freshness(stage: Stage, kinds: set[CauseKind]) -> Freshness:
    if stage.frozen and not stage.is_data:
        return Freshness.NOT_PULLED if kinds and kinds <= RESTORABLE else Freshness.FROZEN
    if CauseKind.NEVER_RUN in kinds:
        return Freshness.NEVER_RUN
    if not kinds:
        return Freshness.FRESH
    if kinds == {CauseKind.NOT_CHECKED}:
        return Freshness.UNKNOWN
    if kinds <= RESTORABLE | {CauseKind.NOT_CHECKED}:
        return Freshness.NOT_PULLED
    return Freshness.STALE


def _recorded_bytes(stage: Stage) -> int | None:
    sizes = (
        [mark.size_bytes for mark in stage.locked.outputs.values() if mark.size_bytes is not None]
        if stage.locked
        else []
    )
    return sum(sizes) if sizes else None


def _shared_outputs(stages: Sequence[Stage]) -> Iterable[Problem]:
    owners: dict[str, Stage] = {}
    for stage in stages:
        for output in stage.outputs:
            first = owners.setdefault(output.path, stage)
            if first is not stage:
                yield Problem(
                    stage.file, None, f"{first.address} and {stage.address} both declare the output {output.path}"
                )
    for stage in stages:
        for output in stage.outputs:
            above = next((owners[folder] for folder in folders_above(output.path) if folder in owners), None)
            if above is not None:
                message = f"the output {output.path} of {stage.address} lies inside an output of {above.address}"
                yield Problem(stage.file, None, message)
