"""The colours of the workbench: five themes, each readable (4.5:1) wherever text stands on a background of ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from textual.theme import Theme

from unipipe_tui.config import TargetColour, TargetConfig
from unipipe_tui.config.user import ThemeName

DARK = Theme(
    name="unipipe-dark",
    primary="#7db8c9",
    secondary="#9aa7d8",
    accent="#e3b873",
    warning="#e0a458",
    error="#e8827c",
    success="#8fbf8a",
    foreground="#d3d9e3",
    background="#11151b",
    surface="#161b23",
    panel="#1e2530",
    dark=True,
    variables={
        "muted": "#97a1b2",
        "line": "#2c3644",
        "border": "#7db8c9",
        "border-blurred": "#2c3644",
        "block-cursor-background": "#27384a",
        "block-cursor-foreground": "#eef2f7",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1b232d",
        "block-cursor-blurred-foreground": "#d3d9e3",
        "block-hover-background": "#1b232d",
        "footer-background": "#161b23",
        "footer-key-foreground": "#e3b873",
        "footer-description-foreground": "#a9b3c2",
        "input-selection-background": "#7db8c9 30%",
        "scrollbar": "#2c3644",
        "scrollbar-hover": "#3b4859",
        "scrollbar-active": "#7db8c9",
        "scrollbar-background": "#11151b",
        "scrollbar-background-hover": "#11151b",
        "scrollbar-background-active": "#11151b",
        "scrollbar-corner-color": "#11151b",
    },
)

LIGHT = Theme(
    name="unipipe-light",
    primary="#0f6478",
    secondary="#47548f",
    accent="#8a5300",
    warning="#8f4a00",
    error="#a8322b",
    success="#2f6b2f",
    foreground="#222933",
    background="#f7f6f2",
    surface="#efede7",
    panel="#e5e2da",
    dark=False,
    variables={
        "muted": "#535c6a",
        "line": "#cfcabf",
        "border": "#0f6478",
        "border-blurred": "#cfcabf",
        "block-cursor-background": "#cfdfe3",
        "block-cursor-foreground": "#11161d",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e7e4dc",
        "block-cursor-blurred-foreground": "#222933",
        "footer-background": "#efede7",
        "footer-key-foreground": "#8a5300",
        "footer-description-foreground": "#454e5b",
        "scrollbar": "#cfcabf",
        "scrollbar-background": "#f7f6f2",
    },
)

ANSI = Theme(
    name="unipipe-ansi",
    ansi=True,
    primary="ansi_bright_cyan",
    secondary="ansi_cyan",
    accent="ansi_bright_yellow",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    success="ansi_bright_green",
    foreground="ansi_bright_white",
    background="ansi_black",
    surface="ansi_black",
    panel="ansi_black",
    boost="ansi_black",
    dark=True,
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_bright_white",
        # Made from the colours above they would be transparent.
        "surface": "ansi_black",
        "panel": "ansi_black",
        "muted": "ansi_white",
        "line": "ansi_bright_black",
        "border": "ansi_bright_cyan",
        "border-blurred": "ansi_bright_black",
        # Sixteen colours have no dark one that all others can be read on: the cursor turns them around.
        "block-cursor-background": "ansi_black",
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-background": "ansi_black",
        "block-cursor-blurred-foreground": "ansi_bright_white",
        "block-cursor-blurred-text-style": "underline",
        "block-hover-background": "ansi_black",
        "footer-background": "ansi_black",
        "footer-item-background": "ansi_black",
        "footer-key-background": "ansi_black",
        "footer-description-background": "ansi_black",
        "footer-key-foreground": "ansi_bright_yellow",
        "footer-description-foreground": "ansi_white",
        "input-cursor-background": "ansi_bright_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_bright_white",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_white",
        "screen-selection-foreground": "ansi_black",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_white",
        "scrollbar-active": "ansi_bright_cyan",
        "scrollbar-background": "ansi_black",
        "scrollbar-background-hover": "ansi_black",
        "scrollbar-background-active": "ansi_black",
        "scrollbar-corner-color": "ansi_black",
    },
)

# After the palette of Okabe and Ito (2008): blue for good, orange for bad, never red against green.
COLOUR_BLIND = Theme(
    name="unipipe-colour-blind",
    primary="#9cc9ee",
    secondary="#d9a3c4",
    accent="#f0e442",
    warning="#e69f00",
    error="#ff9466",
    success="#56b4e9",
    foreground="#e3e6ea",
    background="#101317",
    surface="#15191f",
    panel="#1d232b",
    dark=True,
    variables={
        "muted": "#a3abb6",
        "line": "#333c48",
        "border": "#9cc9ee",
        "border-blurred": "#333c48",
        "block-cursor-background": "#263449",
        "block-cursor-foreground": "#f4f6f8",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1c232d",
        "block-cursor-blurred-foreground": "#e3e6ea",
        "block-hover-background": "#1c232d",
        "footer-background": "#15191f",
        "footer-key-foreground": "#f0e442",
        "footer-description-foreground": "#b8bfc9",
        "scrollbar": "#333c48",
        "scrollbar-background": "#101317",
    },
)

MONOCHROME = Theme(
    name="unipipe-monochrome",
    primary="#ffffff",
    secondary="#d0d0d0",
    accent="#ffffff",
    warning="#f0f0f0",
    error="#ffffff",
    success="#d8d8d8",
    foreground="#e4e4e4",
    background="#101010",
    surface="#151515",
    panel="#202020",
    dark=True,
    variables={
        "muted": "#a8a8a8",
        "line": "#4a4a4a",
        "border": "#ffffff",
        "border-blurred": "#4a4a4a",
        "block-cursor-background": "#202020",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-background": "#202020",
        "block-cursor-blurred-foreground": "#e4e4e4",
        "block-cursor-blurred-text-style": "underline",
        "block-hover-background": "#202020",
        "footer-background": "#151515",
        "footer-key-foreground": "#ffffff",
        "footer-description-foreground": "#b8b8b8",
        "scrollbar": "#4a4a4a",
        "scrollbar-background": "#101010",
    },
)

THEMES: Mapping[ThemeName, Theme] = MappingProxyType(
    {
        ThemeName.DARK: DARK,
        ThemeName.LIGHT: LIGHT,
        ThemeName.ANSI: ANSI,
        ThemeName.COLOUR_BLIND: COLOUR_BLIND,
        ThemeName.MONOCHROME: MONOCHROME,
    }
)

TARGET_STYLES: Mapping[TargetColour, str] = MappingProxyType(
    {
        TargetColour.RED: "$error",
        TargetColour.ORANGE: "$warning",
        TargetColour.YELLOW: "$accent",
        TargetColour.GREEN: "$success",
        TargetColour.BLUE: "$primary",
        TargetColour.PURPLE: "$secondary",
    }
)


def theme_after(name: str) -> Theme:
    """The theme that follows another one when somebody goes through them."""
    themes = tuple(THEMES.values())
    place = next((number for number, theme in enumerate(themes) if theme.name == name), -1)
    return themes[(place + 1) % len(themes)]


def target_styles(targets: Mapping[str, TargetConfig]) -> Mapping[str, str]:
    """By the name of a target, how it looks wherever it is named."""
    return {name: target_style(target.colour) for name, target in targets.items()}


def target_style(colour: TargetColour | None) -> str:
    """How the name of a target looks: bold, and turned around in its own colour where it has one."""
    return f"bold reverse {TARGET_STYLES[colour]}" if colour else "bold"
