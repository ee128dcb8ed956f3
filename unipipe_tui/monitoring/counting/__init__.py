"""How one column is counted."""
