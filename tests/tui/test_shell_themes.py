"""Colours that can be read, and glyphs that say the same without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from textual.color import Color
from textual.theme import Theme

from unipipe_tui.config import TargetColour
from unipipe_tui.config.user import ThemeName
from unipipe_tui.tui.plain_glyphs import in_ascii
from unipipe_tui.tui.theme import JOB_SIGNS, SERVER_SIGNS, STEP_SIGNS, Sign
from unipipe_tui.tui.themes import TARGET_STYLES, THEMES, target_style, theme_after

ENOUGH = 4.5
XTERM = {
    "black": (0, 0, 0),
    "red": (205, 0, 0),
    "green": (0, 205, 0),
    "yellow": (205, 205, 0),
    "blue": (0, 0, 238),
    "magenta": (205, 0, 205),
    "cyan": (0, 205, 205),
    "white": (229, 229, 229),
    "bright_black": (127, 127, 127),
    "bright_red": (255, 0, 0),
    "bright_green": (0, 255, 0),
    "bright_yellow": (255, 255, 0),
    "bright_blue": (92, 92, 255),
    "bright_magenta": (255, 0, 255),
    "bright_cyan": (0, 255, 255),
    "bright_white": (255, 255, 255),
}
TEXTS = ("foreground", "muted", "primary", "secondary", "accent", "warning", "error", "success")
BACKGROUNDS = (
    "background",
    "surface",
    "panel",
    "block-cursor-background",
    "block-cursor-blurred-background",
    "block-hover-background",
)
OTHER_PAIRS = (
    ("block-cursor-foreground", "block-cursor-background"),
    ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
    ("footer-key-foreground", "footer-background"),
    ("footer-description-foreground", "footer-background"),
    ("footer-key-foreground", "block-hover-background"),
    # The button that has the focus.
    ("background", "primary"),
)


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines 2.2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Color) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


def colours_of(theme: Theme) -> Mapping[str, str]:
    return {**theme.to_color_system().generate(), **theme.variables}


def solid(name: str, colours: Mapping[str, str]) -> Color:
    """A colour as it is seen: what shines through is the background."""
    text = colours[name]
    if text.startswith("ansi_"):
        return Color(*XTERM[text.removeprefix("ansi_")])
    colour = Color.parse(text)
    return Color.parse(colours["background"]).blend(colour, colour.a, alpha=1.0) if colour.a < 1 else colour


def pairs_of(theme: Theme) -> Iterable[tuple[str, Color, Color]]:
    colours = colours_of(theme)
    pairs = [*((text, ground) for text in TEXTS for ground in BACKGROUNDS), *OTHER_PAIRS]
    for text, ground in pairs:
        yield f"{text} on {ground}", solid(text, colours), solid(ground, colours)
    if not theme.ansi:
        # The line that tells a problem.
        tinted = solid("background", colours).blend(solid("error", colours), 0.15)
        yield "error on a tinted line", solid("error", colours), tinted


@pytest.mark.parametrize("name", list(ThemeName))
def test_every_text_can_be_read_on_every_background(name: ThemeName) -> None:
    ratios = {pair: contrast(text, ground) for pair, text, ground in pairs_of(THEMES[name])}

    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < ENOUGH} == {}


def test_the_computed_contrast_is_the_one_that_the_standard_defines() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21.0)
    # The grey that the guidelines name as the lightest that passes on white.
    assert contrast(Color(0x76, 0x76, 0x76), Color(255, 255, 255)) == pytest.approx(4.54, abs=0.01)


def test_one_goes_through_all_themes_and_comes_back() -> None:
    names = [THEMES[ThemeName.DARK].name]
    for _ in ThemeName:
        names.append(theme_after(names[-1]).name)

    assert names[0] == names[-1]
    assert len(set(names)) == len(ThemeName)


def test_the_monochrome_theme_has_no_hue() -> None:
    colours = colours_of(THEMES[ThemeName.MONOCHROME])

    for name in (*TEXTS, *BACKGROUNDS):
        red, green, blue = Color.parse(colours[name]).rgb
        assert red == green == blue, name


def test_the_theme_of_sixteen_colours_has_no_other() -> None:
    colours = colours_of(THEMES[ThemeName.ANSI])

    assert all(colours[name].startswith("ansi_") for name in (*TEXTS, *BACKGROUNDS))


@pytest.mark.parametrize("signs", [STEP_SIGNS, JOB_SIGNS, SERVER_SIGNS], ids=["steps", "jobs", "servers"])
def test_every_state_has_a_glyph_of_its_own_in_ascii_too(signs: Mapping[object, Sign]) -> None:
    glyphs = [sign.glyph for sign in signs.values()]

    assert len(set(glyphs)) == len(glyphs)
    assert len({in_ascii(glyph) for glyph in glyphs}) == len(glyphs)
    assert all(in_ascii(glyph).isascii() for glyph in glyphs)


def test_a_line_keeps_its_width_and_its_words_in_ascii() -> None:
    assert in_ascii("❯ ✓ Zürich 東京 │ ⣿⠁⠤⡀ ▁▄█ … → plain") == "> + Zürich 東京 | #'-. _-# ~ > plain"


def test_every_colour_of_a_target_looks_different() -> None:
    assert set(TARGET_STYLES) == set(TargetColour)
    assert len(set(map(target_style, [None, *TargetColour]))) == 1 + len(TargetColour)
