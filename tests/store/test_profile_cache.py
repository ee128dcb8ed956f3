"""A reference is counted once, and a file that nobody wrote to is hashed once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.progress import Progress
from unipipe_tui.monitoring.distributions import Profile
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.sources import Source, digest_of_file
from unipipe_tui.store.file_digests import FileDigests
from unipipe_tui.store.profile_cache import ProfileCache

AT_ONCE = -60.0
"""As if every file had been left alone for a minute."""


class Counting:
    """Counts, and how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(
        self, source: Source, columns: Sequence[str] | None, like: Profile | None, progress: Progress | None
    ) -> Profile:
        self.times += 1
        return profile(source, columns, like=like, progress=progress)


class Together(Counting):
    """Counts, and answers so many at the same moment."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self._all_there = Barrier(many)

    def __call__(
        self, source: Source, columns: Sequence[str] | None, like: Profile | None, progress: Progress | None
    ) -> Profile:
        counted = super().__call__(source, columns, like, progress)
        self._all_there.wait(10)
        return counted


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1,a\n2,b\n")
    return path


def kept(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_reference_is_counted_once_and_again_when_a_byte_of_it_changed(rows: Path, tmp_path: Path) -> None:
    count = Counting()
    first = ProfileCache(tmp_path / "cache", count).profile([rows])
    assert ProfileCache(tmp_path / "cache", count).profile([rows]) == first
    assert count.times == 1
    rows.write_text("x,y\n1,a\n3,b\n")
    assert ProfileCache(tmp_path / "cache", count).profile([rows]) != first
    assert count.times == 2


def test_what_is_counted_like_a_reference_is_counted_every_time(rows: Path, tmp_path: Path) -> None:
    count = Counting()
    cache = ProfileCache(tmp_path / "cache", count)
    reference = cache.profile([rows])
    for _ in range(2):
        assert cache.profile([rows], like=reference) == reference
    assert count.times == 3


@pytest.mark.parametrize("damage", [b"", b"{}", b"1\n{}", b"2\n", b"\xff\xfe\x00", b"a folder"])
def test_a_damaged_profile_is_counted_anew(rows: Path, tmp_path: Path, damage: bytes) -> None:
    count = Counting()
    cache = ProfileCache(tmp_path / "cache", count)
    first = cache.profile([rows])
    (path,) = (tmp_path / "cache").glob("*.json")
    path.unlink()
    if damage == b"a folder":
        path.mkdir()
    else:
        path.write_bytes(damage)
    assert cache.profile([rows]) == first
    assert count.times == 2
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_where_nothing_can_be_kept_a_reference_is_counted_each_time(rows: Path, tmp_path: Path) -> None:
    count = Counting()
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    assert ProfileCache(tmp_path / "cache", count).profile([rows]).rows == 2
    assert ProfileCache(tmp_path / "cache", count).profile([rows]).rows == 2
    assert count.times == 2


def test_threads_that_count_the_same_reference_at_once_do_not_disturb_each_other(rows: Path, tmp_path: Path) -> None:
    cache = ProfileCache(tmp_path / "cache", Together(4))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cache.profile([rows]), range(4)))
    assert len(set(found)) == 1
    assert len(list((tmp_path / "cache").glob("*.json"))) == 1


def test_columns_are_told_anew_when_a_file_was_written(rows: Path, tmp_path: Path) -> None:
    cache = ProfileCache(tmp_path / "cache", Counting())
    assert cache.columns([rows]) == cache.columns([rows]) == ("x", "y")
    rows.write_text("z,y\n1,a\n")
    assert cache.columns([rows]) == ("z", "y")
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    assert [cache.columns([path]) for path in (other, rows, other)] == [("a",), ("z", "y"), ("a",)]
    with pytest.raises(Failed, match="no file"):
        cache.columns([tmp_path / "absent.csv"])


def test_a_file_that_nobody_wrote_to_is_not_read_again(rows: Path, tmp_path: Path) -> None:
    digests = FileDigests(tmp_path / "kept", AT_ONCE)
    assert digests.of(str(rows)) == digest_of_file(str(rows))
    # Only what was kept can answer with this.
    path = kept(tmp_path / "kept")
    path.write_text(f"{path.read_text().split()[0]} {'ab' * 32}")
    assert digests.of(str(rows)) == bytes.fromhex("ab" * 32)


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time_is_read_again(rows: Path, tmp_path: Path) -> None:
    digests = FileDigests(tmp_path / "kept", AT_ONCE)
    before, times = digests.of(str(rows)), rows.stat()
    rows.write_text("x,y\n1,a\n2,c\n")
    os.utime(rows, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digests.of(str(rows)) == digest_of_file(str(rows)) != before


def test_the_hash_of_a_file_that_was_only_just_written_is_not_kept(rows: Path, tmp_path: Path) -> None:
    assert FileDigests(tmp_path / "kept").of(str(rows)) == digest_of_file(str(rows))
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("damage", ["", "one", "a b", "a b c", "\x00"])
def test_a_damaged_hash_is_made_again(rows: Path, tmp_path: Path, damage: str) -> None:
    digests = FileDigests(tmp_path / "kept", AT_ONCE)
    digests.of(str(rows))
    kept(tmp_path / "kept").write_text(damage)
    assert digests.of(str(rows)) == digest_of_file(str(rows))


def test_where_nothing_can_be_written_files_are_read_each_time(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file stands where the folder should be")
    assert FileDigests(tmp_path / "kept", AT_ONCE).of(str(rows)) == digest_of_file(str(rows))
