"""The ways to compare one column of two sets: our own, and those of known libraries; each a value in `METHODS`."""
