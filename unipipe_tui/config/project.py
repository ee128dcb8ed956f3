"""`unipipe.yaml`, read once and handed on as values. Every key is checked; an error names file, line, key and what is allowed."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from unipipe_tui.config.alerts import AlertsConfig
from unipipe_tui.config.demands import must_be
from unipipe_tui.config.freshness import FreshnessConfig, OperationsConfig
from unipipe_tui.config.objectives import ObjectiveConfig, check_objectives
from unipipe_tui.config.reading import Reader, compose
from unipipe_tui.config.targets import TargetConfig
from unipipe_tui.domain.tracking import check_model_name
from unipipe_tui.domain.values import frozen

FILE_NAME = "unipipe.yaml"


@frozen
class ModelConfig:
    """What is trained, and where its runs are."""

    name: str
    """Registered model."""
    experiment: str | None = None
    """MLflow experiment that training logs to."""
    run_file: str | None = None
    """JSON file with a `run_id` that the training stage writes."""
    allow_pickle: bool = False
    """Release and serve versions that run code of their author when they are loaded: pickles, custom Python models."""

    def __post_init__(self) -> None:
        """Refuse a name that MLflow would not take."""
        check_model_name(self.name)


@frozen
class DataConfig:
    """Where the data of the model's life are."""

    raw: str | None = None
    """DVC-tracked folder that new labelled data is added to."""
    label: str = "label"
    """Label column."""
    id: str = "id"
    """Column that names a row for ever; becomes the prediction id."""
    holdout: str | None = None
    """Parquet file that gates are judged on."""
    reference: str | None = None
    """Parquet file that live traffic is compared with."""


class GateMetric(StrEnum):
    """What a gate can be judged by."""

    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"
    PR_AUC = "pr_auc"
    ROC_AUC = "roc_auc"


class LiveMetric(StrEnum):
    """What live performance can be judged by: decisions and labels are enough."""

    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"


class LiveLoss(StrEnum):
    """What live performance of a model that answers numbers can be judged by."""

    MAE = "mae"
    RMSE = "rmse"


class Baseline(StrEnum):
    """Which version a gate compares with."""

    CHAMPION = "champion"


@frozen
class GateConfig:
    """One check that a version must pass before it is promoted."""

    metric: GateMetric
    """What is measured on the holdout."""
    at_least: float | None = None
    """The smallest value that passes."""
    not_worse_than: Baseline | None = None
    """Version whose value it is compared with; nothing to compare with passes."""
    tolerance: float = 0.0
    """How much smaller than that version's value it may be."""
    by: str | None = None
    """Column: the gate holds for every slice of it."""
    minimum_rows: int = 100
    """Slices with fewer rows are not judged."""

    def __post_init__(self) -> None:
        """Refuse a gate that nothing could close."""
        if self.at_least is None and self.not_worse_than is None:
            raise ValueError("a gate needs `at_least`, `not_worse_than` or both")
        must_be(self.at_least is None or 0 <= self.at_least <= 1, "at_least", "a number from 0 to 1")
        must_be(self.tolerance >= 0, "tolerance", "a number from 0 up")
        must_be(self.minimum_rows >= 0, "minimum_rows", "a whole number from 0 up")


@frozen
class PerformanceConfig:
    """When live performance is no longer good enough."""

    metric: LiveMetric = LiveMetric.PRECISION
    """What is measured on the predictions whose labels have arrived."""
    at_least: float = 0.9
    """An alert opens when its whole 95 % interval lies below this."""
    loss: LiveLoss = LiveLoss.MAE
    """What is measured instead of a model that answers numbers."""
    at_most: float | None = None
    """An alert opens when its whole 95 % interval lies above this; nothing is asked of it without."""
    minimum_labels: int = 200
    """With fewer labels nothing is judged."""

    def __post_init__(self) -> None:
        """Refuse what could never be reached."""
        must_be(0 <= self.at_least <= 1, "at_least", "a number from 0 to 1")
        must_be(self.at_most is None or self.at_most > 0, "at_most", "a number above 0")
        must_be(self.minimum_labels >= 1, "minimum_labels", "a whole number from 1 up")


@frozen
class MonitoringConfig:
    """How live traffic is watched."""

    window_rows: int = 2000
    """How many of the latest predictions are one window."""
    segments: tuple[str, ...] = ()
    """Columns within each value of which drift is looked for: `[country]`."""
    multivariate: bool = True
    """Whether a check of a target also looks at all columns together."""
    performance: PerformanceConfig = field(default_factory=PerformanceConfig)
    freshness: FreshnessConfig = field(default_factory=FreshnessConfig)
    operations: OperationsConfig = field(default_factory=OperationsConfig)

    def __post_init__(self) -> None:
        """Refuse a window of nothing."""
        must_be(self.window_rows >= 1, "window_rows", "a whole number from 1 up")


@frozen
class Config:
    """The whole of `unipipe.yaml`; everything has a default, so that a repository without one opens too."""

    project: str | None = None
    """Name of the project; the folder's when left out."""
    model: ModelConfig | None = None
    mlflow: str | None = None
    """MLflow tracking URI; found by itself when left out."""
    data: DataConfig = field(default_factory=DataConfig)
    gates: tuple[GateConfig, ...] = ()
    monitoring: MonitoringConfig = field(default_factory=MonitoringConfig)
    slos: dict[str, ObjectiveConfig] = field(default_factory=dict)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    targets: dict[str, TargetConfig] = field(default_factory=dict)
    read_only: bool = False
    """Refuse every change."""
    present: bool = False
    """Whether the file is there at all; not a key."""

    def __post_init__(self) -> None:
        """Refuse objectives that do not fit the targets or one another."""
        check_objectives(self.slos, tuple(self.targets) or ("local",))


def read_config(root: Path) -> Config:
    """Read `unipipe.yaml` in the project's root, or answer with the defaults when there is none.

    Raises:
        UsageError: the file is not YAML, has an unknown key, or a value of the wrong kind.
    """
    node = compose(root / FILE_NAME, FILE_NAME)
    if node is None:
        return Config()
    config: Config = Reader(FILE_NAME).build(Config, node, ())
    return dataclasses.replace(config, present=True)
