"""Running one command line: parse it, do it, print the answer, end with the right exit code."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from rich.text import Text

from unipipe_tui.actions.action import Action, Change, Danger, Done, Look, Watch, exit_code_of
from unipipe_tui.actions.command_line import approved, command_line, confirmation
from unipipe_tui.actions.demo import Told
from unipipe_tui.actions.export.documents import DocumentExported
from unipipe_tui.actions.perform import (
    Listening,
    allowed_plan,
    make_plan,
    perform,
    refuse_unconfirmed,
    refuse_when_read_only,
)
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.release.export import ReleaseExported
from unipipe_tui.actions.runs.export import RunsExported
from unipipe_tui.actions.world import World
from unipipe_tui.cli import output
from unipipe_tui.cli.commands import Options, Workbench, build_app
from unipipe_tui.cli.narrator import Narrator
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.errors import ExitCode, Stopped, UnipipeError, UsageError
from unipipe_tui.domain.events import Event
from unipipe_tui.domain.jobs import DETACHED_JOB
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen

OpenWorld = Callable[[Path], World]
Apply = Callable[[Plan[Any], World, Progress], Done[Any]]
LONGEST_INTERVAL_SECONDS = 86_400


@frozen
class Ended:
    """How a command line ended."""

    exit_code: int
    open_next: Path | None = None
    """Project to open in the terminal front end now."""
    workbench: Workbench | None = None
    """How to open the terminal front end here and now."""
    only_looked: bool = False
    """Whether it left nothing behind that the interpreter must put in order at its end."""


def run(words: Sequence[str], open_world: OpenWorld) -> Ended:
    """Run one command line; `open_world` makes the world of the project that a folder lies in, when it is needed."""
    output.speak_utf8()
    session = Session(open_world)
    try:
        build_app(session.handle, words, session.open_workbench)(args=list(words), prog_name="unipipe")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else ExitCode.DONE
        return replace(session.ended, exit_code=session.ended.exit_code or code)
    return session.ended


def tell(text: str) -> None:
    """Say something on stderr."""
    output.narrate(Text(text))


def complain(error: UnipipeError) -> int:
    """Say on stderr what happened and what to do next; answers with the exit code."""
    output.narrate(Text(f"unipipe: {error.message}", style="red"))
    if error.hint:
        output.narrate(Text(f"  next: {error.hint}"))
    return int(error.exit_code)


class Session:
    """One command line in hand."""

    def __init__(self, open_world: OpenWorld) -> None:
        self._open_world = open_world
        self._stopping = threading.Event()
        self._applied = False
        self.ended = Ended(ExitCode.DONE)

    def open_workbench(self, wanted: Workbench) -> None:
        """Let whoever runs this open the terminal front end."""
        self.ended = Ended(ExitCode.DONE, workbench=wanted)

    def handle(self, action: Action, request: Any, options: Options) -> None:
        """Do what the parsed command line asks for. The one place of this front end that catches errors."""
        self._listen_to_signals()
        try:
            world = self._open_world(Path.cwd())
            if isinstance(action, Look):
                self._look(action, request, world, options)
            elif isinstance(action, Watch):
                self._watch(action, request, world, options)
            else:
                self._change(action, request, world, options)
        except UnipipeError as error:
            self.ended = Ended(complain(error))
        except KeyboardInterrupt:
            self.ended = Ended(complain(Stopped("Stopped on request.")))

    def _look(self, action: Look[Any, Any], request: Any, world: World, options: Options) -> None:
        if not 0 < options.interval <= LONGEST_INTERVAL_SECONDS:
            raise UsageError(f"--interval must be more than 0 and at most {LONGEST_INTERVAL_SECONDS} seconds.")
        if options.csv and options.json:
            raise UsageError("--csv and --json exclude each other.", hint="Leave one of them out.")
        while True:
            result = action.look(request, world)
            if options.watch:
                output.clear()
            if options.csv and action.csv:
                output.print_text(action.csv(result))
            else:
                self._answer(result, options)
            if not options.watch:
                self.ended = replace(self.ended, only_looked=True)
                return
            time.sleep(options.interval)

    def _watch(self, action: Watch[Any, Any], request: Any, world: World, options: Options) -> None:
        with Narrator() as narrator:
            result = action.watch(request, world, Listening((narrator,), self._stopping.is_set))
        self._answer(result, options)

    def _change(self, action: Change[Any, Any, Any], request: Any, world: World, options: Options) -> None:
        if options.dry_run:
            self._show_plan(make_plan(action, request, world), options)
            return
        if action.answer and (result := action.answer(request, world)) is not None:
            self._answer(result, options)
            return
        # Nobody is asked for what would be refused afterwards.
        refuse_when_read_only(action, request, world)
        if action.danger is Danger.CONFIRM and not options.yes:
            plan = make_plan(action, request, world)
            typed = "" if plan.at_once else _approval(plan, options.confirm)
            if typed is None:
                self.ended = Ended(ExitCode.USAGE)
                return
            options = replace(options, plan=options.plan or plan.id, confirm=typed)
        if options.detach:
            self._detach(action, request, world, options)
            return
        with Narrator() as narrator:
            # Who follows a detached job reads its events; told here as well, everything would be said twice.
            listener = _unheard if os.environ.get(DETACHED_JOB) else narrator
            stoppable = replace(action, apply=self._then_uninterrupted(action.apply))
            result = perform(stoppable, request, world, listener, self._stopping.is_set, options.plan, options.confirm)
        self._answer(result, options)

    def _show_plan(self, plan: Plan[Any], options: Options) -> None:
        if options.json:
            output.print_json(
                {
                    "plan": plan.id,
                    "command": list(plan.command),
                    "confirm": plan.name_to_type or None,
                    "lines": list(plan.lines),
                }
            )
        else:
            output.print_lines(Text(line) for line in plan.lines)

    def _detach(self, action: Change[Any, Any, Any], request: Any, world: World, options: Options) -> None:
        # Whatever forbids it is said here and now, not in the output of a job that never began.
        plan = allowed_plan(action, request, world, options.plan)
        refuse_unconfirmed(plan, options.confirm)
        # What asks for no approval does not hang on a plan either: a check counts traffic that goes on meanwhile.
        plan_id = plan.id if action.danger is Danger.CONFIRM else options.plan
        words = approved(action, command_line(action, request), plan_id, plan.name_to_type)
        job_id = world.processes.launch(words, action.home(request, world).root)
        if options.json:
            output.print_json({"job": job_id})
        else:
            output.print_lines([Text(job_id)])
        output.narrate(Text(f"follow it: unipipe jobs attach {job_id}"))

    def _answer(self, result: Any, options: Options) -> None:
        if options.json:
            output.print_json(to_plain(result))
        elif isinstance(result, RunsExported | ReleaseExported | DocumentExported) and result.text is not None:
            output.print_text(result.text)
        else:
            output.print_lines(lines_of(result))
        self.ended = Ended(exit_code_of(result), _next_project(result, options))

    def _then_uninterrupted(self, apply: Apply) -> Apply:
        """Applied as before; but once it is, a signal comes too late: what was done will be recorded."""

        def applied(plan: Plan[Any], world: World, progress: Progress) -> Done[Any]:
            try:
                return apply(plan, world, progress)
            finally:
                self._applied = True

        return applied

    def _listen_to_signals(self) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            # Once is enough: what is cleaned up now must not be interrupted by an impatient second one.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            self._stopping.set()
            if not self._applied:
                raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # The terminal is gone; who wants to survive that says `nohup`, or --detach.
            signal.signal(signal.SIGHUP, stop)


def _unheard(event: Event) -> None:
    """Tell nobody."""


def _approval(plan: Plan[Any], given: str) -> str | None:
    """What was typed for a plan that wants a name, nothing for one that was said yes to, None for a no."""
    if plan.name_to_type and given:
        return given
    if not output.can_ask():
        flag = confirmation(plan.name_to_type) if plan.name_to_type else "--yes"
        raise UsageError(
            f"{plan.why_typed or 'This changes something'}, and there is nobody to ask.",
            hint=f"Add {flag} to apply it, or --dry-run to see the plan: {shlex.join(plan.command)} --dry-run",
        )
    for line in plan.lines:
        output.narrate(Text(line))
    if plan.name_to_type:
        return output.ask_for(f"{plan.why_typed}; type its name to apply this plan: ") or None
    return "" if output.ask("Apply this plan?") else None


def _next_project(result: Any, options: Options) -> Path | None:
    if not isinstance(result, Told) or not result.open_next or options.json:
        return None
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return Path(result.directory) if terminal else None
