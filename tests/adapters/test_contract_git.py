"""What every Git promises to those who ask: the same sentences, held against the fake and the real one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import git as run_git
from tests.fakes import FakeGit
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.ports.tools import DiffStat, Git
from unipipe_tui.domain.progress import Silent


@dataclass(frozen=True)
class Folder:
    """A project's folder, and how somebody changes a file in it."""

    git: Git
    change: Callable[[str], None]


def real(root: Path) -> Folder:
    def change(path: str) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a") as file:
            file.write("more\n")

    return Folder(GitCommandLine(root), change)


def fake(git: FakeGit) -> Folder:
    def change(path: str) -> None:
        git.changes += (path,)

    return Folder(git, change)


@pytest.fixture(params=["fake", "real"])
def outside(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A folder that lies in no repository."""
    return fake(FakeGit(None, there=False)) if request.param == "fake" else real(tmp_path)


@pytest.fixture(params=["fake", "real"])
def begun(request: pytest.FixtureRequest) -> Folder:
    """A repository with one commit, which holds README.md."""
    if request.param == "fake":
        return fake(FakeGit())
    root: Path = request.getfixturevalue("project")
    run_git("config", "user.name", "Ada", cwd=root)
    run_git("config", "user.email", "ada@example.org", cwd=root)
    return real(root)


def changes(folder: Folder) -> set[str]:
    tree = folder.git.work_tree()
    assert tree is not None
    return set(tree.changed)


def test_outside_of_a_repository_there_is_nothing_and_nobody_refuses(outside: Folder) -> None:
    assert not outside.git.is_repository()
    assert (outside.git.work_tree(), outside.git.head(), outside.git.commit_of("HEAD")) == (None, None, None)
    assert outside.git.refusal() is None


def test_outside_of_a_repository_nothing_can_be_committed(outside: Folder) -> None:
    outside.change("a.txt")
    with pytest.raises(Failed):
        outside.git.commit("Begin", ["a.txt"], Silent())


def test_a_repository_begins_on_main_without_a_commit(outside: Folder) -> None:
    outside.git.init(Silent())
    tree = outside.git.work_tree()
    assert tree is not None
    assert (outside.git.is_repository(), tree.branch, tree.commit, tree.changed) == (True, "main", None, ())
    assert (outside.git.head(), outside.git.commit_of("HEAD")) == (None, None)


def test_what_is_there_before_the_first_commit_is_changed_and_becomes_it(outside: Folder) -> None:
    outside.git.init(Silent())
    outside.change("a.txt")
    assert changes(outside) == {"a.txt"}
    made = outside.git.commit("Begin", ["."], Silent())
    assert outside.git.head() == made
    assert changes(outside) == set()


def test_nothing_to_commit_before_the_first_commit_fails(outside: Folder) -> None:
    outside.git.init(Silent())
    with pytest.raises(Failed, match="nothing to commit yet"):
        outside.git.commit("Begin", [], Silent())


def test_the_head_is_the_commit_of_the_work_tree(begun: Folder) -> None:
    head, tree = begun.git.head(), begun.git.work_tree()
    assert head is not None
    assert tree is not None
    assert (tree.commit, tree.branch, tree.changed) == (head.id, "main", ())
    assert (head.author, head.subject) == ("Ada <ada@example.org>", "Begin")
    assert head.at.tzinfo is not None
    assert re.fullmatch(r"[0-9a-f]{40}", head.id)


def test_a_commit_holds_the_named_paths_and_leaves_the_other_changes(begun: Folder) -> None:
    for path in ("mine/a.txt", "mine/b.txt", "README.md", "mine.txt"):
        begun.change(path)
    before = begun.git.head()
    made = begun.git.commit("Mine\n\nBecause.", ["mine", "mine.txt"], Silent())
    assert before is not None
    assert made.id != before.id
    assert (made.subject, begun.git.head()) == ("Mine", made)
    tree = begun.git.work_tree()
    assert tree is not None
    assert (tree.commit, tree.changed) == (made.id, ("README.md",))


@pytest.mark.parametrize("paths", [(), ("README.md",)])
def test_paths_that_hold_nothing_new_answer_with_the_head(begun: Folder, paths: tuple[str, ...]) -> None:
    begun.change("other.txt")
    before = begun.git.head()
    assert begun.git.commit("Nothing", paths, Silent()) == before
    assert begun.git.head() == before
    assert changes(begun) == {"other.txt"}


def test_a_path_that_is_not_there_fails_and_nothing_is_committed(begun: Folder) -> None:
    begun.change("there.txt")
    before = begun.git.head()
    with pytest.raises(Failed, match=r"gone\.txt"):
        begun.git.commit("No", ["there.txt", "gone.txt"], Silent())
    assert begun.git.head() == before
    assert changes(begun) == {"there.txt"}


def test_every_commit_is_found_by_its_id_and_the_beginning_of_it(begun: Folder) -> None:
    first = begun.git.head()
    assert first is not None
    begun.change("a.txt")
    second = begun.git.commit("More", ["a.txt"], Silent())
    for commit in (first, second):
        assert begun.git.commit_of(commit.id) == begun.git.commit_of(commit.id[:12]) == commit


def test_two_commits_are_apart_by_the_files_and_lines_that_changed_between_them(begun: Folder) -> None:
    first = begun.git.head()
    assert first is not None
    for path in ("a.txt", "b/c d.txt"):
        begun.change(path)
    second = begun.git.commit("More", ["a.txt", "b/c d.txt"], Silent())
    assert begun.git.diff_stat(first.id, second.id) == DiffStat(2, 2, 0, ("a.txt", "b/c d.txt"))
    assert begun.git.diff_stat(second.id, first.id) == DiffStat(2, 0, 2, ("a.txt", "b/c d.txt"))
    assert begun.git.diff_stat(first.id, first.id) == DiffStat(0, 0, 0)


@pytest.mark.parametrize("revision", ["", "e" * 40, "no-such-branch", "--all", "README.md"])
def test_a_commit_that_is_not_there_is_not_compared(begun: Folder, revision: str) -> None:
    head = begun.git.head()
    assert head is not None
    assert begun.git.diff_stat(head.id, revision) is None
    assert begun.git.diff_stat(revision, head.id) is None


@pytest.mark.parametrize("revision", ["", "e" * 40, "no-such-branch", "--all", "README.md"])
def test_what_names_no_commit_is_none(begun: Folder, revision: str) -> None:
    assert begun.git.commit_of(revision) is None


def test_a_configured_user_is_a_name_and_an_address(begun: Folder) -> None:
    assert begun.git.user() == "Ada <ada@example.org>"


def test_the_version_is_told_in_numbers(begun: Folder) -> None:
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", begun.git.verify())


def test_a_repository_of_ones_own_is_not_refused(begun: Folder) -> None:
    assert (begun.git.is_repository(), begun.git.refusal()) == (True, None)


def test_a_second_work_tree_holds_the_commit_and_nothing_of_the_first_changes(begun: Folder, tmp_path: Path) -> None:
    begun.change("README.md")
    head, before = begun.git.head(), changes(begun)
    assert head is not None
    tree = begun.git.add_worktree(head.id, tmp_path / "deep" / "second", Silent())
    assert (tree / "README.md").read_text() == "# A project\n"
    assert (begun.git.head(), changes(begun)) == (head, before)
    (tree / "made.txt").write_text("x")
    for _ in range(2):
        begun.git.remove_worktree(tmp_path / "deep" / "second")
        assert not tree.exists()
    assert (begun.git.head(), changes(begun)) == (head, before)


def test_a_second_work_tree_needs_a_commit_and_an_empty_place(begun: Folder, tmp_path: Path) -> None:
    with pytest.raises(Failed):
        begun.git.add_worktree("e" * 40, tmp_path / "second", Silent())
    head = begun.git.head()
    assert head is not None
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(Failed):
        begun.git.add_worktree(head.id, tmp_path / "taken", Silent())
    assert (tmp_path / "taken" / "mine.txt").read_text() == "mine"
