"""What `unipipe.yaml` says of alerts: who is told of which, by what way. No secret stands in it, only names of variables."""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum

from unipipe_tui.config.demands import demand
from unipipe_tui.domain.records import AlertKind, Severity
from unipipe_tui.domain.secrets import without_secrets
from unipipe_tui.domain.values import frozen


class SinkKind(StrEnum):
    """By what way an alert goes out."""

    TERMINAL = "terminal"
    """A bell and a line on the terminal of the process that runs the checks."""
    COMMAND = "command"
    """A program of yours, with the event as JSON on its standard input."""
    WEBHOOK = "webhook"
    """An HTTP POST of the event, CloudEvents 1.0 as structured JSON."""
    APPRISE = "apprise"
    """Slack, Teams, e-mail and a hundred more services, by an address of the `apprise` library."""


@frozen
class SinkConfig:
    """One way out."""

    kind: SinkKind
    """`terminal`: a bell and a line; `command`: a program; `webhook`: an HTTP POST; `apprise`: Slack, Teams, e-mail and more."""
    run: tuple[str, ...] = ()
    """Of a command: the program and its arguments; no shell is started."""
    url: str | None = None
    """Of a webhook: its address, if that is no secret."""
    url_from: str | None = None
    """Environment variable that holds the address: of an apprise sink always, of a webhook if it is a secret."""
    token_from: str | None = None
    """Environment variable that holds the bearer token of a webhook."""
    severities: tuple[Severity, ...] = ()
    """Only alerts as bad as these; all when left out."""
    kinds: tuple[AlertKind, ...] = ()
    """Only alerts of these kinds; all when left out."""
    timeout_seconds: float = 5.0
    """How long it may take to accept one event."""

    def __post_init__(self) -> None:
        """Refuse what could not be sent, and secrets."""
        needs = {SinkKind.COMMAND: ("run",), SinkKind.WEBHOOK: ("url", "url_from"), SinkKind.APPRISE: ("url_from",)}
        wanted = needs.get(self.kind, ())
        allowed = {*wanted, *(("token_from",) if self.kind is SinkKind.WEBHOOK else ())}
        given = {name for name in ("run", "url", "url_from", "token_from") if getattr(self, name)}
        demand(not given - allowed, f"a {self.kind.value} sink takes no `{min(given - allowed, default='')}`")
        demand(not wanted or len(given & set(wanted)) == 1, f"a {self.kind.value} sink needs `{'` or `'.join(wanted)}`")
        for name in (self.url_from, self.token_from):
            demand(name is None or bool(_VARIABLE.fullmatch(name)), "`url_from` and `token_from` name a variable")
        demand(self.url is None or bool(_URL.fullmatch(self.url)), "`url` must begin with http:// or https://")
        open_secret = self.url is not None and without_secrets(self.url) != self.url
        demand(not open_secret, "`url` holds a secret: name a variable that holds it with `url_from`")
        demand(0 < self.timeout_seconds <= 60, "`timeout_seconds` must be a number from 0 to 60")

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables whose values nobody may see."""
        return tuple(name for name in (self.url_from, self.token_from) if name)

    def wants(self, kind: AlertKind, severity: Severity) -> bool:
        """Whether an alert goes out here."""
        return (not self.kinds or kind in self.kinds) and (not self.severities or severity in self.severities)


@frozen
class AlertsConfig:
    """Who is told of alerts, and what they are told to do."""

    sinks: dict[str, SinkConfig] = field(default_factory=dict)
    runbooks: dict[str, str] = field(default_factory=dict)
    """By kind of alert: the line, or the address, that every such alert bears."""

    def __post_init__(self) -> None:
        """Refuse runbooks of kinds that there are not."""
        kinds = [kind.value for kind in AlertKind]
        unknown = next((kind for kind in self.runbooks if kind not in kinds), None)
        demand(unknown is None, f"`runbooks.{unknown}` is no kind of alert; those are {', '.join(kinds)}")

    def sinks_for(self, kind: AlertKind, severity: Severity) -> tuple[str, ...]:
        """The names of the sinks that an alert goes to."""
        return tuple(name for name, sink in self.sinks.items() if sink.wants(kind, severity))


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URL = re.compile(r"https?://[^\s]+")
