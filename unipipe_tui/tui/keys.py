"""Every key on one page: bindings, footer, help and the documentation are made from this table. Knows no Textual."""

from __future__ import annotations

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.domain.values import frozen

EVERYWHERE, OVERVIEW, JOBS, LISTS, OUTPUT, PLAN, FORM, DIALOGS = (
    "everywhere",
    "overview",
    "jobs",
    "lists",
    "output",
    "plan",
    "form",
    "dialogs",
)


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


_BEFORE_CATALOG = (
    KeyLine(EVERYWHERE, "1", "Overview", "Show the twelve steps, what is live, alerts and jobs.", "go('overview')"),
    KeyLine(EVERYWHERE, "2", "Jobs", "Show the jobs and follow one.", "go('jobs')"),
)

_AFTER_CATALOG = (
    KeyLine(EVERYWHERE, "@", "Log", "Show or hide the command log.", "toggle_command_log", True),
    KeyLine(EVERYWHERE, "ctrl+p", "Palette", "Find any capability by name and ask for it.", "command_palette", True),
    KeyLine(EVERYWHERE, "?", "Help", "Show the keys and what Unipipe can do.", "help", True),
    KeyLine(EVERYWHERE, "ctrl+r", "Look again", "Look at everything again.", "look_again"),
    KeyLine(EVERYWHERE, "q", "Quit", "Leave; running jobs go on.", "leave", True),
    KeyLine(OVERVIEW, "enter", "Next action", "Ask for the next action of the step."),
    KeyLine(JOBS, "enter", "Read", "Go to the output of the job."),
    KeyLine(JOBS, "x", "Cancel", "Cancel the selected job, after its plan.", "cancel_job", True),
    KeyLine(LISTS, "j,down", "Down", "Move down.", "cursor_down"),
    KeyLine(LISTS, "k,up", "Up", "Move up.", "cursor_up"),
    KeyLine(LISTS, "g,home", "First", "Go to the first.", "first"),
    KeyLine(LISTS, "G,end", "Last", "Go to the last.", "last"),
    KeyLine(LISTS, "pageup", "Page up", "Move up a page.", "page_up"),
    KeyLine(LISTS, "pagedown", "Page down", "Move down a page.", "page_down"),
    KeyLine(OUTPUT, "j,down", "Down", "Scroll down.", "scroll_down"),
    KeyLine(OUTPUT, "k,up", "Up", "Scroll up; following pauses until the end is reached again.", "scroll_up"),
    KeyLine(OUTPUT, "h,left", "Left", "Scroll left.", "scroll_left"),
    KeyLine(OUTPUT, "l,right", "Right", "Scroll right.", "scroll_right"),
    KeyLine(OUTPUT, "g,home", "Top", "Go to the beginning.", "scroll_home"),
    KeyLine(OUTPUT, "G,end", "End", "Go to the end and follow.", "scroll_end"),
    KeyLine(OUTPUT, "pageup", "Page up", "Scroll up a page.", "page_up"),
    KeyLine(OUTPUT, "pagedown", "Page down", "Scroll down a page.", "page_down"),
    KeyLine(PLAN, "y", "Run it", "Start the command line that is shown, as a job.", "run_plan"),
    KeyLine(PLAN, "j,down", "Down", "Scroll a long plan down.", "scroll_plan(1)"),
    KeyLine(PLAN, "k,up", "Up", "Scroll a long plan up.", "scroll_plan(-1)"),
    KeyLine(PLAN, "c", "Copy", "Copy the command line.", "copy"),
    KeyLine(PLAN, "n,q,escape", "Cancel", "Close; nothing runs.", "close"),
    KeyLine(FORM, "enter", "Go on", "Take the values: show the plan of a change, the answer of a look."),
    KeyLine(FORM, "escape", "Cancel", "Close; nothing runs.", "close"),
    KeyLine(DIALOGS, "c", "Copy", "Copy what is shown.", "copy"),
    KeyLine(DIALOGS, "q,escape", "Close", "Close.", "close"),
)


def keys_table() -> tuple[KeyLine, ...]:
    """All keys, in the order in which help and documentation list them."""
    return (*_BEFORE_CATALOG, *_catalog_keys(), *_AFTER_CATALOG)


def keys_of(screen: str) -> tuple[KeyLine, ...]:
    """The keys of one place."""
    return tuple(line for line in keys_table() if line.screen == screen)


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
