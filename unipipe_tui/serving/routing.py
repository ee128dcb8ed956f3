"""Which variant answers a request: pure functions of the request's number, or of what tells its caller apart."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from unipipe_tui.domain.rollouts.traffic import ALL
from unipipe_tui.domain.values import frozen


@frozen
class Share:
    """How much of the answers one variant gives."""

    name: str
    weight: float
    """Percent."""


def shared_out(shares: Sequence[Share], number: int) -> str:
    """The variant that answers the request of this number, counted from 0.

    Each share is a line of steps: a request is the variant's when its line rises there, so after any number of
    requests a variant has got its share of them to within one; the next variants divide what is left the same way.
    """
    left = ALL
    for share in shares[:-1]:
        part = share.weight / left if left > 0 else 0.0
        before, after = _given(part, number), _given(part, number + 1)
        if after > before:
            return share.name
        number -= before
        left -= share.weight
    return shares[-1].name


def _given(part: float, requests: int) -> int:
    # Half a request later, so that a small share does not begin with a long silence or at once.
    return math.floor(min(part, 1.0) * requests + 0.5)


def stuck_to(shares: Sequence[Share], key: str) -> str:
    """The variant of a caller: a point on one line from 0 to 100 that is cut in the order of the variants.

    Whoever was with the first variant stays there while its share grows.
    """
    point = _point(key)
    for share in shares[:-1]:
        if point < share.weight:
            return share.name
        point -= share.weight
    return shares[-1].name


def key_of(value: object) -> str | None:
    """What tells a caller apart, the same for 7 and 7.0; None when nothing does."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _point(key: str) -> float:
    digest = hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / (1 << 64) * ALL
