"""Plain data that flows through the pipeline. No IO, no gevent, no clock."""
