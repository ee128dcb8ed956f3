"""Documents for other tools that watch: rules for Prometheus, a dashboard for Grafana."""
