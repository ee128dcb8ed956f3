"""The vocabulary and its rules. Standard library only: everything else may import this, this imports nothing."""
