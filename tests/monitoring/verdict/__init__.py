"""Tests of the verdicts beside the one by column."""
