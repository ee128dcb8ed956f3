"""Slack, Teams, e-mail and the rest by the apprise library, in a process of its own: one that hangs is ended."""

from __future__ import annotations

import json
import os
import sys

from unipipe_tui.adapters import process
from unipipe_tui.domain.alerts import AlertEvent, Turn
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.records import Severity

SENDER = "unipipe_tui.adapters.sinks.apprise_sender"
BEGIN_SECONDS = 10.0
"""What importing the library may take on a busy machine."""
REASONS = {  # of the exit codes of the sender
    11: "The service did not take it.",
    12: "The address is none that apprise understands.",
}


class AppriseSink:
    """One address, which only the process that sends reads, from the variable that holds it."""

    def __init__(self, variable: str, timeout_seconds: float) -> None:
        self._variable = variable
        self._timeout = timeout_seconds

    def send(self, event: AlertEvent) -> None:
        """Send title and text, as bad as the alert is."""
        if not os.environ.get(self._variable):
            raise ToolMissing(
                f"The environment variable {self._variable} is not set.", hint=f"export {self._variable}=…"
            )
        told = {"title": "unipipe", "body": _body(event), "type": _type(event), "seconds": self._timeout}
        done = process.capture(
            # -P: it is begun in the project, whose own modules must not be taken for the library's.
            (sys.executable, "-P", "-m", SENDER, self._variable),
            timeout=self._timeout + BEGIN_SECONDS,
            stdin=json.dumps(told),
        )
        if done.exit_code != 0:
            raise Failed(REASONS.get(done.exit_code, f"The sender ended with exit code {done.exit_code}."))


def _type(event: AlertEvent) -> str:
    if event.turn is Turn.CLOSED:
        return "success"
    return "failure" if event.severity is Severity.CRITICAL else "warning"


def _body(event: AlertEvent) -> str:
    data = json.loads(event.document)["data"]
    said = (("next", data["command"]), ("runbook", data["runbook"]), ("alert", data["alert"]))
    return "\n".join((event.text, *(f"{name}: {text}" for name, text in said if text)))
