"""Real Git repositories as tests fill and question them."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import git
from unipipe_tui.adapters.git import GitCommandLine

ODD_NAMES = (
    "two words.txt",
    "a\nb.txt",
    "a\rb.txt",
    "größe-日本.csv",
    '"quoted" \t.txt',
    "# branch.oid x",
    "1 .M x",
    "? y",
    "-z",
)


def write(root: Path, *paths: str, text: str = "new\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def commit_all(root: Path, message: str = "More") -> str:
    git("add", "-A", cwd=root)
    git("commit", "--quiet", "--allow-empty", "-m", message, cwd=root)
    return git("rev-parse", "HEAD", cwd=root).strip()


def changed(root: Path) -> set[str]:
    tree = GitCommandLine(root).work_tree()
    assert tree is not None
    assert len(set(tree.changed)) == len(tree.changed)
    return set(tree.changed)


def files_of_last_commit(root: Path) -> set[str]:
    told = git("show", "--format=", "--name-only", "--no-renames", "-z", "HEAD", cwd=root)
    return set(told.rstrip("\0").split("\0"))


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }
