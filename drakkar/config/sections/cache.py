"""The `[cache]` section and its sub-section."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema


class PeerSyncOptions(OptionSchema):
    """How this worker takes over the shared entries of workers whose files are in its folder."""

    enabled = option.Bool(default=True, description="Whether peers' files are read.")
    interval_seconds = option.Float(
        default=30, min=0.1, unit='seconds', description='How often they are.'
    )
    batch_size = option.Int(
        default=500, min=1, max=100_000, unit='entries', description='Most that are read at once.'
    )
    timeout_seconds = option.Float(
        default=5, min=0.1, unit='seconds', description='Longest time for one peer in a cycle.'
    )
    cycle_deadline_seconds = option.Float(
        default=20,
        min=0.1,
        unit='seconds',
        description='Longest time for all peers together; the next cycle goes on where it ended.',
    )


class CacheOptions(OptionSchema):
    """What handlers keep between messages: `self.cache`."""

    enabled = option.Bool(
        default=False, description='Whether it keeps anything; calls are accepted in any case.'
    )
    db_dir = option.Path(
        default='',
        description='Folder of the file that outlives the worker, shared with its peers. Empty: '
        'that of `[debug]`; where that is empty too, entries are kept in memory only.',
    )
    network_folder = option.Bool(
        default=False,
        description='Whether the folder is on a network file system. Then the file goes without '
        'the write-ahead log of SQLite, which works within one machine only.',
    )
    max_memory_entries = option.Int(
        default=10_000,
        min=1,
        unit='entries',
        description='Most entries in memory; the least recently used go first.',
    )
    flush_interval_seconds = option.Float(
        default=3,
        min=0.05,
        unit='seconds',
        description='How often changes are written; so much is lost at most when the worker dies.',
    )
    cleanup_interval_seconds = option.Float(
        default=60, min=0.1, unit='seconds', description='How often expired entries are removed.'
    )
    tombstone_hours = option.Float(
        default=24,
        min=0.01,
        unit='hours',
        description='How long a deletion is remembered for peers. A file that was not written to '
        'for half of it has missed some: its shared entries are no longer used.',
    )
    peer_sync = option.SubSection(PeerSyncOptions)
