"""What kafka-python's consumer is told."""

from __future__ import annotations

from typing import Any

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor


def consumer_settings(options: Any) -> dict[str, Any]:
    """Return the keywords of a consumer for the `[kafka]` section."""
    return {
        'group_id': options.consumer_group,
        # The default is eager: every rebalance would stop every partition.
        'partition_assignment_strategy': [CooperativeStickyAssignor],
        'enable_auto_commit': False,
        'auto_offset_reset': options.auto_offset_reset,
        # A misspelled topic must not come into being by being read.
        'allow_auto_create_topics': False,
        'session_timeout_ms': options.session_timeout_ms,
        'heartbeat_interval_ms': options.heartbeat_interval_ms,
        'max_poll_interval_ms': options.max_poll_interval_ms,
        'fetch_max_wait_ms': options.fetch_max_wait_ms,
        'fetch_max_bytes': options.fetch_max_bytes,
        'max_partition_fetch_bytes': options.max_partition_fetch_bytes,
        'isolation_level': options.isolation_level,
        'check_crcs': options.check_crcs,
        'client_rack': options.client_rack,
    }
