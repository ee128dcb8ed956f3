"""One Typer command for each capability, its parameters taken from the fields of the request."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from unipipe_tui import __version__
from unipipe_tui.actions.action import Action, Change, Look
from unipipe_tui.actions.catalog import CATALOG, NOUNS
from unipipe_tui.actions.request import Field, fields_of, within_reach
from unipipe_tui.config import LAST_PORT
from unipipe_tui.domain.values import frozen

HELP = "One pipeline for data, models and deployments. `unipipe` alone opens the terminal workbench."
KEYWORD = inspect.Parameter.KEYWORD_ONLY


@frozen
class Options:
    """What can be said of every capability of a kind, beside its request."""

    json: bool = False
    csv: bool = False
    dry_run: bool = False
    yes: bool = False
    detach: bool = False
    plan: str | None = None
    confirm: str = ""
    watch: bool = False
    interval: float = 2.0


@frozen
class Workbench:
    """How the terminal workbench is wanted."""

    serve: bool
    """In a browser."""
    host: str
    port: int
    write: bool
    """Whether a browser may change something."""
    expose: bool
    """Whether other machines may reach it."""


Handler = Callable[[Action, Any, Options], None]
TUI = "tui"


def build_app(
    handle: Handler, words: Sequence[str] = (), open_workbench: Callable[[Workbench], None] | None = None
) -> typer.Typer:
    """The commands that the words may mean: those of their noun, or all of them when they begin with none.

    Each hands its action, request and options to the handler; the one that opens the workbench is there with its own.
    """
    settings: dict[str, Any] = {"no_args_is_help": True, "add_completion": False, "rich_markup_mode": None}
    app = typer.Typer(help=HELP, pretty_exceptions_enable=False, **settings)
    app.callback()(_root)
    if open_workbench:
        app.command(TUI)(_tui(open_workbench))
    groups: dict[str, typer.Typer] = {}
    for action in _meant(words):
        noun, _, verb = action.name.partition(" ")
        if not verb:
            app.command(noun, help=_help(action))(_command(action, handle))
            continue
        if noun not in groups:
            groups[noun] = typer.Typer(help=NOUNS[noun], **settings)
            app.add_typer(groups[noun], name=noun)
        groups[noun].command(verb, help=_help(action))(_command(action, handle))
    return app


def _meant(words: Sequence[str]) -> Sequence[Action]:
    # Making all commands takes longer than parsing one.
    noun = next((word for word in words if not word.startswith("-")), "")
    return [action for action in CATALOG if action.name.partition(" ")[0] == noun] or (CATALOG if noun != TUI else ())


def _tui(open_workbench: Callable[[Workbench], None]) -> Callable[..., None]:
    def tui(
        serve: Annotated[bool, typer.Option("--serve", help="Serve it to a browser, until Ctrl-C.")] = False,
        port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Port to serve it at.")] = 8000,
        host: Annotated[str, typer.Option(help="Address to serve it at.")] = "127.0.0.1",
        write: Annotated[bool, typer.Option("--write", help="Let the browser change something.")] = False,
        expose: Annotated[
            bool, typer.Option("--expose", help="Let other machines reach it: whoever has its token acts in your name.")
        ] = False,
    ) -> None:
        """Open the terminal workbench, as `unipipe` alone does; with --serve in a browser.

        What is served is read-only unless --write is given, and reached from this machine only: another --host wants
        --expose as well. The address that is told holds a token; without it nobody gets in.
        """
        open_workbench(Workbench(serve, host, port, write, expose))

    return tui


def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse every change.")] = False,
    ascii: Annotated[bool, typer.Option("--ascii", help="Paint the workbench in ASCII characters.")] = False,
) -> None:
    # In the environment, so that every program that is started from here knows as well.
    if read_only:
        os.environ["UNIPIPE_READ_ONLY"] = "--read-only"
    if ascii:
        os.environ["UNIPIPE_ASCII"] = "1"
    if version:
        typer.echo(f"unipipe {__version__}")
        raise typer.Exit


def _help(action: Action) -> str:
    return f"{action.help}\n\n\b\nExample:\n  {action.example}"


def _command(action: Action, handle: Handler) -> Callable[..., None]:
    fields = fields_of(action.request)

    def command(**values: Any) -> None:
        request = action.request(**{field.name: _value(field, values.pop(field.name)) for field in fields})
        handle(action, request, Options(**{name: value for name, value in values.items() if value is not None}))

    parameters = [_parameter(field) for field in fields] + _options(action)
    # Arguments that must be given come first, as Python wants it; each keeps its place among its kind.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(field: Field) -> inspect.Parameter:
    kind: Any = list[field.kind] if field.many else field.kind  # type: ignore[name-defined]
    if field.optional:
        kind = kind | None
    default = inspect.Parameter.empty if field.required else list(field.default) if field.many else field.default
    return inspect.Parameter(field.name, KEYWORD, default=default, annotation=Annotated[kind, _told(field)])


def _told(field: Field) -> Any:
    callback = _within_reach if field.kind is int else None
    if field.positional:
        return typer.Argument(help=field.help, show_default=field.default not in (None, ()), callback=callback)
    if field.kind is bool:
        return typer.Option(f"{field.flag}/--no-{field.flag[2:]}", help=field.help)
    names = [field.flag] + ([f"-{field.short}"] if field.short else [])
    return typer.Option(*names, help=field.help, show_default=field.default not in (None, ()), callback=callback)


def _within_reach(value: Any) -> Any:
    numbers = value if isinstance(value, list | tuple) else [value]
    try:
        for number in filter(None, numbers):
            within_reach(number)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return value


def _value(field: Field, value: Any) -> Any:
    return tuple(value or ()) if field.many else value


def _options(action: Action) -> list[inspect.Parameter]:
    options = [_flag("json", "Print the answer as JSON.")]
    if isinstance(action, Change):
        options += [
            _flag("dry_run", "Print the plan and change nothing."),
            _flag("yes", "Apply the plan without asking.", "-y"),
            _option(
                "confirm",
                str,
                None,
                "Type the name that the plan wants: of a protected target, or of a dangerous command of your own.",
            ),
            _flag("detach", "Start it as a job of its own and print the job's id."),
            _option(
                "plan", str, None, "Apply only if the plan still has this id (see --dry-run --json); else exit code 5."
            ),
        ]
    if isinstance(action, Look) and action.csv:
        options.append(_flag("csv", "Print the answer as CSV (RFC 4180)."))
    if isinstance(action, Look) and action.repeatable:
        options += [
            _flag("watch", "Show it again and again, until Ctrl-C."),
            _option("interval", float, 2.0, "Seconds between two looks with --watch."),
        ]
    return options


def _flag(name: str, help_text: str, *short: str) -> inspect.Parameter:
    option = typer.Option(f"--{name.replace('_', '-')}", *short, help=help_text)
    return inspect.Parameter(name, KEYWORD, default=False, annotation=Annotated[bool, option])


def _option(name: str, kind: Any, default: Any, help_text: str) -> inspect.Parameter:
    option = typer.Option(f"--{name}", help=help_text)
    return inspect.Parameter(name, KEYWORD, default=default, annotation=Annotated[kind | None, option])
