"""`unipipe.yaml`: what is written is what is read, and every mistake is told with its line and what is allowed."""

from __future__ import annotations

import dataclasses
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.config import (
    Baseline,
    Config,
    DataConfig,
    GateConfig,
    GateMetric,
    LiveMetric,
    ModelConfig,
    MonitoringConfig,
    PerformanceConfig,
    TargetConfig,
    read_config,
)
from unipipe_tui.domain.errors import UsageError

RECIPE = Path(__file__).parents[1] / "recipes" / "fraud-detection"

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=10) | (
    st.sampled_from(
        ["no", "yes", "null", "~", "2026-01-01", "0x10", "1e3", "1:30", "a: b", "# x", "*a", "&a", "!t", " "]
    )
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
PARTS = st.floats(0, 1)
GATES = st.builds(
    GateConfig,
    metric=st.sampled_from(GateMetric),
    at_least=PARTS,
    not_worse_than=st.none() | st.just(Baseline.CHAMPION),
    tolerance=st.floats(0, 10),
    by=st.none() | TEXT,
    minimum_rows=st.integers(0, 10**9),
)
CONFIGS = st.builds(
    Config,
    project=st.none() | TEXT,
    model=st.none() | st.builds(ModelConfig, name=NAMES, experiment=st.none() | TEXT, run_file=st.none() | TEXT),
    mlflow=st.none() | TEXT,
    data=st.builds(DataConfig, raw=st.none() | TEXT, label=TEXT, id=TEXT, holdout=st.none() | TEXT),
    gates=st.lists(GATES, max_size=3).map(tuple),
    monitoring=st.builds(
        MonitoringConfig,
        window_rows=st.integers(1, 10**9),
        performance=st.builds(
            PerformanceConfig,
            metric=st.sampled_from(LiveMetric),
            at_least=PARTS,
            minimum_labels=st.integers(1, 10**6),
        ),
    ),
    targets=st.dictionaries(
        NAMES, st.builds(TargetConfig, host=TEXT, port=st.integers(1, 65535), follows=st.none() | TEXT), max_size=3
    ),
    read_only=st.booleans(),
    present=st.just(True),
)


def plain(value: Any) -> Any:
    """A configuration as the data that a person would write."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "present"}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def read(folder: Path, text: str | bytes) -> Config:
    (folder / "unipipe.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_config(folder)


@settings(max_examples=60)
@given(config=CONFIGS, unicode=st.booleans())
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, config: Config, unicode: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, yaml.safe_dump(plain(config), allow_unicode=unicode)) == config


def test_a_project_without_the_file_has_the_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path) == Config(present=False)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "\ufeff", "\r\n"])
def test_an_empty_file_has_the_defaults_but_is_there(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Config(present=True)


def test_the_file_of_the_recipe_is_read() -> None:
    config = read_config(RECIPE)
    assert config.model is not None
    assert config.model.name == "fraud-detector"
    assert config.gates[0] == GateConfig(GateMetric.PRECISION, at_least=0.95)


@pytest.mark.parametrize(
    ("text", "project"),
    [("project: no", "no"), ("project: 007", "007"), ("project: 2026-01-01", "2026-01-01"), ("project: 'x'", "x")],
)
def test_text_is_taken_as_it_is_written_whatever_yaml_would_make_of_it(tmp_path: Path, text: str, project: str) -> None:
    assert read(tmp_path, text).project == project


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("no", False), ("off", False), ("True", True)])
def test_a_switch_takes_every_word_that_yaml_knows(tmp_path: Path, word: str, value: bool) -> None:
    assert read(tmp_path, f"read_only: {word}").read_only is value


@pytest.mark.parametrize(("number", "value"), [("1e-3", 0.001), ("1", 1.0), ("1_0.5", 10.5), (".5", 0.5)])
def test_a_number_may_be_written_in_every_usual_way(tmp_path: Path, number: str, value: float) -> None:
    text = f"gates:\n  - {{metric: f1, at_least: 0.5, tolerance: {number}}}"
    assert read(tmp_path, text).gates[0].tolerance == value


@pytest.mark.parametrize("section", ["gates", "targets", "data", "monitoring", "model"])
def test_a_section_whose_entries_are_commented_out_is_as_good_as_left_out(tmp_path: Path, section: str) -> None:
    assert read(tmp_path, f"{section}:\n  # later\n") == Config(present=True)


def test_anchors_and_aliases_are_shared_text_and_nothing_more(tmp_path: Path) -> None:
    text = "targets:\n  blue: &t {port: 8000}\n  green: *t\n"
    assert set(read(tmp_path, text).targets) == {"blue", "green"}


def test_a_file_made_to_grow_without_end_is_refused_at_once(tmp_path: Path) -> None:
    layers = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    layers += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(20)]
    with pytest.raises(UsageError, match="line 1: unknown key `a`"):
        read(tmp_path, "\n".join(layers))
    for endless in ("model: &m {name: *m}", "gates: &g [*g]", "targets: &t {x: *t}"):
        with pytest.raises(UsageError):
            read(tmp_path, endless)
    with pytest.raises(UsageError, match="nested too deeply"):
        read(tmp_path, "[" * 2_000)


MISTAKES: dict[str, tuple[str | bytes, str, str]] = {
    "an unknown key": (
        "project: x\nmodle: {}\n",
        "line 2: unknown key `modle`",
        "Allowed here: project, model, mlflow",
    ),
    "an unknown key below": ("model:\n  name: m\n  nme: x", "line 3: unknown key `model.nme`", "name, experiment"),
    "an unknown key in a list": ("gates:\n- {metric: f1, least: 1}", "line 2: unknown key `gates.0.least`", "at_least"),
    "a key that only the program uses": ("present: true", "line 1: unknown key `present`", "project"),
    "a missing name": ("\nmodel:\n  run_file: x", "line 3: `model.name` is missing", "Keys here: name"),
    "a name that MLflow would not take": ("model:\n  name: a/b", "line 2: The model name 'a/b' holds '/'", "Leave out"),
    "a missing metric": ("gates:\n- at_least: 1", "line 2: `gates.0.metric` is missing", "metric"),
    "a key that comes twice": ("project: a\nmlflow: b\nproject: c", "line 3: `project` is there already", "in line 1"),
    "a target that comes twice": ("targets:\n  a: {}\n  a: {}", "line 3: `targets.a` is there already", "in line 2"),
    "text for a number": ("gates:\n- {metric: f1, at_least: much}", "line 2: `gates.0.at_least` is `much`", "a number"),
    "a quoted number": ("gates:\n- {metric: f1, at_least: '1'}", "`gates.0.at_least` is `1`", "a number"),
    "a number that is none": ("gates:\n- {metric: f1, at_least: .nan}", "is `.nan`", "a number"),
    "an endless number": ("gates:\n- {metric: f1, at_least: 1e999}", "is `1e999`", "a number"),
    "a broken number": ("monitoring: {window_rows: 1:75:x}", "`monitoring.window_rows` is `1:75:x`", "a whole number"),
    "a part for a whole": ("monitoring: {window_rows: 1.5}", "`monitoring.window_rows` is `1.5`", "a whole number"),
    "a switch for a number": ("monitoring: {window_rows: yes}", "is `yes`", "a whole number"),
    "a number for a switch": ("read_only: 1", "`read_only` is `1`", "true or false"),
    "nothing for text": ("data: {label: }", "`data.label`, which is not allowed", "text"),
    "nothing for a switch": ("read_only:", "`read_only`, which is not allowed", "true or false"),
    "a list for text": ("project: [a]", "line 1: `project`, which is not allowed", "text"),
    "text for a mapping": ("model: fraud", "line 1: `model` is `fraud`", "a mapping of keys"),
    "a mapping for a list": ("gates: {metric: f1}", "line 1: `gates`, which is not allowed", "a list"),
    "a list for the whole": ("- project: x", "line 1: the file, which is not allowed", "a mapping"),
    "text for the whole": ("hello", "line 1: the file is `hello`", "a mapping"),
    "an unknown metric": ("gates:\n- {metric: f2, at_least: 1}", "`gates.0.metric` is `f2`", "precision, recall, f1"),
    "an unknown kind": ("targets: {a: {kind: cloud}}", "`targets.a.kind` is `cloud`", "Allowed: local"),
    "a target with an odd name": ("targets:\n  ../a: {}", "line 2: `targets` is `../a`", "letters, digits"),
    "a port that is none": ("targets: {a: {port: 65536}}", "`targets.a.port` is `65536`", "from 1 to 65535"),
    **{
        f"a collector at {endpoint}": (
            f"targets: {{a: {{telemetry: {{endpoint: '{endpoint}'}}}}}}",
            "`endpoint` must be an http or https address",
            "",
        )
        for endpoint in (
            "collector:4318",
            "http://collector:431800",
            "http://collector:otlp",
            "http://[::1:4318",
            "http://",
        )
    },
    "a gate that nothing closes": ("gates:\n- metric: f1", "line 2: a gate needs `at_least`", ""),
    "a floor that nothing reaches": ("gates:\n- {metric: f1, at_least: 95}", "`at_least` must be a number from 0", ""),
    "a window of nothing": ("monitoring: {window_rows: 0}", "`window_rows` must be a whole number from 1", ""),
    "broken YAML": ("project: 'x\nmodel: {", "line 2", "Mend the YAML"),
    "a tab": ("model:\n\tname: x", "line 2", "Mend the YAML"),
    "a control character": ("project: a\nmlflow: \x07", "line 2: special characters are not allowed", "Mend"),
    "two documents": ("project: a\n---\nproject: b", "line 2", "Mend the YAML"),
    "an unknown anchor": ("project: *x", "line 1", "Mend the YAML"),
    "a program's object": ("project: !!python/object/apply:os.system ['true']", "line 1: `project`", "text"),
    "a merge": ("x: &x {name: a}\nmodel: {<<: *x}", "line 1: unknown key `x`", "project"),
    "another encoding": ("project: é".encode("latin-1"), "cannot be read", "UTF-8"),
    "no text at all": (b"\x89PNG\r\n\x1a\n\0\0", "cannot be read", "UTF-8"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(tmp_path: Path, mistake: str) -> None:
    text, message, hint = MISTAKES[mistake]
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    assert error.value.message.startswith("unipipe.yaml")
    assert message in error.value.message
    assert hint in error.value.hint


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "unipipe.yaml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path)
