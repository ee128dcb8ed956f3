"""Brings the prediction log of pods here, by the same rules as that of a container: no row is lost or doubled by asking again.

A pod's log goes with the pod, so it is fetched before a pod is taken away, and once more while it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from unipipe_tui.adapters.docker import inside
from unipipe_tui.adapters.docker.collecting import MOST_BYTES, PYTHON, CountRows, collect_log
from unipipe_tui.adapters.docker.dockerfile import LOG_FOLDER
from unipipe_tui.adapters.kubernetes.documents import Document
from unipipe_tui.adapters.kubernetes.kubectl import Kubectl
from unipipe_tui.adapters.kubernetes.pods import CONTAINER

POD_ID_DIGITS = 8
SCRIPT = Path(inside.__file__).with_name("fetch.py")


def collect_pod(kubectl: Kubectl, pod: Document, into: Path, count_rows: CountRows) -> int:
    """Fetch what is new in a pod's log; answers with the number of new predictions."""
    uid = str(pod["metadata"]["uid"]).replace("-", "")[:POD_ID_DIGITS]
    return collect_log(_fetch(kubectl, str(pod["metadata"]["name"])), uid, into, count_rows)


def _fetch(kubectl: Kubectl, pod: str) -> Callable[[str], str]:
    # Not that of the image: a pod may be of an older one than this.
    words = ("exec", "--stdin", pod, "--container", CONTAINER, "--", *PYTHON, "-c", SCRIPT.read_text(encoding="utf-8"))
    return lambda known: kubectl.ask(*words, LOG_FOLDER, str(MOST_BYTES), stdin=known)
