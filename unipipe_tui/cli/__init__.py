"""The headless front end: Typer commands made from the catalog. The only room that knows Typer, and the only one that prints."""

from unipipe_tui.cli.commands import Workbench
from unipipe_tui.cli.run import Ended, complain, run, tell

__all__ = ["Ended", "Workbench", "complain", "run", "tell"]
