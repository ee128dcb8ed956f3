"""What DVC and Git leave out of a folder: layers of ignore files, from the project's root down to where one stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from unipipe_tui.domain.values import frozen

ALWAYS_HIDDEN = (".git", ".hg/", ".dvc/")


@frozen
class Ignores:
    """The rules that hold in one folder; deeper rules win, and within a file the last that matches."""

    file_names: tuple[str, ...]
    """Names of the ignore files, for example `.dvcignore`."""
    layers: tuple[tuple[str, GitIgnoreSpec], ...] = ()
    """Folder (from the root, "" is the root itself) and the rules that its ignore file adds."""

    def entering(self, root: Path, folder: str) -> Ignores:
        """The rules inside a sub-folder (from the root, with `/`)."""
        lines = [line for name in self.file_names for line in _lines(root / folder / name)]
        if not lines:
            return self
        return Ignores(self.file_names, (*self.layers, (folder, GitIgnoreSpec.from_lines(lines))))

    def descending_to(self, root: Path, folder: str) -> Ignores:
        """The rules inside a folder, gathered from the root down to it."""
        rules = self.entering(root, "")
        parts = [part for part in folder.split("/") if part not in {"", "."}]
        for depth in range(1, len(parts) + 1):
            rules = rules.entering(root, "/".join(parts[:depth]))
        return rules

    def hide(self, path: str, *, is_folder: bool) -> bool:
        """Whether an entry (from the root, with `/`) is left out."""
        for folder, spec in reversed(self.layers):
            below = path[len(folder) + 1 :] if folder else path
            verdict = spec.check_file(f"{below}/" if is_folder else below).include
            if verdict is not None:
                return verdict
        return False


def dvc_ignores() -> Ignores:
    """The rules of `.dvcignore` files, with what DVC never looks at."""
    return Ignores((".dvcignore",), (("", GitIgnoreSpec.from_lines(ALWAYS_HIDDEN)),))


def git_ignores() -> Ignores:
    """The rules of `.gitignore` files."""
    return Ignores((".gitignore",))


def files_below(root: Path, folder: str, rules: Ignores) -> Iterator[tuple[str, os.stat_result]]:
    """Every file that DVC counts to a folder: its path from that folder, with `/`, and its stat.

    Links to files are followed, links to folders are not, and another DVC project inside is left out.
    """
    pending = [("", rules)]
    while pending:
        below, current = pending.pop()
        here = "/".join(part for part in (folder, below) if part not in {"", "."})
        with os.scandir(root / here) as entries:
            found = list(entries)
        for entry in found:
            name = f"{below}/{entry.name}" if below else entry.name
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.is_dir():
                hidden = entry.is_symlink() or current.hide(path, is_folder=True) or is_project(Path(entry.path))
                if not hidden:
                    pending.append((name, current.entering(root, path)))
            elif not current.hide(path, is_folder=False):
                yield name, entry.stat()


def is_project(folder: Path) -> bool:
    """Whether a folder is the root of a DVC project."""
    return os.path.isdir(folder / ".dvc")


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
