"""Drift: comparing a target's traffic, or any two sets, and what was found."""
