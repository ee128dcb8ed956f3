"""The local DuckDB metadata: an index of what the tools know, plus what no tool keeps. A neighbour of actions and adapters."""
