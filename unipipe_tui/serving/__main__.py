"""`python -m unipipe_tui.serving`: takes the port first; a worker, started again when it dies, then imports what is slow."""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from unipipe_tui.domain.errors import Failed, UnipipeError, UsageError
from unipipe_tui.domain.serving import LogMode
from unipipe_tui.domain.telemetry import MISSING, wanted_of
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.supervisor import Past, Supervisor

if TYPE_CHECKING:
    from unipipe_tui.serving.metrics import Metrics
    from unipipe_tui.serving.scoring import Scorer
    from unipipe_tui.serving.telemetry import Telemetry


@frozen
class Arguments:
    """What the command line asks for."""

    desired: Path
    log: Path
    host: str
    port: int
    token_env: str | None
    log_mode: str
    body_seconds: float
    answer_seconds: float
    allow_pickle: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop. Returns 0 after SIGTERM, 130 after Ctrl-C, 1 or 2 when it cannot start."""
    arguments = parse(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        token = read_token(arguments.token_env)
        listening = listen(arguments.host, arguments.port)
    except UnipipeError as error:
        return _told(error)
    _announce(listening, arguments.host, token)
    return Supervisor(lambda past, tell: _work(listening, arguments, token, past, tell)).run()


def _work(
    listening: socket.socket, arguments: Arguments, token: str | None, past: Past, tell: Callable[[], None]
) -> int:
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _prepare_for_mlflow()
    # A sixth of the time until it is ready would be spent on going through what was just imported, and finding nothing.
    gc.set_threshold(100_000)
    # Takes a second, so the port comes first.
    from unipipe_tui.serving.gate import Limits  # noqa: PLC0415
    from unipipe_tui.serving.server import Settings, serve  # noqa: PLC0415

    limits = Limits(body_seconds=arguments.body_seconds, answer_seconds=arguments.answer_seconds)
    settings = Settings(arguments.desired, arguments.log, LogMode(arguments.log_mode), token, limits)
    try:
        load = partial(load_bundle, allow_pickle=arguments.allow_pickle)
        serve(listening, settings, load, past, tell, open_telemetry)
    except UnipipeError as error:
        return _told(error)
    return 0


def load_bundle(folder: Path, digest: str, *, allow_pickle: bool = False) -> Scorer:
    """Bring a bundle's model into this process. Raises what `load_served_model` raises."""
    # A router before other servers need not have the libraries.
    from unipipe_tui.serving.models import Loaders, load_served_model  # noqa: PLC0415

    return load_served_model(folder, digest, Loaders(_load_skops, _load_with_mlflow), allow_pickle=allow_pickle)


def open_telemetry(metrics: Metrics) -> Telemetry | None:
    """What sends traces and metrics where the environment says; None, and nothing imported, when it says nothing."""
    wanted = wanted_of(os.environ)
    if wanted.problem:
        _say(wanted.problem)
    if not wanted.signals:
        return None
    try:
        from unipipe_tui.serving.otlp import OtlpTelemetry  # noqa: PLC0415
    except ImportError:
        _say(MISSING)
        return None
    try:
        return OtlpTelemetry(wanted.signals, os.environ, metrics.families)
    except Exception as error:
        # An address or a certificate that is wrong keeps nobody from being answered.
        _say(f"Traces and metrics are not sent: {type(error).__name__}: {error}")
        return None


def _say(sentence: str) -> None:
    sys.stderr.write(f"unipipe serving: {sentence}\n")
    sys.stderr.flush()


def _load_skops(file: Path, trusted: Sequence[str]) -> Any:
    import skops.io  # noqa: PLC0415

    return skops.io.load(file, trusted=trusted)


def _load_with_mlflow(folder: Path) -> Any:
    import mlflow.pyfunc  # noqa: PLC0415

    return mlflow.pyfunc.load_model(str(folder))


def _told(error: UnipipeError) -> int:
    sys.stderr.write(f"unipipe serving: {error.message} {error.hint}\n")
    return error.exit_code


def parse(argv: Sequence[str] | None) -> Arguments:
    """Read the command line; argparse ends the process with code 2 when it is wrong."""
    parser = argparse.ArgumentParser("python -m unipipe_tui.serving", description="Answer predictions over HTTP.")
    parser.add_argument("--desired", type=Path, required=True, help="file that says which variants answer")
    parser.add_argument("--log", type=Path, required=True, help="folder of the prediction log")
    parser.add_argument("--port", type=_port, required=True, help="0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--token-env", help="environment variable that holds the bearer token asked of callers")
    parser.add_argument(
        "--log-mode",
        choices=[mode.value for mode in LogMode],
        default=LogMode.BEHIND.value,
        help="behind: the log is written within a second after the answer; strict: it is on the disk before "
        "(default: %(default)s)",
    )
    parser.add_argument("--body-seconds", type=_seconds, default=10.0, help="how long a body may take to arrive")
    parser.add_argument("--answer-seconds", type=_seconds, default=30.0, help="how long an answer may take")
    parser.add_argument(
        "--allow-pickle", action="store_true", help="load models that run code of their author when they are loaded"
    )
    given = parser.parse_args(argv)
    return Arguments(**vars(given))


def read_token(variable: str | None) -> str | None:
    """The token that callers must send, or None when none is asked for; a named but empty variable is a mistake."""
    if variable is None:
        return None
    token = os.environ.get(variable, "")
    if not token:
        raise UsageError(f"The environment variable {variable} is empty.", "--token-env must name one with a token.")
    return token


def listen(host: str, port: int) -> socket.socket:
    """Take the port at once, so that nobody waits seconds for imports to learn that it is in use."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # Until someone listens, another process could bind the same port.
        listening.listen(2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} on {host} is already in use."
        else:
            reason = f"Cannot listen on port {port} of {host}: {error.strerror}."
        raise Failed(reason, f"Choose another with --port, for example --port {port % 60000 + 1}.") from error
    return listening


def _announce(listening: socket.socket, host: str, token: str | None) -> None:
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    sys.stderr.write(f"unipipe serving: listening on http://{shown}:{port} (process {os.getpid()})\n")
    if token is None and not (address.startswith("127.") or address == "::1"):
        sys.stderr.write(f"unipipe serving: {host} can be reached by others and no token is asked: see --token-env\n")
    sys.stderr.flush()


def _prepare_for_mlflow() -> None:
    """It must not call home, and loading a model must not add compiled files to its bundle."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    sys.dont_write_bytecode = True


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not between 0 and 65535")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600 seconds")
    return seconds


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """uvicorn sends the signal on when it has shut down; before and after its run that means a clean end."""
    raise SystemExit(0)


if __name__ == "__main__":
    raise SystemExit(main())
