"""What is written into MLflow for a teammate to see: aliases of versions, tags of runs and versions."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.domain.values import frozen

CHAMPION = "champion"
"""Alias of the version that serves."""
CHALLENGER = "challenger"
"""Alias of the version that passed its gates and may become champion."""

COMMIT_TAG = "git.commit"
"""The commit that a run was trained at."""
DIRTY_TAG = "git.dirty"
"""`true` when tracked files differed from that commit: it does not hold what was run."""
DATA_TAG = "data.raw.md5"
"""What it was trained on, as DVC names content."""
JOB_TAG = "unipipe.job"
"""The job that trained it."""
GATES_TAG = "unipipe.gates"
"""`passed` or `failed`."""
GATES_AGAINST_TAG = "unipipe.gates.against"
"""The version that it was compared with, or `none`."""
DIGEST_TAG = "unipipe.digest"
"""sha256 over the version's files as they were registered."""
FILES_TAG = "unipipe.digest.files"
"""The beginning of each of their hashes, to name one that was changed."""
REJECTED_TAG = "unipipe.rejected"
"""Who rejected the version; one without it is not rejected."""
REJECTED_WHY_TAG = "unipipe.rejected.why"


@frozen
class Rejection:
    """A version that must not be promoted: who says so, and why."""

    by: str
    reason: str


def rejection_of(tags: Mapping[str, str]) -> Rejection | None:
    """The rejection that a version's tags tell; None when there is none."""
    by = tags.get(REJECTED_TAG)
    return None if by is None else Rejection(by, tags.get(REJECTED_WHY_TAG, ""))


def by_tag(alias: str) -> str:
    """The tag of who gave a version the alias."""
    return f"unipipe.{alias}.by"


def reason_tag(alias: str) -> str:
    """The tag of why a version was given the alias."""
    return f"unipipe.{alias}.reason"
