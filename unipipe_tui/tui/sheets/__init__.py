"""What looks found, as tables and lines: one module a noun. Values only; knows no Textual."""
