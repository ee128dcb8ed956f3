"""The local model server with one version: started, switched, asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.adapters.targets.desired import Desired, Source, desired_text
from unipipe_tui.adapters.targets.http import BATCH
from unipipe_tui.adapters.targets.serving_process import Found, ServingProcess, new_order
from unipipe_tui.config.targets import LogMode
from unipipe_tui.domain.bundles import Bundle, read_bundle
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant
from unipipe_tui.domain.serving import FeedbackTaken, Predicted, Record, ServerStatus, Value

__all__ = ["BATCH", "LocalServer"]


class LocalServer:
    """The server of one local target, with everything to one version.

    Host and port are those of the next start. A server that runs is found where it was started, whatever the
    configuration says by now.
    """

    def __init__(
        self,
        target: str,
        folder: Path,
        predictions: Path,
        host: str,
        port: int,
        mode: LogMode = LogMode.BEHIND,
        *,
        allow_pickle: bool = False,
    ) -> None:
        self._process = ServingProcess(target, folder, predictions, host, port, mode, allow_pickle=allow_pickle)

    @property
    def url(self) -> str:
        """Where it listens, or will when it is started."""
        return self._process.url

    def free_port(self) -> int:
        """The configured port when nobody listens there, else the next free one."""
        return self._process.free_port()

    def status(self) -> ServerStatus:
        """Whether it answers, and with what."""
        return self._status(self._process.found())

    def start(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Start it with this bundle and wait until it is ready.

        Raises:
            Failed: the port is in use, or the model cannot be loaded.
        """
        order = new_order()
        return self._status(self._process.start(self._wish(bundle, digest, order), order, progress))

    def switch(self, bundle: Path, digest: str, progress: Progress) -> ServerStatus:
        """Let it load this bundle and wait until that is the one that answers; no request is dropped.

        Raises:
            Failed: the model cannot be loaded; the one before goes on answering. Or there is no server.
        """
        order = new_order()
        return self._status(self._process.switch(self._wish(bundle, digest, order), order, progress))

    def stop(self, progress: Progress) -> ServerStatus:
        """Let it answer what it has begun, and end."""
        self._process.stop(progress)
        return self.status()

    def predict(self, records: Sequence[Record], ids: Sequence[str] | None) -> Predicted:
        """Score records; large sets are sent in batches.

        Raises:
            ToolMissing: nobody answers there.
            UsageError: a record does not fit the model, or its id names another record's prediction.
        """
        return self._process.server.predict(records, ids)

    def feedback(self, labels: Sequence[tuple[str, Value]]) -> FeedbackTaken:
        """Tell labels by prediction id; large sets are sent in batches.

        Raises:
            ToolMissing: nobody answers there.
        """
        return self._process.server.feedback(labels)

    def _wish(self, folder: Path, digest: str, order: str) -> str:
        sealed = _sealed(folder)
        variant = Variant(STABLE, sealed.model if sealed else "", sealed.version if sealed else 0, digest)
        source = Source(variant, folder, bundle=sealed if sealed and sealed.digest == digest else None)
        return desired_text(Desired(order, (source,), self._process.target))

    def _status(self, found: Found) -> ServerStatus:
        target, url, answering = self._process.target, self._process.url, found.answering
        if answering is None:
            return ServerStatus(target, found.state, url, found.pid, error=found.last_words or None)
        main = answering.main.variant if answering.main else None
        return ServerStatus(
            target,
            found.state,
            url,
            found.pid,
            model=main.model if main else None,
            version=main.version if main else None,
            digest=main.digest if main else None,
            since=answering.since,
            requests=answering.requests,
            order=answering.order,
            error=answering.error,
        )


def _sealed(folder: Path) -> Bundle | None:
    """What the manifest says; None when it cannot be read, which the server will say better."""
    try:
        return read_bundle(folder)
    except UnipipeError:
        return None
