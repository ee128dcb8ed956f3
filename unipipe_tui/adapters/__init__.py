"""How each outside tool is driven. A neighbour of actions and store: it knows neither, only the domain."""
