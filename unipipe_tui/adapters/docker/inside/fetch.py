"""`fetch.py FOLDER BYTES < KNOWN`: prints what is new in a prediction log, as far as it may at once, one JSON object a line.

KNOWN is a JSON object: how many bytes of which file are known already. Of a file that still grows only whole lines are told.
"""

import base64
import json
import os
import sys


def main(folder: str, most: int, known: dict[str, int]) -> int:
    """Look at every segment."""
    names = sorted(name for name in os.listdir(folder) if name.endswith((".jsonl", ".parquet")))
    for name in names:
        if most <= 0:
            break
        begin = known.get(name, 0)
        try:
            size, data = _rest_of(os.path.join(folder, name), begin, most)
        except FileNotFoundError:
            continue
        if name.endswith(".jsonl"):
            data = data[: data.rfind(b"\n") + 1]
        if data:
            most -= len(data)
            told = {"name": name, "begin": begin, "size": size, "data": base64.b64encode(data).decode()}
            sys.stdout.write(f"{json.dumps(told)}\n")
    return 0


def _rest_of(path: str, begin: int, most: int) -> tuple[int, bytes]:
    size = os.path.getsize(path)
    if begin >= size:
        return size, b""
    with open(path, "rb") as file:
        file.seek(begin)
        return size, file.read(min(most, size - begin))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2]), json.load(sys.stdin)))
