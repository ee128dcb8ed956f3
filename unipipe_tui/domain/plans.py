"""A plan: all that a change would do, before it does it. The dialog, `--dry-run` and the command log show its lines."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum
from typing import Generic, TypeVar

from unipipe_tui.domain.values import frozen

Decided = TypeVar("Decided", covariant=True)


class EffectKind(StrEnum):
    """How an effect reaches the world."""

    RUN = "run"
    STAGE = "stage"
    WRITE = "write"
    REGISTRY = "registry"
    SERVE = "serve"
    STORE = "store"


@frozen
class Effect:
    """One thing that applying the plan does."""

    kind: EffectKind
    text: str
    target: str = ""
    """Where it is felt, when that is one target."""


@frozen
class Plan(Generic[Decided]):
    """What a change will do, in order, how to undo it, and what was decided on the way."""

    title: str
    effects: tuple[Effect, ...]
    undo: str
    """How to go back, or why there is no way back."""
    decided: Decided
    """What the apply function needs; front ends do not look at it."""
    warnings: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """The command line that asks for the same; filled in by `perform.make_plan` when the change did not."""
    action: str = ""
    """The capability that the command line names, when it is not the one that was asked for."""
    at_once: bool = False
    """Whether nobody need be asked, although the capability asks as a rule."""
    name_to_type: str = ""
    """What must be typed before it runs, in a dialog, at a question or after --confirm; empty: nothing."""

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that change when any line of the plan does."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()[:12]

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that will serve something else afterwards."""
        return tuple(dict.fromkeys(effect.target for effect in self.effects if effect.target))

    @property
    def why_typed(self) -> str:
        """Why a name must be typed: `local is protected`; empty when none must."""
        if not self.name_to_type:
            return ""
        return f"{self.name_to_type} is {'protected' if self.name_to_type in self.targets else 'dangerous'}"

    def guarded(self, protected: Collection[str]) -> Plan[Decided]:
        """The plan as it is where these targets are protected: what would change one runs only when its name is typed."""
        wanted = next((name for name in self.targets if name in protected), self.name_to_type)
        return replace(self, name_to_type=wanted, at_once=self.at_once and not wanted)

    @property
    def lines(self) -> tuple[str, ...]:
        """The plan as text: the same bytes wherever it is shown."""
        return (
            self.title,
            f"  $ {shlex.join(self.command)}",
            *(f"  {effect.kind.value:<8}  {effect.text}" for effect in self.effects),
            *(f"  warning   {warning}" for warning in self.warnings),
            *((f"  confirm   {self.why_typed}: its name must be typed",) if self.name_to_type else ()),
            f"  undo      {self.undo}",
        )


def run(*argv: str) -> Effect:
    """A program that will be started, as a person would type it."""
    return Effect(EffectKind.RUN, shlex.join(argv))


def stage(text: str) -> Effect:
    """A stage that a program above will execute, and why."""
    return Effect(EffectKind.STAGE, text)


def write(text: str) -> Effect:
    """A file that will be written."""
    return Effect(EffectKind.WRITE, text)


def registry(text: str) -> Effect:
    """Something that will be written to MLflow."""
    return Effect(EffectKind.REGISTRY, text)


def serve(text: str, target: str = "") -> Effect:
    """Something that will be asked of a model server; `target` when it changes what that target serves."""
    return Effect(EffectKind.SERVE, text, target)


def store(text: str) -> Effect:
    """Something that will be recorded in the local store."""
    return Effect(EffectKind.STORE, text)
