"""The places of the workbench: what its title, keys, jumps and help are made from. Knows no Textual."""

from __future__ import annotations

from unipipe_tui.domain.values import frozen


@frozen
class PlaceLine:
    """One place: the number that goes there, its name everywhere, and what is to be seen."""

    key: str
    name: str
    label: str
    what: str
    fields: tuple[str, ...] = ()
    """What its `selection` may tell that is one value: what the template of a user's command may name there."""


PLACES = (
    PlaceLine("1", "overview", "Overview", "Show the twelve steps, what is live, what is wrong, what runs."),
    PlaceLine("2", "pipeline", "Pipeline", "Show the stages as a graph: how each stands, and why.", ("stage",)),
    PlaceLine("3", "runs", "Runs", "Show the runs: filter, compare, draw them.", ("run", "runs", "metric", "where")),
    PlaceLine("4", "models", "Models", "Show the registered models: versions, gates, aliases.", ("model", "version")),
    PlaceLine(
        "5",
        "releases",
        "Releases",
        "Show the targets: what is live on each, since when, and what was before.",
        ("target", "model", "version"),
    ),
    PlaceLine(
        "6",
        "monitoring",
        "Monitoring",
        "Show drift, performance and alerts of what is live.",
        ("target", "column", "alert"),
    ),
    PlaceLine("7", "jobs", "Jobs", "Show the jobs and follow one.", ("job",)),
    PlaceLine(
        "8",
        "lineage",
        "Lineage",
        "Walk from anything to what it came from; read the audit.",
        ("thing", "model", "version", "run", "job", "commit"),
    ),
)
