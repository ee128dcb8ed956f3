"""Secrets that got into a text, by what stands around them: told as `…` wherever commands and their output are shown."""

from __future__ import annotations

import re

HIDDEN = "…"

_NAMES = r"(?:[a-z0-9]+[_-])*(?:passwords?|passwd|pwd|tokens?|secrets?|api[_-]?keys?|access[_-]?keys?|credentials?)"
_IN_URL = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]+(?=@)", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<before>(?<![a-z0-9])-{{0,2}}{_NAMES}['\"]?\s*[=:]\s*)(?P<quote>['\"]?)[^\s'\",;&]+(?P=quote)", re.IGNORECASE
)
_FLAG = re.compile(rf"(?P<before>(?<!\S)--?{_NAMES}\s+)[^\s-]\S*", re.IGNORECASE)
_HEADER = re.compile(r"(?P<before>\b(?:authorization:\s*)?(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}", re.IGNORECASE)
_KNOWN = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
)
_HINT = re.compile(
    r"://|pass|pwd|token|secret|key|credential|bearer|basic|AKIA|gh[pousr]_|github_pat|xox|eyJ", re.IGNORECASE
)


def without_secrets(text: str) -> str:
    """The text with passwords in addresses, values of what is called a password, token, secret or key, and the tokens
    of well-known makes left out.
    """
    if not _HINT.search(text):
        return text
    for pattern in (_IN_URL, _HEADER, _ASSIGNED, _FLAG):
        text = pattern.sub(lambda found: f"{found['before']}{HIDDEN}", text)
    return _KNOWN.sub(HIDDEN, text)
