"""Every key on one page: bindings, footer, help and the documentation are made from this table. Knows no Textual."""

from __future__ import annotations

import re

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.places import PLACES

EVERYWHERE = "everywhere"
OVERVIEW = "overview"
PIPELINE = "pipeline"
GRAPH = "graph"
RUNS = "runs"
RUNS_COMPARED = "runs compared"
RUNS_DRAWN = "runs drawn"
RUNS_HISTORY = "metric history"
RUNS_PARALLEL = "parallel view"
RUNS_SCATTER = "scatter"
RUNS_BEST = "best runs"
FIELDS = "choosing fields"
MODELS = "models"
RELEASES = "releases"
MONITORING = "monitoring"
JOBS = "jobs"
LINEAGE = "lineage"
LISTS = "lists"
TABLES = "tables"
FILTER = "filter"
JUMP = "jump"
OUTPUT = "output"
LOG = "log"
TEXTS = "texts"
PLAN = "plan"
FORM = "form"
DIALOGS = "dialogs"


@frozen
class KeyLine:
    """One key: where it works and what it does."""

    screen: str
    keys: str
    """As Textual names them, separated by commas when several do the same."""
    label: str
    """A word or two, for the footer."""
    what: str
    """A sentence, for the help."""
    does: str = ""
    """The method of the screen or widget that is called: `copy` for `action_copy`; empty when a widget takes the key."""
    in_footer: bool = False
    changes: bool = False
    """Whether it leads to a change: where nothing may be changed it stays in sight, dimmed."""
    own: bool = False
    """Whether it is the key of a user's own command, which is chosen where the command is."""

    @property
    def id(self) -> str:
        """How a user's configuration names it: `models.check`."""
        where = "own" if self.own else self.screen.replace(" ", "-")
        return f"{where}.{re.sub('[^a-z0-9]+', '-', self.label.casefold()).strip('-')}"


_BEFORE_CATALOG = (
    *(KeyLine(EVERYWHERE, place.key, place.label, place.what, f"go('{place.name}')") for place in PLACES),
    KeyLine(EVERYWHERE, ":", "Jump", "Go to a place, or ask for a capability, by name.", "jump"),
    KeyLine(EVERYWHERE, "-", "Back", "Go back to the place before.", "go_back"),
)

_AFTER_CATALOG = (
    KeyLine(EVERYWHERE, "@", "Log", "Show or hide the command log.", "toggle_command_log", True),
    KeyLine(EVERYWHERE, "ctrl+p", "Palette", "Find any capability by name and ask for it.", "command_palette", True),
    KeyLine(EVERYWHERE, "?", "Help", "Show the keys and what Unipipe can do.", "help", True),
    KeyLine(EVERYWHERE, "ctrl+t", "Colours", "Go on to the next colours.", "next_theme"),
    KeyLine(EVERYWHERE, "ctrl+s", "Picture", "Write what is to be seen into an SVG file.", "take_picture"),
    KeyLine(EVERYWHERE, "ctrl+r", "Look again", "Look at everything again.", "look_again"),
    KeyLine(EVERYWHERE, "q", "Quit", "Leave; running jobs go on.", "leave", True),
    KeyLine(OVERVIEW, "enter", "Next action", "Ask for the next action of the step."),
    KeyLine(PIPELINE, "e", "Run", "Run the stage under the cursor alone.", "run_only", True, True),
    KeyLine(PIPELINE, "u", "Run up to", "Run the stage with all that it needs.", "run_needed", False, True),
    KeyLine(PIPELINE, "d", "Run from", "Run the stage and all that needs it.", "run_downstream", True, True),
    KeyLine(PIPELINE, "a", "Run all", "Bring the whole pipeline up to date.", "run_all", True, True),
    KeyLine(PIPELINE, "f", "Fold", "Unfold every foreach and matrix, or fold them all.", "fold_all"),
    KeyLine(PIPELINE, "v", "List", "Show the stages as a list, or as a graph.", "turn"),
    KeyLine(PIPELINE, "o", "Job", "Go to the job that ran the stage last.", "job"),
    KeyLine(PIPELINE, "escape", "Back", "Go back from a stage to the graph.", "back"),
    KeyLine(GRAPH, "l,right", "Right", "Follow a line to the right.", "right"),
    KeyLine(GRAPH, "h,left", "Left", "Follow a line to the left.", "left"),
    KeyLine(GRAPH, "j,down", "Down", "Go down in the layer.", "down"),
    KeyLine(GRAPH, "k,up", "Up", "Go up in the layer.", "up"),
    KeyLine(GRAPH, "g,home", "First", "Go to the first stage.", "first"),
    KeyLine(GRAPH, "G,end", "Last", "Go to the last stage.", "last"),
    KeyLine(GRAPH, "pageup", "Page up", "Go up half a page in the layer.", "page(-1)"),
    KeyLine(GRAPH, "pagedown", "Page down", "Go down half a page in the layer.", "page(1)"),
    KeyLine(GRAPH, "n", "Next", "Go to the next stage that has the words of the filter.", "match(1)"),
    KeyLine(GRAPH, "N", "Previous", "Go to the stage before that has them.", "match(-1)"),
    KeyLine(GRAPH, "enter", "Open", "Read the stage: files, params, metrics, log; unfold a folded one.", "choose"),
    KeyLine(GRAPH, "space", "Fold", "Unfold the foreach or matrix under the cursor, or fold it again.", "fold"),
    KeyLine(RUNS, "e", "Experiments", "Choose an experiment; several with space.", "experiments", True),
    KeyLine(RUNS, "c", "Compare", "Set the marked runs side by side.", "compare", True),
    KeyLine(RUNS, "m", "Metrics", "Draw how metrics of the marked runs went on, step by step.", "history", True),
    KeyLine(RUNS, "o", "Columns", "Choose which metrics, params and tags are shown.", "columns", True),
    KeyLine(RUNS, "v", "Parallel", "Draw the runs across their params towards a metric.", "parallel"),
    KeyLine(RUNS, "x", "Scatter", "Draw a param of the runs against a metric.", "scatter"),
    KeyLine(RUNS, "B", "Best", "Show the best of the runs by a metric.", "best"),
    KeyLine(
        RUNS, "w", "Export", "Write the runs that are shown, or the marked ones, to a file.", "export", False, True
    ),
    KeyLine(RUNS, "d", "Deleted", "Show the deleted runs; again: the others.", "deleted"),
    KeyLine(RUNS, "t", "Tag", "Write a tag on the run.", "app.ask('runs tag')"),
    KeyLine(RUNS, "n", "Note", "Write a note on the run.", "app.ask('runs note')"),
    KeyLine(RUNS, "N", "Rename", "Give the run another name.", "app.ask('runs rename')"),
    KeyLine(RUNS, "D", "Delete", "Delete the marked runs, or this one.", "app.ask('runs delete')"),
    KeyLine(RUNS, "u", "Restore", "Bring deleted runs back.", "app.ask('runs restore')"),
    KeyLine(RUNS, "R", "Register", "Make the model of the run a version.", "app.ask('runs register')"),
    KeyLine(RUNS, "M", "Make again", "Make the run again and compare its metrics.", "app.ask('runs reproduce')"),
    KeyLine(RUNS, "escape", "Rows", "Go back to the rows.", "rows"),
    KeyLine(RUNS_COMPARED, "n", "Next", "Go to the next difference.", "difference(1)", True),
    KeyLine(RUNS_COMPARED, "N", "Before", "Go to the difference before.", "difference(-1)"),
    KeyLine(RUNS_COMPARED, "d", "Only differences", "Show only what differs; again: everything.", "differences", True),
    KeyLine(RUNS_COMPARED, "B", "Baseline", "Measure against the next run.", "baseline", True),
    KeyLine(
        RUNS_COMPARED, "m", "Metrics", "Draw how the metric, or the usual ones, went on in these runs.", "history", True
    ),
    KeyLine(RUNS_COMPARED, "escape", "Close", "Go back to the runs.", "close"),
    KeyLine(RUNS_HISTORY, "m", "Metrics", "Choose what is drawn.", "choose_metrics", True),
    KeyLine(RUNS_PARALLEL, "m", "Metric", "Choose the metric of the last axis.", "choose_metric", True),
    KeyLine(RUNS_PARALLEL, "o", "Axes", "Choose the params of the other axes.", "choose_params", True),
    KeyLine(
        RUNS_PARALLEL,
        "t",
        "Better",
        "Say which values are the better ones: higher, lower, as its name tells.",
        "turn",
        True,
    ),
    KeyLine(RUNS_SCATTER, "x", "Along", "Choose what lies along.", "choose_field('x')", True),
    KeyLine(RUNS_SCATTER, "y", "Up", "Choose what goes up.", "choose_field('y')", True),
    KeyLine(RUNS_SCATTER, "o", "Group", "Choose what gives points their sign.", "choose_field('by')", True),
    KeyLine(RUNS_DRAWN, "w", "Write", "Draw the chart into an SVG or PNG file.", "draw", True, True),
    KeyLine(RUNS_DRAWN, "escape", "Close", "Go back.", "close"),
    KeyLine(RUNS_BEST, "m", "Metric", "Choose the metric that runs are judged by.", "choose_metric", True),
    KeyLine(
        RUNS_BEST,
        "t",
        "Better",
        "Say which values are the better ones: higher, lower, as its name tells.",
        "turn",
        True,
    ),
    KeyLine(RUNS_BEST, "c", "Compare", "Set the marked runs side by side, or the first three.", "compare", True),
    KeyLine(RUNS_BEST, "escape", "Close", "Go back to the runs.", "close"),
    KeyLine(FIELDS, "enter", "Take", "Take the marked fields; without a mark, what is usual. Of one: the row."),
    KeyLine(FIELDS, "u", "Unmark", "Take all marks away.", "unmark"),
    KeyLine(FIELDS, "escape", "Close", "Close; nothing changes.", "close"),
    KeyLine(MODELS, "enter", "Card", "Read the card of the version under the cursor."),
    KeyLine(
        MODELS,
        "c",
        "Check",
        "Measure the version under the cursor against the gates.",
        "app.ask('models check')",
        True,
        True,
    ),
    KeyLine(
        MODELS,
        "d",
        "Compare",
        "Compare two marked versions, or the one under the cursor with champion.",
        "compare",
        True,
    ),
    KeyLine(
        MODELS,
        "R",
        "Release",
        "Release the version under the cursor to a target.",
        "release",
        True,
        True,
    ),
    KeyLine(MODELS, "x", "Reject", "Reject the version under the cursor, or take that back.", "reject", True, True),
    KeyLine(RELEASES, "R", "Release", "Release a version to the target under the cursor.", "release", True, True),
    KeyLine(
        RELEASES, "a", "Advance", "Go on to the next step, or from where it was interrupted.", "advance", True, True
    ),
    KeyLine(RELEASES, "o", "Hold", "Let the release on its way stay at its step.", "hold", False, True),
    KeyLine(RELEASES, "X", "Abort", "Take the release on its way back.", "abort", True, True),
    KeyLine(
        RELEASES, "B", "Back to", "Go back to the release under the cursor of the history.", "back_to", False, True
    ),
    KeyLine(
        RELEASES,
        "d",
        "Compare",
        "Compare two marked releases, or the newest with the one before it.",
        "compare",
        True,
    ),
    KeyLine(
        RELEASES, "u", "Start", "Start the server of the target under the cursor.", "app.ask('serve start')", True, True
    ),
    KeyLine(
        RELEASES, "x", "Stop", "Stop the server of the target under the cursor.", "app.ask('serve stop')", True, True
    ),
    KeyLine(RELEASES, "t", "Try", "Ask the target under the cursor for a prediction.", "try_out", True, True),
    KeyLine(
        MONITORING, "d", "Check", "Compare the latest traffic with the reference.", "app.ask('drift check')", True, True
    ),
    KeyLine(MONITORING, "c", "Check before", "Look at the check before the one that is looked at.", "check(-1)", True),
    KeyLine(MONITORING, "C", "Check after", "Look at the check after it.", "check(1)"),
    KeyLine(MONITORING, "v", "Next view", "Show the next chart, where only one is in sight.", "turn(1)", True),
    KeyLine(MONITORING, "V", "View before", "Show the chart before.", "turn(-1)"),
    KeyLine(MONITORING, "t", "Next target", "Look at the next target.", "next_target"),
    KeyLine(MONITORING, "w", "Write", "Draw what changed in the column into an SVG or PNG file.", "draw", False, True),
    KeyLine(MONITORING, "a", "Acknowledge", "Take note of the alert under the cursor.", "acknowledge", True, True),
    KeyLine(MONITORING, "o", "Snooze", "Set the alert under the cursor aside for a while.", "snooze", True, True),
    KeyLine(MONITORING, "x", "Close", "Close the alert under the cursor by hand.", "close_alert", False, True),
    KeyLine(
        MONITORING,
        "n",
        "Next command",
        "Ask for what the alert under the cursor says to run next.",
        "next_command",
        True,
    ),
    KeyLine(
        MONITORING, "A", "All alerts", "Show alerts that are gone as well, or only open ones.", "toggle_all_alerts"
    ),
    KeyLine(MONITORING, "enter", "Read", "Give the view all the room, or show all again; of an alert: read it."),
    KeyLine(MONITORING, "escape", "Back", "Show all of it again; after that, go back to the last check.", "back"),
    KeyLine(JOBS, "enter", "Read", "Go to the output of the job."),
    KeyLine(JOBS, "x", "Cancel", "Cancel the selected job, after its plan.", "app.ask('jobs cancel')", True),
    KeyLine(
        JOBS, "R", "Run again", "Do what the selected job did once more, after its plan.", "app.ask('jobs rerun')", True
    ),
    KeyLine(LINEAGE, "enter", "Walk", "Go to the thing under the cursor; in the audit, to what the job said."),
    KeyLine(LINEAGE, "-,backspace", "Back", "Go back on the way that was walked.", "walk_back", True),
    KeyLine(LINEAGE, "t", "Go to", "Type the id of anything and go there.", "go_to", True),
    KeyLine(LINEAGE, "w", "From its job", "Walk from the job of the audit entry.", "walk_from_entry"),
    KeyLine(LINEAGE, "a", "Audit", "Go to the audit, or back to the lineage.", "other_part", True),
    KeyLine(LISTS, "j,down", "Down", "Move down.", "cursor_down"),
    KeyLine(LISTS, "k,up", "Up", "Move up.", "cursor_up"),
    KeyLine(LISTS, "g,home", "First", "Go to the first.", "first"),
    KeyLine(LISTS, "G,end", "Last", "Go to the last.", "last"),
    KeyLine(LISTS, "pageup", "Page up", "Move up a page.", "page_up"),
    KeyLine(LISTS, "pagedown", "Page down", "Move down a page.", "page_down"),
    KeyLine(TABLES, "j,down", "Down", "Move down.", "cursor_down"),
    KeyLine(TABLES, "k,up", "Up", "Move up.", "cursor_up"),
    KeyLine(TABLES, "g,home", "First", "Go to the first row.", "first"),
    KeyLine(TABLES, "G,end", "Last", "Go to the last row that is here.", "last"),
    KeyLine(TABLES, "pageup", "Page up", "Move up a page.", "page_up"),
    KeyLine(TABLES, "pagedown", "Page down", "Move down a page.", "page_down"),
    KeyLine(TABLES, "l,right", "Columns right", "Show columns further right.", "columns_right"),
    KeyLine(TABLES, "h,left", "Columns left", "Show columns further left.", "columns_left"),
    KeyLine(TABLES, "enter", "Open", "Open the row.", "choose"),
    KeyLine(TABLES, "space", "Mark", "Mark the row, or take its mark away.", "toggle_mark"),
    KeyLine(TABLES, "s", "Sort", "Sort by the next column; a click on a head sorts by that one.", "next_order"),
    KeyLine(TABLES, "S", "Turn", "Turn the order around.", "turn_order"),
    KeyLine(FILTER, "/", "Filter", "Show only rows that have the words which you type.", "filter", True),
    KeyLine(FILTER, "escape", "Show all", "Take the filter away; without one, the marks.", "clear_filter"),
    KeyLine(JUMP, "enter", "Go", "Go to the first place, or ask for the first capability, that fits what is typed."),
    KeyLine(JUMP, "escape", "Cancel", "Stay here.", "close"),
    KeyLine(OUTPUT, "j,down", "Down", "Scroll down.", "scroll_down"),
    KeyLine(OUTPUT, "k,up", "Up", "Scroll up; following pauses until the end is reached again.", "scroll_up"),
    KeyLine(OUTPUT, "h,left", "Left", "Scroll left.", "scroll_left"),
    KeyLine(OUTPUT, "l,right", "Right", "Scroll right.", "scroll_right"),
    KeyLine(OUTPUT, "g,home", "Top", "Go to the beginning.", "scroll_home"),
    KeyLine(OUTPUT, "G,end", "End", "Go to the end and follow.", "scroll_end"),
    KeyLine(OUTPUT, "pageup", "Page up", "Scroll up a page.", "page_up"),
    KeyLine(OUTPUT, "pagedown", "Page down", "Scroll down a page.", "page_down"),
    KeyLine(LOG, "f,space", "Follow", "Pause where it stands, or follow the newest line again.", "follow", True),
    KeyLine(LOG, "/", "Search", "Search the log.", "search", True),
    KeyLine(LOG, "n", "Next", "Go to the next line that has what is searched.", "match(1)"),
    KeyLine(LOG, "N", "Previous", "Go to the line before that has what is searched.", "match(-1)"),
    KeyLine(LOG, "w", "Wrap", "Fold long lines, or show them in one.", "wrap", True),
    KeyLine(LOG, "e", "Errors", "Show only lines that tell of errors, or all.", "errors", True),
    KeyLine(LOG, "o", "Pager", "Read what is shown in your pager.", "pager"),
    KeyLine(LOG, "escape", "End search", "Search nothing any more.", "end_search"),
    KeyLine(TEXTS, "V", "View", "Read the whole text in your pager ($PAGER, or less).", "view"),
    KeyLine(TEXTS, "E", "Edit", "Open a copy of the whole text in your editor ($EDITOR, or vi).", "edit"),
    KeyLine(PLAN, "ctrl+o", "Run it", "OK: start the command line that is shown, as a job.", "run_plan"),
    KeyLine(PLAN, "j,down", "Down", "Scroll a long plan down.", "scroll_plan(1)"),
    KeyLine(PLAN, "k,up", "Up", "Scroll a long plan up.", "scroll_plan(-1)"),
    KeyLine(PLAN, "y,c", "Copy", "Copy the command line.", "copy"),
    KeyLine(PLAN, "n,q,escape", "Cancel", "Close; nothing runs.", "close"),
    KeyLine(FORM, "enter", "Go on", "Take the values: show the plan of a change, the answer of a look."),
    KeyLine(FORM, "down", "Choices", "Go down in the choices below the field; enter takes one.", "next_choice"),
    KeyLine(FORM, "up", "Up", "Go up in the choices, and out of them.", "previous_choice"),
    KeyLine(FORM, "y,ctrl+y", "Copy", "Copy the command line; `y` where no text is typed.", "copy"),
    KeyLine(FORM, "escape", "Cancel", "Close the choices; without any in sight, the form: nothing runs.", "close"),
    KeyLine(DIALOGS, "y,c", "Copy", "Copy what is shown.", "copy"),
    KeyLine(DIALOGS, "q,escape", "Close", "Close.", "close"),
)


def keys_table() -> tuple[KeyLine, ...]:
    """All keys, in the order in which help and documentation list them."""
    return (*_BEFORE_CATALOG, *_catalog_keys(), *_AFTER_CATALOG)


def keys_of(screen: str) -> tuple[KeyLine, ...]:
    """The keys of one place."""
    return tuple(line for line in keys_table() if line.screen == screen)


def leads_to_change(line: KeyLine) -> bool:
    """Whether the key asks for a change, so that it does nothing where nothing may be changed."""
    asked = re.search(r"ask\('([^']+)'\)", line.does)
    return line.changes or (asked is not None and is_change(asked[1]))


def is_change(name: str) -> bool:
    """Whether the capability of that name changes something."""
    return any(isinstance(action, Change) and action.name == name for action in CATALOG)


def _catalog_keys() -> tuple[KeyLine, ...]:
    return tuple(
        KeyLine(
            EVERYWHERE,
            action.key.stroke,
            action.key.label,
            f"{action.help.splitlines()[0]} Shows the plan first.",
            f"ask('{action.name}')",
            True,
        )
        for action in CATALOG
        if isinstance(action, Change) and action.key
    )
