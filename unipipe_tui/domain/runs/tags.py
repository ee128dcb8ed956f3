"""What is written on a run: the tags that say where it came from, and what a person may write afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG, DIRTY_TAG
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.tracking import Run
from unipipe_tui.domain.values import frozen

NOTE_TAG = "mlflow.note.content"
"""Where MLflow keeps the description of a run."""
NAME_TAG = "mlflow.runName"
MLFLOW_COMMIT_TAG = "mlflow.source.git.commit"
"""The commit that MLflow found where the run was started."""
COMMIT_TAGS = (COMMIT_TAG, MLFLOW_COMMIT_TAG)
"""Where a run names its commit; the first that is there counts."""
PARENT_TAG = "mlflow.parentRunId"
"""The run that began it, as a sweep does."""
LONGEST_KEY = 250
LONGEST_NAME = 250
LONGEST_VALUE = 8000
"""Characters. MLflow cuts a longer value off without a word."""

_KEY = re.compile(r"[/\w.\- :]+")
_OURS = frozenset({COMMIT_TAG, DATA_TAG, DIRTY_TAG})


def commit_of(run: Run) -> str | None:
    """The commit that was checked out when a run began; None when nobody noted it."""
    return next((commit for tag in COMMIT_TAGS if (commit := run.tags.get(tag))), None)


def is_dirty(run: Run) -> bool:
    """Whether tracked files differed from that commit: then it does not hold the very code of the run."""
    return run.tags.get(DIRTY_TAG) == "true"


@frozen
class RunMarks:
    """What can be changed of a run after it ended, as it stands now."""

    name: str
    tags: Mapping[str, str]
    deleted: bool
    experiment_deleted: bool = False
    """Whether its experiment is deleted: then it is hidden, whatever is written on the run."""


def check_tag_key(key: str) -> str:
    """Return the key if a person may write a tag under it, else raise UsageError."""
    if not key.strip():
        raise UsageError("A tag needs a key.", "For example: stage")
    if len(key) > LONGEST_KEY:
        raise UsageError(f"The key is {len(key)} characters long; MLflow takes {LONGEST_KEY}.", "Choose a shorter one.")
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"The key {key!r} is not allowed.", "Use letters, digits, blanks and the signs '_', '-', '.', '/', ':'."
        )
    if posixpath.normpath(key) != key or key.startswith(("/", "..")) or key == ".":
        raise UsageError(f"The key {key!r} would be read as a path.", "Leave out empty parts and dots around '/'.")
    if key == NAME_TAG:
        raise UsageError(f"{NAME_TAG} is the name of the run.", "Rename it: unipipe runs rename RUN NAME")
    if key.startswith("mlflow.") and key != NOTE_TAG:
        raise UsageError(f"MLflow keeps the tag {key} for itself.", "Choose a key that does not start with mlflow.")
    if key in _OURS or key.startswith("unipipe."):
        raise UsageError(f"The tag {key} says where the run came from; it is not for writing.", "Choose another key.")
    return key


def check_tag_value(value: str, what: str = "value") -> str:
    """Return the text if MLflow keeps it whole and a terminal can show it, else raise UsageError."""
    if len(value) > LONGEST_VALUE:
        raise UsageError(
            f"The {what} is {len(value):,} characters long; MLflow keeps {LONGEST_VALUE:,}.", "Shorten it."
        )
    _must_be_text(value, what, allowed="\n\t")
    return value


def check_run_name(name: str) -> str:
    """Return the name if a run may bear it, else raise UsageError."""
    if not name.strip():
        raise UsageError("A run needs a name.", "For example: baseline")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"The name is {len(name)} characters long; MLflow takes {LONGEST_NAME}.", "Shorten it.")
    _must_be_text(name, "name", allowed="")
    return name


def _must_be_text(text: str, what: str, *, allowed: str) -> None:
    # What is no character in any encoding came from bytes that are no text.
    unfit = {sign for sign in text if sign not in allowed and (ord(sign) < 32 or 127 <= ord(sign) < 160)}
    unfit |= {sign for sign in text if 0xD800 <= ord(sign) < 0xE000}
    if unfit:
        raise UsageError(f"The {what} holds {', '.join(sorted(map(repr, unfit)))}.", "Leave out control characters.")
