"""An HTTP POST of the event: CloudEvents 1.0, structured JSON. Nothing that is said of a failure holds the address."""

from __future__ import annotations

from collections.abc import Callable

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from unipipe_tui.domain.alerts import AlertEvent
from unipipe_tui.domain.errors import Failed, ToolMissing

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class WebhookSink:
    """One address. It is read anew from the environment by whoever made this, and never shown."""

    def __init__(self, url: Callable[[], str], token: Callable[[], str | None], timeout_seconds: float) -> None:
        self._url = url
        self._token = token
        self._timeout = timeout_seconds

    def send(self, event: AlertEvent) -> None:
        """Post it; any answer of 200 to 299 means that it was taken."""
        token = self._token()
        headers = {"Content-Type": CONTENT_TYPE, "User-Agent": "unipipe", "Connection": "close"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        status = self._posted(self._url(), headers, event.document.encode())
        if not 200 <= status < 300:
            raise Failed(f"The webhook answered {status}.")

    def _posted(self, url: str, headers: dict[str, str], body: bytes) -> int:
        # The pool is made for one request: a connection that was kept is dead by the next alert.
        timeout = urllib3.Timeout(connect=self._timeout, read=self._timeout)
        with urllib3.PoolManager(timeout=timeout) as pool:
            try:
                answer = pool.request(
                    "POST", url, body=body, headers=headers, retries=False, redirect=False, preload_content=False
                )
            except NewConnectionError:
                raise ToolMissing(
                    "The webhook cannot be reached: nobody listens there, or its name is not known."
                ) from None
            except ConnectTimeoutError:
                raise ToolMissing(f"The webhook took no connection within {self._timeout:g} seconds.") from None
            except ReadTimeoutError:
                raise Failed(f"The webhook gave no answer within {self._timeout:g} seconds.") from None
            except SSLError:
                raise ToolMissing("The webhook's certificate is not trusted, or it speaks no TLS.") from None
            except (LocationParseError, ValueError):
                raise ToolMissing("The webhook's address is none.") from None
            except HTTPError as error:
                raise ToolMissing(f"The webhook cannot be reached ({type(error).__name__}).") from None
            # The body is nobody's business, and may be endless.
            answer.close()
            return answer.status
