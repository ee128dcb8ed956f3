"""Writes the reference part of the documentation from the code: `make docs`. Nothing that it writes is edited by hand."""

from __future__ import annotations

import json
from pathlib import Path

from reference import commands, configuration, keys, methods, queries, schemas

FOLDER = Path(__file__).parent


def documents() -> dict[str, str]:
    """All generated files: path below `docs/`, and text."""
    pages = {
        "commands.md": commands.page(),
        "keys.md": keys.page(),
        "configuration.md": configuration.page(),
        "queries.md": queries.page(),
    }
    files = {f"schemas/{name}.json": _json(schema) for name, schema in schemas.all_schemas().items()}
    return {**pages, **methods.pages(), **files}


def _json(schema: schemas.Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all files, and remove the schemas and pages of capabilities and methods that are no more."""
    written = documents()
    for stale in (*(FOLDER / "schemas").glob("*.json"), *(FOLDER / methods.FOLDER).glob("*.md")):
        if str(stale.relative_to(FOLDER)) not in written:
            stale.unlink()
    for name, text in written.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
