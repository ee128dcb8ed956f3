"""DVC: read from its files without a trace, driven by its command line."""
