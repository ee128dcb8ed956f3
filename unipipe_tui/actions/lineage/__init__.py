"""Lineage: what things came from and what they led to."""
