"""MLflow's own client: the only way to write, and the way to whatever is not on this machine."""
