"""The target `kubernetes`: its documents, made and checked without a cluster, and what brings them there by kubectl."""
