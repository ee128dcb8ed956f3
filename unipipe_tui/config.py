"""`unipipe.yaml`, read once and handed on as values. Every key is checked; an error names file, line, key and what is allowed."""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from dataclasses import field
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, NewType

import yaml

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.tracking import check_model_name
from unipipe_tui.domain.values import frozen

FILE_NAME = "unipipe.yaml"
Port = NewType("Port", int)
LAST_PORT = 65535


@frozen
class ModelConfig:
    """What is trained, and where its runs are."""

    name: str
    """Registered model."""
    experiment: str | None = None
    """MLflow experiment that training logs to."""
    run_file: str | None = None
    """JSON file with a `run_id` that the training stage writes."""

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
        _demand(self.at_least is None or 0 <= self.at_least <= 1, "at_least", "a number from 0 to 1")
        _demand(self.tolerance >= 0, "tolerance", "a number from 0 up")
        _demand(self.minimum_rows >= 0, "minimum_rows", "a whole number from 0 up")


@frozen
class PerformanceConfig:
    """When live performance is no longer good enough."""

    metric: LiveMetric = LiveMetric.PRECISION
    """What is measured on the predictions whose labels have arrived."""
    at_least: float = 0.9
    """An alert opens when its whole 95 % interval lies below this."""
    minimum_labels: int = 200
    """With fewer labels nothing is judged."""

    def __post_init__(self) -> None:
        """Refuse what could never be reached."""
        _demand(0 <= self.at_least <= 1, "at_least", "a number from 0 to 1")
        _demand(self.minimum_labels >= 1, "minimum_labels", "a whole number from 1 up")


@frozen
class MonitoringConfig:
    """How live traffic is watched."""

    window_rows: int = 2000
    """How many of the latest predictions are one window."""
    performance: PerformanceConfig = field(default_factory=PerformanceConfig)

    def __post_init__(self) -> None:
        """Refuse a window of nothing."""
        _demand(self.window_rows >= 1, "window_rows", "a whole number from 1 up")


class TargetKind(StrEnum):
    """Where a release runs."""

    LOCAL = "local"


@frozen
class TargetConfig:
    """One place that releases go to."""

    kind: TargetKind = TargetKind.LOCAL
    """`local`: a process on this machine."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = Port(8765)
    """Port to listen on."""
    follows: str | None = "champion"
    """Alias whose moves are released here at once; null: only explicit releases."""


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
    targets: dict[str, TargetConfig] = field(default_factory=dict)
    read_only: bool = False
    """Refuse every change."""
    present: bool = False
    """Whether the file is there at all; not a key."""


def read_config(root: Path) -> Config:
    """Read `unipipe.yaml` in the project's root, or answer with the defaults when there is none.

    Raises:
        UsageError: the file is not YAML, has an unknown key, or a value of the wrong kind.
    """
    path = root / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE_NAME} cannot be read: {error}.", hint="It must be text in UTF-8.") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(
            f"{FILE_NAME}, {_where(error, text)}: {_problem(error)}.", hint="Mend the YAML there."
        ) from None
    except RecursionError:
        raise UsageError(
            f"{FILE_NAME} is nested too deeply.", hint="Nothing in it needs more than four levels."
        ) from None
    if node is None or _tag(node) == "null":
        return Config(present=True)
    config: Config = _Reader().build(Config, node, ())
    return dataclasses.replace(config, present=True)


def _demand(kept: bool, key: str, wanted: str) -> None:
    if not kept:
        raise ValueError(f"`{key}` must be {wanted}")


def _where(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"line {text.count(chr(10), 0, error.position) + 1}"
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else "somewhere"


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML")


class _Reader:
    """Builds dataclasses from YAML nodes, so that every complaint can name its line."""

    def build(self, kind: type[Any], node: yaml.Node, path: tuple[str, ...]) -> Any:
        hints = typing.get_type_hints(kind)
        known = {f.name: f for f in dataclasses.fields(kind) if f.name != "present"}
        values: dict[str, Any] = {}
        for key_node, value_node in self._pairs(node, path, "a mapping of keys to values"):
            key = str(key_node.value)
            if key not in known:
                raise UsageError(
                    f"{_line(key_node)}: unknown key `{'.'.join((*path, key))}`.",
                    hint=f"Allowed here: {', '.join(known)}.",
                )
            if not self._says_nothing(known[key], value_node):
                values[key] = self.value(hints[key], value_node, (*path, key))
        for name, spec in known.items():
            if name not in values and _is_required(spec):
                raise UsageError(
                    f"{_line(node)}: `{'.'.join((*path, name))}` is missing.", hint=f"Keys here: {', '.join(known)}."
                )
        try:
            return kind(**values)
        except (ValueError, UsageError) as error:
            message = str(error).removesuffix(".")
            raise UsageError(f"{_line(node)}: {message}.", hint=getattr(error, "hint", "")) from None

    def _pairs(self, node: yaml.Node, path: tuple[str, ...], allowed: str) -> list[tuple[yaml.Node, yaml.Node]]:
        """Keys and values of a mapping; YAML would let a key that comes twice win silently."""
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(node, path, allowed)
        seen: dict[str, yaml.Node] = {}
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise UsageError(
                    f"{_line(key_node)}: `{'.'.join((*path, key))}` is there already.",
                    hint=f"Keep this one or that in line {seen[key].start_mark.line + 1}.",
                )
            seen[key] = key_node
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        return pairs

    def _says_nothing(self, spec: dataclasses.Field[Any], node: yaml.Node) -> bool:
        """A section whose entries are all commented out is as good as left out."""
        is_section = spec.default_factory is not dataclasses.MISSING or spec.default == ()
        return is_section and _tag(node) == "null"

    def value(self, kind: Any, node: yaml.Node, path: tuple[str, ...]) -> Any:
        origin = typing.get_origin(kind)
        if origin is types.UnionType:
            if _tag(node) == "null":
                return None
            kind = next(option for option in typing.get_args(kind) if option is not type(None))
            return self.value(kind, node, path)
        if origin is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self._wrong(node, path, "a list")
            item = typing.get_args(kind)[0]
            return tuple(self.value(item, child, (*path, str(i))) for i, child in enumerate(node.value))
        if origin is dict:
            item = typing.get_args(kind)[1]
            pairs = self._pairs(node, path, "a mapping of names to settings")
            return {self._name(key, path): self.value(item, child, (*path, str(key.value))) for key, child in pairs}
        if dataclasses.is_dataclass(kind):
            return self.build(typing.cast("type[Any]", kind), node, path)
        return self._scalar(kind, node, path)

    def _name(self, node: yaml.Node, path: tuple[str, ...]) -> str:
        name = str(node.value)
        # It becomes the name of a folder and of a place on the command line.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", name):
            raise self._wrong(node, path, "a name of letters, digits, - and _")
        return name

    def _scalar(self, kind: Any, node: yaml.Node, path: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self._wrong(node, path, _allowed(kind))
        try:
            if kind is str and _tag(node) != "null":
                # As it is written: `no` and `2026-01-01` are names like any other.
                return str(node.value)
            if isinstance(kind, type) and issubclass(kind, Enum):
                return kind(node.value)
            value = _number_or_bool(node)
        except ValueError:
            raise self._wrong(node, path, _allowed(kind)) from None
        if type(value) is kind or (kind is Port and type(value) is int and 1 <= value <= LAST_PORT):
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise self._wrong(node, path, _allowed(kind))

    def _wrong(self, node: yaml.Node, path: tuple[str, ...], allowed: str) -> UsageError:
        shown = f" is `{node.value}`" if isinstance(node, yaml.ScalarNode) and node.value else ""
        key = f"`{'.'.join(path)}`" if path else "the file"
        return UsageError(
            f"{_line(node)}: {key}{shown}, which is not allowed.",
            hint=f"Allowed: {allowed}.",
        )


def _line(node: yaml.Node) -> str:
    return f"{FILE_NAME}, line {node.start_mark.line + 1}"


def _tag(node: yaml.Node) -> str:
    return str(node.tag.rpartition(":")[2])


def _is_required(spec: dataclasses.Field[Any]) -> bool:
    return spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING


def _number_or_bool(node: yaml.ScalarNode) -> object:
    """The value as YAML reads it, but `1e-3` too is a number, and infinities are none."""
    if _tag(node) == "str" and node.style is None:
        value: object = float(node.value)
    else:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    return value


def _allowed(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(str(member.value) for member in kind)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return f"a whole number from 1 to {LAST_PORT}" if kind is Port else words.get(kind, "a mapping")
