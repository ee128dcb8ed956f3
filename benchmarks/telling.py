"""How long the whole story takes."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from figures import Figure, said, seconds_of

UNIPIPE = Path(sys.executable).with_name("unipipe")


def demo(workspace: Path) -> Figure:
    """`unipipe demo`, from an empty folder to the verified audit, in the slowest way: every step a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        answers: list[str] = []
        argv: list[str | Path] = [UNIPIPE, "demo", Path(place) / "demo", "--headless", "--json"]
        seconds = seconds_of(lambda: answers.append(said(argv)))
        chapters = json.loads(answers[0])["chapters"]
    slowest = max(chapter["seconds"] for chapter in chapters)
    return Figure(
        "unipipe demo", "<= 180 s", 1, seconds, counted={"chapters": len(chapters), "slowest_chapter": slowest}
    )
