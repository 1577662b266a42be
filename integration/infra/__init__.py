"""What the workers of the integration environment work on and with."""
