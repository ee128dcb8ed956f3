"""One target's objects in its cluster: what they are now, whose they are, and how many pods carry the requests."""

from __future__ import annotations

from unipipe_tui.adapters.kubernetes import names as n
from unipipe_tui.adapters.kubernetes.apis import Apis
from unipipe_tui.adapters.kubernetes.documents import Course
from unipipe_tui.adapters.kubernetes.kubectl import Kubectl
from unipipe_tui.adapters.kubernetes.manifests import release_record
from unipipe_tui.adapters.kubernetes.names import Names
from unipipe_tui.adapters.kubernetes.reading import KINDS, State, read_state
from unipipe_tui.adapters.kubernetes.shares import Division, shares_of
from unipipe_tui.config.targets import TargetConfig
from unipipe_tui.domain.errors import Failed, Refused
from unipipe_tui.domain.ports.targets import Wanted


class Cluster:
    """What is asked of the cluster again and again; what it can do is asked once."""

    def __init__(self, kubectl: Kubectl, names: Names, config: TargetConfig) -> None:
        self.kubectl = kubectl
        self.names = names
        self.config = config
        self._apis: Apis | None = None
        self._address: str | None = None

    @property
    def apis(self) -> Apis:
        """Which kinds of objects it knows."""
        if self._apis is None:
            self._apis = self.kubectl.apis()
        return self._apis

    @property
    def has_gateway(self) -> bool:
        """Whether a gateway shall, and can, share the requests out."""
        return self.config.kubernetes.gateway is not None and self.apis.gateway is not None

    def state(self) -> State:
        """All objects of the target. Raises ToolMissing, Failed."""
        answer = self.kubectl.get(KINDS, "--selector", self.names.selector)
        route = self.kubectl.find("httproutes", self.names.own) if self.has_gateway else None
        return read_state(self.names, answer, route)

    def capacity(self, state: State | None) -> int:
        """How many pods carry the requests: what an autoscaler made of it counts, and stays while versions share them."""
        settings = self.config.kubernetes
        if settings.most_replicas is None or state is None:
            return settings.replicas
        answering = [one for one in state.standing if state.answers(one)]
        if len(answering) > 1 and state.capacity is not None:
            found = state.capacity
        else:
            found = max((one.wanted for one in answering), default=settings.replicas)
        return min(max(found, settings.replicas), settings.most_replicas)

    def course(self, wanted: Wanted, capacity: int) -> Course:
        """What documents are made of."""
        shares = shares_of(wanted.traffic, capacity, self.has_gateway)
        return Course(self.names, self.config, wanted, shares, self.apis)

    def claim(self, course: Course, capacity: int, state: State) -> None:
        """Write down whose release it is before anything is moved.

        Raises:
            Refused: another release came meanwhile.
        """
        wanted, there = course.wanted, state.release
        if state.record is not None and wanted.replaces is not None and there not in (wanted.replaces, wanted.release):
            raise self._taken(there, wanted)
        record = release_record(course, capacity)
        if state.record is None:
            self.kubectl.write("create", record)
            return
        # With its version the cluster takes it only when nobody wrote it since.
        record["metadata"]["resourceVersion"] = state.record["metadata"]["resourceVersion"]
        self.kubectl.write("replace", record)

    def give_back(self, wanted: Wanted, state: State) -> None:
        """Say again that it is the release of before: what was wanted did not come."""
        now = self.kubectl.find("configmap", self.names.record)
        annotations = (now or {}).get("metadata", {}).get("annotations") or {}
        if now is None or annotations.get(n.RELEASE) != wanted.release:
            return
        if state.record is None:
            self.kubectl.ask("delete", f"configmap/{self.names.record}", "--ignore-not-found")
            return
        before = {**state.record["metadata"], "resourceVersion": now["metadata"]["resourceVersion"]}
        self.kubectl.write("replace", {**state.record, "metadata": before})

    def must_be_ours(self, wanted: Wanted) -> None:
        """Raise Refused when somebody else's release came since ours was written down."""
        record = self.kubectl.find("configmap", self.names.record)
        there = ((record or {}).get("metadata", {}).get("annotations") or {}).get(n.RELEASE)
        if there != wanted.release:
            raise self._taken(there, wanted)

    def node_address(self) -> str:
        """Where the ports of its nodes can be reached."""
        if self._address is None:
            self._address = self._found_address() or self.config.host
        return self._address

    def _found_address(self) -> str | None:
        try:
            nodes = self.kubectl.get("nodes").get("items", [])
        except Failed:
            # Many may use a namespace who may not see the nodes.
            return None
        told = [one for node in nodes for one in node.get("status", {}).get("addresses") or []]
        by_kind = {one["type"]: one["address"] for one in reversed(told)}
        return by_kind.get("ExternalIP") or by_kind.get("InternalIP")

    def _taken(self, there: str | None, wanted: Wanted) -> Refused:
        came = f"Release {there} came to" if there else "Somebody emptied"
        return Refused(
            f"{came} {self.names.target} meanwhile, not {wanted.replaces or wanted.release}.",
            hint=f"unipipe release status {self.names.target}",
        )


def is_divided(course: Course) -> bool:
    """Whether numbers of pods are the weights."""
    answering = [one for one in course.variants if one.weight > 0 and not one.mirrored]
    return course.shares.division is Division.PODS and len(answering) > 1
