"""The targets of a project, joined to what drives them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.adapters.targets.local import LocalTarget
from unipipe_tui.adapters.workspace import FOLDER
from unipipe_tui.config import Config, TargetConfig, TargetKind
from unipipe_tui.domain.ports.exports import Exporter
from unipipe_tui.domain.ports.targets import Target
from unipipe_tui.domain.ports.tools import Tool
from unipipe_tui.store.tables import TableFiles
from unipipe_tui.wiring.tools import CheckedTool

if TYPE_CHECKING:
    from unipipe_tui.adapters.docker.images import Images


class TargetsOfProject:
    """The targets of a project. What drives containers and clusters is loaded only by those who ask for one of them."""

    def __init__(self, root: Path, config: Config, tables: TableFiles) -> None:
        self._root = root
        self._config = config
        self._tables = tables
        self._folder = root / FOLDER
        self._allow_pickle = config.model is not None and config.model.allow_pickle

    def __call__(self, name: str) -> Target:
        """The target of that name; the default one when none is configured."""
        config = self._config.targets.get(name, TargetConfig())
        match config.kind:
            case TargetKind.LOCAL:
                return self._local(name, config)
            case TargetKind.DOCKER:
                return self._docker(name, config)
            case TargetKind.KUBERNETES:
                return self._kubernetes(name, config)

    def exporter(self, name: str) -> Exporter:
        """What makes documents of a target for other tools."""
        from unipipe_tui.adapters.kubernetes.exports import KubernetesExporter

        model = self._config.model.name if self._config.model else "model"
        return KubernetesExporter(name, model, self._config.targets.get(name, TargetConfig()))

    def tools(self) -> tuple[Tool, ...]:
        """What releases need beyond this machine, one for each target."""
        return tuple(
            CheckedTool(f"target {name}", partial(self._verified, name), "releases")
            for name, config in self._config.targets.items()
            if config.kind is not TargetKind.LOCAL
        )

    def _verified(self, name: str) -> str:
        return self(name).verify()

    def _local(self, name: str, config: TargetConfig) -> Target:
        place = (self._serving(name), self._predictions(name), config.host, config.port, config.log)
        variables = config.telemetry.variables if config.telemetry else {}
        return LocalTarget(name, *place, allow_pickle=self._allow_pickle, variables=variables)

    def _docker(self, name: str, config: TargetConfig) -> Target:
        from unipipe_tui.adapters.docker.engine import Engine as DockerEngine
        from unipipe_tui.adapters.docker.fleet import Door
        from unipipe_tui.adapters.docker.target import DockerTarget

        return DockerTarget(
            project=self._config.project or self._root.name,
            target=name,
            engine=DockerEngine(config.docker_host, os.environ),
            images=self._images(config),
            door=Door(config.host, config.port),
            predictions=self._predictions(name),
            count_rows=self._tables.rows,
            mode=config.log,
            environment=os.environ,
            telemetry=config.telemetry,
        )

    def _kubernetes(self, name: str, config: TargetConfig) -> Target:
        from unipipe_tui.adapters.kubernetes.gitops import GitOpsTarget
        from unipipe_tui.adapters.kubernetes.target import KubernetesTarget

        model = self._config.model.name if self._config.model else self._root.name
        cluster = KubernetesTarget(
            target=name,
            model=model,
            config=config,
            folder=self._serving(name),
            predictions=self._predictions(name),
            images=self._images(config),
            count_rows=self._tables.rows,
        )
        if config.gitops is None:
            return cluster
        git = GitCommandLine(self._root)
        return GitOpsTarget(name, model, config, cluster, git, self._folder / "gitops" / name)

    def _images(self, config: TargetConfig) -> Images:
        from unipipe_tui.adapters.docker.engine import Engine as DockerEngine
        from unipipe_tui.adapters.docker.images import Images

        engine = DockerEngine(config.docker_host, os.environ)
        return Images(engine, config.image, self._folder / "images", os.environ, allow_pickle=self._allow_pickle)

    def _serving(self, name: str) -> Path:
        return self._folder / "serving" / name

    def _predictions(self, name: str) -> Path:
        return self._folder / "predictions" / name
