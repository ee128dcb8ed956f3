"""One screen a noun, and the dialogs."""
