"""How a version comes to a target and goes again: traffic, strategies, the course of a rollout, its analysis."""
