"""What objects in a cluster are called, and what their labels and annotations say."""

from __future__ import annotations

import hashlib
import re

from unipipe_tui.domain.values import frozen

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
"""Marks every object of one target: two projects may each have a target `production` in one namespace."""
MANAGED_BY = "app.kubernetes.io/managed-by"
UNIPIPE = "unipipe"

TARGET = "unipipe.dev/target"
VARIANT = "unipipe.dev/variant"
VERSION = "unipipe.dev/version"
BUNDLE = "unipipe.dev/bundle"
"""The first digits of the bundle's digest: tells the pods of two versions apart for as long as they live."""
PART = "unipipe.dev/part"
MODEL_PART = "model"
ROUTER_PART = "router"

RELEASE = "unipipe.dev/release"
COMMIT = "unipipe.dev/commit"
DATA = "unipipe.dev/data"
MODEL = "unipipe.dev/model"
DIGEST = "unipipe.dev/digest"
RUN = "unipipe.dev/run"
IMAGE = "unipipe.dev/image"
ACTOR = "unipipe.dev/actor"
AT = "unipipe.dev/at"
WEIGHTS = "unipipe.dev/weights"
STICKY = "unipipe.dev/sticky"
CAPACITY = "unipipe.dev/capacity"
"""How many pods share the requests when one version answers alone; kept while two do."""
DESIRED = "unipipe.dev/desired"
"""Hash of the desired file: a router starts anew when it changes."""

LONGEST_LABEL = 63
LONGEST_OWN = 40
"""Leaves room for what is appended to the name of a target."""
HASH_DIGITS = 6
BUNDLE_DIGITS = 16


def dns_label(text: str, longest: int = LONGEST_LABEL) -> str:
    """A DNS label that says as much of the text as it can; with a hash when that is not all of it."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain == text and len(plain) <= longest and plain[:1].isalpha():
        return plain
    ending = f"-{hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]}"
    if not plain[:1].isalpha():
        plain = f"m-{plain}".strip("-")
    return plain[: longest - len(ending)].rstrip("-") + ending


def label_value(text: str) -> str:
    """The text as the value of a label; with a hash where a label cannot hold it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    if plain == text and len(text) <= LONGEST_LABEL:
        return text
    ending = f"-{hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]}"
    return (plain or "x")[: LONGEST_LABEL - len(ending)].rstrip("-._") + ending


@frozen
class Names:
    """What the objects of one target are called."""

    model: str
    target: str

    @property
    def own(self) -> str:
        """The Service that callers use, and what stands before every other name."""
        return dns_label(f"{self.model}-{self.target}", LONGEST_OWN)

    @property
    def router(self) -> str:
        """The process that routes, where one is needed."""
        return f"{self.own}-router"

    @property
    def record(self) -> str:
        """The ConfigMap that says which release was given last."""
        return f"{self.own}-release"

    def version(self, version: int, digest: str) -> str:
        """What serves one bundle, whichever variant it is at the moment."""
        return f"{self.own}-v{version}-{bundle_label(digest)[:HASH_DIGITS]}"

    def variant(self, variant: str) -> str:
        """What serves one variant, whichever bundle that is at the moment: where nobody keeps an order of steps."""
        return f"{self.own}-{dns_label(variant, 20)}"

    @property
    def selector(self) -> str:
        """Selects every object of the target, as kubectl takes it."""
        return f"{INSTANCE}={self.own}"


def bundle_label(digest: str) -> str:
    """A bundle's digest as a label holds it."""
    plain = re.sub(r"[^A-Za-z0-9]+", "", digest.removeprefix("sha256:"))[:BUNDLE_DIGITS].lower()
    return plain if len(plain) >= HASH_DIGITS else hashlib.sha256(digest.encode()).hexdigest()[:BUNDLE_DIGITS]
