"""Joins pictures of a terminal into one SVG that plays by itself, as an image too: no script, no font from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from unipipe_tui.domain.values import frozen

SVG = "{http://www.w3.org/2000/svg}"
CAPTION_HEIGHT = 52.0
MARGIN = 9.0
HEAD = 41.0
BASELINE = 18.5
"""How far below the top of its background a text stands."""
RULE = re.compile(r"\.(\S+-r\d+) \{\s*([^}]*?)\s*\}")

STYLE = """\
text{{font-family:"Fira Code","DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:20px}}
rect{{shape-rendering:crispEdges}}
.caption text{{font-family:Helvetica,Arial,sans-serif;font-size:24px;fill:#d3d9e3}}
.title{{font-family:Helvetica,Arial,sans-serif;font-size:18px;font-weight:bold;fill:#c5c8c6}}
.frame{{visibility:hidden}}
#frame-0{{visibility:visible}}
{colours}
{times}
@media (prefers-reduced-motion:reduce){{.frame{{animation:none!important}}}}"""

WINDOW = """\
<rect width="{width}" height="{height}" rx="8" fill="#292929"/>
<text class="title" text-anchor="middle" x="{middle}" y="27">{title}</text>
<circle cx="26" cy="22" r="7" fill="#ff5f57"/><circle cx="48" cy="22" r="7" fill="#febc2e"/>\
<circle cx="70" cy="22" r="7" fill="#28c840"/>"""


@frozen
class Frame:
    """One picture of a tour: as Textual draws it, how long it is shown, and a few words below."""

    picture: str
    seconds: float
    caption: str


@frozen
class Rows:
    """What is painted in a picture: pieces of SVG by their height, from the top, and the size of the whole."""

    pieces: tuple[str, ...]
    width: float
    height: float


class Shared:
    """What several pictures have in common is written once: colours, and rows that stay as they are."""

    def __init__(self) -> None:
        self._colours: dict[str, str] = {}
        self._rows: dict[str, str] = {}

    def colour(self, rule: str) -> str:
        """The class of a way to paint text."""
        return self._colours.setdefault(rule, f"c{len(self._colours)}")

    def row(self, piece: str) -> str:
        """The id of a row."""
        return self._rows.setdefault(piece, f"row-{len(self._rows)}")

    def colours(self) -> str:
        """All classes."""
        return "\n".join(f".{name}{{{rule}}}" for rule, name in self._colours.items())

    def rows(self) -> str:
        """All rows, to be used by their ids."""
        return "\n".join(f'<g id="{name}">{piece}</g>' for piece, name in self._rows.items())


def seconds_of(frames: Sequence[Frame]) -> float:
    """How long it takes to show all of them once."""
    return sum(frame.seconds for frame in frames)


def animate(frames: Sequence[Frame], title: str) -> str:
    """One SVG that shows the frames one after another, for ever; the first one alone to whoever wants no motion."""
    shared = Shared()
    read = [_read(frame.picture, shared) for frame in frames]
    width, height = max(rows.width for rows in read), max(rows.height for rows in read)
    groups = "\n".join(
        f'<g class="frame" id="frame-{number}">'
        f'<g transform="translate({MARGIN:g},{HEAD:g})">{_used(rows, shared)}</g>{_caption(frame, height)}</g>'
        for number, (frame, rows) in enumerate(zip(frames, read, strict=True))
    )
    style = STYLE.format(colours=shared.colours(), times="\n".join(_times(frames)))
    whole = height + CAPTION_HEIGHT
    window = WINDOW.format(width=f"{width:g}", height=f"{whole:g}", middle=f"{width / 2:g}", title=escape(title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width:g} {whole:g}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}\n</style>\n<defs>\n{shared.rows()}\n</defs>\n"
        f"{window}\n{groups}\n</svg>\n"
    )


def _used(rows: Rows, shared: Shared) -> str:
    return "".join(f'<use href="#{shared.row(piece)}"/>' for piece in rows.pieces)


def _caption(frame: Frame, height: float) -> str:
    return f'<g class="caption"><text x="{2 * MARGIN:g}" y="{height + 26:g}">{escape(frame.caption)}</text></g>'


def _times(frames: Sequence[Frame]) -> Iterator[str]:
    whole, begins = seconds_of(frames), 0.0
    for number, frame in enumerate(frames):
        ends = begins + frame.seconds
        steps = [(0.0, "hidden"), (begins, "visible"), (ends, "hidden")]
        told = "".join(f"{100 * at / whole:.4g}%{{visibility:{shown}}}" for at, shown in steps[0 if begins else 1 :])
        yield f"@keyframes show-{number}{{{told}}}"
        yield f"#frame-{number}{{animation:show-{number} {whole:g}s step-end infinite}}"
        begins = ends


def _read(picture: str, shared: Shared) -> Rows:
    root = fromstring(picture)  # noqa: S314 - what Textual has drawn a moment ago
    rules = dict(RULE.findall("".join(style.text or "" for style in root.iter(f"{SVG}style"))))
    colours = {name: shared.colour(rule) for name, rule in rules.items()}
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    screen = next(group for group in root.iter(f"{SVG}g") if "clip-path" in group.attrib)
    painted: dict[float, list[str]] = {}
    for rect in screen.findall(f"{SVG}rect"):
        painted.setdefault(round(float(rect.attrib["y"]) + BASELINE, 1), []).append(_rect(rect))
    for text in screen.iter(f"{SVG}text"):
        painted.setdefault(round(float(text.attrib["y"]), 1), []).append(_text(text, colours))
    return Rows(tuple("".join(painted[at]) for at in sorted(painted)), width, height)


def _rect(rect: Element) -> str:
    kept = " ".join(f'{name}="{rect.attrib[name]}"' for name in ("fill", "x", "y", "width", "height"))
    return f"<rect {kept}/>"


def _text(text: Element, colours: dict[str, str]) -> str:
    kept = " ".join(f'{name}="{text.attrib[name]}"' for name in ("x", "y", "textLength"))
    return f'<text class="{colours[text.attrib["class"]]}" {kept}>{escape(text.text or "")}</text>'
