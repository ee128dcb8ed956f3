"""`commands.md`: every capability as the command line knows it."""

from __future__ import annotations

import shlex
from enum import Enum
from typing import Any

from reference.markdown import anchor, block, code, document, table
from reference.results import exit_codes_of
from unipipe_tui.actions.action import Action, Change, Danger, Look
from unipipe_tui.actions.catalog import CATALOG, NOUNS
from unipipe_tui.actions.request import Field, fields_of
from unipipe_tui.domain.errors import ExitCode

TITLE = "# Commands"
ONE_WORD = "Commands of one word"
INTRODUCTION = """\
`unipipe` alone opens the terminal workbench; with words it does one thing and ends. Both can do the same. Data goes to
stdout, narration to stderr. `--json` works everywhere; the shape of each answer is a JSON Schema in
[schemas](schemas). Nothing asks without a terminal: a change that wants a yes ends with exit code 2 unless `--yes` is
given."""

WORKBENCH = "The workbench"
WORKBENCH_TEXT = """\
`unipipe` alone opens the workbench in the terminal, and so does `unipipe tui`. `unipipe tui --serve` shows the same in a
browser: on this machine only, and read-only unless `--write` is given. The address that it tells ends with a token, made at
the start and kept nowhere: a browser that opened it once is let in by a cookie, all others are refused, other users of this
machine as well. `UNIPIPE_TUI_TOKEN` chooses the token. Whoever has it acts in your name; `--expose` sends it over the network
as plain text, so that a tunnel (`ssh -L 8000:127.0.0.1:8000 host`) is better."""
WORKBENCH_OPTIONS = (
    ("`--serve`", "no", "Serve it to a browser, until Ctrl-C."),
    ("`--port INTEGER`", "`8000`", "Port to serve it at."),
    (
        "`--host TEXT`",
        "`127.0.0.1`",
        "Address to serve it at; one that other machines can reach wants `--expose` as well.",
    ),
    ("`--write`", "no", "Let the browser change something."),
    ("`--expose`", "no", "Let other machines reach it; the token is still needed."),
)

MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "tried, and failed",
    ExitCode.USAGE: "wrong usage or configuration, or nobody there to ask",
    ExitCode.TOOL_MISSING: "a tool is missing or does not answer",
    ExitCode.CHECK_SAID_NO: "a check said no: a gate is closed, drift was found, the audit is broken",
    ExitCode.REFUSED: "refused: read-only, or something moved since the plan was made",
    ExitCode.STOPPED: "stopped on request",
}


def page() -> str:
    """The whole page."""
    alone = [action for action in CATALOG if " " not in action.name]
    workbench = f"## {WORKBENCH}\n\n{WORKBENCH_TEXT}\n\n{table(('', 'default', 'what'), WORKBENCH_OPTIONS)}"
    parts = [TITLE, INTRODUCTION, _contents(alone), _exit_codes(), workbench, f"## {ONE_WORD}"]
    parts += [_command(action) for action in alone]
    for noun, about in NOUNS.items():
        parts += [f"## {noun}", about, *(_command(action) for action in _of(noun))]
    return document(*parts)


def _of(noun: str) -> list[Action]:
    return [action for action in CATALOG if action.name.startswith(f"{noun} ")]


def _contents(alone: list[Action]) -> str:
    lines = [f"- [{ONE_WORD}](#{anchor(ONE_WORD)})", *map(_link, alone)]
    for noun in NOUNS:
        lines += [f"- [{noun}](#{anchor(noun)})", *map(_link, _of(noun))]
    first = f"- [Exit codes](#exit-codes)\n- [{WORKBENCH}](#{anchor(WORKBENCH)})\n"
    return f"## Contents\n\n{first}" + "\n".join(lines)


def _link(action: Action) -> str:
    name = f"unipipe {action.name}"
    return f"  - [{code(name)}](#{anchor(name)}): {_first_sentence(action)}"


def _first_sentence(action: Action) -> str:
    return action.help.splitlines()[0].split("; ")[0].rstrip(".") + "."


def _exit_codes() -> str:
    rows = [(code(str(int(number))), meaning) for number, meaning in MEANINGS.items()]
    return "## Exit codes\n\n" + table(("exit code", "meaning"), rows)


def _command(action: Action) -> str:
    codes = ", ".join(f"{int(number)}" for number in exit_codes_of(action))
    schema = action.name.replace(" ", "-")
    parts = [
        f"### unipipe {action.name}",
        code(_usage(action)),
        action.help,
        _kind(action),
        table(("", "default", "what"), [*map(_field, fields_of(action.request)), *_common(action)]),
        block("sh", action.example),
        f"Exit codes: {codes}. Answer with `--json`: [{schema}.json](schemas/{schema}.json).",
    ]
    return "\n\n".join(parts)


def _usage(action: Action) -> str:
    words = [_placed(field) for field in fields_of(action.request) if field.positional]
    needed = [f"{field.flag} {_metavar(field)}" for field in fields_of(action.request) if _needed_flag(field)]
    return " ".join(("unipipe", action.name, *needed, "[OPTIONS]", *words))


def _needed_flag(field: Field) -> bool:
    return field.required and not field.positional


def _placed(field: Field) -> str:
    name = field.name.upper() + ("..." if field.many else "")
    return name if field.required else f"[{name}]"


def _metavar(field: Field) -> str:
    if issubclass(field.kind, Enum):
        return "|".join(str(member.value) for member in field.kind)
    return {int: "INTEGER", float: "NUMBER"}.get(field.kind, field.kind.__name__.upper().replace("STR", "TEXT"))


def _kind(action: Action) -> str:
    if isinstance(action, Look):
        return "Looks, and changes nothing."
    if not isinstance(action, Change):
        return "Follows, and changes nothing."
    if action.danger is Danger.NONE:
        asks = "Changes something; runs at once, for it only adds."
    else:
        asks = "Changes something: shows its plan and asks, unless `--yes` is given."
    return asks + (f" Key in the workbench: `{action.key.stroke}`." if action.key else "")


def _field(field: Field) -> tuple[str, str, str]:
    return _named(field), _default(field), field.help


def _named(field: Field) -> str:
    if field.positional:
        return code(_placed(field))
    if field.kind is bool:
        return f"{code(field.flag)}, {code('--no-' + field.flag[2:])}"
    return (f"{code('-' + field.short)}, " if field.short else "") + code(f"{field.flag} {_metavar(field)}")


def _default(field: Field) -> str:
    if field.required:
        return "must be given"
    if field.default in (None, "", ()):
        return ""
    if field.kind is bool:
        return "yes" if field.default else "no"
    return code(_text(field.default))


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(_text(item) for item in value)
    return shlex.quote(str(value.value if isinstance(value, Enum) else value))


def _common(action: Action) -> list[tuple[str, str, str]]:
    rows = [("`--json`", "no", "Print the answer as JSON.")]
    if isinstance(action, Change):
        rows += [
            ("`--dry-run`", "no", "Print the plan and change nothing."),
            ("`-y`, `--yes`", "no", "Apply the plan without asking."),
            (
                "`--confirm TEXT`",
                "",
                "Type the name that the plan wants: of a protected target, or of a dangerous command of your own.",
            ),
            ("`--detach`", "no", "Start it as a job of its own and print the job's id."),
            (
                "`--plan TEXT`",
                "",
                "Apply only if the plan still has this id (see `--dry-run --json`); else exit code 5.",
            ),
        ]
    if isinstance(action, Look) and action.csv:
        rows.append(("`--csv`", "no", "Print the answer as CSV (RFC 4180)."))
    if isinstance(action, Look) and action.repeatable:
        rows += [
            ("`--watch`", "no", "Show it again and again, until Ctrl-C."),
            ("`--interval NUMBER`", "`2.0`", "Seconds between two looks with `--watch`."),
        ]
    return rows
