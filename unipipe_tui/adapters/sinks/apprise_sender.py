"""The process that sends one message by apprise: the only one that imports it. It says nothing but its exit code."""

from __future__ import annotations

import json
import logging
import os
import sys

import apprise

NOT_TAKEN = 11
NO_ADDRESS = 12


def main() -> int:
    """Send what stands on the standard input to the address in the variable that is named; 0 when it was taken."""
    # The library tells addresses in its log.
    logging.disable(logging.CRITICAL)
    told = json.loads(sys.stdin.read())
    seconds = float(told["seconds"])
    address = os.environ[sys.argv[1]]
    timed = f"{address}{'&' if '?' in address else '?'}cto={seconds:g}&rto={seconds:g}"
    sender = apprise.Apprise()
    # Not every service knows the words for time-outs; whoever started this ends it in any case.
    if not sender.add(timed) and not sender.add(address):
        return NO_ADDRESS
    return 0 if sender.notify(title=told["title"], body=told["body"], notify_type=told["type"]) else NOT_TAKEN


if __name__ == "__main__":
    sys.exit(main())
