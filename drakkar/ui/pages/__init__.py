"""HTML pages, one module each, found by their `ROUTES`."""
