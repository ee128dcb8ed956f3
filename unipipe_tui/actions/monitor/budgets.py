"""Whether error budgets burn too fast."""

from __future__ import annotations

from unipipe_tui.actions.objectives.budgets import accounts_of, findings_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.findings import Finding
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen


@frozen
class ObjectivesCheck:
    """Each error budget of a target, looked at through windows of several lengths."""

    name: str = "objectives"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """One finding for each error budget; nothing where no objective is configured for the target."""
        if not any(one.is_for(target) for one in world.config.slos.values()):
            return ()
        return findings_of(target, accounts_of(world, target, brought=_brought(world, target, progress)))


def _brought(world: World, target: str, progress: Progress) -> bool:
    """Whether all that servers wrote is here; what is here already can be judged all the same."""
    try:
        world.target_of(target).collect(progress)
    except UnipipeError as error:
        progress.emit(Noted(f"What {target} did last is not here: {error.message}"))
        return False
    return True
