"""The doors: what an action may ask of the world outside, in the domain's own words."""
