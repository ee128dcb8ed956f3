"""`wait.py SECONDS [ORDER]`: waits in a container until its server is ready, with that very order; says why it is not.

Ends with 0 when it is, with 1 when the server said that it cannot, with 2 when the time is over.
"""

import json
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

URL = "http://127.0.0.1:8080/readyz"
POLL_SECONDS = 0.1


def main(seconds: float, order: str | None, url: str = URL) -> int:
    """Ask until it is clear."""
    end = time.monotonic() + seconds
    said = "nothing answers on its port"
    while time.monotonic() < end:
        told = readiness(url)
        if told is not None:
            mine = order is None or told.get("order") == order
            if told.get("ready") and order in (None, told.get("serving")):
                return 0
            if mine and told.get("order") and told.get("error"):
                sys.stdout.write(f"{told['error']}\n")
                return 1
            said = "it has not taken up the order" if told.get("ready") else "its model is being loaded"
        time.sleep(POLL_SECONDS)
    sys.stdout.write(f"{said} after {seconds:g} seconds\n")
    return 2


def readiness(url: str) -> dict[str, Any] | None:
    """What it tells of itself; None when it tells nothing."""
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310
            told = json.loads(answer.read())
    except HTTPError as refusal:
        told = _document(refusal.read())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _document(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
