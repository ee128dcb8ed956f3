"""The only room that joins actions to real tools and the store: it builds the World."""

from unipipe_tui.wiring.early import import_what_jobs_need
from unipipe_tui.wiring.tools import CheckedTool
from unipipe_tui.wiring.world import build_world, own_terminal, world_at

__all__ = ["CheckedTool", "build_world", "import_what_jobs_need", "own_terminal", "world_at"]
