"""The DVC pipeline: what would run and why, running it, its stages."""
