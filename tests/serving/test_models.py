"""What is loaded, what is refused before anything is unpickled, and how a model's output is read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from unipipe_tui.domain.bundles import seal_bundle
from unipipe_tui.domain.errors import Failed, Refused, UsageError
from unipipe_tui.serving.__main__ import load_bundle
from unipipe_tui.serving.models import ServedModel
from unipipe_tui.serving.scoring import Outcome, classes_told, read_output

from .servers import Sealed

pytestmark = pytest.mark.xdist_group("serving")
MODEL = """
import pathlib
import mlflow.pyfunc

pathlib.Path({mark!r}).touch()

class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        {body}

mlflow.models.set_model(Model())
"""


def save(tmp_path: Path, body: str, signed: bool = True) -> tuple[Path, Path]:
    """A bundle folder with a model of that body, and the file that loading the model leaves."""
    mark, code, folder = tmp_path / "was-loaded", tmp_path / "code.py", tmp_path / "bundle"
    code.write_text(MODEL.format(mark=str(mark), body=body))
    example = pd.DataFrame({"x": [1.0, 2.0]})
    folder.mkdir()
    signature = infer_signature(example, [0.5, 0.5]) if signed else None
    mlflow.pyfunc.save_model(str(folder / "model"), python_model=str(code), signature=signature, pip_requirements=[])
    if signed:
        (folder / "model" / "input_example.json").write_text('{"columns": ["x"], "data": [[1.0], [null]]}')
    mark.unlink(missing_ok=True)
    return folder, mark


def seal_and_load(folder: Path) -> object:
    bundle = seal_bundle(folder, model="m", version=1, run_id="r")
    return load_bundle(folder, bundle.digest, allow_pickle=True)


def test_a_sound_model_is_loaded_and_has_scored_its_example(tmp_path: Path) -> None:
    folder, mark = save(tmp_path, "return model_input['x'].fillna(0).to_numpy()")
    seal_and_load(folder)
    assert mark.exists()


def test_nothing_is_unpickled_unless_the_digest_is_the_wanted_one(tmp_path: Path) -> None:
    folder, mark = save(tmp_path, "return [0.5, 0.5]")
    seal_bundle(folder, model="m", version=1, run_id="r")
    with pytest.raises(Refused, match="wanted is 0000"):
        load_bundle(folder, "0" * 64, allow_pickle=True)
    assert not mark.exists()


def test_nothing_is_unpickled_when_a_file_was_changed(tmp_path: Path) -> None:
    folder, mark = save(tmp_path, "return [0.5, 0.5]")
    digest = seal_bundle(folder, model="m", version=1, run_id="r").digest
    (folder / "model" / "code.py").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    with pytest.raises(Failed, match=r"model/code\.py"):
        load_bundle(folder, digest, allow_pickle=True)
    assert not mark.exists()


def test_a_model_that_brings_code_is_not_loaded_unless_that_is_allowed(tmp_path: Path) -> None:
    folder, mark = save(tmp_path, "return model_input['x'].fillna(0).to_numpy()")
    bundle = seal_bundle(folder, model="m", version=1, run_id="r")
    with pytest.raises(Refused, match=r"m version 1 runs code .* Python code of its author") as caught:
        load_bundle(folder, bundle.digest)
    assert not mark.exists()
    assert "allow_pickle: true" in caught.value.hint


def test_a_model_without_a_signature_is_refused_with_a_remedy(tmp_path: Path) -> None:
    folder, _mark = save(tmp_path, "return [0.5, 0.5]", signed=False)
    with pytest.raises(UsageError, match="no signature") as caught:
        seal_and_load(folder)
    assert "infer_signature" in caught.value.hint


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise RuntimeError('no weights')", "cannot score its own input example: no weights"),
        ("return [0.5]", "returned 1 rows for 2 records"),
        ("return [[0.1, 0.2, 0.7]] * 2", "shape"),
    ],
)
def test_a_model_that_cannot_answer_is_never_switched_on(tmp_path: Path, body: str, says: str) -> None:
    folder, _mark = save(tmp_path, body)
    with pytest.raises(Failed, match=says):
        seal_and_load(folder)


def test_loading_leaves_the_bundle_as_it_was(bundles: tuple[Sealed, Sealed], tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(bundles[0].folder, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for _ in range(2):
        load_bundle(folder, bundles[0].bundle.digest)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_model_that_is_loaded_without_mlflow_answers_to_the_bit_as_with_it(bundles: tuple[Sealed, Sealed]) -> None:
    for sealed in bundles:
        served = load_bundle(sealed.folder, sealed.bundle.digest)
        assert isinstance(served, ServedModel)
        with_mlflow = mlflow.pyfunc.load_model(str(sealed.folder / "model"))
        amounts = np.geomspace(0.01, 10_000, 50)
        frame = pd.DataFrame(
            {
                "amount": [*amounts[:-1], np.nan],
                "hour": np.arange(50) % 24,
                "night": np.arange(50) % 3 == 0,
                "region": ["north", "south", "nowhere", "", "north"] * 10,
            }
        )
        expected = with_mlflow.predict(frame)
        found = served.predict_frame(frame)
        assert type(found) is type(expected)
        assert np.array_equal(found, expected)


def test_mlflow_is_not_imported_for_a_model_that_is_only_data(bundles: tuple[Sealed, Sealed]) -> None:
    program = (
        "import sys; from pathlib import Path; from unipipe_tui.serving.__main__ import load_bundle; "
        "load_bundle(Path(sys.argv[1]), sys.argv[2]); sys.exit('mlflow' in sys.modules)"
    )
    argv = [sys.executable, "-c", program, str(bundles[0].folder), bundles[0].bundle.digest]
    assert subprocess.run(argv, check=False).returncode == 0


def test_whoever_lets_mlflow_refuse_is_heard(bundles: tuple[Sealed, Sealed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(MlflowException, match="disallowed"):
        load_bundle(bundles[0].folder, bundles[0].bundle.digest)


@pytest.mark.parametrize(
    ("answer", "threshold", "outcomes"),
    [
        (np.array([[0.3, 0.5, 0.2], [0.6, 0.3, 0.1]]), 0.5, [Outcome(None, "pear"), Outcome(None, 7)]),
        ([[0.2, 0.2, 0.6], [None, None, None]], None, [Outcome(None, "plum"), Outcome(None, None)]),
        (np.array([[0.3, 0.7], [0.6, 0.4]]), 0.5, [Outcome(0.7, 1), Outcome(0.4, 0)]),
        (np.array([[0.3, 0.7], [0.6, 0.4]]), None, [Outcome(0.7, 1), Outcome(0.4, 0)]),
        (np.array([[0.3, 0.7], [0.6, 0.4]]), 0.7, [Outcome(0.7, 1), Outcome(0.4, 0)]),
        (pd.DataFrame({"0": [0.9], "1": [0.1]}), 0.05, [Outcome(0.1, 1)]),
        (np.array([0.7, 0.4]), 0.5, [Outcome(0.7, 1), Outcome(0.4, 0)]),
        (np.array([120.5]), None, [Outcome(120.5, None)]),
        (np.array([[120.5]]), None, [Outcome(120.5, None)]),
        (np.array([np.nan, np.inf]), 0.5, [Outcome(None, None), Outcome(None, None)]),
        (np.array([1, 0]), 0.5, [Outcome(None, 1), Outcome(None, 0)]),
        (np.array([True]), None, [Outcome(None, 1)]),
        (pd.Series(["fraud", "fine"]), 0.5, [Outcome(None, "fraud"), Outcome(None, "fine")]),
    ],
)
def test_an_output_is_read_for_what_it_is(answer: object, threshold: float | None, outcomes: list[Outcome]) -> None:
    assert read_output(answer, threshold, (7, "pear", "plum")) == outcomes


@pytest.mark.parametrize("rows", [[[0.3, 0.5, 0.9]], [[-0.5, 0.5, 1.0]], [[0.1, 0.2, 0.3, 0.4]]])
def test_numbers_that_are_no_shares_of_one_among_the_classes_are_no_answer(rows: list[list[float]]) -> None:
    with pytest.raises(Failed, match="no answer per record"):
        read_output(np.array(rows), None, (7, "pear", "plum"))


def test_columns_of_a_table_name_the_classes_themselves() -> None:
    assert classes_told(pd.DataFrame({"cat": [0.2], "dog": [0.3], 3: [0.5]})) == ("cat", "dog", 3)
    assert classes_told([{"cat": 0.2, "dog": 0.3, "eel": 0.5}]) == ("cat", "dog", "eel")
    assert classes_told(pd.DataFrame({"0": [0.9], "1": [0.1]})) == classes_told([[0.2, 0.3, 0.5]]) == ()
