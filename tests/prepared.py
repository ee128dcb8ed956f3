"""The real program without the seconds of its imports: a process that has them forks for every command line of a test.

What runs is a process of its own with its own folder, environment, output and exit code, as from a shell. Only what the
program does while it is imported has happened before; the tests that start it in the background see that part as well.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

LONGEST_ORDER = 1 << 20
PID_LETTERS = 16


def run_prepared(words: Sequence[str], cwd: Path, env: dict[str, str], timeout: float) -> tuple[int, str, str]:
    """Run a command line; answers with its exit code, and what it printed to both outputs."""
    with (
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
        socket.socket(socket.AF_UNIX) as keeper,
    ):
        place, _ = _prepared()
        keeper.connect(str(place))
        order = json.dumps({"words": words, "cwd": str(cwd), "env": env}).encode()
        socket.send_fds(keeper, [order], [stdout.fileno(), stderr.fileno()])
        keeper.shutdown(socket.SHUT_WR)
        pid = int(keeper.recv(PID_LETTERS))
        keeper.settimeout(timeout)
        try:
            code = keeper.recv(PID_LETTERS)
        except TimeoutError as late:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(words), timeout) from late
        return int(code), _read(stdout), _read(stderr)


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


@functools.cache
def _prepared() -> tuple[Path, subprocess.Popen[bytes]]:
    """Where the prepared process of this one listens, and itself: it ends when this one does, since its input ends then."""
    place = Path(tempfile.mkdtemp(prefix="unipipe-")) / "socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.prepared", str(place)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return place, process


def _serve(place: Path) -> None:
    """Import all that commands need, then fork for each until the input ends."""
    import gc
    import selectors
    import shutil

    from unipipe_tui import cli, wiring

    assert cli
    wiring.import_what_jobs_need()
    # No fork looks through it for garbage, which would copy all of it.
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as waiting:
        door.bind(str(place))
        door.listen()
        waiting.register(door, selectors.EVENT_READ)
        waiting.register(0, selectors.EVENT_READ)
        print("ready", flush=True)
        while all(key.fileobj is door for key, _ in waiting.select()):
            asking, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _keep(asking)
            asking.close()
    shutil.rmtree(place.parent)
    os._exit(0)


def _keep(asking: socket.socket) -> NoReturn:
    """Start the command line that is asked for, and tell its pid and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order, outputs, _, _ = socket.recv_fds(asking, LONGEST_ORDER, 2)
    while more := asking.recv(LONGEST_ORDER):
        order += more
    pid = os.fork()
    if pid == 0:
        asking.close()
        _become(json.loads(order), outputs)
    for output in outputs:
        os.close(output)
    asking.send(f"{pid}".ljust(PID_LETTERS).encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):  # nobody waited so long
        asking.send(f"{os.waitstatus_to_exitcode(status)}".encode())
    os._exit(0)


def _become(order: dict[str, Any], outputs: list[int]) -> NoReturn:
    """Be the program from here on, as `python -m unipipe_tui` is."""
    import unipipe_tui
    from unipipe_tui.__main__ import main

    for stream, source in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
        os.dup2(source, stream)
        os.close(source)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.path[0] = os.getcwd()
    sys.argv = [str(Path(unipipe_tui.__file__).with_name("__main__.py")), *order["words"]]
    random.seed()
    code = 1
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
