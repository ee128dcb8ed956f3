"""Which way out a configured sink is."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from unipipe_tui.adapters.sinks.apprise import AppriseSink
from unipipe_tui.adapters.sinks.command import CommandSink
from unipipe_tui.adapters.sinks.terminal import TerminalSink
from unipipe_tui.adapters.sinks.webhook import WebhookSink
from unipipe_tui.config import AlertsConfig, SinkConfig, SinkKind
from unipipe_tui.domain.errors import ToolMissing, UsageError
from unipipe_tui.domain.ports.sinks import Sink


def open_sink(alerts: AlertsConfig, root: Path, name: str) -> Sink:
    """The sink of that name.

    Raises:
        UsageError: none is configured under it.
    """
    config = alerts.sinks.get(name)
    if config is None:
        known = ", ".join(alerts.sinks) or "none; name one in unipipe.yaml under `alerts: sinks:`"
        raise UsageError(f"There is no sink {name!r}.", hint=f"Sinks: {known}.")
    match config.kind:
        case SinkKind.TERMINAL:
            return TerminalSink(sys.stderr)
        case SinkKind.COMMAND:
            return CommandSink(config.run, root, config.timeout_seconds)
        case SinkKind.WEBHOOK:
            return WebhookSink(partial(_address, config), partial(_token, config), config.timeout_seconds)
        case SinkKind.APPRISE:
            return AppriseSink(config.url_from or "", config.timeout_seconds)


def _address(config: SinkConfig) -> str:
    return _variable(config.url_from) if config.url_from else config.url or ""


def _token(config: SinkConfig) -> str | None:
    return _variable(config.token_from) if config.token_from else None


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ToolMissing(f"The environment variable {name} is not set.", hint=f"export {name}=…")
    return value
