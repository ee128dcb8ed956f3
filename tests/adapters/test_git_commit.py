"""What becomes of paths that Git is told to commit, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.repositories import ODD_NAMES, changed, files_of_last_commit, write
from tests.conftest import git
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.progress import Silent


def test_only_the_named_paths_are_committed_and_what_else_is_staged_stays_staged(project: Path) -> None:
    write(project, "mine/a.txt", "mine/b.txt", "staged by me.txt", "README.md")
    git("add", "staged by me.txt", cwd=project)
    made = GitCommandLine(project).commit("Mine", ["mine"], Silent())
    assert (made.id, made.subject) == (git("rev-parse", "HEAD", cwd=project).strip(), "Mine")
    assert files_of_last_commit(project) == {"mine/a.txt", "mine/b.txt"}
    assert git("diff", "--cached", "--name-only", cwd=project) == "staged by me.txt\n"
    assert changed(project) == {"staged by me.txt", "README.md"}


@pytest.mark.parametrize("name", [*ODD_NAMES, ":(glob)**", ":top", "*", "b[12].txt", "back\\slash"])
def test_a_path_that_reads_like_a_pattern_or_an_option_commits_that_one_file(project: Path, name: str) -> None:
    write(project, name, "b1.txt", "b2.txt")
    GitCommandLine(project).commit("One", [name], Silent())
    assert files_of_last_commit(project) == {name}
    assert changed(project) == {"b1.txt", "b2.txt"}


def test_a_dot_commits_all_that_is_there_and_a_deleted_path_is_committed_as_deleted(project: Path) -> None:
    write(project, "a.txt", "b.txt")
    GitCommandLine(project).commit("All", ["."], Silent())
    assert changed(project) == set()
    (project / "a.txt").unlink()
    GitCommandLine(project).commit("Delete", ["a.txt"], Silent())
    assert files_of_last_commit(project) == {"a.txt"}
    assert changed(project) == set()


def test_paths_to_commit_count_from_the_project_when_it_is_a_folder_of_the_work_tree(project: Path) -> None:
    write(project, "params.yaml", "sub/params.yaml")
    GitCommandLine(project / "sub").commit("Inner", ["params.yaml"], Silent())
    assert files_of_last_commit(project) == {"sub/params.yaml"}


@pytest.mark.parametrize("paths", [(), ("README.md",)])
def test_nothing_new_in_the_paths_answers_with_the_head_and_commits_nothing_else(
    project: Path, paths: tuple[str, ...]
) -> None:
    write(project, "staged.txt")
    git("add", "staged.txt", cwd=project)
    before = GitCommandLine(project).head()
    assert GitCommandLine(project).commit("Nothing", paths, Silent()) == before
    assert GitCommandLine(project).head() == before
    assert changed(project) == {"staged.txt"}


def test_nothing_to_commit_before_the_first_commit_is_said(tmp_path: Path) -> None:
    GitCommandLine(tmp_path).init(Silent())
    with pytest.raises(Failed, match="nothing to commit yet"):
        GitCommandLine(tmp_path).commit("Begin", [], Silent())


def test_a_path_that_is_missing_or_ignored_fails_with_gits_words_and_commits_nothing(project: Path) -> None:
    before = GitCommandLine(project).head()
    (project / ".git" / "info" / "exclude").write_text("*.tmp\n")
    write(project, "scratch.tmp")
    for path, words in (("gone.txt", "did not match any files"), ("scratch.tmp", "ignored")):
        with pytest.raises(Failed, match=rf"git add failed: .*{words}"):
            GitCommandLine(project).commit("No", [path], Silent())
    assert GitCommandLine(project).head() == before


def test_a_hook_that_refuses_fails_the_commit_with_the_hooks_words(project: Path) -> None:
    hook = project / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'No commits on Fridays.' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = GitCommandLine(project).head()
    write(project, "a.txt")
    with pytest.raises(Failed, match=r"git commit failed: .*No commits on Fridays\."):
        GitCommandLine(project).commit("Try", ["a.txt"], Silent())
    assert GitCommandLine(project).head() == before
    assert changed(project) == {"a.txt"}


def test_a_hook_sees_the_paths_as_git_writes_them_and_its_own_patterns_work(project: Path) -> None:
    hook = project / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n! git diff --cached --name-only -- '*.py' | grep -q . || { echo Python!; exit 1; }\n")
    hook.chmod(0o755)
    write(project, "[a].py")
    with pytest.raises(Failed, match="Python!"):
        GitCommandLine(project).commit("Try", ["[a].py"], Silent())


def test_whoever_has_no_name_commits_as_unipipe(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    write(project, "a.txt")
    made = GitCommandLine(project).commit("- A\n# not a comment", ["a.txt"], Silent())
    assert (made.author, made.subject) == ("unipipe <unipipe@localhost>", "- A # not a comment")


def test_a_new_repository_begins_on_main(tmp_path: Path) -> None:
    repository = GitCommandLine(tmp_path)
    repository.init(Silent())
    tree = repository.work_tree()
    assert tree is not None
    assert (repository.is_repository(), tree.branch, tree.commit) == (True, "main", None)
