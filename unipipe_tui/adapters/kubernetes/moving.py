"""Brings a target to what is wanted of it, in an order in which somebody always answers.

What is new is started beside what answers, and only when all its pods are ready the Service, the route or the router is changed;
then what is not wanted any more is taken away. If the new one does not become ready it is taken away again, and nothing else was
touched. Every step may be made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import sleep

from unipipe_tui.adapters.kubernetes import manifests
from unipipe_tui.adapters.kubernetes import names as n
from unipipe_tui.adapters.kubernetes.cluster import Cluster, is_divided
from unipipe_tui.adapters.kubernetes.documents import Course, Document
from unipipe_tui.adapters.kubernetes.manifests import Columns
from unipipe_tui.adapters.kubernetes.reading import Standing, State
from unipipe_tui.adapters.kubernetes.shares import Division
from unipipe_tui.adapters.kubernetes.validation import validate
from unipipe_tui.adapters.kubernetes.waiting import wait_until_ready
from unipipe_tui.domain.errors import Failed, Refused, UnipipeError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.ports.targets import Wanted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.traffic import Variant

LATE_ROWS_SECONDS = 1.0
"""After so long no node sends requests to a pod that is not selected, or goes; it still runs, so its rows can be fetched."""
NOWHERE = "address-of"

Rescue = Callable[[Sequence[Document]], None]
"""Fetches the prediction log of pods that are going away; never raises."""


class Mover:
    """One way from what a target is to what it shall be."""

    def __init__(
        self,
        cluster: Cluster,
        columns: Columns,
        rescue: Rescue,
        progress: Progress,
    ) -> None:
        self._cluster = cluster
        self._kubectl = cluster.kubectl
        self._columns = columns
        self._rescue = rescue
        self._progress = progress

    def bring(self, wanted: Wanted) -> None:
        """Do it.

        Raises:
            Refused: somebody else's release came meanwhile.
            Failed: a version never became ready; what answered before still does.
            ToolMissing: the cluster cannot be reached.
        """
        state = self._cluster.state()
        capacity = self._cluster.capacity(state)
        course = self._cluster.course(wanted, capacity)
        validate(planned_documents(course, capacity, self._columns), course.apis.minor)
        self._cluster.claim(course, capacity, state)
        self._make_way(course, state)
        try:
            self._start(course, state, capacity)
        except (Failed, Refused):
            self._take_back(course, state)
            raise
        self._cluster.must_be_ours(wanted)
        self._switch(course)
        self._tidy(course, state)

    def _make_way(self, course: Course, state: State) -> None:
        """Take away what would get requests, or would undo numbers of pods, from the first step on."""
        going: list[str] = []
        if is_divided(course):
            wanted = {course.name(variant) for variant in course.variants}
            # The Service will select all pods of the target.
            idle = [one for one in state.standing if one.name not in wanted and not state.answers(one)]
            going += [word for one in idle for word in _objects_of(one)]
        if self._cluster.config.kubernetes.most_replicas is not None and manifests.autoscaler(course) is None:
            going.append(f"horizontalpodautoscaler/{course.names.own}")
        self._delete(going)

    def _start(self, course: Course, state: State, capacity: int) -> None:
        standing = {one.name: one for one in state.standing}
        answering = {one.name for one in state.standing if state.answers(one)}
        new = [variant for variant in course.variants if course.name(variant) not in answering]
        old = [variant for variant in course.variants if course.name(variant) in answering]
        documents = manifests.shared(course) + [one for v in new for one in self._version(course, v, standing)]
        self._kubectl.apply("1-new", documents, self._progress)
        self._wait(course, new)
        if old:
            self._kubectl.apply(
                "2-known", [one for v in old for one in self._version(course, v, standing)], self._progress
            )
            self._wait(course, old)
            self._rescue_replaced([pod for variant in old for pod in standing[course.name(variant)].pods])
        if course.shares.division is Division.ROUTER:
            self._start_router(course, state, capacity)

    def _version(self, course: Course, variant: Variant, standing: dict[str, Standing]) -> list[Document]:
        """A variant's documents with as many pods as it has or shall have: fewer come last."""
        known = standing.get(course.name(variant))
        replicas = max(course.shares.replicas[variant.name], known.wanted if known else 0)
        return manifests.version_documents(course, variant, replicas)

    def _start_router(self, course: Course, state: State, capacity: int) -> None:
        services = self._kubectl.get("services", "--selector", course.names.selector)["items"]
        # The address and not the name: it is as lasting, and works where the cluster has no name service.
        addresses = {one["metadata"]["name"]: str(one["spec"]["clusterIP"]) for one in services}
        documents = manifests.router_documents(course, addresses.__getitem__, self._columns, capacity)
        self._kubectl.apply("3-router", documents, self._progress)
        seconds = course.config.kubernetes.ready_within_seconds
        wait_until_ready(self._kubectl, course.names.selector, [course.names.router], seconds, self._progress)

    def _wait(self, course: Course, variants: Sequence[Variant]) -> None:
        if variants:
            self._wait_for([course.name(variant) for variant in variants], course)

    def _wait_for(self, names: Sequence[str], course: Course) -> None:
        seconds = course.config.kubernetes.ready_within_seconds
        wait_until_ready(self._kubectl, course.names.selector, names, seconds, self._progress)

    def _rescue_replaced(self, before: Sequence[Document]) -> None:
        """Fetch the last rows of pods that an update has just replaced: they still run for some seconds."""
        if not before:
            return
        state = self._cluster.state()
        there = {
            pod["metadata"]["uid"] for pod in (*state.router_pods, *(p for one in state.standing for p in one.pods))
        }
        gone = [pod for pod in before if pod["metadata"]["uid"] not in there]
        if gone:
            sleep(LATE_ROWS_SECONDS)
            self._rescue(gone)

    def _switch(self, course: Course) -> None:
        documents = [manifests.service(course), *_given(manifests.route(course), manifests.autoscaler(course))]
        self._kubectl.apply("4-service", documents, self._progress)

    def _tidy(self, course: Course, state: State) -> None:
        """Take away what is not wanted any more, and what is too many; their last rows are fetched first."""
        standing = {one.name: one for one in state.standing}
        wanted = {course.name(variant): variant for variant in course.variants}
        going = [one for name, one in standing.items() if name not in wanted]
        fewer = [
            variant
            for name, variant in wanted.items()
            if name in standing and standing[name].wanted > course.shares.replicas[variant.name]
        ]
        router_goes = state.router is not None and course.shares.division is not Division.ROUTER
        leaving = [pod for one in going for pod in one.pods]
        leaving += [pod for variant in fewer for pod in standing[course.name(variant)].pods]
        leaving += state.router_pods if router_goes else ()
        self._rename(course, standing)
        words = [word for one in going for word in _objects_of(one)]
        words += [f"{kind}/{course.names.router}" for kind in _ROUTER_KINDS] if router_goes else []
        if course.shares.division is Division.PODS:
            words += [f"service/{name}" for name in wanted if name in state.services]
        if not leaving and not words:
            return
        # Nothing is taken away before its rows are here, however long that takes.
        sleep(LATE_ROWS_SECONDS)
        self._rescue(leaving)
        if fewer:
            documents = [
                one for v in fewer for one in manifests.version_documents(course, v, course.shares.replicas[v.name])
            ]
            self._kubectl.apply("5-fewer", documents, self._progress)
        self._delete(words)
        if not leaving:
            return
        sleep(LATE_ROWS_SECONDS)
        self._rescue(leaving)

    def _rename(self, course: Course, standing: dict[str, Standing]) -> None:
        """Let pods that run on under another name hear of it now; the cluster would tell them within a minute or two."""
        for variant in course.variants:
            known = standing.get(course.name(variant))
            if known is None or known.variant == variant.name or not known.pods:
                continue
            chosen = f"{course.names.selector},{n.BUNDLE}={known.bundle}"
            told = f"{n.VARIANT}={n.label_value(variant.name)}"
            try:
                self._kubectl.ask("annotate", "pods", "--selector", chosen, told, "--overwrite")
            except UnipipeError as error:
                self._progress.emit(Noted(f"Pods of {variant.name} hear of their name later: {error.message}"))

    def _take_back(self, course: Course, state: State) -> None:
        """Remove what was started and gets no requests, and the note of whose release it is."""
        answering = {one.name for one in state.standing if state.answers(one)}
        new = [course.name(variant) for variant in course.variants if course.name(variant) not in answering]
        words = [f"{kind}/{name}" for name in new for kind in _KINDS]
        if state.router is None or not state.routed:
            words += [f"{kind}/{course.names.router}" for kind in _ROUTER_KINDS]
        try:
            self._delete(words)
            self._cluster.give_back(course.wanted, state)
        except UnipipeError as error:
            self._progress.emit(Noted(f"What was started could not be taken away: {error.message}"))

    def _delete(self, words: Sequence[str]) -> None:
        if words:
            self._kubectl.do(self._progress, "delete", "--ignore-not-found", "--wait=false", *words)


def planned_documents(course: Course, capacity: int, columns: Columns) -> list[Document]:
    """All that will be there in the end; addresses that only the cluster knows are left open."""
    documents = [manifests.release_record(course, capacity), *manifests.shared(course)]
    for variant in course.variants:
        documents += manifests.version_documents(course, variant, course.shares.replicas[variant.name])
    if course.shares.division is Division.ROUTER:
        documents += manifests.router_documents(course, lambda name: f"{NOWHERE}-{name}", columns, capacity)
    return [*documents, manifests.service(course), *_given(manifests.route(course), manifests.autoscaler(course))]


_KINDS = ("deployment", "configmap", "service")
_ROUTER_KINDS = ("deployment", "configmap", "networkpolicy")


def _objects_of(one: Standing) -> list[str]:
    return [f"{kind}/{one.name}" for kind in _KINDS]


def _given(*documents: Document | None) -> list[Document]:
    return [one for one in documents if one is not None]
