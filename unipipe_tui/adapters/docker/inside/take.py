"""`take.py FILE [RELEASE ...] < DESIRED`: puts a wish in the place of that of one of these releases; prints what it replaced.

With no release named, whatever is there is replaced; nothing on stdin takes it away. Ends with 5 and the name of what it found
when another one is there. Comparing and writing are one act, so of two people who release at once one is told.
"""

import fcntl
import json
import os
import sys


def main(file: str, expected: list[str], document: str) -> int:
    """Compare, then write in one piece."""
    with open(f"{file}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = _text_of(file)
        found = _release_in(before)
        if expected and found and found not in expected:
            sys.stdout.write(found)
            return 5
        if document:
            _write(file, document)
        elif before:
            os.unlink(file)
        sys.stdout.write(before)
    return 0


def _write(file: str, document: str) -> None:
    with open(f"{file}.partial", "w") as partial:
        partial.write(document)
        partial.flush()
        os.fsync(partial.fileno())
    os.replace(f"{file}.partial", file)


def _text_of(file: str) -> str:
    try:
        with open(file) as opened:
            return opened.read()
    except OSError:
        return ""


def _release_in(document: str) -> str:
    """The release that was written last; empty when none was, or nobody can read it any more."""
    try:
        return str(json.loads(document)["release"] or "")
    except (ValueError, KeyError, TypeError):
        return ""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:], sys.stdin.read()))
