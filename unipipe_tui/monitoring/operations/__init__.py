"""How targets run: latency, rates, load, cost, and what objectives make of it; numbers only."""
