"""The command palette: every capability of the catalog by its name and its help, and the colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from textual.command import DiscoveryHit, Hit, Hits, Provider

from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.config import FILE_NAME
from unipipe_tui.tui.messages import Asked, OutsideWanted
from unipipe_tui.tui.shell import shell_of
from unipipe_tui.tui.user_commands import what_it_does

HELP_SCORE = 0.1
"""Below that of any name that matches."""
THEME, THEME_HELP = "theme", "Choose the colours."


class CatalogProvider(Provider):
    """Finds capabilities."""

    async def discover(self) -> Hits:
        """All of them, in the catalog's order."""
        for name, does, help_line in self._entries():
            yield DiscoveryHit(name, does, help=help_line)

    async def search(self, query: str) -> Hits:
        """Those whose name matches, then those whose help has all the words."""
        matcher = self.matcher(query)
        words = query.casefold().split()
        for name, does, help_line in self._entries():
            by_help = HELP_SCORE if all(word in help_line.casefold() for word in words) else 0.0
            if score := max(matcher.match(name), by_help):
                yield Hit(score, matcher.highlight(name), does, name, help_line)

    def _entries(self) -> Iterator[tuple[str, Callable[[], object], str]]:
        for action in CATALOG:
            yield action.name, partial(self.app.post_message, Asked(action)), action.help.splitlines()[0]
        yield from self._own()
        yield THEME, self.app.action_change_theme, THEME_HELP
        for name, help_line, path in self._files():
            yield name, partial(self.app.post_message, OutsideWanted(path=path, editor=True)), help_line

    def _own(self) -> Iterator[tuple[str, Callable[[], object], str]]:
        """The user's own commands that are offered in the place below."""
        shell, place = shell_of(self.app), getattr(self.screen, "NAME", "")
        for command in shell.own.commands if shell else ():
            if command.is_offered_in(place):
                does = partial(self.app.run_action, f"own_command('{command.name}')")
                yield command.name, does, what_it_does(command)

    def _files(self) -> Iterator[tuple[str, str, Path]]:
        """What is configured in files, to be opened in the user's editor."""
        shell = shell_of(self.app)
        if shell is not None:
            yield "edit unipipe.yaml", "Open the project's configuration in $EDITOR.", shell.project / FILE_NAME
            if shell.surroundings.user.path:
                yield (
                    "edit my configuration",
                    "Open your own keys and colours in $EDITOR.",
                    shell.surroundings.user.path,
                )
