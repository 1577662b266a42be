"""The native stack's web UI for Kafka: serve.py and its page, run by an environment of its own."""
