"""Templates are resolved by DVC's rules, and refused where DVC refuses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.adapters.dvc.template import (
    CommandStyle,
    Refused,
    Resolved,
    Scope,
    TemplateError,
    as_text,
    resolve_stages,
    resolve_value,
)

PLAIN = CommandStyle()


def scope(**values: object) -> Scope:
    return Scope(Path("/nowhere"), values)


def resolved(stages: dict[str, object], around: Scope) -> dict[str, object]:
    found = list(resolve_stages(stages, around, ".", PLAIN))
    assert not [one for one in found if isinstance(one, Refused)]
    return {one.name: one.definition for one in found if isinstance(one, Resolved)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${number}", 3),
        ("${flag}", True),
        ("is ${flag}", "is true"),
        ("${number}-${nested.list[1].x}", "3-deep"),
        ("${nested.list.0}", 1),
        ("${ number }", 3),
        ("${nothing} left", "None left"),
        (r"\${number} and ${number}", "${number} and 3"),
        ("no template", "no template"),
        ("${rate}", 0.001),
    ],
)
def test_references_are_replaced(text: str, value: object) -> None:
    around = scope(number=3, flag=True, nothing=None, rate=1e-3, nested={"list": [1, {"x": "deep"}]})
    assert resolve_value(text, around, "cmd") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${missing}", "no value is named"),
        ("${nested.missing}", "no value is named"),
        ("${items[9]}", "no value is named"),
        ("${items} in text", "list"),
        ("${a..b}", "not a reference"),
        ("${}", "not a reference"),
    ],
)
def test_what_cannot_be_replaced_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        resolve_value(text, scope(nested={"a": 1}, items=[1]), "deps")


def test_a_mapping_in_a_command_becomes_flags() -> None:
    flags = {"lr": 0.1, "name": "two words", "fast": True, "slow": False, "deep": {"x": 1}, "many": [1, "b c"]}
    assert as_text(flags) == "--lr 0.1 --name 'two words' --fast --deep.x 1 --many 1 'b c'"
    style = CommandStyle(booleans_have_no_form=True, lists_repeat_the_flag=True)
    assert as_text({"slow": False, "many": [1, 2]}, style) == "--no-slow --many 1 --many 2"


def test_foreach_over_a_list_names_stages_by_value_or_by_place() -> None:
    stages: dict[str, object] = {
        "plain": {"foreach": ["us", 2], "do": {"cmd": "run ${item}"}},
        "deep": {"foreach": [{"x": 1}, {"x": 2}], "do": {"cmd": "run ${item.x}"}},
    }
    assert resolved(stages, scope()) == {
        "plain@us": {"cmd": "run us"},
        "plain@2": {"cmd": "run 2"},
        "deep@0": {"cmd": "run 1"},
        "deep@1": {"cmd": "run 2"},
    }


def test_foreach_over_a_mapping_knows_its_keys() -> None:
    stages: dict[str, object] = {"train": {"foreach": "${models}", "do": {"cmd": ["${key}", "${item.lr}"]}}}
    assert resolved(stages, scope(models={"us": {"lr": 1}, "uk": {"lr": 2}})) == {
        "train@us": {"cmd": ["us", 1]},
        "train@uk": {"cmd": ["uk", 2]},
    }


def test_matrix_makes_every_combination() -> None:
    stages: dict[str, object] = {
        "grid": {"matrix": {"size": [1, 2], "opt": [{"n": "sgd"}]}, "cmd": "${item.size} ${item.opt.n} ${key}"}
    }
    assert resolved(stages, scope()) == {
        "grid@1-opt0": {"cmd": "1 sgd 1-opt0"},
        "grid@2-opt0": {"cmd": "2 sgd 2-opt0"},
    }


def test_generated_stages_remember_their_template() -> None:
    stages: dict[str, object] = {"a": {"foreach": ["x"], "do": {"cmd": "c"}}, "b": {"cmd": "c"}}
    found = [one for one in resolve_stages(stages, scope(), ".", PLAIN) if isinstance(one, Resolved)]
    assert [(one.name, one.template) for one in found] == [("a@x", "a"), ("b", None)]


def test_one_stage_that_cannot_be_resolved_hides_no_other() -> None:
    stages: dict[str, object] = {
        "good": {"cmd": "run"},
        "bad": {"cmd": "run ${missing}"},
        "worse": {"foreach": "${number}", "do": {"cmd": "run"}},
        "worst": {"foreach": [1]},
        "odd": ["cmd"],
        "flat": {"matrix": {"a": 1}, "cmd": "run"},
    }
    found = list(resolve_stages(stages, scope(number=3), ".", PLAIN))
    assert [type(one) for one in found] == [Resolved, Refused, Refused, Refused, Refused, Refused]
    assert [one.name for one in found] == list(stages)


def test_vars_come_from_files_whole_or_in_part_and_from_mappings(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("lr: 1\nmodels: {us: 1}\n")
    (tmp_path / "more.json").write_text('{"a": 1, "b": 2}')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/own.toml").write_text("c = 3\n")
    around = (
        Scope(tmp_path)
        .with_default_params(".")
        .with_vars(["params.yaml", "more.json:a", {"models": {"uk": 2}}], ".")
        .with_vars(["own.toml"], "sub")
    )
    assert around.values == {"lr": 1, "models": {"us": 1, "uk": 2}, "a": 1, "c": 3}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (["missing.yaml"], "cannot be read"),
        (["broken.yaml"], "broken.yaml"),
        (["params.yaml:nothing"], "twice"),
        (["other.yaml:nothing"], "no key"),
        (["other.yaml", "other.yaml:lr"], "twice"),
        ([{"lr": 2}], "twice"),
        ([3], "file names and mappings"),
        ({"lr": 2}, "list"),
    ],
)
def test_vars_that_dvc_would_refuse_are_refused(tmp_path: Path, entries: object, said: str) -> None:
    (tmp_path / "params.yaml").write_text("lr: 1\n")
    (tmp_path / "other.yaml").write_text("x: 1\n")
    (tmp_path / "broken.yaml").write_text("[\n")
    with pytest.raises(TemplateError, match=said):
        Scope(tmp_path).with_default_params(".").with_vars(entries, ".")


def test_a_stages_own_vars_are_read_from_its_working_directory_and_stay_its_own(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/own.yaml").write_text("shade: dark\n")
    stages: dict[str, object] = {
        "a": {"wdir": "${place}", "vars": ["own.yaml"], "cmd": "run ${shade}"},
        "b": {"cmd": "run ${shade}"},
    }
    first, second = resolve_stages(stages, Scope(tmp_path, {"place": "deep"}), ".", PLAIN)
    assert first == Resolved("a", {"wdir": "deep", "cmd": "run dark"}, None)
    assert isinstance(second, Refused)
