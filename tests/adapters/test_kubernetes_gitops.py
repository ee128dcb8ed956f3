"""A target whose documents are committed: in a real repository, before a cluster that cannot be asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.adapters.made_releases import canary, stable, variant, wanted
from tests.conftest import git
from unipipe_tui.adapters.git import GitCommandLine
from unipipe_tui.adapters.kubernetes.gitops import GitOpsTarget
from unipipe_tui.adapters.kubernetes.target import KubernetesTarget
from unipipe_tui.config import GitOpsConfig, KubernetesConfig, TargetConfig, TargetKind
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import Refused, ToolMissing, UsageError
from unipipe_tui.domain.plans import Effect, write
from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.domain.rollouts.traffic import Traffic
from unipipe_tui.domain.serving import ServerState


class NoImages:
    """Images that are there already."""

    def effects(self, bundle: Bundle) -> tuple[Effect, ...]:
        return (write("an image"),)

    def released(self, folder: Path, bundle: Bundle, progress: Progress) -> str:
        raise AssertionError("nothing is built here")


def gitops_target(root: Path, branch: str | None = None) -> GitOpsTarget:
    config = TargetConfig(
        kind=TargetKind.KUBERNETES,
        kubernetes=KubernetesConfig(context="there-is-no-such-context", namespace="team", replicas=3),
        gitops=GitOpsConfig("deploy", branch),
    )
    hidden = root / ".git" / "unipipe"
    cluster = KubernetesTarget("production", "fraud", config, hidden, hidden, NoImages(), lambda path: 0)
    return GitOpsTarget("production", "fraud", config, cluster, GitCommandLine(root), hidden / "worktree")


def committed(root: Path, branch: str) -> list[dict[str, object]]:
    return list(yaml.safe_load_all(git("show", f"{branch}:deploy/production.yaml", cwd=root)))


def test_a_release_is_a_commit_and_goes_on_when_the_cluster_can_be_asked(project: Path) -> None:
    target = gitops_target(project)
    with pytest.raises(ToolMissing):
        target.apply(wanted("r-1", stable(3)), Silent())
    assert git("log", "-1", "--format=%s", cwd=project).strip() == "Release r-1 to production: version 3 100 %"
    assert {one["kind"] for one in committed(project, "main")} >= {"Deployment", "Service", "ConfigMap"}
    live = target.live()
    assert (live.state, live.release, live.actor) == (ServerState.STARTING, "r-1", "ada")
    assert live.traffic == stable(3)
    assert "the cluster cannot be asked" in live.remarks[0]


def test_another_branch_is_written_without_touching_what_is_checked_out(project: Path) -> None:
    (project / "README.md").write_text("# In the middle of something\n")
    target = gitops_target(project, "environments")
    for version, release in ((3, "r-1"), (4, "r-2")):
        with pytest.raises(ToolMissing):
            target.apply(wanted(release, stable(version)), Silent())
    assert git("log", "--format=%s", "environments", cwd=project).split("\n")[:2] == [
        "Release r-2 to production: version 4 100 %",
        "Release r-1 to production: version 3 100 %",
    ]
    assert git("status", "--porcelain", cwd=project) == " M README.md\n"
    assert not (project / "deploy").exists()
    assert git("worktree", "list", cwd=project).count("\n") == 1


def test_the_same_wish_again_makes_no_second_commit(project: Path) -> None:
    target = gitops_target(project, "environments")
    for _ in range(2):
        with pytest.raises(ToolMissing):
            target.apply(wanted("r-1", canary(4, 3, 25)), Silent())
    assert git("rev-list", "--count", "environments", cwd=project).strip() == "2"


def test_whoever_comes_second_is_told_and_commits_nothing(project: Path) -> None:
    target = gitops_target(project)
    with pytest.raises(ToolMissing):
        target.apply(wanted("r-theirs", stable(3)), Silent())
    with pytest.raises(Refused, match="r-theirs"):
        target.apply(wanted("r-mine", stable(4), replaces="r-before"), Silent())
    assert "r-mine" not in git("log", "--format=%s", cwd=project)


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic((variant("blue", 3), variant("green", 4, 0.0))),
        Traffic((variant("stable", 3), variant("shadow", 4, 0.0, mirrored=True))),
        Traffic((variant("a", 3, 50), variant("b", 4, 50))),
    ],
)
def test_what_needs_an_order_of_steps_is_refused_before_anything_is_committed(project: Path, traffic: Traffic) -> None:
    target = gitops_target(project)
    for asked in (
        lambda: target.effects(wanted("r-1", traffic), target.live()),
        lambda: target.apply(wanted("r-1", traffic), Silent()),
    ):
        with pytest.raises(UsageError, match="everything at once"):
            asked()
    assert git("rev-list", "--count", "HEAD", cwd=project).strip() == "1"


def test_stopping_commits_that_there_is_nothing(project: Path) -> None:
    target = gitops_target(project, "environments")
    with pytest.raises(ToolMissing):
        target.apply(wanted("r-1", stable(3)), Silent())
    assert target.stop(Silent()).state is ServerState.STOPPED
    assert "deploy" not in git("ls-tree", "--name-only", "environments", cwd=project)
