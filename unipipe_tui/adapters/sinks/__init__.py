"""Ways out for alerts: the terminal, a program, a webhook, and whatever the apprise library reaches."""
