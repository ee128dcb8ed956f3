"""Documents are read as DVC reads them; what is not one is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.utils.serialize import parse_py, parse_yaml

from unipipe_tui.adapters.dvc.documents import Unreadable, load, load_mapping, parse

SCALARS = [
    "yes", "no", "on", "off", "y", "true", "False", "TRUE", "null", "~", "", "Null", "1", "-1", "+1", "017", "08",
    "0o17", "0x1F", "0b11", "1_000", "12:30", "190:20:30", "1.5", "1.", ".5", "-1e5", "1e-3", "1.5e3", "1e5", "1.2.3",
    ".inf", "-.INF", "2020-01-02", "2020-1-2", "2020-01-02 03:04:05", "'1'", '"x\\ny"', "1.10", "v1", "@x", "0", "-0",
]  # fmt: skip


@pytest.mark.parametrize("scalar", [text for text in SCALARS if text != "@x"])
def test_scalars_mean_what_they_mean_to_dvc(scalar: str) -> None:
    text = f"value: {scalar}"
    assert repr(parse(text, ".yaml")) == repr(parse_yaml(text, "params.yaml"))


def test_aliases_and_merge_keys_are_followed() -> None:
    text = "base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}\nlist: [*base]"
    assert parse(text, ".yaml") == parse_yaml(text, "params.yaml")


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert parse("", ".yaml") == {}
    assert parse("# only a comment\n", ".yaml") == {}


PYTHON = """
RATE = 0.5
COUNT: int = 3
NAMES = ["a", "b"]
SIZES = (1, 2)
TABLE = {"deep": {"x": -1}}
computed = RATE * 2
a = b = 1
UNSET: int

class Train:
    epochs = 4

    def __init__(self):
        self.layers = 5
        local = 6

def helper():
    hidden = 7
"""


def test_python_assignments_are_read_without_running_anything() -> None:
    ours = parse(PYTHON, ".py")
    assert ours == parse_py(PYTHON, "params.py")
    assert ours == {
        "RATE": 0.5,
        "COUNT": 3,
        "NAMES": ["a", "b"],
        "SIZES": (1, 2),
        "TABLE": {"deep": {"x": -1}},
        "Train": {"epochs": 4, "layers": 5},
    }


def test_json_and_toml_are_told_by_their_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"lr": 1e-3}')
    (tmp_path / "a.TOML").write_text("[train]\nlr = 0.1\n")
    assert load(tmp_path / "a.json") == {"lr": 0.001}
    assert load(tmp_path / "a.TOML") == {"train": {"lr": 0.1}}


@pytest.mark.parametrize(
    ("text", "suffix", "line", "said"),
    [
        ("a: 1\nb: [1, 2\nc: 3", ".yaml", 3, "expected"),
        ("a: 1\nb: 2\na: 3", ".yaml", 3, "twice"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> topic\n", ".yaml", 2, "merge conflicts"),
        ("a: !!python/object/apply:os.system [ls]", ".yaml", 1, "constructor"),
        ('{"a": 1,\n"b": }', ".json", 2, "JSON"),
        ("a = 1\nb = \n", ".toml", 2, "TOML"),
        ("a = 1\nb = (\n", ".py", 2, "Python"),
    ],
)
def test_a_broken_document_is_refused_with_its_line(text: str, suffix: str, line: int, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(text, suffix)
    assert refused.value.line == line
    assert said in refused.value.message


def test_a_document_that_explodes_when_its_aliases_are_written_out_is_refused() -> None:
    levels = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    levels += [
        f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    with pytest.raises(Unreadable, match="aliases"):
        parse("\n".join(levels), ".yaml")
    with pytest.raises(Unreadable, match="itself"):
        parse("a: &a [*a]", ".yaml")


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".py"])
@pytest.mark.parametrize("levels", [500, 100_000])
def test_a_document_nested_absurdly_deep_is_refused_and_ends_nothing(suffix: str, levels: int) -> None:
    with pytest.raises(Unreadable):
        parse("[" * levels + "]" * levels, suffix)


@pytest.mark.parametrize("text", ["- " * 100_000 + "a", "? - " * 50_000 + "a", "{a: " * 100_000])
def test_other_ways_of_nesting_yaml_absurdly_are_refused_too(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text, ".yaml")


def test_a_long_flat_document_full_of_brackets_is_read() -> None:
    assert parse('{"rows": [' + ",".join(["[1, {}]"] * 5000) + "]}", ".yaml") == {"rows": [[1, {}]] * 5000}


def test_binary_files_lists_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"a: \xff\xfe\x00")
    (tmp_path / "list.yaml").write_text("- a\n")
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    with pytest.raises(Unreadable, match="UTF-8"):
        load(tmp_path / "binary.yaml")
    with pytest.raises(Unreadable, match="list"):
        load_mapping(tmp_path / "list.yaml")
    assert load_mapping(tmp_path / "marked.yaml") == {"a": 1, "b": 2}
