"""The builders of the generated pages, one module a page."""
