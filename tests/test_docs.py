"""The documentation tells what the code does: generated pages are in step, command lines parse, answers fit their schemas."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import typer

from tests.conftest import git, unipipe
from unipipe_tui.actions.action import Action, Look
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.cli.commands import Options, build_app
from unipipe_tui.tui.forms import fill, read_command_line
from unipipe_tui.wiring import build_world

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [
    README,
    *sorted(DOCS.glob("*.md")),
    *sorted(DOCS.glob("monitoring/**/*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
SHELL_LANGUAGES = {"", "sh", "bash", "shell", "console", "text"}


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    """`docs/generate.py`, imported as it is when it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        yield importlib.import_module("generate")


def test_the_generated_pages_are_those_that_the_code_makes_now(generator: ModuleType) -> None:
    stale = [name for name, text in generator.documents().items() if _text(DOCS / name) != text]
    assert not stale, f"run `make docs`: {', '.join(stale)} no longer tell what the code does"


def test_making_the_pages_twice_gives_the_same_bytes(generator: ModuleType) -> None:
    assert generator.documents() == generator.documents()


def test_no_schema_is_left_of_a_capability_that_is_no_more(generator: ModuleType) -> None:
    made = {name for name in generator.documents() if name.startswith("schemas/")}
    assert {f"schemas/{path.name}" for path in (DOCS / "schemas").glob("*.json")} == made, "run `make docs`"


def test_no_page_is_left_of_a_method_that_is_no_more(generator: ModuleType) -> None:
    made = {name for name in generator.documents() if name.startswith("monitoring/methods/")}
    assert {f"monitoring/methods/{path.name}" for path in (DOCS / "monitoring" / "methods").glob("*")} == made


@pytest.mark.parametrize("action", CATALOG, ids=lambda action: action.name)
def test_the_page_of_commands_names_every_flag_that_the_command_line_takes(action: Action) -> None:
    page = (DOCS / "commands.md").read_text()
    section = re.split(r"^#{2,3} ", page.split(f"### unipipe {action.name}\n")[1], flags=re.MULTILINE)[0]
    told = set(re.findall(r"`(--?[a-z][a-z-]*)", section))
    taken = {name for name in _flags(action) if name != "--help"}
    assert taken <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    broken = [link for link in _links(page) if not _leads_somewhere(page, link)]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_that_a_page_shows_is_one_that_unipipe_takes(page: Path) -> None:
    wrong = [line for line in _command_lines(page.read_text()) if not _parses(line)]
    assert not wrong


def test_a_command_line_that_unipipe_does_not_take_would_be_noticed() -> None:
    shown = (
        "```sh\n$ unipipe models demote x 1  # no such thing\nunipipe status && unipipe jobs list --limit=few\n```\n"
    )
    assert [_parses(line) for line in _command_lines(shown)] == [False, True, False]


def test_the_readme_names_the_two_commands_that_matter() -> None:
    said = README.read_text()
    assert "make demo" in said
    assert "make test" in said


def test_every_environment_variable_in_the_page_of_configuration_is_read_by_the_code() -> None:
    page = (DOCS / "configuration.md").read_text().split("## Environment")[1]
    names = re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)
    code = "".join(path.read_text() for path in (ROOT / "unipipe_tui").rglob("*.py"))
    assert names
    assert [name for name in names if name not in code] == []


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_every_schema_is_a_schema_and_allows_nothing_that_it_does_not_name(path: Path) -> None:
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"something": "else"}, schema, jsonschema.Draft202012Validator)


LOOKS = (
    "status",
    "doctor",
    "pipeline show",
    "pipeline plan",
    "pipeline stage train",
    "jobs list",
    "jobs show",
    "jobs logs",
    "runs list",
    "runs experiments",
    "runs columns",
    "runs duplicates",
    "models list",
    "models show",
    "models card fraud-detector 1",
    "release history",
    "release show",
    "serve status",
    "timeline show",
    "alerts list",
    "lineage show fraud-detector/1",
    "lineage walk",
    "audit list",
    "audit verify",
    "store check",
    "sql 'SELECT * FROM jobs'",
)


@pytest.fixture(scope="module")
def looked_at(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A workspace that the looks of this module share: they change nothing."""
    workspace = tmp_path_factory.mktemp("looked-at") / "workspace"
    return build_world(shutil.copytree(trained_template, workspace, symlinks=True))


@pytest.mark.parametrize("words", LOOKS)
def test_the_answer_of_a_look_fits_its_schema(words: str, looked_at: World) -> None:
    asked = read_command_line(f"unipipe {words}")
    assert asked
    assert isinstance(asked.action, Look)
    request = fill(asked.action, asked.texts, looked_at.root).request
    expect_fit(json.loads(json.dumps(to_plain(asked.action.look(request, looked_at)), allow_nan=False)), words)


def test_the_answers_of_the_command_line_fit_their_schemas(trained: Path) -> None:
    expect_fit(unipipe("jobs", "attach", "last", "--json", cwd=trained).json, "jobs attach")
    expect_fit(unipipe("runs", "sync", "--json", cwd=trained).json, "runs sync")
    one, other, *_ = (run["run_id"] for run in unipipe("runs", "list", "--json", cwd=trained).json["runs"])
    expect_fit(unipipe("runs", "show", one, "--json", cwd=trained).json, "runs show")
    expect_fit(unipipe("runs", "compare", one, other, "--json", cwd=trained).json, "runs compare")


def test_the_answer_of_a_status_without_any_project_fits_its_schema(tmp_path: Path) -> None:
    expect_fit(unipipe("status", "--json", cwd=tmp_path).json, "status")


def test_what_each_job_answered_fits_the_schema_of_its_command(trained: Path) -> None:
    jobs = unipipe("jobs", "list", "--json", cwd=trained).json["jobs"]
    answers = {job["action"]: trained / ".unipipe" / "jobs" / job["id"] / "result.json" for job in jobs}
    assert {"init", "pipeline run"} <= set(answers)
    for action, path in answers.items():
        expect_fit(json.loads(path.read_text()), action)


def test_the_answers_of_the_way_from_serving_to_drift_fit_their_schemas(trained: Path, tmp_path: Path) -> None:
    week = ROOT / "sample_data" / "week-1.parquet"
    for words in (
        ("serve", "start", "--yes"),
        ("predict", week),
        ("feedback", ROOT / "sample_data" / "labels-week-1.csv"),
        ("drift", "check"),
        ("drift", "show"),
        ("store", "backup", tmp_path / "copy.duckdb"),
        ("undo", "--yes"),
    ):
        said = unipipe(*words, "--json", cwd=trained)
        assert said.exit_code == 0, said.stderr
        expect_fit(said.json, " ".join(map(str, words)))


def test_a_plan_fits_its_schema(trained: Path) -> None:
    said = unipipe("serve", "start", "--dry-run", "--json", cwd=trained)
    expect_valid(said.json, "plan")


def test_a_number_that_is_none_is_allowed_as_null_and_a_text_is_not() -> None:
    schema = json.loads((DOCS / "schemas" / "jobs-list.json").read_text())["$defs"]["JobLine"]["properties"]["seconds"]
    jsonschema.validate(None, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("1", schema)


def test_no_file_of_the_project_tells_of_the_machine_that_it_was_written_on() -> None:
    machine = re.compile(rb"(?<![\w.])/(?:root|work)/|pypi\.org|files\.pythonhosted|--index[-]url")
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    told = [name for name in listed if name and (ROOT / name).is_file()]
    assert len(told) > 100
    assert [name for name in told if machine.search((ROOT / name).read_bytes())] == []


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _flags(action: Action) -> set[str]:
    command: Any = typer.main.get_command(build_app(lambda *asked: None))
    for word in action.name.split():
        command = command.commands[word]
    return {
        name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts) if name[0] == "-"
    }


def _links(page: Path) -> list[str]:
    prose = FENCE.sub("", page.read_text())
    return [plain or image for plain, image in LINK.findall(prose) if "://" not in (plain or image)]


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, heading = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return False
    return not heading or heading in {
        _anchor(line) for line in re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
    }


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _command_lines(markdown: str) -> list[str]:
    """The command lines of Unipipe in the code blocks of a page, one by one."""
    lines = []
    for language, block in FENCE.findall(markdown):
        if language not in SHELL_LANGUAGES:
            continue
        for line in block.replace("\\\n", " ").splitlines():
            parts = re.split(r"&&|\|\||[|;]", line.strip().removeprefix("$ "))
            lines += [part.strip() for part in parts if part.strip().startswith("unipipe ")]
    return lines


def _parses(line: str) -> bool:
    words = shlex.split(line, comments=True)[1:]
    if not words or words in (["--help"], ["--version"]) or words[-1] == "--help":
        return True
    asked: list[tuple[Action, Any]] = []

    def record(action: Action, request: Any, options: Options) -> None:
        asked.append((action, request))

    with suppress(SystemExit):
        build_app(record)(args=words, prog_name="unipipe")
    return len(asked) == 1


def expect_fit(answer: Any, words: str) -> None:
    name = next(action.name for action in CATALOG if (words + " ").startswith(action.name + " "))
    expect_valid(answer, name.replace(" ", "-"))


def expect_valid(answer: Any, name: str) -> None:
    schema = json.loads((DOCS / "schemas" / f"{name}.json").read_text())
    jsonschema.validate(answer, schema, jsonschema.Draft202012Validator)
