"""The handler's cache: memory in front of a SQLite file that peers read."""

from drakkar.cache.browse import Search
from drakkar.cache.cache import WorkerCache
from drakkar.cache.settings import CacheSettings

__all__ = ['CacheSettings', 'Search', 'WorkerCache']
