"""Which kinds of objects a cluster knows, and in which versions: older ones lack some, newer ones have dropped others."""

from __future__ import annotations

import re

from unipipe_tui.domain.values import frozen

GATEWAY_APIS = ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1")
AUTOSCALING_APIS = ("autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v1")
DISRUPTION_APIS = ("policy/v1", "policy/v1beta1")


@frozen
class Apis:
    """The API versions that a cluster serves."""

    minor: int
    """20 of a cluster 1.20."""
    served: frozenset[str]

    @property
    def version(self) -> str:
        """`1.20`."""
        return f"1.{self.minor}"

    @property
    def disruption(self) -> str | None:
        """For a PodDisruptionBudget; None: the cluster knows none."""
        return self._first(DISRUPTION_APIS)

    @property
    def autoscaling(self) -> str | None:
        """For a HorizontalPodAutoscaler."""
        return self._first(AUTOSCALING_APIS)

    @property
    def gateway(self) -> str | None:
        """For an HTTPRoute; None: the Gateway API is not installed."""
        return self._first(GATEWAY_APIS)

    def _first(self, known: tuple[str, ...]) -> str | None:
        return next((one for one in known if one in self.served), None)


def apis_of(minor: int, *more: str) -> Apis:
    """What a plain cluster of a version serves, and more that was installed: for documents that are made without one."""
    served = {"v1", "apps/v1", "networking.k8s.io/v1", "autoscaling/v1", *more}
    served |= {"policy/v1"} if minor >= 21 else set()
    served |= {"policy/v1beta1"} if minor < 25 else set()
    served |= {"autoscaling/v2"} if minor >= 23 else set()
    served |= {"autoscaling/v2beta2"} if 12 <= minor < 26 else set()
    return Apis(minor, frozenset(served))


def minor_of(text: str) -> int:
    """The 20 of `20+`, as some clusters write it."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0
