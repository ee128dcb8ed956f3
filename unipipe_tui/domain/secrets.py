"""Secrets that got into a text, by what stands around them or by what they are: told as `…` wherever it is kept or shown.

What a job says and is recorded with goes through here once, in `actions/perform.py`, before it is written anywhere.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from unipipe_tui.domain.events import Event, Noted, ToolSaid, ToolStarted

HIDDEN = "…"
SHORTEST_KNOWN = 8
"""A value that is shorter may stand in any text for something else."""

_NAMES = (
    r"(?:[a-z0-9]++[_-])*(?:passwords?|passwd|pwd|(?:access|auth|client|refresh|session)?(?:tokens?|secrets?)"
    r"|api[_-]?keys?|access[_-]?keys?|credentials?)"
)
_VALUE = r"""(?:(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[^\s'",;&]*|['"]?[^\s'",;&]+)"""
_QUOTED = r"""'(?:[^'\n]|'"'"')*'"""
_IN_URL = r"(?P<before>(?<![a-z0-9+.-])[a-z0-9+.-]++://)[^/\s'\"?#]+(?=@)"
_IN_QUOTES = rf"""(?P<before>(?<!\S)'(?:[^'\s]*[^'\sa-z0-9_-])?[_-]*{_NAMES}=)(?:[^'\n]|'"'"')*(?=')"""
_ASSIGNED = rf"(?P<before>(?<![a-z0-9_-])[_-]*{_NAMES}['\"]?\s*[=:]\s*){_VALUE}"
_FLAG = rf"(?P<before>(?<!\S)--?{_NAMES}\s+)(?:{_QUOTED}\S*|[^\s-]\S*)"
_FLAG_IN_LIST = rf"""(?P<before>(?<![^\s'"])--?{_NAMES}['"]?,\s*)(?:'[^'\n]*'|"[^"\n]*"|[^\s'"-][^,\n]*)"""
_HEADER = r"(?P<before>\b(?:authorization:\s*)?(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}"
_KNOWN = (
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
)
_HINT = r"://|pass|pwd|token|secret|key|credential|bearer|basic|AKIA|gh[pousr]_|github_pat|xox|eyJ"
_LONE_FLAG = rf"--?{_NAMES}"
_WHOLE_VALUE = rf"(?P<before>(?:[^\s:]*[^\s:a-z0-9_-])?[_-]*{_NAMES}=)(?s:.+)"
# All patterns are texts: `re` compiles one when it is used first, which most commands never do.
_OWN_FOLDER = "PWD"


def without_secrets(text: str, known: Collection[str] = ()) -> str:
    """The text with passwords in addresses, values of what is called a password, token, secret or key, the tokens of
    well-known makes, and the known ones left out.
    """
    for value in known:
        text = text.replace(value, HIDDEN)
    if not re.search(_HINT, text, re.IGNORECASE):
        return text
    for pattern in (_IN_URL, _HEADER, _IN_QUOTES, _ASSIGNED, _FLAG, _FLAG_IN_LIST):
        text = re.sub(pattern, lambda found: f"{found['before']}{HIDDEN}", text, flags=re.IGNORECASE)
    return re.sub(_KNOWN, HIDDEN, text)


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the variables that are called a password, token, secret or key, the longest first."""
    values = {
        value
        for name, value in environment.items()
        if len(value) >= SHORTEST_KNOWN and not value.isdigit() and name != _OWN_FOLDER and _is_secret(name)
    }
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def words_without_secrets(words: Sequence[str], known: Collection[str] = ()) -> tuple[str, ...]:
    """The words of a command line, where one may be the value of the flag before it."""
    before = ("", *words)
    return tuple(_word(word, flag, known) for flag, word in zip(before, words, strict=False))


def command_without_secrets(words: Sequence[str], known: Collection[str] = ()) -> str:
    """A command line in one text, quoted for a shell."""
    return " ".join(map(_quoted, words_without_secrets(words, known)))


def event_without_secrets(event: Event, known: Collection[str] = ()) -> Event:
    """What a job says."""
    match event:
        case ToolStarted(argv, pid):
            return ToolStarted(words_without_secrets(argv, known), pid)
        case ToolSaid(tool, line):
            return ToolSaid(tool, without_secrets(line, known))
        case Noted(text):
            return Noted(without_secrets(text, known))
        case _:
            return event


def plain_without_secrets(value: Any, known: Collection[str] = ()) -> Any:
    """Plain data: every text in it, and what stands under the name of a secret."""
    if isinstance(value, str):
        return without_secrets(value, known)
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if item and isinstance(item, str) and _is_secret(name) else plain_without_secrets(item, known)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return list(words_without_secrets(value, known))
        return [plain_without_secrets(item, known) for item in value]
    return value


def _is_secret(name: str) -> bool:
    return bool(re.search(_HINT, name, re.IGNORECASE)) and bool(re.fullmatch(_NAMES, name, re.IGNORECASE))


def _word(word: str, before: str, known: Collection[str]) -> str:
    if before.startswith("-") and not word.startswith("-") and re.fullmatch(_LONE_FLAG, before, re.IGNORECASE):
        return HIDDEN
    whole = re.fullmatch(_WHOLE_VALUE, word, re.IGNORECASE) if "=" in word else None
    return without_secrets(f"{whole['before']}{HIDDEN}" if whole else word, known)


def _quoted(word: str) -> str:
    # A shell takes the mark of what is hidden as it is, and nobody types what it stands for anyway.
    return word if shlex.quote(word.replace(HIDDEN, "x")) == word.replace(HIDDEN, "x") else shlex.quote(word)
