"""Watching over targets: checks that make findings, findings that move alerts, alerts that go out to sinks."""
