"""What can be done with runs: find, compare, understand, change, make again."""
