"""Ask MLflow's client in peace: it keeps quiet, gives up in time, and what it raises becomes our errors, without secrets.

Importing this module takes seconds, as it imports MLflow.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from io import StringIO
from traceback import walk_tb
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from alembic.util import CommandError
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from unipipe_tui.domain.errors import Failed, ToolMissing, UnipipeError, UsageError

REACHABLE_SECONDS = 5.0
QUICK_SECONDS = 1.0
"""A server that has said nothing after that keeps a person waiting, who is told so."""
ANSWER_SECONDS = 60
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(ANSWER_SECONDS),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""Instead of MLflow's own two minutes and seven tries; what the user has set is kept."""
SECRET_VARIABLES = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME")
SHOWN_CHARACTERS = 300
UNKNOWN = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
"""The codes of MLflow's errors about what does not exist."""

_UNWANTED = frozenset({"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"})
_NO_API = re.compile(r"not in a valid JSON format|failed with error code (404|405|3\d\d)\b")
_AWAY = re.compile(r"Max retries exceeded|Connection (?:refused|reset|aborted)|database is locked|could not connect")
_NO_SCHEMA = re.compile(r"out-of-date database schema|Can't locate revision")
_NOT_THERE = re.compile(
    r"no such (?:table|column)|has no column named|Unknown column|Table '[^']*' doesn't exist"
    r"|(?:column|relation) \S+ does not exist"
)
_POOL = re.compile(r"HTTPS?ConnectionPool\(host='([^']+)', port=(\d+)\)")
_LET_IN = "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, in the environment."
_CORRECT = "Start it, or correct the tracking URI in unipipe.yaml or MLFLOW_TRACKING_URI."
_OTHER_ADDRESS = "Is it the address of the server itself, and not of a page to log in or of another program?"
_DRIVERS = {
    "MySQLdb": "pip install mysqlclient; or pip install pymysql, and begin the URI with mysql+pymysql://",
    "pymysql": "pip install pymysql",
    "psycopg2": "pip install psycopg2-binary",
    "psycopg": "pip install 'psycopg[binary]'",
    "pymssql": "pip install pymssql",
    "pyodbc": "pip install pyodbc",
}
"""How the packages come that databases are asked with: few are called as their modules are."""


def without_secrets(text: str, uri: str) -> str:
    """The text without the user and password of the URI, without the values of its query, and without the token."""
    text = re.sub(r"://[^/@\s'\"]+@", "://…@", text)
    for secret in sorted(_secrets(uri, os.environ), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


@contextmanager
def asked_in_peace(uri: str) -> Iterator[None]:
    """Around whatever asks MLflow: nothing is printed or waited for long, and errors are ours.

    Raises:
        ToolMissing: it does not answer, wants a token, or lacks what it needs to be asked.
        UsageError: what was asked for does not exist.
        Failed: it answers, but not as MLflow does.
    """
    before = logging.root.manager.disable
    # MLflow and Alembic set up their own loggers whenever they like: only a global level holds for all, and what
    # they log as an error they raise as well.
    logging.disable(logging.CRITICAL)
    unset = [name for name in PATIENCE if name not in os.environ]
    os.environ.update({name: PATIENCE[name] for name in unset})
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    # `from None`: the URI stands in the errors of the libraries below, with all that it holds.
    except (MlflowException, SQLAlchemyError, CommandError) as error:
        raise _ours(error, uri) from None
    except ImportError as error:
        way = _DRIVERS.get(error.name or "")
        hint = f"Install it beside unipipe{f': {way}' if way else ''}."
        raise ToolMissing(f"The store needs a package that is not installed: {error.name or error}.", hint) from None
    except (ParseError, ValueError) as error:
        if not _host(uri):
            raise
        raise _not_mlflow(uri, without_secrets(str(error), uri)) from None
    except OSError as error:
        said = without_secrets(str(error), uri)
        raise Failed(f"A file could not be read or written: {said}.", "Check free space and permissions.") from None
    finally:
        logging.disable(before)
        for name in unset:
            os.environ.pop(name, None)


def check_reachable(uri: str) -> None:
    """Knock at a server before MLflow tries for long. Raises ToolMissing."""
    if not _asked_directly(uri):
        return
    host, port = _host(uri), _port(uri)
    if not host or not port:
        raise UsageError("The tracking URI names no server and port that there can be.", _CORRECT)
    try:
        socket.create_connection((host, port), REACHABLE_SECONDS).close()
    except OSError:
        raise ToolMissing(f"The MLflow server at {host}:{port} does not answer.", _CORRECT) from None


def long_wait(uri: str) -> str:
    """A sentence for somebody who waits for a server that takes its time; empty for a quick one, and for no server."""
    if not _asked_directly(uri):
        return ""
    host, port = _host(uri), _port(uri)
    opened = HTTPSConnection if uri.startswith("https:") else HTTPConnection
    knock = opened(host, port, timeout=QUICK_SECONDS)
    try:
        knock.request("GET", "/health")
        knock.getresponse()
    except TimeoutError:
        seconds, tries = _patience("TIMEOUT"), _patience("MAX_RETRIES") + 1
        asked = "asked once" if tries == 1 else f"asked {'twice' if tries == 2 else f'{tries} times'} at most"
        return (
            f"The MLflow server at {host}:{port} takes its time. It is {asked}, and waited for {seconds} s each time."
        )
    except (OSError, HTTPException):
        # It answers, if only with what MLflow will tell better.
        return ""
    finally:
        knock.close()
    return ""


def _patience(what: str) -> int:
    name = f"MLFLOW_HTTP_REQUEST_{what}"
    try:
        return int(os.environ.get(name, PATIENCE[name]))
    except ValueError:
        return int(PATIENCE[name])


def _ours(error: Exception, uri: str) -> UnipipeError:
    """Our error for one of MLflow's: first by what is on the way to the store, then by what the store says."""
    said = without_secrets(str(error), uri)
    server = f"The MLflow server at {_host(uri)}" if _host(uri) else "The MLflow store"
    return _on_the_way(error, said, server, uri) or _in_the_store(error, said, server)


def _on_the_way(error: Exception, said: str, server: str, uri: str) -> UnipipeError | None:
    if _code(error) in _UNWANTED or _http_status(error) in (401, 403):
        return ToolMissing(f"{server} does not let us in: it wants a token or password, or another one.", _LET_IN)
    if broken := re.search(r"too many (\d+) error responses|failed with error code (5\d\d)\b", said):
        hint = "Its log says why; try again when it is well."
        return ToolMissing(f"{server} answers with error {broken[1] or broken[2]}.", hint)
    if (pool := _POOL.search(said)) and (elsewhere := _elsewhere(pool[1], int(pool[2]), said, uri)):
        return elsewhere
    if "timeout exception" in said or "timed out" in said:
        hint = "Try again later, or give it more time: MLFLOW_HTTP_REQUEST_TIMEOUT=SECONDS."
        return ToolMissing(f"{server} gave no answer in time.", hint)
    return _not_mlflow(uri, "") if _NO_API.search(said) else None


def _in_the_store(error: Exception, said: str, server: str) -> UnipipeError:
    first = next((line.strip() for line in said.splitlines() if line.strip()), type(error).__name__)
    sentence = f"MLflow said: {first[:SHOWN_CHARACTERS]}"
    if _NOT_THERE.search(said):
        hint = "The database is not as MLflow makes it: restore a copy of it, or upgrade it: mlflow db upgrade URI."
        return Failed(sentence, hint)
    if _code(error) == "TEMPORARILY_UNAVAILABLE" or _AWAY.search(said):
        return ToolMissing(sentence, "Try again when the server answers or the other writer has finished.")
    if "failed with exception" in said:
        return ToolMissing(f"{server} does not answer as it should.", _CORRECT)
    if "MLFLOW_ALLOW_FILE_STORE" in said:
        hint = "Set MLFLOW_ALLOW_FILE_STORE=true, or move it to SQLite with: mlflow migrate-filestore."
        return UsageError("MLflow no longer writes to mlruns folders unless told to.", hint)
    if _NO_SCHEMA.search(said):
        hint = "Use the MLflow that made the database, or upgrade it: mlflow db upgrade URI."
        return ToolMissing("The database is of another version of MLflow than the one installed here.", hint)
    if _code(error) in UNKNOWN:
        return UsageError(sentence, "List the models and runs to see what exists.")
    return Failed(sentence, "Check that the tracking store is reachable and healthy.")


def _code(error: Exception) -> str:
    return str(getattr(error, "error_code", ""))


def _not_mlflow(uri: str, why: str) -> Failed:
    server = _host(uri) or "the store"
    detail = f" ({why.splitlines()[0][:SHOWN_CHARACTERS]})" if why else ""
    return Failed(f"What {server} answers is not what an MLflow server says{detail}.", _OTHER_ADDRESS)


def _http_status(error: Exception) -> int:
    """The status of the answer that an error was made of; 0 when it was made of none.

    An error of MLflow's that stands in the body of an answer (as JSON) does not say the answer's status. A door before
    the server, which lets nobody in, writes such bodies with codes of its own; so it is read where MLflow had it.
    """
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    found = [getattr(frame.f_locals.get("response"), "status_code", None) for frame in frames]
    named = re.search(r"failed with error code (\d{3})\b", str(error))
    return next((status for status in reversed(found) if isinstance(status, int)), int(named[1]) if named else 0)


def _elsewhere(host: str, port: int, said: str, uri: str) -> UnipipeError | None:
    """The error for a connection that failed with another than the server: where it sent us on to, or a proxy."""
    if "ProxyError" in said:
        hint = "Correct HTTP_PROXY or HTTPS_PROXY, or name the server in NO_PROXY."
        return ToolMissing(f"The proxy on the way to the MLflow server at {_host(uri)} does not let us through.", hint)
    if not _asked_directly(uri) or (host.strip("[]"), port) == (_host(uri), _port(uri)):
        return None
    message = f"The MLflow server at {_host(uri)} sends us on to {host}:{port}, which does not answer."
    return ToolMissing(message, f"{_OTHER_ADDRESS} {_LET_IN}")


def _host(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""


def _port(uri: str) -> int:
    """The port of a server; 0 when there can be none such."""
    try:
        return urlsplit(uri).port or (443 if uri.startswith("https:") else 80)
    except ValueError:
        return 0


def _asked_directly(uri: str) -> bool:
    """Whether it is the URI of a server, and no proxy is on the way."""
    scheme, host = uri.partition("://")[0], _host(uri)
    return scheme in ("http", "https") and not (host and _has_proxy(scheme, host))


def _has_proxy(scheme: str, host: str) -> bool:
    return scheme in getproxies() and not proxy_bypass(host)


def _secrets(uri: str, env: Mapping[str, str]) -> set[str]:
    """All that must not be seen, as it is and as it stands in a URI."""
    # By hand, as a password may hold what a parser of URIs refuses; so too much is hidden rather than too little.
    address, _, query = uri.partition("?")
    userinfo = address.partition("://")[2].rpartition("@")[0]
    plain = {unquote(part) for part in (userinfo, *userinfo.split(":", 1))} | {userinfo, *userinfo.split(":", 1)}
    plain |= {value for _, value in parse_qsl(query)}
    plain |= {env.get(name, "") for name in SECRET_VARIABLES}
    return {form for word in plain if len(word) > 1 for form in (word, quote(word, safe=""), quote_plus(word))}
