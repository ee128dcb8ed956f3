"""Going back on a target: a release on its way is aborted, one that is done is replaced by the one before it."""

from __future__ import annotations

from unipipe_tui.actions.release.difference import ALL_RELEASES
from unipipe_tui.actions.release.moving import MoveOrder, in_hand, plan_way_back
from unipipe_tui.actions.release.starting import ReleaseOrder, plan_rollout
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.records import Release, way_back
from unipipe_tui.domain.rollouts.strategies import Strategy


def plan_target_back(world: World, target: str, to: str | None, reason: str) -> Plan[ReleaseOrder]:
    """Decide what going back on a target entails; a freeze does not keep anybody from it.

    Raises:
        UsageError: there is nothing to go back to.
    """
    release = _chosen(world, target, to)
    why = reason or f"back to {release.id or f'version {release.version}'}"
    return plan_rollout(world, target, release.version, Strategy(), why, goes_back=True)


def plan_abort_of(world: World, target: str, reason: str) -> Plan[MoveOrder]:
    """Decide what taking back the release that is on its way to a target entails."""
    return plan_way_back(world, in_hand(world, target), reason or "rolled back")


def _chosen(world: World, target: str, to: str | None) -> Release:
    known = world.history.releases(target, ALL_RELEASES)
    if to is not None:
        named = [release for release in known if to and (release.id.startswith(to) or str(release.version) == to)]
        if not named:
            raise UsageError(f"{target} never had a release {to}.", hint=f"unipipe release history {target}")
        return named[0]
    way = way_back(reversed(known))
    live = world.target_of(target).live().traffic
    # What was released last may not answer any more: then that is where going back leads.
    others = way[:-1] if way and (live is None or live.main.version == way[-1].version) else way
    if not others:
        raise UsageError(f"{target} has answered with no other version yet.", hint=f"unipipe release history {target}")
    return others[-1]
