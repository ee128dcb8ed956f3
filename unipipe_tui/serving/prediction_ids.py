"""New prediction ids: sorted by time, unique by chance, and not to be guessed by who would label somebody else's prediction."""

from __future__ import annotations

import os
import time
from threading import Lock

_RANDOM_BYTES = 8
_DRAWN_TOGETHER = 512


class PredictionIds:
    """Makes ids; safe to call from several threads.

    Random bytes are drawn for many ids at once: each call of the system hands the interpreter to another thread, and under
    load waits until it gives it back.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._drawn = b""

    def new(self, how_many: int) -> list[str]:
        """Ids like UUID version 7 (RFC 9562, with the clock's fraction in rand_a), in strictly increasing order."""
        first = (time.time_ns() << 12) // 1_000_000
        randomness = self._draw(_RANDOM_BYTES * how_many)
        return [
            _uuid7(first + number, randomness[_RANDOM_BYTES * number : _RANDOM_BYTES * (number + 1)])
            for number in range(how_many)
        ]

    def _draw(self, size: int) -> bytes:
        with self._lock:
            if len(self._drawn) < size:
                self._drawn = os.urandom(max(size, _RANDOM_BYTES * _DRAWN_TOGETHER))
            drawn, self._drawn = self._drawn[:size], self._drawn[size:]
        return drawn


def _uuid7(tick: int, randomness: bytes) -> str:
    """`tick` counts 1/4096 of a millisecond since 1970; two of the random bits give way to the variant."""
    last = 0b10 << 62 | int.from_bytes(randomness) >> 2
    digits = f"{tick >> 12:012x}7{tick & 0xFFF:03x}{last:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
