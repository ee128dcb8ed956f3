"""What of a Git repository DVC may know params and metrics of: its newest commits, its experiments, its queue."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.adapters.git import AS_ASKED, LOOKING
from unipipe_tui.adapters.stamps import file_stamp
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen

NEWEST_COMMITS = 1_000
"""Of those that branches and tags reach. DVC needs 30 ms for each that it reads the first time: half a minute in all."""
GIT_SECONDS = 60
NAMESPACE = "refs/exps"
STILL_AT_IT = (0, 1, 2)
"""In DVC's files of executors: pending, preparing, running."""

_EXPERIMENT = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38,62})/(.+)")
_UNBORN = re.compile(r"does not have any commits yet|bad (default )?revision 'HEAD'|ambiguous argument 'HEAD'")
_TASK = re.compile(r"\bdvc-exp:[0-9a-f]+:([0-9a-f]{40,64}):")


@frozen
class Revision:
    """A commit that is to be one run."""

    commit: str
    name: str
    """The first line of its message, or the name of the experiment."""
    author: str
    at: int
    """When it was committed, in milliseconds since the epoch."""
    git_tags: tuple[str, ...] = ()
    baseline: str | None = None
    """For an experiment: the commit that it was made from."""

    @property
    def label(self) -> str:
        """What of it can become different later; empty when nothing can."""
        changing = (*self.git_tags, self.name, self.baseline) if self.baseline else self.git_tags
        return sha256(repr(changing).encode()).hexdigest()[:8] if changing else ""


class Revisions:
    """The revisions of the repository that a DVC project lies in."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._runs = self._root / ".dvc" / "tmp" / "exps" / "run"

    def all(self) -> tuple[Revision, ...]:
        """Experiments, then the newest commits of all branches and tags; newest first."""
        experiments = tuple(self._experiments())
        known = {one.commit for one in experiments}
        return (*experiments, *(one for one in self._commits() if one.commit not in known))

    def baselines_at_work(self) -> tuple[str, ...]:
        """The commits that queued, running and failed experiments were made from."""
        return tuple(dict.fromkeys((*self._queued(), *self._running())))

    def began(self, task: str) -> int | None:
        """When a task of the queue was begun, in milliseconds since the epoch; None for one that waits."""
        try:
            return (self._runs / task / f"{task}.pid").stat().st_mtime_ns // 1_000_000
        except OSError:
            return None

    def would_be_ignored(self, paths: Sequence[str]) -> bool:
        """Whether Git ignores all of these paths."""
        told = self._ask("check-ignore", "-z", "--stdin", stdin="\0".join(paths), fine=(0, 1))
        return set(paths) <= set(told.split("\0"))

    def has_pipeline(self) -> bool:
        """Whether there is a dvc.yaml, in the project's folder or tracked by Git somewhere below it."""
        return (self._root / "dvc.yaml").exists() or bool(self._ask("ls-files", "-z", "--", "dvc.yaml", "*/dvc.yaml"))

    def stamp(self) -> str:
        """Different whenever a commit, a branch, a tag or an experiment came, moved or went; no program is started."""
        folders = _git_folders(self._root)
        if folders is None:
            return ""
        own, common = folders
        watched = [own / "HEAD", common / "packed-refs", common / "reftable" / "tables.list"]
        watched += [self._root / name for name in ("dvc.yaml", ".dvc/config", ".dvc/config.local", ".dvc/.gitignore")]
        watched += [path for kind in ("heads", "tags", "exps") for path in _files(common / "refs" / kind)]
        watched += _files(common / "logs" / "refs" / "exps" / "celery")
        watched += self._runs.glob("*/*.run")
        told = (f"{path}:{file_stamp(path)}" for path in sorted(watched) if "/refs/exps/exec/" not in path.as_posix())
        return sha256("\n".join(told).encode(errors="surrogateescape")).hexdigest()[:32]

    def _commits(self) -> Iterator[Revision]:
        fields = "%H%x00%ct%x00%an%x00%s"
        which = (f"--max-count={NEWEST_COMMITS}", "--branches", "--tags", "HEAD", "--")
        told = self._ask("log", "-z", *AS_ASKED, f"--format={fields}", *which)
        words = told.rstrip("\0").split("\0") if told else []
        tags = self._tags()
        # The last subject may be empty, and its mark is then among those that were cut off.
        words += [""] * (-len(words) % 4)
        for first in range(0, len(words), 4):
            commit, at, author, subject = words[first : first + 4]
            yield Revision(commit, subject or commit[:7], author, int(at) * 1_000, tags.get(commit, ()))

    def _tags(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for line in self._refs("refs/tags", "%(objectname)", "%(*objectname)", "%(refname:strip=2)"):
            tagged, peeled, name = line
            found[peeled or tagged] = (*found.get(peeled or tagged, ()), name)
        return found

    def _experiments(self) -> Iterator[Revision]:
        fields = ("%(objectname)", "%(committerdate:unix)", "%(authorname)", "%(refname)")
        lines = self._refs(NAMESPACE, *fields, sort="-committerdate")
        for commit, at, author, ref in lines:
            if (named := _EXPERIMENT.fullmatch(ref)) and at:
                yield Revision(commit, named[3], author, int(at) * 1_000, baseline=named[1] + named[2])

    def _refs(self, under: str, *fields: str, sort: str = "refname") -> Iterator[list[str]]:
        told = self._ask("for-each-ref", f"--format={'%00'.join(fields)}", f"--sort={sort}", under)
        lines = (line.split("\0") for line in told.split("\n"))
        return (line for line in lines if len(line) == len(fields))

    def _queued(self) -> Iterator[str]:
        folders = _git_folders(self._root)
        if folders is not None:
            for log in _files(folders[1] / "logs" / "refs" / "exps" / "celery"):
                yield from _TASK.findall(_text(log))

    def _running(self) -> Iterator[str]:
        for file in sorted(self._runs.glob("*/*.run")):
            try:
                told = json.loads(_text(file))
                baseline, status, location = str(told["baseline_rev"]), told["status"], told["location"]
            except (ValueError, KeyError, TypeError):
                continue
            # What runs in the work tree is no revision yet, and DVC leaves its file as it was when that has ended.
            if status in STILL_AT_IT and location != "workspace":
                yield baseline

    def _ask(self, *words: str, stdin: str | None = None, fine: tuple[int, ...] = (0,)) -> str:
        argv = ["git", "-C", str(self._root), *words]
        done = process.capture(argv, timeout=GIT_SECONDS, env=LOOKING, stdin=stdin)
        if done.exit_code not in fine and not _UNBORN.search(done.stderr):
            # Not to be taken for a repository without commits: all that is known of it would be gone.
            said = " ".join(done.stderr.split()).removeprefix("fatal: ")
            raise Failed(f"Git does not tell its commits: {said}", hint=f"Run it by hand: git {words[0]}.")
        return done.stdout if done.exit_code in fine else ""


def _git_folders(root: Path) -> tuple[Path, Path] | None:
    """The folder of HEAD and the one of what all work trees share; None outside a repository."""
    for folder in (root, *root.parents):
        git = folder / ".git"
        if git.is_dir():
            return git, git
        if git.is_file():
            own = folder / _text(git).removeprefix("gitdir:").strip()
            shared = _text(own / "commondir").strip()
            return own, own / shared if shared else own
    return None


def _files(folder: Path) -> list[Path]:
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
