"""Images of versions: built by the engine, pushed where a registry is named, and called by their digest from then on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from unipipe_tui.adapters.docker.context import AUTHORITIES, facts_of, pip_settings, write_context
from unipipe_tui.adapters.docker.dockerfile import (
    LABEL_DIGEST,
    LABEL_RECIPE,
    PROXIES,
    ImageFacts,
    recipe_of,
    repository_name,
)
from unipipe_tui.adapters.docker.engine import Engine, last_words
from unipipe_tui.config import ImageConfig
from unipipe_tui.domain.bundles import Bundle, verify_bundle
from unipipe_tui.domain.errors import Failed, Refused, UnipipeError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.plans import Effect, run, write
from unipipe_tui.domain.progress import Progress

LAST_LINES = 12
SHORT = 12


class Images:
    """The images of one project on one engine."""

    def __init__(
        self,
        engine: Engine,
        config: ImageConfig,
        folder: Path,
        environment: Mapping[str, str],
        source: str | None = None,
        *,
        allow_pickle: bool = False,
    ) -> None:
        """`folder` keeps what images are built from; `source` is the repository's address, without a password.

        `allow_pickle`: images of models that run code when they are loaded load them.
        """
        self._engine = engine
        self._config = config
        self._folder = folder
        self._environment = environment
        self._source = source
        self._allow_pickle = allow_pickle

    def repository(self, bundle: Bundle) -> str:
        """What the image is called, without a tag."""
        name = self._config.name or repository_name(bundle.model)
        return f"{self._config.registry.rstrip('/')}/{name}" if self._config.registry else name

    def tag(self, bundle: Bundle) -> str:
        """`NAME:VERSION-DIGEST`; a name for people: what is released is the digest."""
        return f"{self.repository(bundle)}:{bundle.version}-{bundle.digest[:SHORT] or 'new'}"

    def effects(self, bundle: Bundle, folder: Path | None = None) -> tuple[Effect, ...]:
        """What `released` will do; without a folder the bundle is not made yet, and only its model and version are known."""
        place = f".unipipe/images/{bundle.digest or 'DIGEST'}"
        push = (run(*self._engine.argv("push", self.tag(bundle))),) if self._config.registry else ()
        if folder is not None and self.find(self._facts(folder, bundle)) is not None:
            return push
        return (
            write(f"{place}/: Dockerfile, requirements, the code that serves, and the bundle"),
            run(*self._engine.argv(*self._build_words(bundle, Path(place)))),
            *push,
        )

    def released(self, folder: Path, bundle: Bundle, progress: Progress) -> str:
        """The image of a bundle, by digest: `name@sha256:…` of the registry, else the engine's own id of it.

        Nothing is built when the engine has it, and nothing but what is missing is pushed.

        Raises:
            Refused: the bundle is not what was sealed.
            Failed: it could not be built or pushed; the last lines, and what to do.
            ToolMissing: the engine cannot be asked.
        """
        found = verify_bundle(folder)
        if found.digest != bundle.digest:
            raise Refused(
                f"The bundle in {folder} has digest {found.digest[:SHORT]}…, wanted is {bundle.digest[:SHORT]}….",
                "Make the bundle again from the registered version.",
            )
        facts = self._facts(folder, bundle)
        image = self.find(facts) or self._build(folder, facts, progress)
        return self._pushed(image, bundle, progress) if self._config.registry else image

    def find(self, facts: ImageFacts) -> str | None:
        """The engine's id of the image that was built of these facts; None when it has none."""
        labels = {LABEL_DIGEST: facts.bundle.digest, LABEL_RECIPE: recipe_of(facts)}
        filters = [word for key, value in labels.items() for word in ("--filter", f"label={key}={value}")]
        found = self._engine.read("image", "ls", "--no-trunc", "--quiet", *filters).split()
        return found[0] if found else None

    def _facts(self, folder: Path, bundle: Bundle) -> ImageFacts:
        return facts_of(folder, bundle, self._config, self._environment, self._source, allow_pickle=self._allow_pickle)

    def _build(self, folder: Path, facts: ImageFacts, progress: Progress) -> str:
        bundle = facts.bundle
        place = write_context(self._folder / bundle.digest, folder, facts, self._environment)
        progress.emit(Noted(f"Building the image {self.tag(bundle)} on {facts.base}."))
        done = self._engine.do(progress, *self._build_words(bundle, place), env=pip_settings(self._environment))
        if done.exit_code:
            raise Failed(
                f"The image of {bundle.model} version {bundle.version} could not be built:\n"
                f"{last_words(done.tail, LAST_LINES)}",
                hint=_hint(done.tail, _OF_BUILDS) or f"Build it by hand: docker build {place}",
            )
        image = self.find(facts)
        if image is None:
            raise Failed(
                f"The engine built {self.tag(bundle)} and does not have it.", "Is its disk full? docker system df"
            )
        return image

    def _build_words(self, bundle: Bundle, place: Path) -> tuple[str, ...]:
        # Without values: the builder takes them from the environment, so no command line shows them.
        names = (*pip_settings(self._environment), *(name for name in PROXIES if self._environment.get(name)))
        arguments = [word for name in names for word in ("--build-arg", name)]
        return ("build", "--force-rm", "--tag", self.tag(bundle), *arguments, str(place))

    def _pushed(self, image: str, bundle: Bundle, progress: Progress) -> str:
        """Push it, and answer with its digest there; a registry that is away is no harm when it has had the image before."""
        before = self._digest_there(image, bundle)
        try:
            self._push(image, bundle, progress)
        except UnipipeError as error:
            if before is None:
                raise
            progress.emit(Noted(f"{error.message.splitlines()[0]} It was pushed before, as {before}."))
            return before
        there = self._digest_there(image, bundle)
        if there is None:
            raise Failed(f"{self.tag(bundle)} was pushed, but the engine does not know its digest.", "Push it again.")
        return there

    def _push(self, image: str, bundle: Bundle, progress: Progress) -> None:
        tag = self.tag(bundle)
        # An image that was built for another repository bears another name so far.
        self._engine.must(progress, "tag", image, tag)
        done = self._engine.do(progress, "push", tag)
        if done.exit_code:
            registry = self._config.registry or ""
            raise Failed(
                f"The registry {registry} did not take {tag}:\n{last_words(done.tail, 4)}",
                hint=_hint(done.tail, _OF_PUSHES).replace("REGISTRY", registry.split("/")[0])
                or f"Push it by hand: docker push {tag}",
            )

    def _digest_there(self, image: str, bundle: Bundle) -> str | None:
        told: list[str] = (
            json.loads(self._engine.read("image", "inspect", "--format", "{{json .RepoDigests}}", image)) or []
        )
        return next((one for one in told if one.startswith(f"{self.repository(bundle)}@")), None)


def _hint(lines: Sequence[str], hints: Sequence[tuple[str, str]]) -> str:
    text = "\n".join(lines)
    return next((hint for pattern, hint in hints if re.search(pattern, text, re.IGNORECASE)), "")


_OF_BUILDS = (
    (
        r"no space left on device",
        "The engine's disk is full: docker system df shows with what, docker image prune makes room.",
    ),
    (
        r"pull access denied|manifest unknown|manifest for .* not found|repository does not exist|failed to resolve reference"
        r"|failed to do request|error getting credentials|Get \"https?://[^\"]*/v2/",
        "The engine cannot get the base image: name one that it has or can pull in unipipe.yaml, targets.TARGET.image.base.",
    ),
    (r"no such option", "pip does not know one of targets.TARGET.image.pip_arguments."),
    (
        r"requires a different python|Requires-Python|requires Python",
        "The base image has another Python than the model wants: name a base with the model's one, targets.TARGET.image.base.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        f"pip in the build does not trust the package index: set {AUTHORITIES} to a file with its authority.",
    ),
    (
        r"Name or service not known|Temporary failure in name resolution|NewConnectionError|Connection refused|ConnectTimeout"
        r"|ReadTimeout|Network is unreachable|403 Forbidden|401 Unauthorized|407 Proxy",
        "The build does not reach the package index: PIP_INDEX_URL, PIP_TRUSTED_HOST and HTTPS_PROXY are handed to it.",
    ),
    (
        r"No matching distribution found for|Could not find a version",
        "The package index does not have what the model requires: PIP_INDEX_URL or PIP_EXTRA_INDEX_URL can name another,"
        " image.pip_arguments can allow more (--pre).",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies",
        "What the model requires does not go together: log it again with requirements that do.",
    ),
    (
        r"No module named (?:pip|venv|ensurepip)|python: not found|\"python\": executable file not found",
        "The base image needs a Python with pip.",
    ),
)
_OF_PUSHES = (
    (r"no space left on device", "The registry's disk is full."),
    (
        r"server gave HTTP response to HTTPS client",
        "The registry REGISTRY speaks plain HTTP: the engine must be told so, insecure-registries in its daemon.json.",
    ),
    (r"unauthorized|no basic auth credentials|authentication required", "docker login REGISTRY"),
    (r"denied|forbidden|insufficient_scope", "This user may not push there: docker login REGISTRY as one who may."),
    (
        r"connection refused|no such host|i/o timeout|Client\.Timeout|network is unreachable|EOF|connection reset",
        "The registry REGISTRY cannot be reached from the engine: is it up, and is image.registry spelled right?",
    ),
    (
        r"x509|certificate",
        "The engine does not trust the registry's certificate: put its authority in /etc/docker/certs.d/REGISTRY/.",
    ),
)
