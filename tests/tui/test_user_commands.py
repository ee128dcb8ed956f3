"""The user's own commands in the workbench: read from the file, refused with the line, and at hand where they belong."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Button, Input, OptionList, Static

from tests.fakes import FakeProcesses, staying
from tests.tui.conftest import looked, until
from tests.tui.shells import around, footer_of, painted, planned, told
from unipipe_tui.actions.catalog import CATALOG, action_named
from unipipe_tui.actions.command_line import approved, command_line
from unipipe_tui.actions.user_commands import RUN, RunUserCommand
from unipipe_tui.actions.world import World
from unipipe_tui.config import UserConfig, read_user_config
from unipipe_tui.tui.app import SCREENS, Unipipe
from unipipe_tui.tui.chosen_keys import chosen_table
from unipipe_tui.tui.forms import fill
from unipipe_tui.tui.keys import EVERYWHERE, keys_table
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.help import HelpScreen, help_lines
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.user_commands import OwnCommands, change_of, own_commands
from unipipe_tui.tui.user_configuration import verify
from unipipe_tui.tui.widgets.output import Output

COMMANDS = """\
commands:
  - {name: notes, key: N, place: models, run: [write-notes, '{model}', 'v{version}']}
  - name: ticket
    key: T
    for: [models, releases]
    run: [ticket, '--title={input:title}', '{model}']
    inputs: [{name: title, help: One line.}]
    confirm: true
  - {name: wipe, key: W, run: [wipe, everything], dangerous: true}
  - {name: peek, key: K, run: [peek], changes: false}
  - {name: quiet, place: runs, run: [quiet, '{run}']}
"""


def config(folder: Path, text: str = COMMANDS) -> UserConfig:
    path = folder / "config.yaml"
    path.write_text(text)
    return read_user_config(path)


def own(user: UserConfig) -> OwnCommands:
    return own_commands(chosen_table(keys_table(), user.keys), user.commands)


def app_of(world: World, folder: Path, text: str = COMMANDS) -> tuple[Unipipe, FakeProcesses]:
    user, processes = config(folder, text), FakeProcesses()
    return Unipipe(staying(world, processes=processes, user=lambda: user), around(folder, user=user)), processes


def test_all_that_can_be_said_of_a_command_is_read(tmp_path: Path) -> None:
    user = config(tmp_path)
    ticket = user.commands[1]

    assert user.problems == ()
    assert [command.name for command in user.commands] == ["notes", "ticket", "wipe", "peek", "quiet"]
    assert (ticket.key, ticket.offered_in, ticket.confirm) == ("T", ("models", "releases"), True)
    assert (ticket.inputs[0].name, ticket.inputs[0].help) == ("title", "One line.")
    assert ticket.where.endswith("config.yaml, line 3")
    assert own(user).problems == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("commands: {a: b}", 1, "a list of commands"),
        ("commands:\n  - {name: a, runn: [x]}", 2, "unknown key"),
        ("commands:\n  - {name: a}", 2, "`commands.0.run` is missing"),
        ("commands:\n  - {name: a, run: echo x}", 2, "a list"),
        ("commands:\n  - {name: a, run: [x], where: here}", 2, "unknown key `commands.0.where`"),
        ("commands:\n  - {name: a, run: [x], places: [runs]}", 2, "run, key, place, for, inputs"),
        ("commands:\n  - {name: a, run: [x], confirm: maybe}", 2, "true or false"),
        ("commands:\n  - {name: a, run: [x, '{y']}", 2, "brace"),
        ("commands:\n  - {name: a, run: [x]}\n  - {name: a, run: [y]}", 3, "already"),
        ("commands:\n  - {name: a, run: [x], inputs: [{name: y, hlp: z}]}", 2, "unknown key"),
    ],
)
def test_a_fault_in_a_command_is_told_with_its_line_and_costs_that_command(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    user = config(tmp_path, f"{text}\ntheme: light\n")

    (problem,) = user.problems
    assert f"line {line}" in problem
    assert words in problem
    assert user.theme == "light"
    assert len(user.commands) == (line == 3)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("place: nowhere", "there is no place `nowhere`. There is: everywhere, overview,"),
        ("for: [models, nowhere]", "there is no place `nowhere`"),
        ("place: models, run: [x, '{alert}']", "no row there has a field {alert}. Fields there: model, version."),
        ("place: overview, run: [x, '{model}']", "Rows there have no fields."),
        ("run: [x, '{flavour}']", "no row there has a field {flavour}"),
        ("key: ctrl+h", "terminals keep it"),
        ("key: nokey", "`nokey` is no key"),
        ("key: '1'", "1 of `a` is the key of `everywhere.overview` already"),
        ("key: j", "j of `a` is the key of `lists.down` already"),
        ("key: c, place: models", "c of `a` is the key of `models.check` already"),
        ("key: V, place: jobs", "V of `a` is the key of `texts.view` already"),
        ("key: n, place: pipeline", "n of `a` is the key of `graph.next` already"),
        ("key: y", "y of `a` is the key of `own.first` already"),
    ],
)
def test_a_place_a_field_or_a_key_that_cannot_be_is_refused_with_the_line(
    tmp_path: Path, said: str, words: str
) -> None:
    run = "" if "run:" in said else ", run: [x]"
    text = f"commands:\n  - {{name: first, key: y, run: [x]}}\n  - {{name: a, {said}{run}}}\n"

    found = own(config(tmp_path, text))

    assert [command.name for command in found.commands] == ["first"]
    assert any("line 3: " in problem and words in problem for problem in found.problems), found.problems


def test_keys_that_never_meet_may_be_the_same(tmp_path: Path) -> None:
    text = "commands:\n  - {name: a, key: y, place: models, run: [x]}\n  - {name: b, key: y, place: runs, run: [x]}\n"

    assert own(config(tmp_path, text)).problems == ()


def test_a_key_that_was_given_up_can_be_taken(tmp_path: Path) -> None:
    text = "keys: {models.check: C}\ncommands:\n  - {name: a, key: c, place: models, run: [x]}\n"

    assert own(config(tmp_path, text)).problems == ()


def test_a_command_cannot_have_the_name_of_a_capability(tmp_path: Path) -> None:
    (problem,) = own(config(tmp_path, "commands:\n  - {name: models list, run: [x]}\n")).problems

    assert "name of a capability" in problem


def test_the_doctor_names_what_only_the_workbench_can_judge(tmp_path: Path) -> None:
    user = config(tmp_path, "commands:\n  - {name: a, place: nowhere, run: [x]}\n")

    with pytest.raises(Exception, match="no place `nowhere`"):
        verify({"UNIPIPE_CONFIG": str(user.path)})


def test_help_lists_them_with_their_keys_and_those_without_one(tmp_path: Path) -> None:
    found = own(config(tmp_path))

    text = "\n".join(help_lines(100, found.keys.lines, found.commands))

    assert text.index("== models") < text.index("Run write-notes {model} v{version}.") < text.index("== releases")
    assert "Run quiet {run}." in text
    assert "Wants its name typed first." in text
    assert list(found.keys.lines) != list(keys_table())
    assert [line for line in found.keys.lines if not line.own] == list(keys_table())


def test_its_form_says_the_command_line_that_runs_it(tmp_path: Path) -> None:
    ticket = config(tmp_path).commands[1]
    change = change_of(ticket)

    filled = fill(change, {"model": "fraud", "title": "it is late"}, tmp_path)

    assert command_line(change, filled.request) == command_line(
        RUN, RunUserCommand("ticket", ("model=fraud",), ("title=it is late",))
    )


async def test_every_place_selects_by_the_names_that_templates_may_use(busy_world: World) -> None:
    known = {place.name: set(place.fields) for place in PLACES}
    several = {"stages", "order_by", "columns", "experiment", "deleted"}
    app = Unipipe(busy_world)
    async with app.run_test(size=(160, 40)) as pilot:
        await looked(pilot, app)
        for screen in SCREENS:
            app.action_go(screen.NAME)
            await until(pilot, lambda name=screen.NAME: name == app.screen.NAME)  # type: ignore[attr-defined, misc]
            await pilot.pause()
            assert set(app.screen.selection()) - several <= known[screen.NAME]  # type: ignore[attr-defined]


async def test_a_key_runs_it_at_once_with_the_row_under_the_cursor(busy_world: World, tmp_path: Path) -> None:
    app, processes = app_of(busy_world, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        assert ("N" in footer_of(app), "W" in footer_of(app)) == (False, True)
        await pilot.press("N", "4")
        await until(pilot, lambda: app.screen.selection().get("version"))  # type: ignore[attr-defined]
        assert processes.launched == []
        assert {"N", "T", "W"} <= set(footer_of(app))
        row = app.screen.selection()  # type: ignore[attr-defined]
        await pilot.press("N")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))

    asked = command_line(RUN, RunUserCommand("notes", (f"model={row['model']}", f"version={row['version']}")))
    ((launched, _),) = processes.launched
    assert [word for word in launched if word[:6] != "--plan"][:3] == ["user", "run", "--yes"]
    assert launched[:3] == approved(action_named("user run"), asked, "x")[:3]
    assert set(asked[1:]) <= set(launched)


async def test_what_is_typed_is_asked_for_and_a_plan_shown_when_it_says_so(busy_world: World, tmp_path: Path) -> None:
    app, processes = app_of(busy_world, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("4")
        await until(pilot, lambda: app.screen.selection().get("model"))  # type: ignore[attr-defined]
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.focused is app.screen.query_one("#entry-title", Input)
        assert app.screen.query_one("#entry-model", Input).value == "fraud-detector"
        unfinished = str(app.screen.query_one("#command-line", Static).render())
        # The place below the dialog still shows its keys.
        assert "T" in {key for key, shown in app.screen_stack[0].active_bindings.items() if shown.binding.show}
        await pilot.press("a", "space", "b")
        shown = str(app.screen.query_one("#command-line", Static).render())
        await pilot.press("enter")
        await until(pilot, lambda: planned(app))
        assert processes.launched == []
        plan = app.screen._plan  # type: ignore[attr-defined]
        await pilot.press("ctrl+o")
        await until(pilot, lambda: processes.launched)

    assert unfinished == "$ unipipe user run --field=model=fraud-detector '--input=title=…' ticket …"
    assert shown == f"$ {shlex.join(plan.command)}"
    assert plan.effects[0].text == "ticket '--title=a b' fraud-detector"
    assert processes.launched[0][0] == approved(action_named("user run"), plan.command, plan.id)


async def test_a_dangerous_one_wants_its_name_typed(busy_world: World, tmp_path: Path) -> None:
    app, processes = app_of(busy_world, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("W")
        await until(pilot, lambda: planned(app))
        await pilot.press("ctrl+o", "enter", "ctrl+o")
        assert isinstance(app.screen, PlanScreen)
        assert app.screen.query_one("#run-it", Button).disabled
        await pilot.press(*"wipe", "ctrl+o")
        await until(pilot, lambda: processes.launched)
    assert "--confirm=wipe" in processes.launched[0][0]


async def test_a_jump_finds_those_that_are_offered_here(busy_world: World, tmp_path: Path) -> None:
    app, processes = app_of(busy_world, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press(":", *"quiet")
        await until(pilot, lambda: "nothing is called that" in painted(app).replace("&#160;", " "))
        await pilot.press("escape", ":", *"pee", "enter")
        await until(pilot, lambda: processes.launched)

    assert processes.launched[0][0][-1] == "peek"


async def test_where_nothing_may_be_changed_only_what_changes_nothing_runs(busy_world: World, tmp_path: Path) -> None:
    app, processes = app_of(staying(busy_world, read_only="a test"), tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        assert (footer_of(app)["W"], footer_of(app)["K"]) == (False, True)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))
        await pilot.press("escape", "K")
        await until(pilot, lambda: processes.launched)

    assert [argv[:2] for argv, _ in processes.launched] == [("user", "run")]
    assert processes.launched[0][0][-1] == "peek"


async def test_palette_and_help_have_them_and_faults_are_told(busy_world: World, tmp_path: Path) -> None:
    app, _ = app_of(busy_world, tmp_path, f"{COMMANDS}  - {{name: lost, place: nowhere, run: [x]}}\n")
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        assert "no place `nowhere`" in told(app)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        offered = app.screen.query_one(OptionList)
        await until(pilot, lambda: len(offered.options) > len(CATALOG))
        text = "\n".join(str(option.prompt) for option in offered.options)
        assert ("wipe" in text, "peek" in text, "quiet" in text) == (True, True, False)
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until(pilot, lambda: "Run wipe everything." in "\n".join(app.screen.query_one(Output).lines))


def test_a_key_for_everywhere_is_for_every_place(tmp_path: Path) -> None:
    found = own(config(tmp_path))

    assert [line.screen for line in found.lines if line.label == "wipe"] == [EVERYWHERE]
    assert found.named("wipe").is_offered_in("lineage")
