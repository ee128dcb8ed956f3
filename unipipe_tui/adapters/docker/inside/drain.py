"""`drain.py SECONDS`: waits in a container until its server has answered all that it has begun; gives up in time.

Ends with 0 when nothing is in hand any more, with 2 when the time is over.
"""

import json
import sys
import time
from urllib.error import HTTPError
from urllib.request import urlopen

URL = "http://127.0.0.1:8080/readyz"
POLL_SECONDS = 0.1


def main(seconds: float, url: str = URL) -> int:
    """Ask until nothing is in hand; whoever does not answer at all has nothing in hand."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if in_flight(url) == 0:
            return 0
        time.sleep(POLL_SECONDS)
    return 2


def in_flight(url: str) -> int:
    """How many requests it is answering."""
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310
            return int(json.loads(answer.read()).get("in_flight") or 0)
    except HTTPError:
        return 0
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1])))
