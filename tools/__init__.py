"""What sets up the repository and runs its tests; each is a script of its own."""
