"""Which `dvc` is run, and in what environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def dvc_program() -> str:
    """The `dvc` beside the Python that runs unipipe, else the one on PATH; its bare name when there is none."""
    return shutil.which("dvc", path=_search_path()) or "dvc"


def environment(**more: str) -> dict[str, str]:
    """Stages find the Python that runs unipipe first, as if its environment were activated, and speak at once."""
    return {"PATH": _search_path(), "NO_COLOR": "1", "DVC_NO_ANALYTICS": "1", "PYTHONUNBUFFERED": "1", **more}


def _search_path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
