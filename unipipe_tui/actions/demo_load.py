"""Traffic while the demo's model is switched: that nobody notices is counted, not claimed."""

from __future__ import annotations

import threading

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError


class Load(threading.Thread):
    """Asks the server one prediction after another until told to stop, and counts."""

    def __init__(self, world: World, target: str) -> None:
        """Nothing is asked before it is started."""
        super().__init__(daemon=True)
        self._target = world.target_of(target)
        sample = world.tables.records(world.recipes.sample("week-5.parquet"))[0]
        self._record = {name: value for name, value in sample.items() if name != world.config.data.id}
        self._stopping = threading.Event()
        self._sent = 0
        self._failed = 0

    def run(self) -> None:
        """Ask, until told to stop."""
        while not self._stopping.wait(0.02):
            self._sent += 1
            try:
                self._target.predict([self._record], None)
            except UnipipeError:
                self._failed += 1

    def stop(self) -> tuple[int, int]:
        """How many requests were sent and how many of them failed."""
        self._stopping.set()
        self.join(timeout=10)
        return self._sent, self._failed
