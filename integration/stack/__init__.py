"""The integration environment as processes of this machine: `python -m integration.stack up`."""
