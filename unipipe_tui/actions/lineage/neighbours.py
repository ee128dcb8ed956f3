"""What stands above and below each kind of thing, read from the tools' records and ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from unipipe_tui.actions.asking import ask_all
from unipipe_tui.actions.lineage.things import (
    named_commit,
    named_job,
    named_run,
    named_version,
    told_commit,
    told_data,
    told_job,
    told_prediction,
    told_promotion,
    told_release,
    told_run,
    told_version,
)
from unipipe_tui.actions.lineage.tracing import data_of, release_of
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import CHAMPION, COMMIT_TAG, JOB_TAG
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.ports.store import RunIndex
from unipipe_tui.domain.records import GateCheck, Promotion, Release
from unipipe_tui.domain.runs.query import AnyOf, Comparison, Condition, Field, FieldKind, Life, Operator, RunQuery
from unipipe_tui.domain.runs.rows import MLFLOW
from unipipe_tui.domain.runs.tags import COMMIT_TAGS, PARENT_TAG
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.things import Neighbour, Thing, ThingFact, ThingKind, Walk
from unipipe_tui.domain.tracking import ModelVersion, Run
from unipipe_tui.domain.values import frozen

MOST = 20
"""So many neighbours of one relation are named."""
FEW = 8
"""So many params and metrics are told."""
SHORTEST = 4
"""Characters of a beginning that is looked for among the contents of data."""
ALL = 1_000_000
MD5_SUFFIX = ".md5"


@frozen
class _Some:
    """Neighbours of one relation, and what is said of those that are not named."""

    neighbours: tuple[Neighbour, ...]
    notes: tuple[str, ...] = ()


def around_production(world: World) -> Walk:
    """What answers on each target, and what the models' champions are."""
    live = tuple(_live(world))
    champions = tuple(
        Neighbour(CHAMPION, named_version(model.name, version, world))
        for model in world.tracking.models()
        if (version := model.alias(CHAMPION)) is not None
    )
    title = Thing(ThingKind.PRODUCTION, ThingKind.PRODUCTION, "Production", "what is live, and what should be")
    note = () if live else ("Nothing was ever released here: unipipe serve start",)
    return Walk(title, (), (*live, *champions), (), note)


def _live(world: World) -> Iterator[Neighbour]:
    for asked in ask_all(world):
        newest = next(iter(world.history.releases(asked.target, 1)), None)
        if newest:
            state = asked.status.state
            stands = "live on" if state is ServerState.READY else f"{state.value}, last on"
            yield Neighbour(f"{stands} {asked.target}", told_release(newest))


def around_prediction(name: str, world: World) -> Walk | None:
    """The release and the version that answered."""
    found = world.predictions.find(name)
    if found is None:
        return None
    version = _version(found.model, found.version, world)
    release = release_of(found, version, world)
    answered = [Neighbour("answered by release", told_release(release))] if release else []
    facts = {
        "target": found.target,
        "decision": found.decision,
        "score": found.score,
        "label": found.label,
        "labelled": found.label_at,
        "latency ms": found.latency_ms,
        **{f"input {name}": value for name, value in found.inputs.items()},
    }
    answered.append(Neighbour("answered by version", named_version(found.model, found.version, world)))
    return Walk(told_prediction(found), _facts(facts), tuple(answered), (), ())


def around_release(name: str, world: World) -> Walk | None:
    """The version, who decided, what it replaced; the predictions it answered and what replaced it."""
    target, _, job = name.rpartition("/")
    releases = world.history.releases(target, ALL)
    place = next((n for n, release in enumerate(releases) if release.job == job), None)
    if place is None:
        return None
    release = releases[place]
    above = [Neighbour("version", named_version(release.model, release.version, world))]
    above += [Neighbour("since", told_promotion(p)) for p in _moves(world) if p.job == job]
    above.append(Neighbour("put there by job", named_job(job, world)))
    above += [Neighbour("replaced", told_release(before)) for before in releases[place + 1 : place + 2]]
    later = releases[place - 1] if place else None
    below = [Neighbour("replaced by", told_release(later))] if later else []
    answered = _answered(release, later.at if later else None, world)
    facts = {"digest": release.digest, "commit": release.commit, "data": release.data, "by": release.actor}
    return Walk(told_release(release), _facts(facts), tuple(above), (*below, *answered.neighbours), answered.notes)


def _answered(release: Release, until: datetime | None, world: World) -> _Some:
    found = world.predictions.latest(release.target, MOST, release.version, release.at, until)
    named = tuple(Neighbour("answered", told_prediction(prediction)) for prediction in found)
    note = (f"Only the newest {MOST} predictions are named; any other can be walked to by its id.",)
    return _Some(named, note if len(named) == MOST else ())


def around_version(name: str, world: World) -> Walk | None:
    """The run that made it; the moves of aliases to it, its checks and its releases."""
    model, _, number = name.rpartition("/")
    if not number.isdigit() or model not in {known.name for known in world.tracking.models()}:
        return None
    version = world.tracking.version(model, int(number))
    run = _run(version.run_id, world)
    tags = {**(run.tags if run else {}), **version.tags}
    above = [Neighbour("made by run", named_run(version.run_id, world))] if version.run_id else []
    above += [Neighbour("registered by job", named_job(tags[JOB_TAG], world))] if JOB_TAG in tags else []
    moves = [
        Neighbour("became", told_promotion(p)) for p in world.history.promotions(model) if p.version == int(number)
    ]
    checks = _jobs("checked by job", (c.job for c in world.history.gate_checks(model, int(number))), world)
    releases = [r for r in world.history.releases(None, ALL) if (r.model, r.version) == (model, int(number))]
    released = [Neighbour("released as", told_release(release)) for release in releases]
    below = _bounded(moves, checks, released)
    facts = {"aliases": ", ".join(version.aliases), "created": version.created, "status": version.status}
    notes = () if run or not version.run_id else ("MLflow no longer has the run of this version.",)
    return Walk(told_version(version), _facts(facts), tuple(above), below.neighbours, (*notes, *below.notes))


def around_promotion(name: str, world: World) -> Walk | None:
    """The version that was named, the one before, and the releases that followed."""
    found = next((p for p in _moves(world) if told_promotion(p).id == f"{ThingKind.PROMOTION}:{name}"), None)
    if found is None:
        return None
    above = [Neighbour("named", named_version(found.model, v, world)) for v in (found.version,) if v is not None]
    above += [Neighbour("instead of", named_version(found.model, v, world)) for v in (found.previous,) if v is not None]
    above.append(Neighbour("by job", named_job(found.job, world)))
    releases = (release for release in world.history.releases(None, ALL) if release.job == found.job)
    facts = {"model": found.model, "alias": found.alias, "how": found.how.value, "by": found.actor, "why": found.reason}
    below = tuple(Neighbour("released as", told_release(release)) for release in releases)
    return Walk(told_promotion(found), _facts(facts), tuple(above), below, ())


def around_run(name: str, world: World) -> Walk | None:
    """The commit, the data and the job that it came from; the versions and the runs that came from it."""
    run = _run(name, world)
    if run is None:
        return None
    commit = _commit_of(run)
    above = [Neighbour("made of commit", named_commit(commit, world))] if commit else []
    data = [Neighbour("read data", told_data(facts.md5, facts.name)) for facts in data_of(run, dict(run.tags))]
    job = [Neighbour("by job", named_job(run.tags[JOB_TAG], world))] if run.tags.get(JOB_TAG) else []
    parent = [Neighbour("child of run", named_run(run.tags[PARENT_TAG], world))] if run.tags.get(PARENT_TAG) else []
    versions = [
        Neighbour("registered as", told_version(version))
        for version in _versions(world)
        if version.run_id == run.run_id
    ]
    children = _runs("parent of run", _tagged(PARENT_TAG, run.run_id), world)
    facts = {
        "status": run.status.value,
        **_first(run.params, "param"),
        **_first({m.key: m.value for m in run.metrics}, ""),
    }
    notes = [] if above else [f"The run does not say which commit it was made of (tag {COMMIT_TAG})."]
    notes += [] if data else ["The run does not say which data it read."]
    below = (*versions, *children.neighbours)
    return Walk(told_run(run), _facts(facts), (*above, *data, *job, *parent), below, (*notes, *children.notes))


def around_commit(name: str, world: World) -> Walk | None:
    """The commit before; the runs and the releases that were made of it."""
    commit = world.git.commit_of(name)
    if commit is None:
        return None
    before = world.git.commit_of(f"{commit.id}^")
    above = (Neighbour("after commit", told_commit(before)),) if before else ()
    runs = _runs("made run", AnyOf(tuple(_tagged(tag, commit.id) for tag in COMMIT_TAGS)), world)
    releases = (r for r in world.history.releases(None, ALL) if r.commit == commit.id)
    below = _bounded([Neighbour("released as", told_release(release)) for release in releases])
    facts = {"author": commit.author, "subject": commit.subject}
    named = (*runs.neighbours, *below.neighbours)
    return Walk(told_commit(commit), _facts(facts), above, named, (*runs.notes, *below.notes))


def around_data(name: str, world: World) -> Walk | None:
    """The commits that hold it, as far as runs and history tell; the runs that read it, and the releases."""
    index = open_index(world).index
    releases = world.history.releases(None, ALL)
    here = _here(world)
    md5 = _whole_md5(name, index, (*(r.data for r in releases if r.data), *here.values()))
    if md5 is None:
        return None
    page = index.search(RunQuery(_of_data(md5, index), limit=MOST, life=Life.ALL))
    runs = [run for run in page.runs if run.source == MLFLOW]
    held = [told_run(run) for run in page.runs if run.source != MLFLOW]
    told = (commit for run in runs if (commit := _commit_of(run)))
    commits = {thing.id: thing for thing in (*held, *(named_commit(commit, world) for commit in dict.fromkeys(told)))}
    names = (facts.name for run in runs for facts in data_of(run, dict(run.tags)) if facts.md5 == md5)
    read = [Neighbour("read by run", told_run(run)) for run in runs]
    below = _bounded(read, [Neighbour("released as", told_release(r)) for r in releases if r.data == md5])
    lies = [path for path, content in here.items() if content == md5]
    notes = (*_left_out(page.total - len(page.runs)), *below.notes)
    above = tuple(Neighbour("in commit", thing) for thing in commits.values())
    facts = _facts({"md5": md5, "lies here as": ", ".join(lies)})
    return Walk(told_data(md5, next(names, next(iter(lies), ""))), facts, above, below.neighbours, notes)


def _whole_md5(name: str, index: RunIndex, known: Sequence[str]) -> str | None:
    """The md5 of the data that a run read, a release holds or this project has, whose name begins so."""
    if name in known:
        return name
    if len(name) < SHORTEST:
        return None
    runs = index.search(RunQuery(_of_data(name, index, Operator.LIKE), limit=1, life=Life.ALL)).runs
    read = (facts.md5 for run in runs for facts in data_of(run, dict(run.tags)))
    return next((md5 for md5 in (*known, *read) if md5.startswith(name)), None)


def around_job(name: str, world: World) -> Walk | None:
    """What a job left behind: runs, versions, moves of aliases, releases, and what it took back or was taken back by."""
    job = world.jobs.find(name)
    if job is None:
        return None
    changes = world.history.changes(ALL)
    above = _jobs("took back", (change.job for change in changes if change.undone_by == job.id), world)
    undone = _jobs("taken back by", (c.undone_by for c in changes if c.job == job.id and c.undone_by), world)
    runs = _runs("made run", _tagged(JOB_TAG, job.id), world)
    versions = _of_job(job.id, runs, world)
    moves = [Neighbour("moved alias", told_promotion(move)) for move in _moves(world) if move.job == job.id]
    releases = (release for release in world.history.releases(None, ALL) if release.job == job.id)
    below = _bounded(versions, moves, [Neighbour("released", told_release(r)) for r in releases], undone)
    facts = {
        "command": job.command,
        "by": job.actor,
        "ended": job.ended,
        "exit code": job.exit_code,
        "said": job.message,
    }
    named = (*runs.neighbours, *below.neighbours)
    return Walk(told_job(job), _facts(facts), tuple(above), named, (*runs.notes, *below.notes))


def _of_job(job: str, runs: _Some, world: World) -> list[Neighbour]:
    made = {neighbour.thing.id.partition(":")[2] for neighbour in runs.neighbours}
    checked = {(check.model, check.version) for check in _checks(world) if check.job == job}
    found: list[Neighbour] = []
    for version in _versions(world):
        if version.tags.get(JOB_TAG) == job or version.run_id in made:
            found.append(Neighbour("registered", told_version(version)))
        elif (version.model, version.version) in checked:
            found.append(Neighbour("checked", told_version(version)))
    return found


# What the tools and the store are asked


def _run(name: str | None, world: World) -> Run | None:
    try:
        return world.tracking.run(name) if name else None
    except UnipipeError:
        return None


def _commit_of(run: Run) -> str | None:
    return next((run.tags[tag] for tag in COMMIT_TAGS if run.tags.get(tag)), None)


def _version(model: str, number: int, world: World) -> ModelVersion | None:
    return next((v for v in _versions(world) if (v.model, v.version) == (model, number)), None)


def _versions(world: World) -> Iterator[ModelVersion]:
    for model in world.tracking.models():
        yield from world.tracking.versions(model.name)


def _moves(world: World) -> Iterator[Promotion]:
    for model in world.tracking.models():
        yield from world.history.promotions(model.name)


def _checks(world: World) -> Iterator[GateCheck]:
    for model in world.tracking.models():
        yield from world.history.gate_checks(model.name)


def _here(world: World) -> Mapping[str, str]:
    """By path, the content of what the pipeline keeps here."""
    try:
        return world.pipeline.snapshot(world.pipeline.read())
    except (UnipipeError, OSError):
        return {}


def _tagged(key: str, value: str) -> Condition:
    return Comparison(Field(FieldKind.TAG, key), Operator.EQUAL, value)


def _of_data(md5: str, index: RunIndex, operator: Operator = Operator.EQUAL) -> Condition:
    """Runs that read it: as a data set, or by any tag that names a content."""
    keys = (field for field, _ in index.keys(RunQuery(life=Life.ALL)))
    tags = (field for field in keys if field.kind is FieldKind.TAG and field.key.endswith(MD5_SUFFIX))
    value = md5 if operator is Operator.EQUAL else f"{md5}%"
    fields = (Field(FieldKind.DATASET, "digest"), *tags)
    return AnyOf(tuple(Comparison(field, operator, value) for field in fields))


def _runs(relation: str, where: Condition, world: World) -> _Some:
    page = open_index(world).index.search(RunQuery(where, limit=MOST, life=Life.ALL))
    named = tuple(Neighbour(relation, told_run(run)) for run in page.runs)
    return _Some(named, _left_out(page.total - len(named)))


def _left_out(runs: int) -> tuple[str, ...]:
    return (f"{runs:,} more runs are not named: unipipe runs list",) if runs else ()


def _jobs(relation: str, job_ids: Iterable[str], world: World) -> list[Neighbour]:
    return [Neighbour(relation, named_job(job, world)) for job in dict.fromkeys(job_ids)]


def _bounded(*groups: Sequence[Neighbour]) -> _Some:
    """The first ones of each relation."""
    named = tuple(neighbour for group in groups for neighbour in group[:MOST])
    left = [(group[0].relation, len(group) - MOST) for group in groups if len(group) > MOST]
    return _Some(named, tuple(f"“{relation}” has {count:,} more that are not named." for relation, count in left))


def _first(values: Mapping[str, object], kind: str) -> dict[str, object]:
    return {f"{kind} {name}": value for name, value in list(values.items())[:FEW]}


def _facts(values: Mapping[str, object]) -> tuple[ThingFact, ...]:
    return tuple(ThingFact(name, _text(value)) for name, value in values.items() if value not in (None, ""))


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
