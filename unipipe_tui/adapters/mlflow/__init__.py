"""MLflow: read from its files without a trace, written to only through its own client."""
