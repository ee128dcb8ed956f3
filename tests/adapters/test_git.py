"""What Git says of real repositories that hold what people really put into them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.adapters.repositories import ODD_NAMES, changed, commit_all, contents, write
from tests.conftest import git
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.progress import Silent


@pytest.fixture
def unborn(tmp_path: Path) -> Path:
    """A repository without a commit."""
    folder = tmp_path / "unborn"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    return folder


def test_before_the_first_commit_there_is_a_branch_and_what_was_added_but_no_commit(unborn: Path) -> None:
    write(unborn, "staged.txt", "untracked.txt")
    git("add", "staged.txt", cwd=unborn)
    tree = GitCommandLine(unborn).work_tree()
    assert tree is not None
    assert (tree.commit, tree.branch, set(tree.changed)) == (None, "main", {"staged.txt", "untracked.txt"})
    assert GitCommandLine(unborn).head() is None


def test_a_clean_work_tree_is_its_commit_and_branch_and_nothing_else(project: Path) -> None:
    git("switch", "--quiet", "-c", "feature/größe", cwd=project)
    tree = GitCommandLine(project).work_tree()
    assert tree is not None
    assert (tree.commit, tree.branch) == (git("rev-parse", "HEAD", cwd=project).strip(), "feature/größe")
    assert tree.changed == ()


def test_a_detached_head_has_a_commit_and_no_branch(project: Path) -> None:
    git("checkout", "--quiet", "--detach", cwd=project)
    tree = GitCommandLine(project).work_tree()
    assert tree is not None
    assert (tree.commit, tree.branch) == (git("rev-parse", "HEAD", cwd=project).strip(), None)


def test_headers_about_a_remote_and_a_stash_do_not_disturb_the_answer(project: Path, tmp_path: Path) -> None:
    git("clone", "--quiet", str(project), str(tmp_path / "clone"), cwd=tmp_path)
    clone = tmp_path / "clone"
    write(clone, "README.md", text="stashed\n")
    git("stash", "--quiet", cwd=clone)
    git("config", "status.showStash", "true", cwd=clone)
    ahead = commit_all(clone)
    tree = GitCommandLine(clone).work_tree()
    assert tree is not None
    assert (tree.commit, tree.branch, tree.changed) == (ahead, "main", ())


def test_changed_deleted_staged_and_untracked_paths_are_all_named_once(project: Path) -> None:
    write(project, "edited", "deleted", "staged", "both", "mode", "kept", text="old\n")
    commit_all(project)
    write(project, "edited", "staged", "both", "untracked", "added")
    (project / "deleted").unlink()
    (project / "mode").chmod(0o755)
    git("add", "staged", "both", "added", cwd=project)
    write(project, "both", text="newer\n")
    assert changed(project) == {"edited", "deleted", "staged", "both", "mode", "untracked", "added"}


@pytest.mark.parametrize("configured", ["true", "copies"])
def test_a_renamed_path_is_two_changed_paths_whatever_is_configured(project: Path, configured: str) -> None:
    git("config", "status.renames", configured, cwd=project)
    write(project, "old name.txt", text="the same\n" * 20)
    commit_all(project)
    git("mv", "old name.txt", "new name.txt", cwd=project)
    assert changed(project) == {"old name.txt", "new name.txt"}


def test_unmerged_paths_are_changed_also_when_one_side_deleted_them(project: Path) -> None:
    write(project, "both sides.txt", "deleted by one.txt", text="base\n")
    commit_all(project)
    git("switch", "--quiet", "-c", "other", cwd=project)
    write(project, "both sides.txt", "deleted by one.txt", "1 added twice", text="theirs\n")
    commit_all(project)
    git("switch", "--quiet", "main", cwd=project)
    write(project, "both sides.txt", "1 added twice", text="ours\n")
    (project / "deleted by one.txt").unlink()
    commit_all(project)
    with pytest.raises(Exception, match="merge"):
        git("merge", "other", cwd=project)
    assert changed(project) == {"both sides.txt", "deleted by one.txt", "1 added twice"}


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("tracked", [True, False])
def test_a_path_is_told_exactly_as_it_is(project: Path, name: str, tracked: bool) -> None:
    if tracked:
        write(project, name, text="old\n")
        commit_all(project)
    write(project, name)
    assert changed(project) == {name}


def test_paths_count_from_the_root_of_the_work_tree_also_when_asked_in_a_folder_of_it(project: Path) -> None:
    git("config", "status.relativePaths", "true", cwd=project)
    write(project, "models/fraud/params.yaml", "models/other.txt", text="old\n")
    commit_all(project)
    write(project, "models/fraud/params.yaml", "models/other.txt", "README.md", "models/fraud/new.txt")
    expected = {"models/fraud/params.yaml", "models/other.txt", "README.md", "models/fraud/new.txt"}
    assert changed(project / "models" / "fraud") == expected == changed(project)


def test_a_new_folder_is_one_path_with_a_slash_at_its_end(project: Path) -> None:
    write(project, "folder/a.txt", "folder/deep/b.txt")
    assert changed(project) == {"folder/"}


def test_untracked_paths_are_told_although_the_user_hides_them_from_git_status(project: Path) -> None:
    git("config", "status.showUntrackedFiles", "no", cwd=project)
    write(project, "untracked.txt")
    assert changed(project) == {"untracked.txt"}


def test_ignored_paths_are_not_changes(project: Path) -> None:
    (project / ".git" / "info" / "exclude").write_text("*.tmp\n")
    write(project, "scratch.tmp")
    assert changed(project) == set()


def test_a_submodule_that_moved_or_holds_changes_is_one_changed_path(project: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=inner)
    write(inner, "file.txt")
    commit_all(inner)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib/inner", cwd=project)
    commit_all(project)
    assert changed(project) == set()
    write(project, "lib/inner/file.txt", text="edited\n")
    assert changed(project) == {"lib/inner"}
    moved = commit_all(project / "lib" / "inner")
    assert changed(project) == {"lib/inner"}
    tree = GitCommandLine(project / "lib" / "inner").work_tree()
    assert tree is not None
    assert (tree.commit, tree.changed) == (moved, ())


def test_outside_of_a_repository_nothing_is_known_and_nothing_is_refused(tmp_path: Path) -> None:
    outside = GitCommandLine(tmp_path)
    assert not outside.is_repository()
    assert (outside.work_tree(), outside.head(), outside.commit_of("HEAD")) == (None, None, None)
    assert (outside.refusal(), outside.exclude_file()) == (None, None)


def test_a_bare_repository_is_no_work_tree(unborn: Path) -> None:
    git("clone", "--quiet", "--bare", str(unborn), "bare.git", cwd=unborn.parent)
    bare = GitCommandLine(unborn.parent / "bare.git")
    assert (bare.is_repository(), bare.work_tree(), bare.refusal()) == (False, None, None)


def test_the_head_is_told_with_author_utc_time_and_subject(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-03-09T14:00:00+02:00")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada Lövelace")
    made = commit_all(project, "Add a thing\n\nAnd why.")
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    head = GitCommandLine(project).head()
    assert head == Commit(made, "Ada Lövelace <ada@example.org>", noon, "Add a thing")
    assert head.at.utcoffset() == noon.utcoffset()


@pytest.mark.parametrize(
    "subject",
    ["größe: 日本 🚀", "[bold red]x[/] %H %x00 $HOME", "\x1b[31mred\x1b[0m \x07", "a\tb  c", "- minus", '"quotes" \\n'],
)
def test_a_subject_comes_through_as_it_is(project: Path, subject: str) -> None:
    commit_all(project, subject)
    head = GitCommandLine(project).head()
    assert head is not None
    assert head.subject == subject


def test_a_commit_without_a_message_has_an_empty_subject(project: Path) -> None:
    git("commit", "--quiet", "--allow-empty", "--allow-empty-message", "-m", "", cwd=project)
    head = GitCommandLine(project).head()
    assert head is not None
    assert head.subject == ""


def test_a_subject_is_read_right_although_git_is_configured_to_print_another_encoding(project: Path) -> None:
    made = commit_all(project, "größer")
    git("config", "i18n.logOutputEncoding", "ISO-8859-1", cwd=project)
    head = GitCommandLine(project).head()
    assert head is not None
    assert (head.id, head.subject) == (made, "größer")


def test_a_signed_commit_is_read_although_git_is_configured_to_show_signatures(project: Path) -> None:
    forge(project, "author ", "author ", extra="gpgsig -----BEGIN PGP SIGNATURE-----\n -----END PGP SIGNATURE-----\n")
    gpg = project.parent / "gpg"
    gpg.write_text("#!/bin/sh\necho 'gpg: Signature made long ago' >&2\nexit 1\n")
    gpg.chmod(0o755)
    git("config", "gpg.program", str(gpg), cwd=project)
    git("config", "log.showSignature", "true", cwd=project)
    assert "gpg: Signature made" in git("log", "-1", cwd=project)
    head = GitCommandLine(project).head()
    assert head is not None
    assert head.id == git("rev-parse", "HEAD", cwd=project).strip()


def test_a_commit_whose_time_zone_no_calendar_knows_is_read(project: Path) -> None:
    forge(project, "committer Ada <ada@example.org> ", "committer Ada <ada@example.org> 1600000000 +051800\n")
    assert "+518:00" in git("log", "-1", "--format=%cI", cwd=project)
    head = GitCommandLine(project).head()
    assert head is not None
    assert head.at == datetime.fromtimestamp(1_600_000_000, UTC)


def forge(root: Path, beginning: str, line: str, extra: str = "") -> None:
    """Make the head a commit with one header line changed, as some old or foreign program wrote it."""
    headers, _, message = git("cat-file", "commit", "HEAD", cwd=root).partition("\n\n")
    lines = [line.rstrip("\n") if line != beginning and h.startswith(beginning) else h for h in headers.splitlines()]
    raw = root.parent / "raw-commit"
    raw.write_text("\n".join(lines) + f"\n{extra}\n{message}")
    forged = git("hash-object", "-t", "commit", "-w", "--literally", str(raw), cwd=root).strip()
    git("update-ref", "HEAD", forged, cwd=root)


def test_a_commit_is_found_by_every_name_that_git_knows(project: Path) -> None:
    first = git("rev-parse", "HEAD", cwd=project).strip()
    git("tag", "-a", "v1", "-m", "the first", cwd=project)
    git("branch", "side", cwd=project)
    commit_all(project)
    found = [GitCommandLine(project).commit_of(name) for name in (first, first[:8], "HEAD~1", "v1", "side")]
    assert [commit.id if commit else None for commit in found] == [first] * 5


@pytest.mark.parametrize(
    "revision",
    ["", "missing", "f" * 40, "--all", "-1", "--output=stolen", "HEAD:README.md", "README.md", "a b\nc", "HEAD\0"],
)
def test_what_names_no_commit_is_none_and_runs_nothing(project: Path, revision: str) -> None:
    before = contents(project)
    assert GitCommandLine(project).commit_of(revision) is None
    assert contents(project) == before


def test_the_user_is_told_only_when_name_and_address_are_configured(project: Path) -> None:
    assert GitCommandLine(project).user() is None
    git("config", "user.name", "Ada Lövelace", cwd=project)
    assert GitCommandLine(project).user() is None
    git("config", "user.email", "ada@example.org", cwd=project)
    assert GitCommandLine(project).user() == "Ada Lövelace <ada@example.org>"


def test_the_installed_version_is_told(project: Path) -> None:
    assert GitCommandLine(project).verify() in git("--version", cwd=project)


@pytest.mark.parametrize(
    ("said", "problem"), [("git version 2.24.9", "too old"), ("git, the game", "too old"), (None, "not installed")]
)
def test_a_git_that_is_too_old_or_missing_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, problem: str
) -> None:
    if said is not None:
        (tmp_path / "git").write_text(f"#!/bin/sh\necho '{said}'\n")
        (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=problem) as told:
        GitCommandLine(tmp_path).verify()
    assert told.value.hint


def test_a_repository_of_another_user_is_refused_in_gits_words(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert GitCommandLine(project).refusal() is None
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = GitCommandLine(project)
    assert "dubious ownership" in (refused.refusal() or "")
    assert (refused.is_repository(), refused.work_tree(), refused.head()) == (False, None, None)


def test_a_damaged_configuration_is_a_refusal_that_names_the_file(project: Path) -> None:
    (project / ".git" / "config").write_text("[core\n")
    assert "bad config line 1 in file .git/config" in (GitCommandLine(project).refusal() or "")


Look = Callable[[GitCommandLine], object]
LOOKS: dict[str, Look] = {
    "is_repository": GitCommandLine.is_repository,
    "refusal": GitCommandLine.refusal,
    "head": GitCommandLine.head,
    "work_tree": GitCommandLine.work_tree,
    "commit_of": lambda asked: asked.commit_of("HEAD~0"),
    "user": GitCommandLine.user,
    "exclude_file": GitCommandLine.exclude_file,
}


def test_looking_writes_nothing_not_even_the_index_that_git_would_refresh(project: Path) -> None:
    write(project, "same.txt", "changed.txt", text="old\n")
    commit_all(project)
    write(project, "same.txt", text="old\n")
    write(project, "changed.txt", "new.txt")
    before = contents(project)
    for look in LOOKS.values():
        look(GitCommandLine(project))
    assert contents(project) == before
    git("status", cwd=project)
    assert contents(project) != before, "Git had nothing to refresh, so this test proves nothing"


def test_the_exclude_file_is_the_clones_own_also_from_a_folder_or_another_work_tree(project: Path) -> None:
    git("worktree", "add", "--quiet", "--detach", "../beside", cwd=project)
    (project / "sub").mkdir()
    exclude = (project / ".git" / "info" / "exclude").resolve()
    for place in (project, project / "sub", project.parent / "beside"):
        told = GitCommandLine(place).exclude_file()
        assert told is not None
        assert told.resolve() == exclude
    exclude.write_text("hidden/\n")
    write(project.parent / "beside", "hidden/a.txt", "shown.txt")
    assert changed(project.parent / "beside") == {"shown.txt"}


def test_a_second_work_tree_leaves_head_index_and_every_file_of_the_first_as_they_are(
    project: Path, tmp_path: Path
) -> None:
    older = git("rev-parse", "HEAD", cwd=project).strip()
    write(project, "later.txt")
    commit_all(project)
    write(project, "README.md", "staged.txt", "untracked.txt", text="not committed\n")
    git("add", "staged.txt", cwd=project)
    before = contents(project)
    tree = GitCommandLine(project).add_worktree(older, tmp_path / "second", Silent())
    assert {path.name for path in tree.iterdir()} == {".git", "README.md"}
    write(tree, "made.txt", "README.md")
    GitCommandLine(project).remove_worktree(tree)
    assert contents(project) == before
    assert git("worktree", "list", cwd=project).count("\n") == 1


def test_no_hook_runs_in_a_second_work_tree(project: Path, tmp_path: Path) -> None:
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'hooked'}\n")
    hook.chmod(0o755)
    GitCommandLine(project).add_worktree("HEAD", tmp_path / "second", Silent())
    assert not (tmp_path / "hooked").exists()


def test_a_project_in_a_subfolder_lies_in_the_same_subfolder_of_a_second_work_tree(
    project: Path, tmp_path: Path
) -> None:
    write(project, "models/fraud/train.py")
    commit_all(project)
    tree = GitCommandLine(project / "models" / "fraud").add_worktree("HEAD", tmp_path / "second", Silent())
    assert tree == tmp_path / "second" / "models" / "fraud"
    assert (tree / "train.py").is_file()
    GitCommandLine(project / "models" / "fraud").remove_worktree(tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_a_second_work_tree_that_somebody_broke_or_deleted_is_removed_all_the_same(
    project: Path, tmp_path: Path
) -> None:
    repository = GitCommandLine(project)
    broken = repository.add_worktree("HEAD", tmp_path / "broken", Silent())
    (broken / ".git").unlink()
    deleted = repository.add_worktree("HEAD", tmp_path / "deleted", Silent())
    shutil.rmtree(deleted)
    for tree in (broken, deleted):
        repository.remove_worktree(tree)
        assert not tree.exists()
    assert git("worktree", "list", cwd=project).count("\n") == 1
