"""Git, by its command line; looks take no optional locks, so that not even the index changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.ports import Commit, WorkTree
from unipipe_tui.domain.progress import Progress

OLDEST = (2, 25)
LOOKING = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
CHANGES = ("--no-renames", "--untracked-files=normal")
"""Whatever is configured: a renamed path as two, and what is untracked as well."""
WORDS_BEFORE_PATH = {"1 ": 8, "u ": 10, "? ": 1}
"""How many words stand before the path of a changed, an unmerged and an untracked entry."""
FORMAT = "%H%x00%an <%ae>%x00%ct%x00%s"
AS_ASKED = ("--encoding=UTF-8", "--no-show-signature")
"""Not as the user's configuration may have it: in another encoding, or after what GPG says."""
PATTERN = re.compile(r"[*?\[\\]|^:")
"""What makes Git read a path as a pattern."""


class GitCommandLine:
    """The Git repository that a folder lies in."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def is_repository(self) -> bool:
        """Whether the folder lies in a Git work tree."""
        return self._ask("rev-parse", "--is-inside-work-tree") == "true"

    def refusal(self) -> str | None:
        """Why Git does not read the repository that is here, in its own words; None when it does, or there is none."""
        asked = ["git", "-C", str(self._root), "rev-parse", "--git-dir"]
        done = process.capture(asked, timeout=20, env=LOOKING)
        said = " ".join(done.stderr.split()).removeprefix("fatal: ")
        return said if done.exit_code and "not a git repository" not in said.lower() else None

    def head(self) -> Commit | None:
        """The commit that is checked out; None before the first."""
        return self.commit_of("HEAD")

    def work_tree(self) -> WorkTree | None:
        """What is checked out; None where Git reads no repository."""
        told = self._ask("status", "--porcelain=v2", "--branch", "-z", *CHANGES, strip=False)
        if told is None:
            return None
        lines = told.split("\0")
        facts = dict(line.removeprefix("# ").split(" ", 1) for line in lines if line.startswith("# "))
        commit, branch = facts.get("branch.oid", "(initial)"), facts.get("branch.head", "(detached)")
        return WorkTree(
            commit=None if commit == "(initial)" else commit,
            branch=None if branch == "(detached)" else branch,
            changed=tuple(_path_of(line) for line in lines if line[:2] in WORDS_BEFORE_PATH),
        )

    def commit_of(self, revision: str) -> Commit | None:
        """The commit that a revision names; None when there is none."""
        # A revision may come from a run's tags, where anything can stand.
        if revision.startswith("-") or "\0" in revision:
            return None
        shown = self._ask("log", "-1", *AS_ASKED, f"--format={FORMAT}", revision, "--")
        if not shown or shown.count("\0") != 3:
            return None
        commit, author, at, subject = shown.split("\0")
        # In seconds, since some old commits bear a time zone that no calendar knows.
        return Commit(commit, author, datetime.fromtimestamp(int(at), UTC), subject)

    def user(self) -> str | None:
        """`Name <address>` as configured; None when Git does not know."""
        name, address = self._ask("config", "user.name"), self._ask("config", "user.email")
        return f"{name} <{address}>" if name and address else None

    def exclude_file(self) -> Path | None:
        """The file of patterns that this clone alone ignores; None outside a repository."""
        path = self._ask("rev-parse", "--git-path", "info/exclude")
        return self._root / path if path else None

    def verify(self) -> str:
        """The installed version.

        Raises:
            ToolMissing: Git is not installed or too old.
        """
        try:
            said = process.capture(["git", "--version"], timeout=10).stdout
        except ToolMissing:
            raise ToolMissing(
                "Git is not installed.", hint="Install it: `apt install git`, `brew install git`."
            ) from None
        found = re.search(r"(\d+)\.(\d+)(\.\d+)?", said)
        if not found or (int(found[1]), int(found[2])) < OLDEST:
            raise ToolMissing(f"Git is too old: {said.strip()}.", hint="Unipipe needs Git 2.25 or newer.")
        return found[0]

    def init(self, progress: Progress) -> None:
        """Make the folder a repository, with `main` as its branch."""
        self._do(progress, "init", "--quiet")
        # `--initial-branch` is younger than the oldest Git that everything else here needs.
        self._do(progress, "symbolic-ref", "HEAD", "refs/heads/main")

    def commit(self, message: str, paths: Sequence[str], progress: Progress) -> Commit:
        """Commit these paths and nothing else; answers with the head when they hold nothing new.

        Raises:
            Failed: Git refused, for instance by a hook.
        """
        # Without any path Git would take all that is staged.
        if paths:
            self._commit(message, [_literal(path) for path in paths], progress)
        head = self.head()
        if head is None:
            raise Failed("There is nothing to commit yet.", hint="Add a file first.")
        return head

    def _commit(self, message: str, paths: Sequence[str], progress: Progress) -> None:
        self._do(progress, "add", "--", *paths)
        if self._ask("diff", "--cached", "--name-only", "--", *paths):
            who = [] if self.user() else ["-c", "user.name=unipipe", "-c", "user.email=unipipe@localhost"]
            self._do(progress, *who, "commit", "--quiet", "--message", message, "--", *paths)

    def _ask(self, *words: str, strip: bool = True) -> str | None:
        done = process.capture(["git", "-C", str(self._root), *words], timeout=20, env=LOOKING)
        if done.exit_code:
            return None
        return done.stdout.strip() if strip else done.stdout

    def _do(self, progress: Progress, *words: str) -> None:
        done = process.stream(["git", *words], progress, cwd=self._root, env={"GIT_TERMINAL_PROMPT": "0"})
        if done.exit_code:
            verb = next(word for word in words if not word.startswith(("-", "user.")))
            # Advice would push what went wrong out of the last lines.
            said = [line for line in done.tail if not line.startswith("hint: ")]
            raise Failed(f"git {verb} failed: {' '.join(said[-3:])}", hint="Run it by hand to see more.")


def _path_of(entry: str) -> str:
    return entry.split(" ", WORDS_BEFORE_PATH[entry[:2]])[-1]


def _literal(path: str) -> str:
    return f":(literal){path}" if PATTERN.search(path) else path
