"""Git, by its command line; looks take no optional locks, so that not even the index changes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.domain.errors import Failed, Refused, ToolMissing
from unipipe_tui.domain.ports.tools import Commit, DiffStat, WorkTree
from unipipe_tui.domain.progress import Progress

OLDEST = (2, 25)
TIDYING_SECONDS = 600.0
LOOKING = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
CHANGES = ("--no-renames", "--untracked-files=normal")
"""Whatever is configured: a renamed path as two, and what is untracked as well."""
WORDS_BEFORE_PATH = {"1 ": 8, "u ": 10, "? ": 1}
"""How many words stand before the path of a changed, an unmerged and an untracked entry."""
FORMAT = "%H%x00%an <%ae>%x00%ct%x00%s"
AS_ASKED = ("--encoding=UTF-8", "--no-show-signature")
"""Not as the user's configuration may have it: in another encoding, or after what GPG says."""
WHOLE_DIFFERENCE = ("--no-renames", "--no-ext-diff", "--no-textconv")
MOST_PATHS = 20
"""How many paths of a difference are named."""
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

    def diff_stat(self, before: str, after: str) -> DiffStat | None:
        """What changed from one commit to another; None when the repository does not have both."""
        first, last = self.commit_of(before), self.commit_of(after)
        if first is None or last is None:
            return None
        told = self._ask(
            "-c",
            "diff.relative=false",
            "diff",
            "--numstat",
            "-z",
            *WHOLE_DIFFERENCE,
            first.id,
            last.id,
            "--",
            strip=False,
        )
        changed = [_changed_lines(entry) for entry in (told or "").split("\0") if entry]
        more, less = sum(one[0] for one in changed), sum(one[1] for one in changed)
        most = sorted(changed, key=lambda one: (-(one[0] + one[1]), one[2]))[:MOST_PATHS]
        return DiffStat(len(changed), more, less, tuple(path for _, _, path in most))

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

    def text_at(self, branch: str | None, path: str) -> str | None:
        """What a file of the project says at the head of a branch, or here; None where there is none."""
        within = self._ask("rev-parse", "--show-prefix") or ""
        return self._ask("show", f"{self._ref(branch)}:{within}{path}", strip=False)

    def commit_texts(
        self, branch: str | None, texts: Mapping[str, str | None], message: str, scratch: Path, progress: Progress
    ) -> Commit:
        """Write files of the project, or remove those whose text is None, and commit them to a branch, also one that is not here.

        Another branch is written in a work tree of its own, in `scratch`; a new one begins at the head. Answers with the
        branch's head when nothing changed.

        Raises:
            Refused: the branch moved meanwhile.
            Failed: Git refused.
        """
        checked_out = self.work_tree()
        if branch is None or (checked_out is not None and checked_out.branch == branch):
            _write_texts(self._root, texts)
            return self.commit(message, [path for path in texts if self._is_known(path)], progress)
        before = self.commit_of(f"refs/heads/{branch}")
        base = before or self.commit_of(f"refs/remotes/origin/{branch}") or self.head()
        if base is None:
            raise Failed("There is nothing to commit on yet.", hint="Make a first commit.")
        try:
            elsewhere = GitCommandLine(self.add_worktree(base.id, scratch, progress))
            made = elsewhere.commit_texts(None, texts, message, scratch, progress)
        finally:
            self.remove_worktree(scratch)
        if before is None or made.id != before.id:
            known = before.id if before else "0" * 40
            moved = self._ask("update-ref", "-m", message.splitlines()[0], f"refs/heads/{branch}", made.id, known)
            if moved is None:
                raise Refused(f"The branch {branch} moved meanwhile.", hint=f"git log {branch}")
        return made

    def _is_known(self, path: str) -> bool:
        """Whether there is such a file, or Git has had one."""
        return (self._root / path).exists() or bool(self._ask("ls-files", "--", _literal(path)))

    def _ref(self, branch: str | None) -> str:
        if branch is None:
            return "HEAD"
        return f"refs/heads/{branch}" if self.commit_of(f"refs/heads/{branch}") else f"refs/remotes/origin/{branch}"

    def add_worktree(self, commit: str, folder: Path, progress: Progress) -> Path:
        """Check a commit out in a folder of its own; answers where in it the project lies.

        The work tree, the head and the index that are here stay as they are, and no hook runs.

        Raises:
            Failed: there is no such commit, or the folder is taken.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        within = self._ask("rev-parse", "--show-prefix") or ""
        no_hooks = ("-c", f"core.hooksPath={os.devnull}")
        self._do(progress, *no_hooks, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        return folder / within

    def remove_worktree(self, folder: Path) -> None:
        """Remove a work tree that was added, with all that was made in it; one that is gone is fine."""
        # Nobody can stop this: it is also how somebody who was stopped leaves the place.
        removed = ("worktree", "remove", "--force", str(folder))
        if self._ask(*removed, timeout=TIDYING_SECONDS) is None:
            shutil.rmtree(folder, ignore_errors=True)
            self._ask(*removed, timeout=TIDYING_SECONDS)

    def _commit(self, message: str, paths: Sequence[str], progress: Progress) -> None:
        self._do(progress, "add", "--", *paths)
        if self._ask("diff", "--cached", "--name-only", "--", *paths):
            who = [] if self.user() else ["-c", "user.name=unipipe", "-c", "user.email=unipipe@localhost"]
            self._do(progress, *who, "commit", "--quiet", "--message", message, "--", *paths)

    def _ask(self, *words: str, strip: bool = True, timeout: float = 20) -> str | None:
        done = process.capture(["git", "-C", str(self._root), *words], timeout=timeout, env=LOOKING)
        if done.exit_code:
            return None
        return done.stdout.strip() if strip else done.stdout

    def _do(self, progress: Progress, *words: str) -> None:
        done = process.stream(["git", *words], progress, cwd=self._root, env={"GIT_TERMINAL_PROMPT": "0"})
        if done.exit_code:
            verb = next(word for word in words if not word.startswith(("-", "user.", "core.")))
            # Advice would push what went wrong out of the last lines.
            said = [line for line in done.tail if not line.startswith("hint: ")]
            raise Failed(f"git {verb} failed: {' '.join(said[-3:])}", hint="Run it by hand to see more.")


def _write_texts(root: Path, texts: Mapping[str, str | None]) -> None:
    for path, text in texts.items():
        if text is None:
            (root / path).unlink(missing_ok=True)
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _path_of(entry: str) -> str:
    return entry.split(" ", WORDS_BEFORE_PATH[entry[:2]])[-1]


def _changed_lines(entry: str) -> tuple[int, int, str]:
    """Lines that came and went, and the path; a file that is no text has dashes for numbers."""
    more, less, path = entry.split("\t", 2)
    return int(more) if more.isdigit() else 0, int(less) if less.isdigit() else 0, path


def _literal(path: str) -> str:
    return f":(literal){path}" if PATTERN.search(path) else path
