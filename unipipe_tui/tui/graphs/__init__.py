"""Graphs as characters: layers, channels between them, strokes, and what fits."""
