"""MLflow's `mlruns` folders, read directly."""
