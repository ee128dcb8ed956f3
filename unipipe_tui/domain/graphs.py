"""Who waits for whom: links readers to writers by path, puts them in order, and finds circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

from unipipe_tui.domain.values import frozen

Paths = Mapping[str, Sequence[str]]
"""A name, and the paths that it reads or writes."""


@frozen
class Graph:
    """Names in the order they were declared, each with those that it waits for."""

    parents: Mapping[str, tuple[str, ...]]

    @classmethod
    def by_paths(cls, reads: Paths, writes: Paths) -> Graph:
        """A reader waits for the writer of the same path, of a folder above it, and of whatever lies inside it.

        Every name must be in both mappings, in the order of declaration.
        """
        writers: dict[str, list[str]] = {}
        within: dict[str, list[str]] = {}
        for name, path in _pairs(writes):
            writers.setdefault(path, []).append(name)
            for folder in folders_above(path):
                within.setdefault(folder, []).append(name)
        parents: dict[str, dict[str, None]] = {name: {} for name in writes}
        for name, path in _pairs(reads):
            for place in (path, *folders_above(path)):
                parents[name].update(dict.fromkeys(writers.get(place, ())))
            parents[name].update(dict.fromkeys(within.get(path, ())))
        return cls({name: tuple(parent for parent in found if parent != name) for name, found in parents.items()})

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Each name with those that wait for it."""
        children: dict[str, list[str]] = {name: [] for name in self.parents}
        for child, parents in self.parents.items():
            for parent in parents:
                children[parent].append(child)
        return {name: tuple(found) for name, found in children.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Parents before children, otherwise as declared; what stands on a circle, or behind one, comes last."""
        rank = {name: number for number, name in enumerate(self.parents)}
        waiting = {name: len(parents) for name, parents in self.parents.items()}
        ready = [(rank[name], name) for name, count in waiting.items() if count == 0]
        heapify(ready)
        ordered: dict[str, None] = {}
        while ready:
            _, name = heappop(ready)
            ordered[name] = None
            for child in self.children[name]:
                waiting[child] -= 1
                if waiting[child] == 0:
                    heappush(ready, (rank[child], child))
        return (*ordered, *(name for name in rank if name not in ordered))

    @cached_property
    def stuck(self) -> tuple[str, ...]:
        """The names on a circle, and those that wait for them; empty when all can be ordered."""
        done: set[str] = set()
        for name in self.order:
            if done.issuperset(self.parents[name]):
                done.add(name)
        return tuple(name for name in self.parents if name not in done)

    @cached_property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The names by depth: each stands one layer below its deepest parent."""
        depth: dict[str, int] = {}
        for name in self.order:
            depth[name] = 1 + max((depth[parent] for parent in self.parents[name] if parent in depth), default=-1)
        layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for name in self.order:
            layers[depth[name]].append(name)
        return tuple(tuple(layer) for layer in layers)

    def before(self, name: str) -> tuple[str, ...]:
        """Everything that a name waits for, however far, in order."""
        return self._reachable(name, self.parents)

    def after(self, name: str) -> tuple[str, ...]:
        """Everything that waits for a name, however far, in order."""
        return self._reachable(name, self.children)

    def _reachable(self, name: str, edges: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        seen: set[str] = set()
        pending = list(edges[name])
        while pending:
            current = pending.pop()
            if current not in seen:
                seen.add(current)
                pending.extend(edges[current])
        return tuple(found for found in self.order if found in seen and found != name)


def folders_above(path: str) -> Iterator[str]:
    """The folders that hold a path, the nearest first; `.` is the last of a relative one."""
    position = path.rfind("/")
    while position > 0:
        yield path[:position]
        position = path.rfind("/", 0, position)
    if not path.startswith("/") and "://" not in path:
        yield "."


def _pairs(paths: Paths) -> Iterable[tuple[str, str]]:
    return ((name, path) for name, found in paths.items() for path in found)
