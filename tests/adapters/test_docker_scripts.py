"""The little programs that run in containers, and how the prediction log comes here through one of them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.little_server import Quiet, serving
from unipipe_tui.adapters.docker import inside
from unipipe_tui.adapters.docker.collecting import collect_log, known_of
from unipipe_tui.adapters.docker.inside import drain, wait

FOLDER = Path(inside.__file__).parent


def run(name: str, *words: str, stdin: str = "") -> tuple[int, str]:
    """A script as a container runs it: alone, with nothing of ours in reach."""
    done = subprocess.run(
        [sys.executable, "-I", str(FOLDER / name), *words], input=stdin, capture_output=True, text=True, timeout=60
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def wish(release: str) -> str:
    return json.dumps({"release": release, "order": f"of {release}"})


def test_the_first_order_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "desired.json"
    assert run("take.py", str(file), stdin=wish("r-1")) == (0, "")
    assert file.read_text() == wish("r-1")


def test_an_order_tells_the_one_that_it_replaced(tmp_path: Path) -> None:
    file = tmp_path / "desired.json"
    file.write_text(wish("r-1"))
    assert run("take.py", str(file), "r-1", "r-2", stdin=wish("r-2")) == (0, wish("r-1"))
    assert file.read_text() == wish("r-2")


def test_an_order_that_expects_another_release_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "desired.json"
    file.write_text(wish("r-theirs"))
    assert run("take.py", str(file), "r-1", "r-mine", stdin=wish("r-mine")) == (5, "r-theirs")
    assert file.read_text() == wish("r-theirs")


def test_an_order_can_be_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "desired.json"
    file.write_text(wish("r-1"))
    assert run("take.py", str(file)) == (0, wish("r-1"))
    assert run("take.py", str(file)) == (0, "")
    assert not file.exists()


def test_a_damaged_order_can_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "desired.json"
    file.write_text("{")
    assert run("take.py", str(file), "r-1", stdin=wish("r-2"))[0] == 0


def test_of_many_who_order_at_once_one_is_first_and_the_others_are_told(tmp_path: Path) -> None:
    file = tmp_path / "desired.json"
    file.write_text(wish("r-0"))
    answers: dict[str, tuple[int, str]] = {}

    def order(name: str) -> None:
        answers[name] = run("take.py", str(file), "r-0", name, stdin=wish(name))

    threads = [threading.Thread(target=order, args=(f"r-{number}",)) for number in range(1, 6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    winners = [name for name, (code, _said) in answers.items() if code == 0]
    assert len(winners) == 1
    assert file.read_text() == wish(winners[0])
    assert {said for code, said in answers.values() if code == 5} == {winners[0]}


@contextmanager
def answering(*documents: tuple[int, object]) -> Iterator[str]:
    """A server that answers with each of these in turn, then with the last one."""
    left = list(documents)

    class Handler(Quiet):
        def do_GET(self) -> None:
            status, document = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

    with serving(Handler) as url:
        yield f"{url}/readyz"


LOADING = (503, {"ready": False, "order": "o-1"})
READY = (200, {"ready": True, "order": "o-1", "serving": "o-1"})


def test_waiting_ends_when_the_server_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(LOADING, LOADING, READY) as url:
        assert wait.main(20, None, url) == 0
    assert capsys.readouterr().out == ""


def test_waiting_for_an_order_goes_on_while_another_is_served() -> None:
    taken = (200, {"ready": True, "order": "o-2", "serving": "o-1"})
    done = (200, {"ready": True, "order": "o-2", "serving": "o-2"})
    with answering(READY, taken, done) as url:
        assert wait.main(20, "o-2", url) == 0


def test_waiting_ends_at_once_when_the_order_cannot_be_followed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = (200, {"ready": True, "order": "o-2", "serving": "o-1", "error": "no such model"})
    with answering(READY, failed) as url:
        assert wait.main(20, "o-2", url) == 1
    assert capsys.readouterr().out == "no such model\n"


def test_an_error_of_an_earlier_order_is_no_reason_to_give_up() -> None:
    old = (200, {"ready": True, "order": "o-1", "serving": "o-0", "error": "no such model"})
    done = (200, {"ready": True, "order": "o-2", "serving": "o-2"})
    with answering(old, old, done) as url:
        assert wait.main(20, "o-2", url) == 0


def test_waiting_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(LOADING) as url:
        assert wait.main(0.3, None, url) == 2
    assert "being loaded after 0.3 seconds" in capsys.readouterr().out
    assert wait.main(0.3, None, url) == 2
    assert "nothing answers" in capsys.readouterr().out


def test_draining_ends_when_nothing_is_in_hand() -> None:
    busy, idle = (200, {"in_flight": 2}), (200, {"in_flight": 0})
    with answering(busy, busy, idle) as url:
        assert drain.main(20, url) == 0
    with answering(busy) as url:
        assert drain.main(0.3, url) == 2
    assert drain.main(5, url) == 0


class Log:
    """A prediction log as it lies in a volume."""

    def __init__(self, folder: Path, here: Path, most: int = 1_000_000) -> None:
        self.folder = folder
        self.here = here
        self.most = most
        self.asked = 0
        folder.mkdir()

    def write(self, name: str, *ids: str, end: str = "\n") -> None:
        """More lines of a live segment."""
        with (self.folder / name).open("a") as file:
            file.write("".join(f'{{"prediction_id":"{one}"}}{end}' for one in ids))

    def fold(self, name: str) -> None:
        """What the server does with a full segment."""
        lines = self.folder / name
        rows = [json.loads(line) for line in lines.read_text().splitlines()]
        pq.write_table(pa.Table.from_pylist(rows), lines.with_suffix(".parquet"))
        lines.unlink()

    def collect(self, source: str = "v0") -> int:
        """Bring it here."""

        def fetch(known: str) -> str:
            self.asked += 1
            return run("fetch.py", str(self.folder), str(self.most), stdin=known)[1]

        def count(path: Path) -> int:
            return int(pq.ParquetFile(path).metadata.num_rows)

        return collect_log(fetch, source, self.here, count, self.most)

    def ids(self) -> list[str]:
        """All that is here."""
        found: list[str] = []
        for path in self.here.glob("predictions-*.jsonl"):
            found += [json.loads(line)["prediction_id"] for line in path.read_text().splitlines()]
        for path in self.here.glob("predictions-*.parquet"):
            found += pq.read_table(path).column("prediction_id").to_pylist()
        return sorted(found)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "there", tmp_path / "here")


SEGMENT = "predictions-2030-03-09-7-0.jsonl"


def test_rows_come_once_while_a_segment_grows_and_is_folded(log: Log) -> None:
    log.write(SEGMENT, "a", "b")
    assert (log.collect(), log.collect(), log.ids()) == (2, 0, ["a", "b"])
    log.write(SEGMENT, "c")
    assert (log.collect(), log.ids()) == (1, ["a", "b", "c"])
    log.write(SEGMENT, "d")
    log.fold(SEGMENT)
    assert (log.collect(), log.collect(), log.ids()) == (1, 0, ["a", "b", "c", "d"])


def test_half_a_line_waits_for_its_other_half(log: Log) -> None:
    log.write(SEGMENT, "a")
    log.write(SEGMENT, "b", end="")
    assert (log.collect(), log.ids()) == (1, ["a"])
    log.write(SEGMENT, end="")
    with (log.folder / SEGMENT).open("a") as file:
        file.write("\n")
    assert (log.collect(), log.ids()) == (1, ["a", "b"])


def test_a_long_log_comes_in_pieces(log: Log) -> None:
    log.most = 100
    log.write(SEGMENT, *(f"first-{number}" for number in range(20)))
    log.write("predictions-2030-03-09-7-1.jsonl", *(f"second-{number}" for number in range(20)))
    assert log.collect() == 40
    log.fold(SEGMENT)
    assert log.collect() == 0
    assert len(log.ids()) == len(set(log.ids())) == 40


def test_a_segment_that_was_folded_and_is_still_there_in_lines_is_not_doubled(log: Log) -> None:
    log.write(SEGMENT, "a", "b")
    lines = (log.folder / SEGMENT).read_text()
    log.fold(SEGMENT)
    (log.folder / SEGMENT).write_text(lines)
    assert (log.collect(), log.collect(), log.ids()) == (2, 0, ["a", "b"])


def test_a_volume_that_was_made_anew_overwrites_nothing(log: Log) -> None:
    log.write(SEGMENT, "a")
    log.collect("v0")
    (log.folder / SEGMENT).unlink()
    log.write(SEGMENT, "b")
    assert (log.collect("v1"), log.ids()) == (1, ["a", "b"])


@pytest.mark.parametrize("kind", ["feedback", "minutes"])
def test_labels_and_minutes_come_too_and_are_not_counted_as_predictions(kind: str, log: Log) -> None:
    log.write(f"{kind}-2030-03-09-7-0.jsonl", "a")
    assert log.collect() == 0
    assert [path.name for path in log.here.iterdir()] == [f"{kind}-v0-2030-03-09-7-0.jsonl"]


def test_what_an_interrupted_collecting_left_is_gone_on_with(log: Log) -> None:
    log.write(SEGMENT, *(f"row-{number}" for number in range(500)))
    log.fold(SEGMENT)
    there = log.folder / SEGMENT.replace(".jsonl", ".parquet")
    log.here.mkdir()
    half = log.here / "predictions-v0-2030-03-09-7-0.parquet.fetching"
    half.write_bytes(there.read_bytes()[:100])
    assert known_of("v0", log.here)[there.name] == 100
    assert log.collect() == 500
    assert not half.exists()
    assert len(log.ids()) == 500


def test_a_log_that_was_told_whole_is_not_asked_for_again(log: Log) -> None:
    log.write(SEGMENT, "a", "b")
    assert (log.collect(), log.asked) == (2, 1)
