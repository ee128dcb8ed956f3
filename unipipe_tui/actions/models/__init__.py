"""Registered models: their versions, gates, cards and aliases."""
