"""What is configured: the project's `unipipe.yaml`, and what a person wants of the workbench; read once, handed on as values."""

from unipipe_tui.config.alerts import AlertsConfig, SinkConfig, SinkKind
from unipipe_tui.config.freshness import DataAgeConfig, FreshnessConfig, OperationsConfig
from unipipe_tui.config.objectives import ObjectiveConfig
from unipipe_tui.config.project import (
    FILE_NAME,
    Baseline,
    Config,
    DataConfig,
    GateConfig,
    GateMetric,
    LiveLoss,
    LiveMetric,
    ModelConfig,
    MonitoringConfig,
    PerformanceConfig,
    read_config,
)
from unipipe_tui.config.reading import LAST_PORT, Port
from unipipe_tui.config.targets import (
    CostConfig,
    GitOpsConfig,
    ImageConfig,
    KubernetesConfig,
    ResourceConfig,
    TargetColour,
    TargetConfig,
    TargetKind,
    TelemetryConfig,
)
from unipipe_tui.config.user import KeyChoice, UserConfig, read_user_config, state_folder, user_config_path

__all__ = [
    "FILE_NAME",
    "LAST_PORT",
    "AlertsConfig",
    "Baseline",
    "Config",
    "CostConfig",
    "DataAgeConfig",
    "DataConfig",
    "FreshnessConfig",
    "GateConfig",
    "GateMetric",
    "GitOpsConfig",
    "ImageConfig",
    "KeyChoice",
    "KubernetesConfig",
    "LiveLoss",
    "LiveMetric",
    "ModelConfig",
    "MonitoringConfig",
    "ObjectiveConfig",
    "OperationsConfig",
    "PerformanceConfig",
    "Port",
    "ResourceConfig",
    "SinkConfig",
    "SinkKind",
    "TargetColour",
    "TargetConfig",
    "TargetKind",
    "TelemetryConfig",
    "UserConfig",
    "read_config",
    "read_user_config",
    "state_folder",
    "user_config_path",
]
