"""The synchronous HTTP endpoint: the worker's handler, answered at once."""
