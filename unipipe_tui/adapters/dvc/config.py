"""The few settings of `.dvc/config` and `.dvc/config.local` that change what a project's files mean."""

from __future__ import annotations

from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path

from unipipe_tui.adapters.dvc.template import CommandStyle

SETTINGS_FILES = ("config", "config.local")


@dataclass(frozen=True)
class DvcConfig:
    """Where data is kept, where it is fetched from, and how mappings become flags."""

    cache_folder: Path
    default_remote: str | None
    command_style: CommandStyle


def read_config(root: Path) -> DvcConfig:
    """The settings of one project; a file that is missing or broken counts as empty, as its defaults hold then."""
    settings = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    for name in SETTINGS_FILES:
        try:
            settings.read(root / ".dvc" / name, encoding="utf-8-sig")
        except (Error, UnicodeDecodeError):
            continue
    return DvcConfig(
        cache_folder=root / ".dvc" / (_value(settings, "cache", "dir") or "cache"),
        default_remote=_value(settings, "core", "remote"),
        command_style=CommandStyle(
            booleans_have_no_form=_value(settings, "parsing", "bool") == "boolean_optional",
            lists_repeat_the_flag=_value(settings, "parsing", "list") == "append",
        ),
    )


def _value(settings: ConfigParser, section: str, option: str) -> str | None:
    value = settings.get(section, option, fallback=None)
    return value.strip().strip("\"'") if value else None
