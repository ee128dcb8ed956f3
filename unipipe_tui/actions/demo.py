"""The whole story once, for real: from raw data to a served, monitored, retrained model, told step by step."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.audit import VerifyAudit, verify_audit
from unipipe_tui.actions.demo_load import Load
from unipipe_tui.actions.jobs.finding import launch, result_of
from unipipe_tui.actions.jobs.following import AttachJob, JobEnd, attach
from unipipe_tui.actions.lineage.tracing import Lineage, ShowLineage, show_lineage
from unipipe_tui.actions.request import OBJECT
from unipipe_tui.actions.world import World
from unipipe_tui.config import FILE_NAME
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import Failed, Stopped, UnipipeError, UsageError
from unipipe_tui.domain.events import Event, Noted, StepEnded, StepStarted
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen

RECIPE = "fraud-detection"
TARGET = "local"
STORY = (
    "begin a project",
    "run the pipeline",
    "serve the champion",
    "weeks 1 to 4: all is well",
    "week 5: a new region appears",
    "retrain, compare, promote",
    "roll back and forward again",
    "trace a prediction, verify the audit",
)


@frozen
class Demo:
    """Where, and whether to stop after the story."""

    directory: Annotated[
        Path, OBJECT, "Folder for the demo; a finished demo there is opened again, anything else is refused."
    ] = Path("unipipe-demo")
    headless: Annotated[bool, "Stop after the story, and stop the model server."] = False


@frozen
class DemoOrder:
    """What was decided."""

    directory: Path
    headless: bool
    told: Told | None = None
    """The story as it was told there before."""


@frozen
class Chapter:
    """One step of the story."""

    number: int
    name: str
    happened: tuple[str, ...]
    figures: dict[str, float | int | str | bool | None]
    commands: tuple[str, ...]
    seconds: float


@frozen
class Told:
    """The whole story."""

    directory: str
    seconds: float
    chapters: tuple[Chapter, ...]
    open_next: bool
    """Whether the terminal front end should open on the workspace."""


def plan_demo(request: Demo, world: World) -> Plan[DemoOrder]:
    """Tell the whole story in a new folder: train, serve, watch, find drift, retrain, promote, roll back, trace.

    Real Git, DVC, MLflow and a real HTTP server on this machine; nothing is simulated. It takes some two minutes.
    In the folder of a finished demo the story is not told again, but what it said is.
    """
    directory = world.root
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is not a folder.")
    held = [path.name for path in directory.iterdir() if path.name != ".unipipe"] if directory.is_dir() else []
    told = _told_before(world) if held else None
    if told is not None:
        nothing = (plans.store("nothing: the story was told here already"),)
        order = DemoOrder(directory, request.headless, told)
        return Plan(f"Look again at the demo in {directory}", nothing, "nothing to undo", order)
    if held:
        raise UsageError(
            f"{directory} is not empty.",
            hint=f"Remove it, or name another folder: unipipe demo DIR. To look at it: cd {directory} && unipipe",
        )
    effects = (
        plans.write(f"a new project in {directory}, from the recipe {RECIPE}"),
        plans.run("dvc", "repro"),
        plans.registry("two versions of fraud-detector in an MLflow store of its own"),
        plans.serve("a model server on 127.0.0.1, eight weeks of traffic"),
    )
    return Plan(f"Tell the story in {directory}", effects, f"rm -r {directory}", DemoOrder(directory, request.headless))


def tell(plan: Plan[DemoOrder], world: World, progress: Progress) -> Done[Told]:
    """Tell the story."""
    if plan.decided.told is not None:
        again = replace(plan.decided.told, open_next=not plan.decided.headless)
        return Done(again, detail="looked at again")
    begun = time.monotonic()
    # A story is some thirty short jobs: most of their time would go into importing the same again.
    world.processes.stand_by()
    story = _Story(world, progress)
    chapters = (
        story.begin,
        story.train,
        story.serve,
        story.calm_weeks,
        story.new_region,
        story.retrain,
        story.back_and_forth,
        story.trace,
    )
    try:
        told = tuple(story.chapter(number, STORY[number - 1], tell) for number, tell in enumerate(chapters, start=1))
        if plan.decided.headless:
            story.run("serve", "stop")
    except BaseException:
        story.tidy_up()
        raise
    finally:
        world.processes.stand_down()
    seconds = round(time.monotonic() - begun, 1)
    result = Told(str(plan.decided.directory), seconds, told, not plan.decided.headless)
    return Done(result, detail=f"eight steps in {seconds:.0f} s")


def _told_before(world: World) -> Told | None:
    """What a finished demo said in this folder; None when none was finished here."""
    for job in world.jobs.latest(world.jobs.total()):
        told = result_of(world, job.id) if job.action == "demo" and job.state is JobState.DONE else {}
        if told:
            return _from_plain(told, str(world.root))
    return None


def _from_plain(told: dict[str, Any], directory: str) -> Told:
    chapters = (
        Chapter(c["number"], c["name"], tuple(c["happened"]), c["figures"], tuple(c["commands"]), c["seconds"])
        for c in told["chapters"]
    )
    return Told(directory, told["seconds"], tuple(chapters), told["open_next"])


@dataclass
class _Page:
    """What one chapter collects while it is told."""

    happened: list[str] = field(default_factory=list)
    figures: dict[str, float | int | str | bool | None] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)


class _Story:
    """Runs the command lines that a user would type, as jobs of the demo's own project, and notes what they answer."""

    def __init__(self, world: World, progress: Progress) -> None:
        self._world = world
        self._progress = progress
        self._page = _Page()

    def chapter(self, number: int, name: str, tell: Callable[[], None]) -> Chapter:
        begun = time.monotonic()
        self._page = page = _Page()
        with step(self._progress, name, number, len(STORY)):
            tell()
        seconds = round(time.monotonic() - begun, 1)
        return Chapter(number, name, tuple(page.happened), page.figures, tuple(page.commands), seconds)

    def begin(self) -> None:
        answer = self.run("init", "--recipe", RECIPE, ".")
        self._world = self._world.elsewhere(self._world.root)
        self._say(f"{answer['files']} files; Git commit {str(answer['commit'])[:9]}", commit=answer["commit"])
        watch = f"cd {shlex.quote(str(self._world.root))} && unipipe"
        self._progress.emit(Noted(f"to watch the story while it is told, in another terminal: {watch}, then key 6"))

    def train(self) -> None:
        trained = self.run("pipeline", "run", "--commit")
        self._say(
            f"{len(trained['stages'])} stages in {trained['seconds']:.0f} s; {trained['model']} version "
            f"{trained['version']} is the first: {trained['alias']}",
            version=trained["version"],
            alias=trained["alias"],
            gates_passed=bool(trained["gates"] and trained["gates"]["results"] and _passed(trained["gates"])),
        )
        self._note_gates(trained["gates"])

    def serve(self) -> None:
        # Not sooner: while the pipeline runs, a port that was free is easily taken.
        self._use_free_port()
        status = self.run("serve", "start")
        self._say(
            f"version {status['version']} answers on {status['url']}", url=status["url"], version=status["version"]
        )

    def calm_weeks(self) -> None:
        for week in range(1, 5):
            self._send(week)
            if week > 1:
                self._label(week - 1)
            checked = self.run("drift", "check")
            self._say(f"week {week}: {_drift_words(checked)}; {checked['performance']['sentence']}")
        self._page.figures.update(drifted=checked["drifted"], precision=checked["performance"]["value"])

    def new_region(self) -> None:
        self._send(5)
        self._label(4)
        checked = self.run("drift", "check")
        self._say(f"week 5: {_drift_words(checked)}", drifted_columns=", ".join(checked["drifted_columns"]))
        for column in checked["columns"]:
            if column["drifted"]:
                self._say(f"  {column['column']}: {column['reason']}")
        self._label(5)
        judged = self.run("drift", "check")
        performance = judged["performance"]
        self._say(f"a week later, with labels: {performance['sentence']}", precision=performance["value"])
        for alert in judged["alerts"]:
            self._say(f"alert: {alert}")
        self._page.figures["alerts"] = len(judged["alerts"])

    def retrain(self) -> None:
        answer = self.run("retrain", "--reason", "a new region appeared and precision fell")
        trained = answer["trained"]
        self._say(
            f"{answer['collected_rows']} labelled payments added; version {trained['version']} is {trained['alias']}",
            collected_rows=answer["collected_rows"],
            challenger=trained["version"],
        )
        self._note_gates(trained["gates"])
        load = Load(self._world, TARGET)
        load.start()
        promoted = self.run(
            "models",
            "promote",
            trained["model"],
            str(trained["version"]),
            "--reason",
            "passes its gates, champion does not",
        )
        sent, failed = load.stop()
        self._say(
            f"version {promoted['version']} is champion; {sent} requests during the switch, {failed} failed",
            champion=promoted["version"],
            requests_during_switch=sent,
            failed_requests=failed,
        )
        for week in (6, 7, 8):
            self._send(week)
            self._label(week)
        checked = self.run("drift", "check")
        self._say(f"weeks 6 to 8: {checked['performance']['sentence']}", precision=checked["performance"]["value"])
        self._page.figures["alerts"] = len(checked["alerts"])

    def back_and_forth(self) -> None:
        back = self.run("rollback", "--reason", "to show the way back")["moved"]
        self._say(f"back to version {back['version']}, live on {', '.join(back['released'])}", back_to=back["version"])
        forward = self.run("rollback", "--forward")["moved"]
        self._say(f"forward to version {forward['version']} again", forward_to=forward["version"])

    def trace(self) -> None:
        # The last payment of the last week: predicted by the retrained model.
        week = self._world.recipes.sample("week-8.parquet")
        payment = str(self._world.tables.records(week, (self._world.config.data.id,))[-1][self._world.config.data.id])
        self._shown("lineage", "show", payment)
        lineage = show_lineage(ShowLineage(payment), self._world)
        self._note_lineage(lineage)
        self._shown("audit", "verify")
        verdict = verify_audit(VerifyAudit(), self._world)
        if not verdict.whole:
            raise Failed(f"The audit is not whole: {verdict.problem}.")
        self._say(f"the audit is whole: {verdict.entries} entries", audit_entries=verdict.entries, audit_whole=True)

    def run(self, *words: str) -> dict[str, Any]:
        """Start a command line as a job, follow it to its end and answer with its result."""
        self._shown(*words)
        job_id = self._world.processes.launch((*words, "--yes"), self._world.root, self._world.root)
        try:
            end: JobEnd = attach(AttachJob(job_id), self._world, _Inside(self._progress))
        except BaseException as error:
            self._end(job_id)
            # The store's engine makes an error of its own of an interrupt that meets a query.
            if not (isinstance(error, Stopped | KeyboardInterrupt) or self._progress.stopped()):
                raise
            raise Stopped("The demo was stopped.", hint=f"Remove {self._world.root} to begin again.") from None
        if end.state is not JobState.DONE:
            raise Failed(
                f"`unipipe {shlex.join(words)}` {end.state.value}: {end.message}", hint=f"unipipe jobs logs {job_id}"
            )
        return result_of(self._world, job_id)

    def tidy_up(self) -> None:
        """Leave no server behind when the story breaks off."""
        try:
            target = self._world.target_of(TARGET)
            if target.live().state is not ServerState.STOPPED:
                target.stop(self._progress)
        except UnipipeError:
            return

    def _end(self, job_id: str) -> None:
        # Not by its row: it has none before its work begins.
        launched = launch(self._world, job_id)
        if launched and self._world.processes.is_alive(launched.pid, launched.pid_started):
            self._world.processes.terminate(launched.pid)

    def _shown(self, *words: str) -> None:
        line = shlex.join(("unipipe", *words))
        self._page.commands.append(line)
        self._progress.emit(Noted(f"$ {line}"))

    def _say(self, sentence: str, **figures: float | int | str | bool | None) -> None:
        self._page.happened.append(sentence)
        self._page.figures.update(figures)
        self._progress.emit(Noted(sentence))

    def _send(self, week: int) -> None:
        self.run("predict", str(self._world.recipes.sample(f"week-{week}.parquet")))

    def _label(self, week: int) -> None:
        self.run("feedback", str(self._world.recipes.sample(f"labels-week-{week}.csv")))

    def _note_gates(self, gates: dict[str, Any] | None) -> None:
        for result in gates["results"] if gates else ():
            where = f" in {result['slice']}" if result["slice"] else ""
            value = "nothing" if result["value"] is None else f"{result['value']:.3f}"
            champion = "" if result["champion"] is None else f", champion {result['champion']:.3f}"
            mark = "passed" if result["passed"] else "CLOSED"
            self._say(f"gate {result['gate']}{where}: {value}{champion}, wanted {result['wanted']}: {mark}")

    def _note_lineage(self, lineage: Lineage) -> None:
        version, run = lineage.version, lineage.run
        if version is None or run is None or lineage.prediction is None:
            raise Failed(f"The lineage of {lineage.asked} is not whole: {' '.join(lineage.missing)}")
        promoted = lineage.promotions[0].actor if lineage.promotions else "nobody"
        self._say(
            f"prediction {lineage.asked}: {version.model} version {version.version}, run {run.run_id[:9]}, "
            f"commit {str(lineage.commit_id)[:9]}, {len(run.params)} params, job {version.job}, promoted by {promoted}",
            prediction=lineage.asked,
            version=version.version,
            run=run.run_id,
            commit=lineage.commit_id,
            job=version.job,
            promoted_by=promoted,
        )
        for data in lineage.data:
            self._say(f"  data {data.name}: md5 {data.md5}")

    def _use_free_port(self) -> None:
        """Somebody else may listen on the recipe's port."""
        config = self._world.config.targets[TARGET]
        free = self._world.free_port(config.host, config.port)
        if free == config.port:
            return
        path = self._world.root / FILE_NAME
        path.write_text(path.read_text().replace(f"port: {config.port}", f"port: {free}"))
        self._world.git.commit(f"Listen on port {free}", [FILE_NAME], self._progress)
        self._world = self._world.elsewhere(self._world.root)


class _Inside:
    """The progress of a job inside the story: its own steps are narration here."""

    def __init__(self, outer: Progress) -> None:
        self._outer = outer

    def emit(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._outer.emit(Noted(f"  {event.name} ({event.number}/{event.total})"))
        elif not isinstance(event, StepEnded):
            self._outer.emit(event)

    def stopped(self) -> bool:
        return self._outer.stopped()


def _passed(gates: dict[str, Any]) -> bool:
    return all(result["passed"] for result in gates["results"])


def _drift_words(checked: dict[str, Any]) -> str:
    return f"drift in {', '.join(checked['drifted_columns'])}" if checked["drifted"] else "no drift"


DEMO = Change(
    "demo", Demo, plan_demo, tell, "unipipe demo --headless", Danger.NONE, folder=lambda request: request.directory
)
