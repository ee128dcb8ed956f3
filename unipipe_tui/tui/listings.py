"""Which look of the catalog lists what a field of a form names, and what of its answer tells one choice from another.

Knows no Textual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType

from unipipe_tui.actions.action import Action
from unipipe_tui.actions.alerts.listing import ListAlerts, list_alerts
from unipipe_tui.actions.audit import ListAudit, list_audit
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.actions.drift.history import ShowDrift, show_drift
from unipipe_tui.actions.jobs.listing import JobLine, ListJobs, list_jobs
from unipipe_tui.actions.models.registry import ListModels, ModelLine, ShowModel, VersionLine, list_models, show_model
from unipipe_tui.actions.pipeline.view import ShowPipeline, StageLine, show_pipeline
from unipipe_tui.actions.release.history import ReleaseHistory, ReleaseLine, list_releases
from unipipe_tui.actions.request import Field, Names, fields_of
from unipipe_tui.actions.runs.contents import ListColumns, ListExperiments, list_columns, list_experiments
from unipipe_tui.actions.runs.listing import ListRuns, RunLine, list_runs
from unipipe_tui.actions.runs.sync import at_once
from unipipe_tui.actions.serve import ServeStatus, serve_status
from unipipe_tui.actions.user_commands import ListUserCommands, list_user_commands
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import CHALLENGER, CHAMPION
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.runs.rows import DVC, MLFLOW
from unipipe_tui.domain.server_status import ServerStatus
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.choices import Choice, Choices

NEWEST_RUNS = 300
NEWEST_JOBS = 200
NEWEST_ENTRIES = 2000
RUNS_AMONG_THINGS = 50
SHORT_ID = 8


@frozen
class Listing:
    """Where the choices of a field come from; equal `asked` means equal choices."""

    noun: str
    """What is listed, in the plural."""
    asked: tuple[object, str]
    ask: Callable[[World], Choices]
    """Raises UnipipeError; not for the UI thread."""


@frozen
class Lister:
    """How one kind of thing is listed."""

    ask: Callable[[World, str], Choices]
    """Given what it depends on, as the form names it; empty where it names none."""
    of: Names | None = None
    """The kind of thing that it depends on."""


def listing_of(field: Field, action: Action, texts: Mapping[str, str]) -> Listing | None:
    """What a field is chosen from as the form stands; None when its values are only typed."""
    if issubclass(field.kind, Enum):
        members = tuple(Choice(str(member.value)) for member in field.kind)
        return Listing("values", (field.kind, ""), lambda world: _all(members, open=True))
    if field.names is None:
        return None
    lister = LISTERS[field.names]
    of = _named_in_form(lister.of, action, texts) if lister.of else ""
    return Listing(field.names.value, (field.names, of), lambda world: lister.ask(world, of))


def _named_in_form(names: Names, action: Action, texts: Mapping[str, str]) -> str:
    return next((texts.get(field.name, "").strip() for field in fields_of(action.request) if field.names is names), "")


def _all(choices: Iterable[Choice], *, open: bool = False, by_part: bool = False) -> Choices:
    offered = tuple(choices)
    return Choices(offered, len(offered), open, by_part)


def _models(world: World, _: str) -> Choices:
    return _all(Choice(model.name, _told_of_model(model)) for model in list_models(ListModels(), world).models)


def _told_of_model(model: ModelLine) -> str:
    aliases = " ".join(f"{one.alias}={one.version}" for one in model.aliases)
    latest = "no version" if model.latest is None else f"latest {model.latest}"
    return _told(latest, aliases, model.description)


def _versions(world: World, model: str) -> Choices:
    view = show_model(ShowModel(model or None), world)
    return _all(Choice(str(one.version), _told_of_version(one, world.now())) for one in view.versions)


def _told_of_version(version: VersionLine, now: datetime) -> str:
    gates = version.gates if version.gates == "not checked" else f"gates {version.gates}"
    served = f"served by {' '.join(version.served_by)}" if version.served_by else ""
    rejected = "rejected" if version.rejection else ""
    return _told(rejected, " ".join(version.aliases), served, ago(version.created, now), gates)


def _aliases(world: World, model: str) -> Choices:
    known = list_models(ListModels(), world).models
    name = model or (world.config.model.name if world.config.model else "")
    named = {one.alias: f"version {one.version}" for line in known if line.name == name for one in line.aliases}
    usual = dict.fromkeys((CHAMPION, CHALLENGER), "names no version yet")
    return _all((Choice(alias, said) for alias, said in {**usual, **named}.items()), open=True)


def _targets(world: World, _: str) -> Choices:
    return _all(Choice(one.target, _told_of_target(one)) for one in serve_status(ServeStatus(), world).servers)


def _told_of_target(status: ServerStatus) -> str:
    if status.error and not status.url:
        return _told("cannot be asked", status.error)
    return _told(status.state.value, status.answers, status.url)


def _releases(world: World, target: str) -> Choices:
    lines = list_releases(ReleaseHistory(target or None), world).releases
    # Only what a target came to answer with can be gone back to; without an id the version stands for the release.
    named = {line.release or str(line.version): line for line in reversed(lines) if line.state is RolloutState.DONE}
    newest = sorted(named.items(), key=lambda one: one[1].at, reverse=True)
    return _all((Choice(name, _told_of_release(one, world.now())) for name, one in newest), open=True)


def _told_of_release(release: ReleaseLine, now: datetime) -> str:
    live = "live" if release.live else ""
    return _told(live, f"version {release.version}", release.target, ago(release.at, now), f"by {release.actor}")


def _stages(world: World, _: str) -> Choices:
    stages = show_pipeline(ShowPipeline(fold=False), world).stages
    templates = dict.fromkeys(stage.template for stage in stages if stage.template and not stage.is_folded)
    whole = (Choice(name, f"all {sum(s.template == name for s in stages)} stages of it") for name in templates)
    return _all([*whole, *(Choice(stage.stage, _told_of_stage(stage)) for stage in stages if not stage.is_data)])


def _told_of_stage(stage: StageLine) -> str:
    return _told("running" if stage.running else stage.state, "failed" if stage.failed else "", stage.command)


def _runs(world: World, _: str) -> Choices:
    return _listed_runs(world, ListRuns(limit=NEWEST_RUNS))


def _writable_runs(world: World, _: str) -> Choices:
    return _listed_runs(world, ListRuns(where=f"source = '{MLFLOW}'", limit=NEWEST_RUNS))


def _deleted_runs(world: World, _: str) -> Choices:
    return _listed_runs(world, ListRuns(limit=NEWEST_RUNS, deleted=True))


def _listed_runs(world: World, request: ListRuns) -> Choices:
    found = list_runs(request, at_once(world))
    return Choices(tuple(_run(run, world.now()) for run in found.runs), found.total, by_part=True)


def _run(run: RunLine, now: datetime) -> Choice:
    told = _told(
        run.name, DVC if run.source == DVC else run.experiment, ago(run.start_time, now), run.status.casefold()
    )
    return Choice(run.run_id, told, run.run_id[:SHORT_ID], (run.name,))


def _experiments(world: World, _: str) -> Choices:
    lines = list_experiments(ListExperiments(), at_once(world)).experiments
    return _all(
        Choice(one.name, _told(f"{one.runs:,} run{'' if one.runs == 1 else 's'}", ago(one.newest, world.now())))
        for one in lines
    )


def _logged(kind: FieldKind) -> Callable[[World, str], Choices]:
    """The bare keys of what runs logged of one kind."""

    def ask(world: World, _: str) -> Choices:
        lines = (line for line in list_columns(ListColumns(), at_once(world)).columns if line.kind is kind)
        # A tag of any key can be written.
        return _all(
            (Choice(line.key, _in_runs(line.runs), also=(line.column,)) for line in lines), open=kind is FieldKind.TAG
        )

    return ask


def _columns(world: World, _: str) -> Choices:
    lines = list_columns(ListColumns(), at_once(world)).columns
    return _all((Choice(line.column, _in_runs(line.runs)) for line in lines), open=True)


def _in_runs(runs: int) -> str:
    return f"in {runs:,} run{'' if runs == 1 else 's'}"


def _run_sources(world: World, _: str) -> Choices:
    return _all((Choice(name) for name in list_runs(ListRuns(limit=0), at_once(world)).sources), open=True)


def _jobs(world: World, _: str) -> Choices:
    found = list_jobs(ListJobs(NEWEST_JOBS), world)
    last = (Choice("last", "the newest job"),) if found.jobs else ()
    offered = (*last, *(_job(job, world.now()) for job in found.jobs))
    return Choices(offered, found.total + len(last), by_part=True)


def _job(job: JobLine, now: datetime) -> Choice:
    return Choice(job.id, _told(job.state.value, job.action, ago(job.started, now), job.message))


def _alerts(world: World, _: str) -> Choices:
    found = list_alerts(ListAlerts(), world).alerts
    return _all(
        (Choice(one.id, _told(one.target, one.kind.value, ago(one.opened, world.now()), one.message)) for one in found),
        by_part=True,
    )


def _features(world: World, target: str) -> Choices:
    columns = show_drift(ShowDrift(target or None), world).columns
    return _all(Choice(one.column, _told("drifted" if one.drifted else "steady", one.kind)) for one in columns)


def _things(world: World, _: str) -> Choices:
    found = [Choice("production", "what answers now")]
    for model in list_models(ListModels(), world).models:
        versions = show_model(ShowModel(model.name), world).versions
        found += (Choice(f"{model.name}/{one.version}", _told_of_version(one, world.now())) for one in versions)
    found += _listed_runs(world, ListRuns(limit=RUNS_AMONG_THINGS)).offered
    return _all(found, open=True)


def _actors(world: World, _: str) -> Choices:
    entries = list_audit(ListAudit(NEWEST_ENTRIES), world).entries
    latest = {entry.actor: entry.at for entry in entries}
    newest_first = sorted(latest.items(), key=lambda pair: pair[1], reverse=True)
    return _all((Choice(actor, ago(at, world.now())) for actor, at in newest_first), open=True)


def _capabilities(world: World, _: str) -> Choices:
    return _all((Choice(action.name, action.help.splitlines()[0]) for action in CATALOG), open=True)


def _recipes(world: World, _: str) -> Choices:
    return _all(Choice(name) for name in world.recipes.names())


def _user_commands(world: World, _: str) -> Choices:
    return _all(Choice(one.name, one.run) for one in list_user_commands(ListUserCommands(), world).commands)


LISTERS: Mapping[Names, Lister] = MappingProxyType(
    {
        Names.MODEL: Lister(_models),
        Names.VERSION: Lister(_versions, of=Names.MODEL),
        Names.ALIAS: Lister(_aliases, of=Names.MODEL),
        Names.TARGET: Lister(_targets),
        Names.RELEASE: Lister(_releases, of=Names.TARGET),
        Names.STAGE: Lister(_stages),
        Names.RUN: Lister(_runs),
        Names.WRITABLE_RUN: Lister(_writable_runs),
        Names.DELETED_RUN: Lister(_deleted_runs),
        Names.EXPERIMENT: Lister(_experiments),
        Names.METRIC: Lister(_logged(FieldKind.METRIC)),
        Names.PARAM: Lister(_logged(FieldKind.PARAM)),
        Names.TAG: Lister(_logged(FieldKind.TAG)),
        Names.COLUMN: Lister(_columns),
        Names.RUN_SOURCE: Lister(_run_sources),
        Names.JOB: Lister(_jobs),
        Names.ALERT: Lister(_alerts),
        Names.FEATURE: Lister(_features, of=Names.TARGET),
        Names.THING: Lister(_things),
        Names.ACTOR: Lister(_actors),
        Names.CAPABILITY: Lister(_capabilities),
        Names.RECIPE: Lister(_recipes),
        Names.USER_COMMAND: Lister(_user_commands),
    }
)


def _told(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def ago(moment: datetime | None, now: datetime) -> str:
    """`2 h ago`; empty when nobody knows."""
    if moment is None:
        return ""
    seconds = (now - moment).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length):,} {unit} ago"
    return "just now"
