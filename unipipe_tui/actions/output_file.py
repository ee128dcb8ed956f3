"""A file that a person asked for: never over another one unless told so, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import Failed, Refused, UsageError
from unipipe_tui.domain.plans import Effect
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen

FORCE_HELP = "Write over a file that is there."


@frozen
class OutputFile:
    """Where to write, and whether it may be over another file."""

    path: Path
    """Absolute."""
    force: bool

    def effect(self, what: str) -> Effect:
        """How a plan tells of it."""
        over = ", over the one that is there" if self.path.exists() else ""
        return plans.write(f"{self.path}: {what}{over}")

    @property
    def way_back(self) -> str:
        """How a plan says that it is undone."""
        return "nothing to undo: what is there now is lost" if self.path.exists() else "delete the file"

    @contextmanager
    def draft(self, world: World) -> Iterator[Path]:
        """A path of the same ending to write to, beside the file; it takes the file's place when the block ends.

        Raises:
            Refused: the file is there now.
            Failed: it cannot be written.
        """
        draft = self.path.with_name(unicode_text(f".{self.path.stem}.{world.process.pid}.part{self.path.suffix}"))
        try:
            yield draft
            _refuse_if_there(self.path, force=self.force)
            draft.replace(self.path)
        except OSError as error:
            raise Failed(
                f"{self.path} could not be written: {error.strerror or error}.",
                hint="Choose another place with --to.",
            ) from None
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def output_file(to: Path, *, force: bool) -> OutputFile:
    """The file at a path as a person gave it.

    Raises:
        UsageError: it is a folder, or lies in one that does not exist.
        Refused: a file is there already, and nobody said to write over it.
    """
    path = Path(os.path.abspath(to))
    if path.is_dir() or not path.parent.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise UsageError(f"{path} cannot be written: {why}.", hint="Give the path of a file.")
    _refuse_if_there(path, force=force)
    return OutputFile(path, force)


def _refuse_if_there(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Refused(f"{path} is there already.", hint="Choose another name, or write over it with --force.")
