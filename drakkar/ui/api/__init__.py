"""JSON for everything the pages show, found by `ROUTES`."""
