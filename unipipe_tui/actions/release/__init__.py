"""Releases: bringing a version to a target by steps, watching it on the way, and going back."""
