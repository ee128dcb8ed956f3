"""The moving picture of the README: what joins its frames, and the file as it lies there."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from rich.console import Console

DOCS = Path(__file__).parents[1] / "docs"
TOUR = DOCS / "images" / "tour.svg"
LARGEST_BYTES = 1_500_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def animation() -> Iterator[ModuleType]:
    """`docs/animation.py`, imported as it is when it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        yield importlib.import_module("animation")


@pytest.fixture(scope="module")
def played(animation: ModuleType) -> str:
    """Three frames of a small terminal."""
    frames = [
        animation.Frame(screen("[bold red]one[/]", "stays & stays"), 2.0, "first: 1 < 2"),
        animation.Frame(screen("[bold red]two[/]", "stays & stays"), 0.5, "second"),
        animation.Frame(screen("[on blue]three[/]", "stays & stays"), 1.5, "third"),
    ]
    return str(animation.animate(frames, "a <title>"))


def screen(*lines: str) -> str:
    console = Console(record=True, width=30, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(line)
    return console.export_svg(title="unipipe")


def frames_of(svg: str) -> list[tuple[str, str]]:
    """What each frame shows and its caption, its rows looked up where they are written once."""
    root = ElementTree.fromstring(svg)
    rows = {f"#{group.get('id')}": "".join(group.itertext()) for group in root.iterfind(f"{SVG}defs/{SVG}g")}
    frames = [group for group in root.iter(f"{SVG}g") if group.get("class") == "frame"]
    return [
        ("".join(rows[use.attrib["href"]] for use in frame.iter(f"{SVG}use")), "".join(frame.itertext()))
        for frame in frames
    ]


def intervals_of(svg: str) -> list[tuple[float, float]]:
    """When each frame is to be seen, in percent of the whole."""
    shown = re.findall(r"@keyframes show-\d+\{.*?([\d.]+)%\{visibility:visible\}([\d.]+)%\{visibility:hidden\}\}", svg)
    return [(float(begins), float(ends)) for begins, ends in shown]


def ids_of(svg: str) -> list[str]:
    return [element.attrib["id"] for element in ElementTree.fromstring(svg).iter() if "id" in element.attrib]


def test_each_frame_shows_its_screen_and_its_caption_below(played: str) -> None:
    shown = [(screen.replace("\xa0", " "), caption) for screen, caption in frames_of(played)]

    assert [caption for _, caption in shown] == ["first: 1 < 2", "second", "third"]
    for (text, _), word in zip(shown, ("one", "two", "three"), strict=True):
        assert word in text
        assert "stays & stays" in text


def test_a_row_that_frames_have_in_common_is_written_once(played: str) -> None:
    assert played.count("&amp;\xa0stays") == 1


def test_one_frame_follows_the_other_until_all_were_shown(animation: ModuleType, played: str) -> None:
    assert intervals_of(played) == [(0, 50), (50, 62.5), (62.5, 100)]
    assert re.findall(r"animation:show-(\d) (\S+) step-end infinite", played) == [("0", "4s"), ("1", "4s"), ("2", "4s")]


def test_who_wants_no_motion_sees_the_first_frame(played: str) -> None:
    still = played.split("prefers-reduced-motion:reduce")[1]

    assert still.startswith("){.frame{animation:none!important}}")
    assert re.findall(r"^(\S+)\{visibility:(\w+)\}", played, re.MULTILINE) == [
        (".frame", "hidden"),
        ("#frame-0", "visible"),
    ]


def test_no_id_is_there_twice(played: str) -> None:
    assert len(ids_of(played)) == len(set(ids_of(played)))


def test_the_tour_of_the_readme_plays_as_an_image_and_is_not_too_large() -> None:
    tour = TOUR.read_text(encoding="utf-8")
    intervals = intervals_of(tour)

    assert "(docs/images/tour.svg)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert len(tour.encode()) < LARGEST_BYTES
    assert len(ids_of(tour)) == len(set(ids_of(tour)))
    assert len(frames_of(tour)) == len(intervals)
    assert all(screen and caption for screen, caption in frames_of(tour))
    assert [0, *(ends for _, ends in intervals)] == [*(begins for begins, _ in intervals), 100]
    assert not re.search(r"<script|<image|@import|@font-face|url\(|https:|(href|src)=\"(?!#)", tour)


def test_the_tour_names_no_folder_but_a_neutral_one() -> None:
    text = "".join(screen for screen, _ in frames_of(TOUR.read_text(encoding="utf-8")))

    assert not re.search(r"/(tmp|work|root|usr)\b|\broot\b", text)
