"""Brings payloads to their sinks: routing, batching, retries, breakers, dead letters.

`router.Router` is the way in, `attempt` the one place that judges a failed
delivery, `dlq.DeadLetters` the last resort.
"""
