"""Numbers only: what data looks like, how far it moved, and how good a model's decisions are. Values in, values out."""
