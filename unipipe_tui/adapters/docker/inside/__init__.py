"""Little programs that are put into the image and run in containers; each stands alone, with nothing but Python."""
