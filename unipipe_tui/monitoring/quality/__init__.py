"""How good decisions are while labels are late: estimates before them, figures as they land, changes, causes, and a forecast."""
