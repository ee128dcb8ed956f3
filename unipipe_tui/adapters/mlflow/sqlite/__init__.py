"""MLflow's SQLite database, read directly and without a trace."""
