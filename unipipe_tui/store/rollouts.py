"""Rollouts: the one in hand on each target, and every move that any of them made."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.rollouts.analysis import Analysis
from unipipe_tui.domain.rollouts.course import Move, Rollout, RolloutState
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.store.database import Database
from unipipe_tui.store.documents import from_document, to_document
from unipipe_tui.store.rows import aware, insert, json_text, replace

OVER = tuple(state.value for state in RolloutState if state.is_over)
MOVE = "rollout, target, place, state, stands, traffic, why, evidence, actor, job, moment"


class Rollouts:
    """What the store knows of releases on their way and of what targets answered with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, rollout: Rollout, why: str) -> None:
        """Record a new one before anything of it is done.

        Raises:
            Refused: another one is in hand on the same target.
        """
        with self._database.writing() as connection:
            row = connection.execute(
                f"SELECT document FROM rollouts WHERE target = ? AND state NOT IN {OVER} LIMIT 1",  # noqa: S608
                [rollout.target],
            ).fetchone()
            if row is not None:
                raise in_hand(_rollout(row[0]))
            _write(connection, rollout, why, None)

    def record(self, rollout: Rollout, why: str = "", evidence: Analysis | None = None) -> None:
        """Record its next move.

        Raises:
            Refused: somebody else moved it meanwhile.
        """
        with self._database.writing() as connection:
            row = connection.execute("SELECT document FROM rollouts WHERE id = ?", [rollout.id]).fetchone()
            known = None if row is None else _rollout(row[0])
            if known is None or known.moves != rollout.moves - 1:
                raise moved_on(known or rollout)
            _write(connection, rollout, why, evidence)

    def record_stop(self, target: str, at: datetime, actor: str, job: str) -> None:
        """Record that nothing answers on a target any more."""
        with self._database.writing() as connection:
            insert(
                connection,
                "rollout_moves",
                rollout="",
                target=target,
                place=0,
                state=RolloutState.DONE,
                stands=True,
                traffic=None,
                why="stopped",
                evidence=None,
                actor=actor,
                job=job,
                moment=at,
            )

    def current(self, target: str) -> Rollout | None:
        """The one in hand on a target."""
        found = self._found(f"target = ? AND state NOT IN {OVER}", [target], 1)
        return found[0] if found else None

    def latest(self, target: str | None, limit: int) -> tuple[Rollout, ...]:
        """The newest first."""
        return self._found("? IS NULL OR target = ?", [target, target], limit)

    def total(self, target: str | None) -> int:
        """How many there are."""
        rows = self._database.rows("SELECT count(*) FROM rollouts WHERE ? IS NULL OR target = ?", [target, target])
        return int(rows[0][0]) if rows else 0

    def moves(self, rollout: str) -> tuple[Move, ...]:
        """All moves of one, oldest first."""
        rows = self._database.rows(
            f"SELECT {MOVE} FROM rollout_moves WHERE rollout = ? ORDER BY moment, rowid",  # noqa: S608
            [rollout],
        )
        return tuple(_move(row) for row in rows)

    def stood_at(self, target: str, at: datetime | None = None) -> Move | None:
        """The last move until then that changed what the target answers with."""
        rows = self._database.rows(
            f"SELECT {MOVE} FROM rollout_moves WHERE target = ? AND stands AND (? IS NULL OR moment <= ?) "  # noqa: S608
            "ORDER BY moment DESC, rowid DESC LIMIT 1",
            [target, at, at],
        )
        return _move(rows[0]) if rows else None

    def _found(self, where: str, parameters: list[object], limit: int) -> tuple[Rollout, ...]:
        rows = self._database.rows(
            f"SELECT document FROM rollouts WHERE {where} ORDER BY started DESC, rowid DESC LIMIT ?",  # noqa: S608
            [*parameters, limit],
        )
        return tuple(_rollout(row[0]) for row in rows)


def in_hand(rollout: Rollout) -> Refused:
    """Why nobody else may release to its target now."""
    what = f"Release {rollout.id} of version {rollout.candidate.version} by {rollout.actor}"
    return Refused(
        f"{what} is {rollout.state.value} on {rollout.target}.",
        hint=f"unipipe release status {rollout.target}, then advance or abort it.",
    )


def moved_on(rollout: Rollout) -> Refused:
    """Why a move that was decided is not made."""
    return Refused(
        f"Release {rollout.id} on {rollout.target} was moved meanwhile: it is {rollout.state.value} now.",
        hint=f"unipipe release status {rollout.target}",
    )


def _write(connection: Any, rollout: Rollout, why: str, evidence: Analysis | None) -> None:
    replace(
        connection,
        "rollouts",
        id=rollout.id,
        target=rollout.target,
        state=rollout.state,
        document=json_text(to_document(rollout)),
        started=rollout.started,
        updated=rollout.since,
    )
    wanted = rollout.wanted
    insert(
        connection,
        "rollout_moves",
        rollout=rollout.id,
        target=rollout.target,
        place=rollout.place,
        state=rollout.state,
        stands=rollout.stands,
        traffic=None if wanted is None else json_text(to_document(wanted)),
        why=why,
        evidence=None if evidence is None else json_text(to_document(evidence)),
        actor=rollout.actor,
        job=rollout.job,
        moment=rollout.since,
    )


def _rollout(text: str) -> Rollout:
    return from_document(Rollout, json.loads(text))


def _move(row: tuple[Any, ...]) -> Move:
    rollout, target, place, state, stands, traffic, why, evidence, actor, job, moment = row
    return Move(
        rollout=rollout,
        target=target,
        place=place,
        state=RolloutState(state),
        stands=stands,
        traffic=None if traffic is None else from_document(Traffic, json.loads(traffic)),
        why=why,
        evidence=None if evidence is None else from_document(Analysis, json.loads(evidence)),
        actor=actor,
        job=job,
        at=aware(moment),
    )
