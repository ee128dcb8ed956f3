"""Our servers asked over HTTP: what is said of one that wants a token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.little_server import Quiet, serving
from unipipe_tui.adapters.targets.http import TOKEN_VARIABLE, ServerAt
from unipipe_tui.domain.errors import ToolMissing

REFUSAL = b'{"error": "A bearer token is needed.", "problems": []}'


class Locked(Quiet):
    """Lets in who bears the word `secret`."""

    def do_GET(self) -> None:
        admitted = self.headers["Authorization"] == "Bearer secret"
        body = b"" if admitted else REFUSAL
        self.send_response(200 if admitted else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def locked() -> Iterator[ServerAt]:
    with serving(Locked) as url:
        yield ServerAt("local", "127.0.0.1", int(url.rpartition(":")[2]), "unipipe serve start local")


@pytest.mark.parametrize(
    ("token", "said"), [(None, "asks for a bearer token"), ("wrong", "takes another bearer token")]
)
def test_a_server_that_asks_for_a_token_names_where_it_is_set(
    locked: ServerAt, monkeypatch: pytest.MonkeyPatch, token: str | None, said: str
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    if token:
        monkeypatch.setenv(TOKEN_VARIABLE, token)
    with pytest.raises(ToolMissing, match=said) as missing:
        locked.measures()
    assert TOKEN_VARIABLE in missing.value.hint


def test_who_bears_the_token_is_let_in(locked: ServerAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    assert locked.measures() == ()
