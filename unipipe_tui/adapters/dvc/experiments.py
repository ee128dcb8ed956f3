"""DVC's experiments, and the params and metrics of every commit, as runs.

They come from `dvc exp show`, which writes into `.dvc/tmp` (a cache of what it read) and nowhere else, as long as Git
ignores that folder; where it does not, DVC would add it to a file that Git tracks, and is not asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from unipipe_tui.adapters.dvc.config import read_config
from unipipe_tui.adapters.dvc.program import dvc_program, environment
from unipipe_tui.adapters.dvc.revisions import Revision, Revisions
from unipipe_tui.adapters.dvc.shown import (
    COMMITS,
    EXPERIMENTS,
    complaint_of,
    found_in,
    run_of,
    run_of_task,
    tasks_in,
)
from unipipe_tui.adapters.process import capture
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.rows import DVC, KnownRuns, RunBatch, joined, stop_if_asked
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen

REVISIONS_PER_QUESTION = 100
"""DVC takes half a second to start and 30 ms for each that is new to it; in between we can be stopped."""
ANSWER_SECONDS = 600
FORMAT = 2
SHORT = 12
"""Characters of a commit's id that the cursor keeps."""
NOT_ASKED = (
    "DVC was not asked for experiments: it would first add its own folders to .dvc/.gitignore. "
    "Let it: run `dvc status` once and commit that file."
)

_NO_GIT = re.compile(r"^\s*no_scm\s*=\s*(true|yes|on|1)\s*$", re.MULTILINE | re.IGNORECASE)
_ERROR = re.compile(r"^ERROR: (.*)$", re.MULTILINE)


@frozen
class Cursor:
    """What is remembered beside the runs that the index holds."""

    without: frozenset[str] = frozenset()
    """Commits that DVC knows nothing of: they need not be asked for again."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By commit, what of it could have become different (see Revision)."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """By commit, why DVC cannot read it, or some files of it: they are not asked for again, and still to be said."""
    again: frozenset[str] = frozenset()
    """Commits that are to be read although their runs are known, since nothing else is remembered of them."""

    def text(self) -> str:
        """What a batch bears."""
        plain = {"format": FORMAT, "without": sorted(self.without), "labels": self.labels}
        plain |= {"unreadable": self.unreadable, "again": sorted(self.again)}
        return json.dumps(plain, separators=(",", ":"))

    def after(self, asked: Sequence[Revision], told: Mapping[str, str], runs: Collection[str]) -> Cursor:
        """The same when these were asked for as well; `told` is what to say of each, `runs` are those that became one."""
        shorts = {one.commit[:SHORT] for one in asked}
        return Cursor(
            (self.without - shorts) | {one.commit[:SHORT] for one in asked if one.commit not in runs},
            {**self.labels, **{one.commit[:SHORT]: one.label for one in asked}},
            {**self.unreadable, **{commit[:SHORT]: sentence for commit, sentence in told.items()}},
            self.again - shorts,
        )

    def among(self, revisions: Iterable[str]) -> Cursor:
        """The same without what is of no use: what there is nothing to say of, and commits that are no more."""
        shorts = [commit[:SHORT] for commit in revisions]
        return Cursor(
            self.without.intersection(shorts),
            {short: self.labels[short] for short in shorts if self.labels.get(short)},
            {short: self.unreadable[short] for short in shorts if self.unreadable.get(short)},
            self.again.intersection(shorts),
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each commit that DVC cannot read as a whole."""
        return tuple(self.unreadable.values())

    @classmethod
    def read(cls, text: str | None, known: frozenset[str]) -> Cursor:
        """The cursor in a text; without one that we understand, one by which all known runs are read again."""
        try:
            held = json.loads(text or "{}")
            if held.get("format") == FORMAT:
                return cls(
                    frozenset(map(str, held["without"])),
                    dict(held["labels"]),
                    dict(held["unreadable"]),
                    frozenset(map(str, held["again"])),
                )
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        return cls(again=frozenset(commit[:SHORT] for commit in known))


class DvcRuns:
    """The experiments and commits of one DVC project in a Git repository; of any other folder it has none."""

    name = DVC

    def __init__(self, root: Path, program: str | None = None) -> None:
        """`program` is the executable; by default the `dvc` beside this Python, then the one on PATH."""
        self._root = root
        self._program = program or dvc_program()
        self._revisions = Revisions(root)
        self._remark = ""

    @property
    def place(self) -> str:
        """The project's folder."""
        return unicode_text(str(self._root))

    @property
    def remark(self) -> str:
        """Why DVC was not asked; empty when it was, or there was nothing to ask."""
        return self._remark

    def stamp(self) -> str:
        """Different whenever a commit, a tag or an experiment came or went; empty without DVC or Git."""
        return self._revisions.stamp() if (self._root / ".dvc").is_dir() else ""

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        """All commits and experiments that are new, named otherwise or gone; see RunSource."""
        self._remark = ""
        ids = known.ids()
        last = Cursor.read(cursor, ids)
        if not self._has_anything():
            yield RunBatch(Cursor().text(), experiments=(), gone=sorted(ids))
        elif self._would_change_a_file():
            self._remark = NOT_ASKED
            yield RunBatch(last.text(), unreadable=last.problems)
        else:
            yield from self._read(last, ids, progress)

    def _read(self, last: Cursor, known: frozenset[str], progress: Progress) -> Iterator[RunBatch]:
        revisions = {one.commit: one for one in self._revisions.all()}
        wanted = [one for one in revisions.values() if _is_wanted(one, known, last)]
        cursor, done = last, 0
        for first in range(0, len(wanted), REVISIONS_PER_QUESTION):
            some = wanted[first : first + REVISIONS_PER_QUESTION]
            rows = {str(row.get("rev")): row for row in self._ask([one.commit for one in some], progress)}
            made = {one.commit: run for one in some if (run := _made(one, rows)) is not None}
            lost = [one.commit for one in some if one.commit in known - made.keys() and not _failed(one, rows)]
            told = {one.commit: _told(one.commit, rows.get(one.commit, {}), known) for one in some}
            cursor, done = cursor.after(some, told, made).among(revisions), done + len(some)
            yield replace(joined(made.values()), cursor=cursor.text(), gone=lost, done=done, total=len(wanted))
        yield self._end(revisions, cursor.among(revisions), known, done, progress)

    def _end(
        self, revisions: Mapping[str, Revision], cursor: Cursor, known: frozenset[str], done: int, progress: Progress
    ) -> RunBatch:
        """The last batch: what waits, runs or has failed, which is read every time, and what is no longer there."""
        baselines = self._revisions.baselines_at_work()
        rows = self._ask(baselines, progress) if baselines else []
        tasks = {task.revision: task for row in rows for task in tasks_in(row) if task.revision not in revisions}
        begun = [replace(task, started=self._revisions.began(task.revision)) for task in tasks.values()]
        return replace(
            joined(map(run_of_task, begun)),
            cursor=cursor.text(),
            experiments=(COMMITS, EXPERIMENTS),
            gone=sorted(known - revisions.keys() - tasks.keys()),
            unreadable=cursor.problems,
            done=done + len(tasks),
            total=done + len(tasks),
        )

    def _has_anything(self) -> bool:
        if not (self._root / ".dvc").is_dir() or not self._revisions.stamp():
            return False
        return _uses_git(self._root / ".dvc" / "config") and self._revisions.has_pipeline()

    def _would_change_a_file(self) -> bool:
        """Whether DVC, whenever it starts, adds lines to a .gitignore: it does for these when Git does not ignore them."""
        cache = read_config(self._root).cache_folder.absolute()
        inside = [str(cache.relative_to(self._root.absolute()))] if cache.is_relative_to(self._root.absolute()) else []
        return not self._revisions.would_be_ignored([".dvc/config.local", ".dvc/tmp", *inside])

    def _ask(self, commits: Sequence[str], progress: Progress) -> list[dict[str, Any]]:
        stop_if_asked(progress)
        words = ("exp", "show", "--json", "--no-pager", "--hide-workspace", "--no-fetch")
        argv = (self._program, *words, *(f"--rev={commit}" for commit in commits))
        # In UTC, since DVC's times bear no time zone.
        env = environment(GIT_OPTIONAL_LOCKS="0", TZ="UTC")
        done = capture(argv, cwd=self._root, timeout=ANSWER_SECONDS, env=env)
        if done.exit_code:
            raise _failure(done.stderr)
        try:
            return found_in(done.stdout)
        except ValueError:
            hint = "Run it by hand to see more; 3.50 or newer is needed."
            raise Failed("`dvc exp show --json` answered with something else than JSON.", hint) from None


def _uses_git(config: Path) -> bool:
    """Whether the project was not made with `dvc init --no-scm`: then DVC has neither commits nor experiments."""
    try:
        return _NO_GIT.search(config.read_text(errors="replace")) is None
    except OSError:
        return True


def _is_wanted(one: Revision, known: frozenset[str], last: Cursor) -> bool:
    short = one.commit[:SHORT]
    if short in last.again or last.labels.get(short, "") != one.label:
        return True
    return one.commit not in known and short not in last.without


def _made(one: Revision, rows: Mapping[str, Mapping[str, Any]]) -> RunBatch | None:
    return None if _failed(one, rows) else run_of(one, rows.get(one.commit, {}).get("data") or {})


def _failed(one: Revision, rows: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(rows.get(one.commit, {}).get("error"))


def _told(commit: str, row: Mapping[str, Any], known: frozenset[str]) -> str:
    """What is wrong with a commit, in a sentence; empty when nothing is."""
    if not (why := complaint_of(row)):
        return ""
    if not row.get("error"):
        return f"Commit {commit[:7]} is listed without what DVC cannot read: {why.rstrip('.')}."
    left = "as it was known" if commit in known else "out"
    return f"Commit {commit[:7]} is left {left}, as DVC cannot read it: {why.rstrip('.')}."


def _failure(said: str) -> Failed | ToolMissing:
    if "Unable to acquire lock" in said:
        return ToolMissing("Another DVC process holds the project's lock.", hint="Wait for it to end.")
    lines = _ERROR.findall(said) or said.strip().splitlines()[-1:]
    reason = lines[0] if lines else "it said nothing"
    return Failed(f"`dvc exp show` failed: {reason}", hint="Run `dvc exp show -v` to see more.")
