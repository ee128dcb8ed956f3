"""The Textual front end: shows what looks answer, and starts changes as jobs of their own."""
