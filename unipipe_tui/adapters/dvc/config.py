"""The few settings of DVC, the machine's, the user's and the project's, that change what a project's files mean."""

from __future__ import annotations

import os
from configparser import ConfigParser, Error
from pathlib import Path

import platformdirs

from unipipe_tui.adapters.dvc.template import CommandStyle
from unipipe_tui.domain.values import frozen

APPLICATION = ("dvc", "iterative")


@frozen
class DvcConfig:
    """Where data is kept, where it is fetched from, and how mappings become flags."""

    cache_folder: Path
    default_remote: str | None
    command_style: CommandStyle


def read_config(root: Path) -> DvcConfig:
    """The settings of one project; a file that is missing or broken counts as empty, as its defaults hold then."""
    settings = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    for file in _settings_files(root):
        try:
            settings.read(file, encoding="utf-8-sig")
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


def _settings_files(root: Path) -> tuple[Path, ...]:
    """Where DVC looks, the later overruling the earlier: the machine, the user, the project, this clone."""
    machine = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir(*APPLICATION)
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir(*APPLICATION)
    return Path(machine) / "config", Path(user) / "config", root / ".dvc" / "config", root / ".dvc" / "config.local"


def _value(settings: ConfigParser, section: str, option: str) -> str | None:
    value = settings.get(section, option, fallback=None)
    return value.strip().strip("\"'") if value else None
