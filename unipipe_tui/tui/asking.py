"""The road from a wish to its end: form, then the plan and a job for a change, or the answer for a look."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from textual.app import App

from unipipe_tui.actions.action import Action, Change, Look
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.command_line import approved
from unipipe_tui.actions.jobs.finding import find_job
from unipipe_tui.actions.perform import allowed_plan
from unipipe_tui.actions.request import fields_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.plans import Plan
from unipipe_tui.tui.background import Problem, answer_within
from unipipe_tui.tui.forms import Texts, fill, texts_of
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.answer import AnswerScreen
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.jobs import Followed
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.screens.plan import PLAN_WITHIN_SECONDS, PlanScreen
from unipipe_tui.tui.suggestions import suggested_texts

SUGGEST_WITHIN_SECONDS = 3.0
START_WITHIN_SECONDS = 10.0


async def ask(app: App[None], world: World, asked: Asked) -> Followed | None:
    """Lead somebody through the dialogs of a capability; answers with the job to follow now, if there is one."""
    action = asked.action
    if isinstance(action, Change) and world.read_only and not action.only_looks:
        await app.push_screen_wait(ProblemTold(action.name, refusal(world)))
        return None
    texts = {**await _suggested(action, world), **asked.texts}
    request = fill(action, texts, world.root).request
    needs_form = bool(fields_of(action.request)) and not (asked.complete and request is not None)
    while True:
        if needs_form:
            request = await app.push_screen_wait(FormScreen(action, texts, world))
        if request is None:
            return None
        outcome = await _carried_out(app, world, action, request)
        if not isinstance(outcome, Problem):
            return outcome
        await app.push_screen_wait(ProblemTold(action.name, outcome))
        if not needs_form:
            return None
        texts = dict(texts_of(action, request))


def refusal(world: World) -> Problem:
    """Why nothing may be changed."""
    return Problem(f"This is read-only: {world.read_only}.", "Looks work; changes need a writable workspace.")


async def _suggested(action: Action, world: World) -> Texts:
    texts = await answer_within(SUGGEST_WITHIN_SECONDS, lambda: suggested_texts(action, world))
    return texts if isinstance(texts, Mapping) else {}


async def _carried_out(app: App[None], world: World, action: Action, request: Any) -> Followed | Problem | None:
    if isinstance(action, Look):
        return await app.push_screen_wait(AnswerScreen(action, request, world))
    if not isinstance(action, Change):
        job = await answer_within(START_WITHIN_SECONDS, lambda: find_job(world, request.job))
        return job if isinstance(job, Problem) else Followed(job.id, world)
    plan = await _approved_plan(app, world, action, request)
    if not isinstance(plan, Plan):
        return plan
    return await answer_within(START_WITHIN_SECONDS, lambda: _start(action, request, plan, world))


async def _approved_plan(
    app: App[None], world: World, change: Change[Any, Any, Any], request: Any
) -> Plan[Any] | Problem | None:
    if change.only_looks:
        # Only the request tells whether it may run where nothing may be changed, and whether it asks.
        plan = await answer_within(PLAN_WITHIN_SECONDS, lambda: allowed_plan(change, request, world))
        if isinstance(plan, Problem) or plan.at_once:
            return plan
    return await app.push_screen_wait(PlanScreen(change, request, world))


def _start(change: Change[Any, Any, Any], request: Any, plan: Plan[Any], world: World) -> Followed:
    home = change.home(request, world)
    named = action_named(plan.action or change.name)
    # Not where the workbench stands: paths of a form count from the project, and that is found from there.
    job_id = home.processes.launch(approved(named, plan.command, plan.id, plan.name_to_type), home.root, world.root)
    return Followed(job_id, home, shlex.join(plan.command))
