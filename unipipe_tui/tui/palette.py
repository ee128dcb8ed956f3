"""The command palette: every capability of the catalog by its name and its help."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from unipipe_tui.actions.action import Action
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.tui.messages import Asked


class CatalogProvider(Provider):
    """Finds capabilities."""

    async def discover(self) -> Hits:
        """All of them, in the catalog's order."""
        for action in CATALOG:
            yield DiscoveryHit(action.name, self._ask(action), help=_help(action))

    async def search(self, query: str) -> Hits:
        """Those whose name or help matches."""
        matcher = self.matcher(query)
        for action in CATALOG:
            by_name, by_help = matcher.match(action.name), matcher.match(_help(action)) / 2
            if score := max(by_name, by_help):
                yield Hit(score, matcher.highlight(action.name), self._ask(action), action.name, _help(action))

    def _ask(self, action: Action) -> partial[bool]:
        return partial(self.app.post_message, Asked(action))


def _help(action: Action) -> str:
    return action.help.splitlines()[0]
