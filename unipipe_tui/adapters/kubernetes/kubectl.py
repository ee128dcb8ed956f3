"""kubectl, for one context and namespace: reads as JSON, changes as command lines that a person can repeat."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from unipipe_tui.adapters import process
from unipipe_tui.adapters.kubernetes.apis import Apis, minor_of
from unipipe_tui.adapters.kubernetes.documents import Document
from unipipe_tui.domain.errors import Failed, Refused, ToolMissing, UnipipeError
from unipipe_tui.domain.progress import Progress

MANAGER = "unipipe"
REQUEST_SECONDS = 20
QUIET = {"NO_COLOR": "1", "KUBECTL_EXTERNAL_DIFF": ""}
NOISE = re.compile(r"WARNING|Warning:|[EWI]\d{4} ")
"""What kubectl says beside: notices of versions, and its own library's log."""
DONE = ("serverside-applied", " deleted")
"""How the lines of what went well end."""
ADVICE = "Please review the fields above"
"""How a dozen lines of advice begin that stand behind a conflict."""
NO_CONFIGURATION = "localhost:8080"
"""Where kubectl looks when nobody told it of any cluster."""
AWAY = (
    "was refused",
    "unable to connect",
    "i/o timeout",
    "no such host",
    "no route to host",
    "tls handshake",
    "context deadline exceeded",
    "client.timeout",
    "connection reset",
    "unexpected eof",
    "the server is currently unable",
    "etcdserver",
    "x509",
    "gave no answer within",
)
"""How kubectl says that it could not ask."""
NO_CONTEXT = (
    "does not exist",
    "no configuration has been provided",
    "invalid configuration",
    "stat /",
    "error loading config",
)
NOT_ALLOWED = ("unauthorized", "you must be logged in", "(forbidden)", "is forbidden")
MOVED = ("(conflict)", "the object has been modified", "(alreadyexists)", "already exists")


class Kubectl:
    """The command line `kubectl` with its place in a cluster."""

    def __init__(self, context: str | None, namespace: str, documents: Path) -> None:
        """`documents` is a folder for what is applied, so that it can be read and applied again by hand."""
        self._context = context
        self.namespace = namespace
        self.documents = documents

    @property
    def place(self) -> str:
        """The context and namespace, for a sentence."""
        return f"{self._context or 'the current context'}, namespace {self.namespace}"

    def argv(self, *words: str) -> list[str]:
        """A whole command line."""
        context = ["--context", self._context] if self._context else []
        return ["kubectl", *context, "--namespace", self.namespace, f"--request-timeout={REQUEST_SECONDS}s", *words]

    def ask(self, *words: str, timeout: float = REQUEST_SECONDS + 10.0, stdin: str | None = None) -> str:
        """What it answers.

        Raises:
            ToolMissing: there is no kubectl, no such context, or the cluster is away.
            Refused: somebody changed the object meanwhile.
            Failed: the cluster said no.
        """
        return self._run(self.argv(*words), timeout, stdin)

    def get(self, *words: str) -> Document:
        """Objects as the cluster has them."""
        answer: Document = json.loads(self.ask("get", *words, "--output", "json"))
        return answer

    def find(self, *words: str) -> Document | None:
        """One object; None when there is none."""
        said = self.ask("get", *words, "--ignore-not-found", "--output", "json")
        return json.loads(said) if said.strip() else None

    def apis(self) -> Apis:
        """What the cluster serves."""
        version = json.loads(self.ask("get", "--raw", "/version"))
        served = self.ask("api-versions").split()
        return Apis(minor_of(str(version.get("minor", "0"))), frozenset(served))

    def apply(self, name: str, documents: Sequence[Document], progress: Progress) -> None:
        """Apply documents server-side in our name; they stay in a file called so."""
        path = self.written(name, documents)
        words = ("apply", "--server-side", f"--field-manager={MANAGER}", "--filename", str(path))
        try:
            self.do(progress, *words)
        except Refused as error:
            # Whoever scales has no wish that is to be kept: numbers of pods are what a release decides.
            if not is_about_numbers_only(error.message):
                raise
            self.do(progress, *words, "--force-conflicts")

    def written(self, name: str, documents: Sequence[Document]) -> Path:
        """Documents in a file."""
        self.documents.mkdir(parents=True, exist_ok=True)
        path = self.documents / f"{name}.yaml"
        path.write_text(as_yaml(documents), encoding="utf-8")
        return path

    def do(self, progress: Progress, *words: str) -> None:
        """A change, told line by line.

        Raises: as `ask`.
        """
        try:
            done = process.stream(self.argv(*words), progress, env=QUIET)
        except ToolMissing:
            raise no_kubectl() from None
        if done.exit_code:
            raise refusal(words, "\n".join(done.tail), self.place)

    def write(self, verb: str, document: Document) -> None:
        """`create` or `replace` one document, which fails when somebody else was quicker."""
        self._run(self.argv(verb, "--filename", "-"), REQUEST_SECONDS + 10.0, json.dumps(document))

    def proxy(self, socket: Path, paths: str) -> process.Companion:
        """A door to what runs in the cluster, through its API server: for this user only, and for these paths only."""
        companion = process.Companion(
            self.argv("proxy", f"--unix-socket={socket}", f"--accept-paths={paths}", "--reject-methods=^$")
        )
        if companion.heard(REQUEST_SECONDS) is None:
            companion.end()
            raise ToolMissing("kubectl proxy did not start.", hint=f"Try it: {' '.join(self.argv('get', 'pods'))}")
        return companion

    def _run(self, argv: Sequence[str], timeout: float, stdin: str | None = None) -> str:
        try:
            done = process.capture(argv, timeout=timeout, env=QUIET, stdin=stdin)
        except ToolMissing:
            raise no_kubectl() from None
        except Failed as error:
            raise ToolMissing(f"The cluster does not answer ({error.message})", hint=_HINT_AWAY) from None
        if done.exit_code:
            raise refusal(argv, done.stderr or done.stdout, self.place)
        return done.stdout


def as_yaml(documents: Sequence[Document]) -> str:
    """Documents as a file that kubectl reads."""
    text: str = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=130)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as lines, and says everything that is said twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always: kubectl would follow an alias, but who reads it must search."""
        return True


def _shown_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _shown_text)


def no_kubectl() -> ToolMissing:
    """Nothing can be done without it."""
    return ToolMissing(
        "kubectl is not installed, or cannot be started.",
        hint="Install it (https://kubernetes.io/docs/tasks/tools/); everything but this target works without.",
    )


def refusal(words: Sequence[str], said: str, place: str) -> UnipipeError:
    """What kubectl said, as an error that tells what to do."""
    said = said.partition(ADVICE)[0]
    said_lines = [line.strip() for line in said.splitlines() if line.strip() and not NOISE.match(line)]
    lines = dict.fromkeys(line for line in said_lines if not line.endswith(DONE))
    told = _shortened(" ".join(list(lines)[-3:]) or "kubectl failed without a word")
    low = told.lower()
    if any(word in low for word in MOVED):
        return Refused(
            f"Somebody else changed it meanwhile: {told}", hint="Look at what is there now, then plan again."
        )
    if "conflict with" in low or "conflicts with" in low:
        return Refused(f"Another tool manages these fields: {told}", hint=_HINT_CONFLICT)
    if "namespaces" in low and "not found" in low:
        return Failed(told, hint="Create the namespace, or name another in unipipe.yaml: kubernetes.namespace.")
    if "exceeded quota" in low:
        return Failed(told, hint="Ask for less (kubernetes.resources), or free some of the namespace's quota.")
    if any(word in low for word in NOT_ALLOWED):
        verb = next((word for word in words if word in ("get", "apply", "delete", "create", "replace")), "do this")
        return Failed(
            f"The cluster does not allow it ({place}): {told}",
            hint=f"Ask for a role that may {verb} it there: kubectl auth can-i --list",
        )
    if " is invalid: " in low:
        return Failed(
            f"The cluster refuses it: {told}", hint="Change what unipipe.yaml says of the target: kubernetes."
        )
    if NO_CONFIGURATION in low:
        return ToolMissing("kubectl knows of no cluster: there is no kubeconfig.", hint=_HINT_CONTEXT)
    if any(word in low for word in AWAY):
        return ToolMissing(f"The cluster does not answer ({place}): {told}", hint=_HINT_AWAY)
    if any(word in low for word in NO_CONTEXT):
        return ToolMissing(f"kubectl knows no such cluster: {told}", hint=_HINT_CONTEXT)
    return Failed(f"kubectl failed: {told}", hint="Run it by hand to see more.")


def is_about_numbers_only(told: str) -> bool:
    """Whether a conflict is only with what has changed numbers of pods: an autoscaler, or a person."""
    return "conflict" in told and set(re.findall(r"\.spec\.[\w.]+", told)) == {".spec.replicas"}


def _shortened(told: str) -> str:
    """Without the pointers and addresses that change from time to time and tell nothing."""
    return re.sub(r"^(error: |Error from server )", "", told).replace("\t", " ")[:600]


_HINT_AWAY = "Is the cluster up, and the context right? Try: kubectl cluster-info; kubectl config get-contexts"
_HINT_CONTEXT = (
    "Name one in unipipe.yaml (kubernetes.context); `kubectl config get-contexts` lists those that there are."
)
_HINT_CONFLICT = "Let that tool go, or take its fields over by hand: kubectl apply --server-side --force-conflicts."


def items(answer: Document, kind: str) -> list[Any]:
    """Those of a kind among the objects of an answer."""
    return [one for one in answer.get("items", []) if one.get("kind") == kind]
