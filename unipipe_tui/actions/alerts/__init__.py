"""Alerts: what they are, what a person does to them, and who is told."""
