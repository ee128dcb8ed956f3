"""A secret that a job was given or says is nowhere afterwards: not in the store, not in the job's files, not in any answer."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.conftest import unipipe
from unipipe_tui.actions.action import Change, Done
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.rerun import RerunJob
from unipipe_tui.actions.user_commands import RUN, RunUserCommand
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.events import Event, Noted
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.secrets import HIDDEN
from unipipe_tui.domain.values import frozen
from unipipe_tui.wiring import world_at

OF_THE_ENVIRONMENT = "correct-horse-battery"
IN_AN_ADDRESS = "hunter2@9/x"
OF_A_FLAG = "flagged words"
OF_AWS = "AKIAABCDEFGHIJKLMNOP"
IN_A_HEADER = "bearer-abcdef123456"
TYPED = "typed in blanks"
SECRETS = (OF_THE_ENVIRONMENT, "hunter2", "flagged", OF_AWS, IN_A_HEADER, "typed", "blanks")

SAY_ALL = f"""
import os, sys
print(sys.argv[1:])
print("connecting as " + os.environ["WAREHOUSE_PASSWORD"])
print("curl -H 'Authorization: Bearer {IN_A_HEADER}' id {OF_AWS}")
sys.exit(int(sys.argv[1]))
"""


def command(name: str, exit_code: int) -> dict[str, object]:
    run = [sys.executable, "-c", SAY_ALL, str(exit_code), "--token", OF_A_FLAG, "https://ada:hunter2@9@example.org/r"]
    return {"name": name, "run": [*run, "{input:said}"], "inputs": [{"name": "said"}]}


@pytest.mark.parametrize("exit_code", [0, 3])
def test_a_detached_job_leaves_none_in_its_files_the_store_or_what_is_told_of_it(
    project: Path, tmp_path: Path, exit_code: int
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"commands": [command("leak", exit_code)]}))
    given = {"UNIPIPE_CONFIG": str(config), "WAREHOUSE_PASSWORD": OF_THE_ENVIRONMENT}
    words = ("user", "run", "leak", f"--input=said=api-key={TYPED}", "--detach")

    started = unipipe(*words, cwd=project, **given)
    assert started.exit_code == 0, started.stderr
    followed = unipipe("jobs", "attach", "last", cwd=project)

    told = [followed.stdout, followed.stderr]
    for look in ("jobs logs", "jobs show", "jobs list", "audit list"):
        told += [unipipe(*look.split(), *json, cwd=project).stdout for json in ((), ("--json",))]
    files = [path for path in (project / ".unipipe").rglob("*") if path.is_file() and "cache" not in path.parts]
    told += [path.read_bytes().decode(errors="replace") for path in files]
    world = world_at(project)
    [job], [entry] = world.jobs.latest(9), world.audit.entries()
    told += [repr(job), repr(entry), *map(repr, world.job_folders.events(job.id))]

    found = [(secret, line) for secret in SECRETS for text in told for line in text.splitlines() if secret in line]
    assert found == []
    assert any("connecting as …" in text for text in told)
    assert {"request.json", "events.jsonl", "output.log"} <= {path.name for path in files}
    assert job.command == f"unipipe user run --input=said=api-key={HIDDEN} leak"
    assert world.audit.verify() == (1, "")
    assert (world.job_folders.result(job.id) is None) is bool(exit_code)


@frozen
class Nothing:
    """No wish."""


def plan_nothing(request: Nothing, world: World) -> Plan[None]:
    """Do nothing."""
    return Plan("Nothing", (), "none", None)


def test_how_a_job_ended_is_recorded_and_told_without_them(project: Path) -> None:
    heard: list[Event] = []

    def fail(plan: Plan[None], world: World, progress: Progress) -> Done[None]:
        progress.emit(Noted(f"opening with {OF_THE_ENVIRONMENT}"))
        raise Failed(f"No answer from postgresql://ada:{IN_AN_ADDRESS}@db with {OF_THE_ENVIRONMENT}.")

    world = replace(world_at(project), secrets=(OF_THE_ENVIRONMENT,))
    change = Change("models paint", Nothing, plan_nothing, fail, "unipipe models paint")
    with pytest.raises(Failed):
        perform(change, Nothing(), world, heard.append, lambda: False)

    [job], [entry] = world.jobs.latest(9), world.audit.entries()
    assert job.message == entry.detail
    assert not any(secret in job.message for secret in SECRETS[:1])
    assert heard == [Noted("opening with …")]


def test_a_job_that_was_asked_for_with_one_is_not_run_again_without_it(project: Path) -> None:
    world = world_at(project)
    rerun = action_named("jobs rerun")
    assert isinstance(rerun, Change)

    def done(plan: Plan[None], world: World, progress: Progress) -> Done[None]:
        return Done(None)

    asked = RunUserCommand("leak", input=(f"said=--token={TYPED}",))
    change = Change("models paint", Nothing, plan_nothing, done, "", stands_for=lambda _: command_line(RUN, asked))
    perform(change, Nothing(), world, lambda _: None, lambda: False)

    with pytest.raises(UsageError, match="secret") as refused:
        make_plan(rerun, RerunJob("last"), world)
    assert TYPED not in refused.value.hint


def test_an_answer_that_is_kept_has_none_under_the_name_of_a_secret(project: Path) -> None:
    world = world_at(project)

    def answer(plan: Plan[None], world: World, progress: Progress) -> Done[dict[str, object]]:
        return Done({"params": {"depth": "6", "api_key": "a b"}, "argv": ["x", "--password", "a b"], "n": [1, None]})

    change = Change("models paint", Nothing, plan_nothing, answer, "unipipe models paint")
    told = perform(change, Nothing(), world, lambda _: None, lambda: False)

    assert to_plain(told)["params"]["api_key"] == "a b"
    assert world.job_folders.result(world.job_id) == (
        '{"params": {"depth": "6", "api_key": "\\u2026"}, "argv": ["x", "--password", "\\u2026"], "n": [1, null]}'
    )


def test_the_secrets_of_the_environment_are_known_to_the_world(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "WAREHOUSE_PASSWORD": OF_THE_ENVIRONMENT,
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
        "MAX_TOKENS": "1000000000",
        "SHORT_TOKEN": "on",
    }.items():
        monkeypatch.setenv(name, value)
    known = world_at(project).secrets
    assert {OF_THE_ENVIRONMENT, "wJalrXUtnFEMI/K7MDENG"} <= set(known)
    assert not {"1000000000", "on", os.getcwd(), os.environ.get("PWD")} & set(known)
