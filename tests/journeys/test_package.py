"""What `pip install .` puts on a machine."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=200)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_carries_recipes_and_sample_data(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "unipipe_tui/recipes/fraud-detection/dvc.yaml" in names
    assert {f"unipipe_tui/sample_data/week-{week}.parquet" for week in range(1, 9)} <= names
    assert "unipipe_tui/store/schema/0001_first.sql" in names
    assert "unipipe_tui/py.typed" in names


def test_the_wheel_carries_no_leftovers(wheel: zipfile.ZipFile) -> None:
    unwanted = ("__pycache__", ".pytest_cache", "mlflow.db", ".dvc/cache", "/.unipipe/")
    assert [name for name in wheel.namelist() if any(word in name for word in unwanted)] == []


def test_the_wheel_names_its_command_licence_and_the_least_python(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    text = wheel.read(info).decode()
    assert "Name: unipipe-tui" in text
    assert "License-Expression: Apache-2.0" in text
    assert "Requires-Python: >=3.11" in text
    points = wheel.read(info.replace("METADATA", "entry_points.txt")).decode()
    assert "unipipe = unipipe_tui.__main__:main" in points
