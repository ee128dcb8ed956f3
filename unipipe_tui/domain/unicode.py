"""Text that can be written as UTF-8, whatever bytes the name of a file holds."""

from __future__ import annotations


def unicode_text(text: str) -> str:
    """Text that can be written as UTF-8: bytes of a file name that are no text are shown as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8 as it is."""
    return unicode_text(text) == text
