"""The process that answers predictions; knows only the domain, so it can run alone in a container."""
