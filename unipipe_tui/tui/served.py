"""A workbench that is served to a page: it ends with whoever serves it, however that ends."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

INPUT = 0
END_WITHIN_SECONDS = 3.0


def end_with_input() -> None:
    """From now on, end this process when nobody can speak to it any more: a server that is killed says no goodbye."""
    threading.Thread(target=_end_when_hung_up, daemon=True).start()


def _end_when_hung_up() -> None:
    line = select.poll()
    # No event is asked for, so only that the other side has gone is told; the input itself is read by somebody else.
    line.register(INPUT, 0)
    line.poll()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_WITHIN_SECONDS)
    os._exit(1)
