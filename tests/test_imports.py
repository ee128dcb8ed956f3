"""What is imported when: a command that does not need a heavy library does not wait for it, and rooms only look down."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import git

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "unipipe_tui"
HEAVY = {
    "mlflow",
    "pandas",
    "sklearn",
    "matplotlib",
    "textual",
    "dvc",
    "numpy",
    "scipy",
    "pyarrow",
    "skops",
    "fastapi",
    "docker",
    "river",
    "opentelemetry",
}

PART_OF = {
    "aiohttp": "textual-serve",
    "google": "mlflow",
    "kubernetes_validate": "kubernetes-validate",
    "numpy": "pandas",
    "opentelemetry": "opentelemetry-exporter-otlp-proto-http",
    "prometheus_client": "prometheus-client",
    "pydantic": "fastapi",
    "starlette": "fastapi",
    "yaml": "pyyaml",
    "yarl": "textual-serve",
    "sklearn": "scikit-learn",
    "textual_serve": "textual-serve",
}
"""Libraries that are named otherwise than what is declared, or speak through the interface of what is."""

HELP = ["--help", "--version", "models --help", "models promote --help", "demo --help"]
LOOKS = [
    "status",
    "status --json",
    "pipeline show",
    "pipeline plan",
    "jobs list",
    "runs list",
    "runs sweeps",
    "runs duplicates",
    "models list",
    "serve status",
    "drift show",
    "audit list",
    "audit verify",
    "doctor",
    "no-such-command",
]

RUN_AND_TELL = """
import json, os, sys
# A look leaves without taking the interpreter apart; here there is something to tell after it.
os._exit = sys.exit
sys.argv = ["unipipe", *sys.argv[1:]]
try:
    from unipipe_tui.__main__ import main
    main()
finally:
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    print("\\nLOADED " + json.dumps(loaded), file=sys.stderr)
"""


def loaded_by(command: str, folder: Path) -> set[str]:
    """The top-level modules in the process when a command line has ended."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_TELL, *command.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("LOADED ")]
    assert told, done.stderr
    return set(json.loads(told[-1].removeprefix("LOADED ")))


@pytest.fixture
def pipeline(project: Path) -> Path:
    """A project with a pipeline and a store."""
    (project / "dvc.yaml").write_text("stages:\n  train:\n    cmd: echo\n    deps: [README.md]\n")
    (project / "unipipe.yaml").write_text("model: {name: fraud}\n")
    git("add", "-A", cwd=project)
    git("commit", "--quiet", "-m", "A pipeline", cwd=project)
    return project


@pytest.mark.parametrize("command", HELP)
def test_help_and_version_load_no_tool_and_no_store(command: str, tmp_path: Path) -> None:
    assert loaded_by(command, tmp_path) & (HEAVY | {"duckdb"}) == set()


@pytest.mark.parametrize("command", LOOKS)
def test_a_look_loads_no_machine_learning_and_no_terminal_front_end(command: str, pipeline: Path) -> None:
    assert loaded_by(command, pipeline) & HEAVY == set()


def test_the_rooms_only_look_down() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert " 0 broken" in linted.stdout


def test_every_contract_has_no_exceptions() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert len(contracts) >= 8
    assert not [contract["name"] for contract in contracts if "ignore_imports" in contract]


def test_every_library_that_is_imported_by_name_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # What sends traces is asked for by those who collect them; where it is missing that is said.
    lines = [*project["dependencies"], *project["optional-dependencies"]["otlp"]]
    declared = {re.split("[<>=!]", line)[0].lower() for line in lines}
    imported = {
        name.partition(".")[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported_by(node)
    } - sys.stdlib_module_names
    libraries = imported - {PACKAGE.name}
    assert {PART_OF.get(name, name) for name in libraries} <= declared
    assert set(PART_OF) <= libraries


def _imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_only_the_command_line_prints() -> None:
    printing = set()
    for file in PACKAGE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        if any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls):
            printing.add(str(file.relative_to(PACKAGE)))
    assert printing <= {"cli/output.py", "__main__.py"}


def test_imports_inside_functions_are_found_only_where_the_program_is_put_together() -> None:
    lazy = set()
    for file in PACKAGE.rglob("*.py"):
        functions = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]
        if any(isinstance(n, ast.Import | ast.ImportFrom) for function in functions for n in ast.walk(function)):
            lazy.add(str(file.relative_to(PACKAGE)))
    assert {name for name in lazy if not name.startswith("wiring/")} <= {"__main__.py", "serving/__main__.py"}


def test_the_linter_watches_over_printing_and_lazy_imports() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert {"T20", "PLC0415"} <= set(lint["select"])
    allowed = {
        path for path, rules in lint["per-file-ignores"].items() if "T20" in rules and path.startswith("unipipe")
    }
    assert allowed == {"unipipe_tui/cli/output.py", "unipipe_tui/__main__.py"}
