"""What `unipipe.yaml` says of how old data may be, and of how a target may answer."""

from __future__ import annotations

from unipipe_tui.domain.moments import seconds_of
from unipipe_tui.domain.values import frozen


@frozen
class DataAgeConfig:
    """A file or folder that must be renewed."""

    data: str
    """File or folder in the project."""
    older_than: str
    """An alert opens when it is older, as `24h` or `7d`."""
    column: str | None = None
    """Column with moments: the newest of them counts, instead of when a file was written."""

    def __post_init__(self) -> None:
        """Refuse what is no length of time."""
        seconds_of(self.older_than)


@frozen
class FreshnessConfig:
    """How old what arrives may be."""

    predictions: str | None = None
    """An alert opens when a target answered nothing for so long, as `1h`."""
    labels: str | None = None
    """An alert opens when the newest prediction with a label is older, as `3d`."""
    data: tuple[DataAgeConfig, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no length of time."""
        for text in (self.predictions, self.labels):
            if text is not None:
                seconds_of(text)


@frozen
class OperationsConfig:
    """How a target may answer."""

    errors_at_most: float = 0.01
    """Share of requests that may fail (5xx); an alert opens when it is surely more."""
    slow_after_ms: float | None = None
    """A request is slow from here on; counted from the nearest limit of the server's histogram."""
    slow_at_most: float = 0.05
    """Share of requests that may be slow."""
    minimum_requests: int = 100
    """With fewer requests nothing is judged; they are counted on."""

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name in ("errors_at_most", "slow_at_most"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be a number from 0 to 1")
        if self.minimum_requests < 1 or (self.slow_after_ms is not None and self.slow_after_ms <= 0):
            raise ValueError("`minimum_requests` and `slow_after_ms` must be above 0")
