"""One worker process: everything put together, started and ended in order."""
