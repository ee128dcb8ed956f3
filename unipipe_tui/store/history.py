"""Decisions and findings: gate checks, promotions, releases, drift checks, alerts, and changes that can be taken back."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

from unipipe_tui.domain.records import (
    DriftCheck,
    GateCheck,
    GateResult,
    How,
    Promotion,
    Release,
    ReversibleChange,
    Undo,
    UndoKind,
)
from unipipe_tui.domain.rollouts.strategies import StrategyKind
from unipipe_tui.store.alerts import KeptAlerts
from unipipe_tui.store.database import Database
from unipipe_tui.store.rows import aware, insert, json_text, storable


class History(KeptAlerts):
    """What no tool keeps. Every row bears the id of the job that wrote it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)

    def add_gate_check(self, check: GateCheck) -> None:
        """Record how a version did at the gates."""
        results = json_text([dataclasses.asdict(result) for result in check.results])
        self._insert(
            "gate_checks",
            model=check.model,
            version=check.version,
            champion=check.champion,
            holdout=check.holdout,
            row_count=check.rows,
            results=results,
            moment=check.at,
            job=check.job,
            gates=list(check.gates),
        )

    def gate_checks(self, model: str, version: int | None = None) -> tuple[GateCheck, ...]:
        """The checks of a model's versions, newest first."""
        rows = self._database.rows(
            "SELECT model, version, champion, holdout, row_count, results, moment, job, gates FROM gate_checks "
            "WHERE model = ? AND (? IS NULL OR version = ?) ORDER BY moment DESC, rowid DESC",
            [model, version, version],
        )
        return tuple(
            GateCheck(
                model=row[0],
                version=row[1],
                champion=row[2],
                holdout=row[3],
                rows=row[4],
                results=tuple(GateResult(**result) for result in json.loads(row[5])),
                at=aware(row[6]),
                job=row[7],
                gates=tuple(row[8]),
            )
            for row in rows
        )

    def add_promotion(self, promotion: Promotion) -> None:
        """Record that an alias was moved."""
        self._insert(
            "promotions",
            model=promotion.model,
            alias=promotion.alias,
            version=promotion.version,
            previous=promotion.previous,
            how=promotion.how,
            actor=promotion.actor,
            reason=promotion.reason,
            moment=promotion.at,
            job=promotion.job,
        )

    def promotions(self, model: str, alias: str | None = None) -> tuple[Promotion, ...]:
        """The moves of a model's aliases, newest first."""
        rows = self._database.rows(
            "SELECT model, alias, version, previous, how, actor, reason, moment, job FROM promotions "
            "WHERE model = ? AND (? IS NULL OR alias = ?) ORDER BY moment DESC, rowid DESC",
            [model, alias, alias],
        )
        return tuple(
            Promotion(name, moved, version, previous, How(how), actor, reason, aware(at), job)
            for name, moved, version, previous, how, actor, reason, at, job in rows
        )

    def add_release(self, release: Release) -> None:
        """Record that a version went live on a target."""
        self._insert(
            "releases",
            target=release.target,
            model=release.model,
            version=release.version,
            digest=release.digest,
            commit_id=release.commit,
            data=release.data,
            run_id=release.run_id,
            actor=release.actor,
            moment=release.at,
            job=release.job,
            id=release.id,
            strategy=release.strategy,
            image=release.image,
            goes_back=release.goes_back,
        )

    def releases(self, target: str | None = None, limit: int = 100) -> tuple[Release, ...]:
        """What went live, newest first."""
        rows = self._database.rows(
            "SELECT target, model, version, digest, commit_id, data, run_id, actor, moment, job, id, strategy, image, goes_back "
            "FROM releases "
            "WHERE ? IS NULL OR target = ? ORDER BY moment DESC, rowid DESC LIMIT ?",
            [target, target, limit],
        )
        return tuple(
            Release(
                target=row[0],
                model=row[1],
                version=row[2],
                digest=row[3],
                commit=row[4],
                data=row[5],
                run_id=row[6],
                actor=row[7],
                at=aware(row[8]),
                job=row[9],
                id=row[10],
                strategy=StrategyKind(row[11]),
                image=row[12],
                goes_back=row[13],
            )
            for row in rows
        )

    def add_drift_check(self, check: DriftCheck) -> None:
        """Record one monitoring evaluation."""
        self._insert(
            "drift_checks",
            target=check.target,
            model=check.model,
            version=check.version,
            row_count=check.rows,
            drifted=check.drifted,
            columns=list(check.columns),
            report=json_text(json.loads(check.report)),
            moment=check.at,
            job=check.job,
        )

    def drift_checks(
        self, target: str | None = None, limit: int = 100, until: datetime | None = None
    ) -> tuple[DriftCheck, ...]:
        """The evaluations, newest first; only those up to a moment when one is given."""
        rows = self._database.rows(
            "SELECT target, model, version, row_count, drifted, columns, report, moment, job FROM drift_checks "
            "WHERE ($1 IS NULL OR target = $1) AND ($2 IS NULL OR moment <= $2) ORDER BY moment DESC, rowid DESC LIMIT $3",
            [target, storable(until), limit],
        )
        return tuple(
            DriftCheck(name, model, version, count, drifted, tuple(columns), report, aware(at), job)
            for name, model, version, count, drifted, columns, report, at, job in rows
        )

    def add_change(self, change: ReversibleChange) -> None:
        """Record the prior state of a reversible change."""
        undo = json_text(dataclasses.asdict(change.undo))
        self._insert(
            "changes",
            job=change.job,
            command=change.command,
            undo=undo,
            moment=change.at,
            undone_by=change.undone_by,
        )

    def changes(self, limit: int = 20) -> tuple[ReversibleChange, ...]:
        """The reversible changes, newest first."""
        rows = self._database.rows(
            "SELECT job, command, undo, moment, undone_by FROM changes ORDER BY moment DESC, rowid DESC LIMIT ?",
            [limit],
        )
        return tuple(ReversibleChange(row[0], row[1], _undo(row[2]), aware(row[3]), row[4]) for row in rows)

    def mark_undone(self, job: str, undone_by: str) -> None:
        """Record that a change was taken back."""
        with self._database.writing() as connection:
            connection.execute("UPDATE changes SET undone_by = ? WHERE job = ?", [undone_by, job])

    def notices(self) -> tuple[tuple[datetime, str], ...]:
        """What the store has to say of itself, newest first."""
        rows = self._database.rows("SELECT moment, text FROM notices ORDER BY moment DESC, rowid DESC")
        return tuple((aware(at), text) for at, text in rows)

    def _insert(self, table: str, **values: object) -> None:
        with self._database.writing() as connection:
            insert(connection, table, **values)


def _undo(text: str) -> Undo:
    fields = json.loads(text)
    return Undo(**{**fields, "kind": UndoKind(fields["kind"]), "runs": tuple(fields.get("runs", ()))})
