"""What the image of a version is made by: Dockerfile, .dockerignore, requirements and the file that says what is served.

Everything here is pure: the same facts give the same bytes, so an engine finds every layer again that it has made before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import field

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.rollouts.traffic import ALL, STABLE
from unipipe_tui.domain.values import frozen

PORT = 8080
USER = "10001:10001"
"""A number, so that a cluster can see that it is not root; no image has to know its name."""
CODE_FOLDER = "/opt/unipipe"
DESIRED_FILE = "/opt/unipipe/desired.json"
BUNDLE_FOLDER = "/opt/unipipe/bundle"
STATE_FOLDER = "/var/lib/unipipe"
"""What the server writes; a volume or a file system in memory, as the rest may be read-only."""
LOG_FOLDER = f"{STATE_FOLDER}/predictions"
SERVER = ("python", "-m", "unipipe_tui.serving")
INSIDE_FOLDER = f"{CODE_FOLDER}/inside"
"""Our little programs that are run in containers."""
DESIRED_FORMAT = 2
OWN = "unipipe.dev"
LABEL_DIGEST = f"{OWN}/digest"
LABEL_RECIPE = f"{OWN}/recipe"
PIP_SETTINGS = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_RETRIES",
)
"""Settings of pip that are handed to the stage that installs, and to no other. Their values never stand in a command line."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""Every builder knows these without being told, and keeps them out of what an image says of itself."""
SERVING_PACKAGES = (
    *("mlflow", "pandas", "numpy", "pyarrow", "fastapi", "uvicorn", "prometheus-client", "urllib3"),
    "orjson",
    # uvicorn takes these two by itself where they are, and reads requests faster with them.
    *("uvloop", "httptools"),
    # Imported only in a container that is told of a collector.
    "opentelemetry-exporter-otlp-proto-http",
)
"""What the serving room imports."""
LIMITED_BY_MLFLOW = ("pandas", "numpy", "pyarrow", "fastapi", "uvicorn", "opentelemetry-exporter-otlp-proto-http")
"""What every MLflow allows in certain versions only."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FILE_OPTION = re.compile(r"(?:-r|-c|--requirement|--constraint)[\s=]+(?P<file>\S+)")


@frozen
class ImageFacts:
    """All that an image is made of, but for the files themselves."""

    bundle: Bundle
    base: str
    """Image that it is built on."""
    requirements: str
    """What pip installs; from `image_requirements`."""
    code: str
    """sha256 over the serving code that is copied in."""
    built_by: str
    """Version of Unipipe."""
    made_at: str | None = None
    """When the model was saved, ISO 8601: the image bears this moment, so that building it again gives the same one."""
    source: str | None = None
    """Address of the repository, without a password."""
    pip_arguments: tuple[str, ...] = ()
    pip_settings: tuple[str, ...] = ()
    """Which of `PIP_SETTINGS` will be handed over."""
    has_authorities: bool = False
    """Whether `pip/ca.crt` names whom pip shall trust."""
    allow_pickle: bool = False
    """Whether its server loads models that run code when they are loaded."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """More labels, for what builds images for other ends."""


def image_requirements(of_model: str, installed: Mapping[str, str]) -> str:
    """The model's own requirements, and what serving needs beside them in the versions that are installed here.

    A model that was saved with another MLflow than the one here leaves to pip which versions go with that one.
    """
    own = [line.strip() for line in of_model.splitlines() if line.strip()]
    named = {_plain_name(line): line for line in own if _plain_name(line)}
    ours = [_pinned(name, installed, named) for name in SERVING_PACKAGES if not _is_named(name, named)]
    return "".join(f"{line}\n" for line in (*own, *ours))


def files_named_in(requirements: str) -> tuple[str, ...]:
    """Files that requirements refer to (`-r more.txt`, `-c constraints.txt`), as they are written there."""
    found = (_FILE_OPTION.match(line.strip()) for line in requirements.splitlines())
    return tuple(match["file"] for match in found if match and "://" not in match["file"])


def recipe_of(facts: ImageFacts) -> str:
    """Twelve hexadecimal digits that change when the image would be built otherwise of the same bundle."""
    parts = (facts.base, facts.requirements, facts.code, facts.built_by, *facts.pip_arguments)
    text = json.dumps([*parts, _stages(facts)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def dockerfile(facts: ImageFacts) -> str:
    """The Dockerfile. What changes least stands first; of a new version only the last two lines are new.

    Only what the classic builder understands as well as BuildKit does.
    """
    return f"{_stages(facts)}\n{_labels(facts)}\n"


def dockerignore() -> str:
    """Nothing but what the Dockerfile copies is sent to the engine."""
    return "*\n!pip\n!code\n!bundle\n!desired.json\n**/__pycache__\n"


def desired_of_image(bundle: Bundle) -> str:
    """What a container of the image serves when nobody tells it otherwise: its one bundle."""
    variant = {
        "name": STABLE,
        "model": bundle.model,
        "version": bundle.version,
        "digest": bundle.digest,
        "weight": ALL,
        "mirrored": False,
        "bundle": BUNDLE_FOLDER,
    }
    document = {
        "format": DESIRED_FORMAT,
        "order": bundle.digest[:16],
        "release": "",
        "target": "",
        "sticky": None,
        "variants": [variant],
    }
    return json.dumps(document, indent=2) + "\n"


def server_arguments(desired: str = DESIRED_FILE) -> tuple[str, ...]:
    """The words after the entry point, for a server in a container."""
    return ("--desired", desired, "--log", LOG_FOLDER, "--host", "0.0.0.0", "--port", str(PORT))  # noqa: S104


def image_labels(facts: ImageFacts) -> dict[str, str]:
    """What the image says of itself, to anybody who inspects it."""
    bundle = facts.bundle
    told = {
        "org.opencontainers.image.title": bundle.model,
        "org.opencontainers.image.version": str(bundle.version),
        "org.opencontainers.image.revision": bundle.commit,
        "org.opencontainers.image.created": facts.made_at,
        "org.opencontainers.image.source": facts.source,
        "org.opencontainers.image.base.name": facts.base,
        f"{OWN}/model": bundle.model,
        f"{OWN}/version": str(bundle.version),
        f"{OWN}/commit": bundle.commit,
        f"{OWN}/data": bundle.data,
        f"{OWN}/run": bundle.run_id,
        f"{OWN}/built-by": facts.built_by,
        LABEL_DIGEST: bundle.digest,
        LABEL_RECIPE: recipe_of(facts),
        **facts.labels,
    }
    return {key: value for key, value in told.items() if value}


def repository_name(model: str) -> str:
    """A model's name in the letters that the name of an image may have."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") or "model"


def _stages(facts: ImageFacts) -> str:
    install = ("python", "-m", "pip", "--python", "/opt/venv/bin/python", "install", "--no-cache-dir")
    settings = [f"ARG {name}" for name in facts.pip_settings]
    if facts.has_authorities:
        settings.append("ENV PIP_CERT=/build/pip/ca.crt")
    return "\n".join(
        (
            f"FROM {facts.base} AS build",
            *settings,
            "WORKDIR /build/pip",
            _run("python", "-m", "venv", "--without-pip", "/opt/venv"),
            "COPY pip/ /build/pip/",
            _run(
                *install,
                "--disable-pip-version-check",
                "--progress-bar=off",
                "--root-user-action=ignore",
                *facts.pip_arguments,
                "--requirement",
                "requirements.txt",
            ),
            "",
            f"FROM {facts.base}",
            f"ENV PATH=/opt/venv/bin:$PATH PYTHONPATH={CODE_FOLDER} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 "
            f"HOME=/tmp USER=unipipe MLFLOW_DISABLE_TELEMETRY=true",
            _run("python", "-c", _MAKE_STATE_FOLDER),
            _run("python", "-c", _COMPILE_LIBRARY),
            "COPY --from=build /opt/venv /opt/venv",
            f"COPY code/ {CODE_FOLDER}/",
            _run("python", "-m", "compileall", "-q", CODE_FOLDER),
            f"USER {USER}",
            f"WORKDIR {STATE_FOLDER}",
            f"EXPOSE {PORT}",
            f"HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD {_words(*HEALTH)}",
            "STOPSIGNAL SIGTERM",
            f"ENTRYPOINT {_words(*SERVER, *(('--allow-pickle',) if facts.allow_pickle else ()))}",
            f"CMD {_words(*server_arguments())}",
            # Last, so that building another version of the model builds nothing else again.
            f"COPY bundle/ {BUNDLE_FOLDER}/",
            f"COPY desired.json {DESIRED_FILE}",
        )
    )


HEALTH = (
    "python",
    "-c",
    f"import urllib.request as u; u.urlopen('http://127.0.0.1:{PORT}/healthz', timeout=4)",
)
"""Asks the server whether it lives, with nothing but Python."""
_MAKE_STATE_FOLDER = (
    f"import os; os.makedirs('{LOG_FOLDER}'); "
    f"[os.chown(f, {USER.replace(':', ', ')}) for f in ('{STATE_FOLDER}', '{LOG_FOLDER}')]"
)
# Bases that are kept small come without compiled files, and a container that may write nothing would compile at every start.
_COMPILE_LIBRARY = (
    "import compileall, os, re; "
    "compileall.compile_dir(os.path.dirname(os.__file__), quiet=2, workers=0, "
    "rx=re.compile('/(site-packages|tests?|idlelib|lib2to3)/'))"
)


def _labels(facts: ImageFacts) -> str:
    lines = [f"{key}={_quoted(value)}" for key, value in sorted(image_labels(facts).items())]
    return "LABEL " + " \\\n      ".join(lines)


def _run(*words: str) -> str:
    return f"RUN {_words(*words)}"


def _words(*words: str) -> str:
    return json.dumps(words)


def _quoted(value: str) -> str:
    """A value in a Dockerfile, where quotes end it, backslashes escape and dollars name variables."""
    plain = "".join(letter for letter in value if letter.isprintable())
    return '"' + re.sub(r'(["\\$])', r"\\\1", plain) + '"'


def _plain_name(line: str) -> str:
    """The name of the package that a line requires, as the index writes it; empty for options and comments."""
    found = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found and "://" not in line.split("@")[0] else ""


def _is_named(name: str, named: Mapping[str, str]) -> bool:
    return name in named or (name == "mlflow" and "mlflow-skinny" in named)


def _pinned(name: str, installed: Mapping[str, str], named: Mapping[str, str]) -> str:
    of_model = (named.get("mlflow") or named.get("mlflow-skinny") or "").replace(" ", "").partition("==")[2]
    another_mlflow = of_model.split(";")[0] not in ("", installed.get("mlflow"))
    if name not in installed or (another_mlflow and name in LIMITED_BY_MLFLOW):
        return name
    return f"{name}=={installed[name]}"
