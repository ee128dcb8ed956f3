"""Charts drawn: as lines of text for a terminal, as SVG or PNG for a file."""
