"""The headless front end: Typer commands made from the catalog. The only room that knows Typer, and the only one that prints."""

from unipipe_tui.cli.run import Ended, complain, run

__all__ = ["Ended", "complain", "run"]
