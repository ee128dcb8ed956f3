"""What a pipeline is made of, and how its stages hang together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
