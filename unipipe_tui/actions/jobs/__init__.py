"""Jobs: what runs, what ran, what it said, following it and stopping it."""
