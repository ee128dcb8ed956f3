"""One pipeline for data, models and deployments, as a terminal workbench and as a command line."""

__version__ = "0.1.0"
