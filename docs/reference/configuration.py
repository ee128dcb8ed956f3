"""`configuration.md`: every key of `unipipe.yaml`, and the environment variables."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any

from reference.docstrings import field_docs
from reference.markdown import block, code, document, table
from unipipe_tui.config import FILE_NAME, LAST_PORT, Config, Port, UserConfig
from unipipe_tui.domain.user_commands import TypedInput, UserCommand
from unipipe_tui.tui.places import PLACES

RECIPE = Path(__file__).parents[2] / "recipes" / "fraud-detection" / FILE_NAME
NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Port: f"whole number from 1 to {LAST_PORT}",
}

INTRODUCTION = f"""\
`{FILE_NAME}` lies in the root of the repository and is optional: every key has a default, and a repository without the
file opens too. It is read strictly: an unknown key or a value of the wrong kind is an error that names file, line, key
and what is allowed (exit code 2)."""

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    ("UNIPIPE_ACTOR", "Who is named in audit, jobs and promotions; the login name when it is not set."),
    (
        "UNIPIPE_READ_ONLY",
        "Anything but `0`, `false`, `no` or `off`: looks work, every change is refused with exit code 5. "
        "`unipipe --read-only` says the same.",
    ),
    ("UNIPIPE_ASCII", "`1`, `true` or `yes`: the workbench paints ASCII only. `unipipe --ascii` says the same."),
    ("UNIPIPE_CONFIG", "The user's own configuration, when it is not `$XDG_CONFIG_HOME/unipipe/config.yaml`."),
    ("XDG_STATE_HOME", "`unipipe` in it keeps how the workbench stood, pictures of it, and what no clipboard takes."),
    ("VISUAL, EDITOR, PAGER", "What the workbench opens texts and configurations with; `vi` and `less` otherwise."),
    (
        "UNIPIPE_SERVE_TOKEN",
        "When set, model servers ask for it as bearer token and clients send it. Never on a command line.",
    ),
    (
        "UNIPIPE_TUI_TOKEN",
        "When set, `unipipe tui --serve` lets in whoever has it, instead of a token that is made at the start and told.",
    ),
    ("UNIPIPE_JOB", "Set for the stages of a pipeline: the id of the job that runs them."),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "When set, model servers send traces and metrics there, and jobs traces, over OTLP (HTTP, protobuf). The other standard "
        "variables of OpenTelemetry hold as well: see [exports](monitoring/exports.md).",
    ),
    ("TRACEPARENT", "The span that a job's trace hangs below, as W3C Trace Context writes it."),
    ("MLFLOW_TRACKING_URI", "Where runs and models are, unless `mlflow` in the file says so."),
    ("NO_COLOR", "When set, nothing is coloured."),
)


USER = """\
`$XDG_CONFIG_HOME/unipipe/config.yaml` (`~/.config/unipipe/config.yaml`) says what a person wants in every project. It is
optional too. A fault in it keeps nobody from working: the workbench takes its defaults there and says so, and
`unipipe doctor` names each with its line. All ids of keys are in [keys](keys.md)."""
USER_EXAMPLE = """\
theme: light
keys:
  models.check: C
  everywhere.help: [f1, "?"]
"""
NOT_KEYS = ("path", "problems", "keys", "commands")

COMMANDS = """\
Each command is a program with arguments. It has a key and a place in the workbench, stands in footer, `?` help and palette,
and runs as a job: followed, cancelled, logged and audited like every change, headless as well (`unipipe user run`). What its
template may name of the selected row depends on the place:"""
COMMANDS_RULES = """\
- No shell is started: what fills a gap stays one argument, whatever it holds. One that would begin with `-` is refused,
  unless `--` stands before it in the template.
- It is started in the root of the project, with `UNIPIPE_JOB` and `MLFLOW_TRACKING_URI` set and nothing to read from.
- Where nothing may be changed it is refused, unless it says `changes: false`.
- A command with a fault is left out, and said with its line: an unknown key, place or field, a key of the keyboard that
  something else has there, a template that lets a value be the program or be read by a shell."""
COMMANDS_EXAMPLE = """\
commands:
  - name: model notes
    key: N
    place: models
    run: [git, log, --oneline, --grep, "{model} v{version}"]
    changes: false
  - name: open ticket
    key: T
    for: [models, releases]
    run: [tracker, new, "--title={input:title}", --, "{model}"]
    inputs:
      - {name: title, help: One line that says what is wrong.}
    confirm: true
"""


def page() -> str:
    """The whole page."""
    sections = [_section(path, kind) for path, kind in _places(Config, "")]
    example = f"## Example\n\nThe file of the recipe `fraud-detection`:\n\n{block('yaml', RECIPE.read_text())}"
    told = [(code("keys.ID"), "key, or list of keys", "", field_docs(UserConfig)["keys"])]
    for name, hint in _keys(UserConfig):
        if name not in NOT_KEYS:
            field = next(field for field in dataclasses.fields(UserConfig) if field.name == name)
            told.append((code(name), _type(hint), _default(field), field_docs(UserConfig)[name]))
    user = "\n\n".join(
        (
            "## Your own configuration",
            USER,
            table(("key", "type", "default", "what"), told),
            block("yaml", USER_EXAMPLE),
        )
    )
    commands = _commands()
    variables = [(code(name), what) for name, what in ENVIRONMENT]
    environment = f"## Environment\n\n{table(('variable', 'what it does'), variables)}"
    return document("# Configuration", INTRODUCTION, *sections, example, user, commands, environment)


def _commands() -> str:
    places = [(code(place.name), ", ".join(code(name) for name in place.fields)) for place in PLACES]
    return "\n\n".join(
        (
            "## Commands of your own",
            COMMANDS,
            table(("place", "fields of a row"), [row for row in places if row[1]]),
            _rows("commands[]", UserCommand),
            _rows("commands[].inputs[]", TypedInput),
            COMMANDS_RULES,
            block("yaml", COMMANDS_EXAMPLE),
        )
    )


def _places(kind: type[Any], path: str) -> list[tuple[str, type[Any]]]:
    """This place and those below it: path, dataclass."""
    places = [(path, kind)]
    for name, hint in _keys(kind):
        inner = _mapping_inside(hint)
        if inner is not None:
            places += _places(inner, _joined(path, name) + _suffix(hint))
    return places


def _section(path: str, kind: type[Any]) -> str:
    heading = f"## {code(path)}" if path else "## The whole file"
    return f"{heading}\n\n{kind.__doc__}\n\n{_rows(path, kind)}"


def _rows(path: str, kind: type[Any]) -> str:
    docs = field_docs(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    rows = []
    for name, hint in _keys(kind):
        inner = _mapping_inside(hint)
        about = " ".join((docs.get(name) or (inner.__doc__ if inner else "") or "").split())
        key = fields[name].metadata.get("key", name)
        if key:
            rows.append((code(_joined(path, key)), _type(hint), _default(fields[name]), about))
    return table(("key", "type", "default", "what"), rows)


def _keys(kind: type[Any]) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(kind)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(kind) if field.name != "present"]


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _suffix(hint: Any) -> str:
    return {tuple: "[]", dict: ".NAME"}.get(typing.get_origin(hint), "")


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) is types.UnionType:
        return next(option for option in typing.get_args(hint) if option is not type(None))
    return hint


def _mapping_inside(hint: Any) -> type[Any] | None:
    hint = _without_none(hint)
    candidates = (hint, *(item for item in typing.get_args(hint) if item is not Ellipsis))
    return next((kind for kind in candidates if dataclasses.is_dataclass(kind) and isinstance(kind, type)), None)


def _type(hint: Any) -> str:
    origin = typing.get_origin(hint)
    hint = _without_none(hint)
    if origin is tuple:
        return "list"
    if origin is dict:
        return "mapping of names"
    if dataclasses.is_dataclass(hint):
        return "mapping"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(code(str(member.value)) for member in hint)
    return NAMES[hint]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is None or field.default_factory is not dataclasses.MISSING:
        return ""
    if field.default is dataclasses.MISSING:
        return "must be given"
    if field.default in ((), ""):
        return ""
    if isinstance(field.default, tuple):
        return code(", ".join(str(one.value if isinstance(one, Enum) else one) for one in field.default))
    value = field.default.value if isinstance(field.default, Enum) else field.default
    return code(str(value).lower() if isinstance(value, bool) else str(value))
