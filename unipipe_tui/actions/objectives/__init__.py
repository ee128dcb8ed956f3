"""Objectives: which events they count, and what is left of their error budgets."""
