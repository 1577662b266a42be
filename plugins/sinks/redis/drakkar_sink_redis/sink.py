"""The Redis sink: one pipeline a delivery, on one connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import gevent
from redis import ConnectionPool, exceptions
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

import drakkar.api as dk
from drakkar_sink_redis.batch import Batch
from drakkar_sink_redis.payload import RedisPayload
from drakkar_sink_redis.replies import text

# The connection is gone, or the server's last word on it was that it is of no use.
LOST = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


class RedisSink(dk.Sink):
    """Writes payloads with SET, HSET, RPUSH, LPUSH, XADD and PUBLISH.

    A batch is no transaction: each payload is written or refused on its own.
    """

    # SET and HSET are. Of the other commands, `deliver` calls only those failures transient
    # that certainly wrote nothing, so that none is repeated without being asked for.
    idempotent = True
    transient_errors = (*dk.Sink.transient_errors, *LOST)

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._pool: ConnectionPool | None = None

    def connect(self) -> None:
        """Log in and ask for a sign of life. Raises ConfigError where the server says no."""
        self.close()
        options = self.options
        try:
            self._pool = ConnectionPool.from_url(
                options.url,
                protocol=2,
                socket_connect_timeout=options.connect_timeout_seconds,
                socket_timeout=options.socket_timeout_seconds,
                retry=Retry(NoBackoff(), 0),  # delivery alone decides on retries
            )
            connection = self._pool.get_connection()
            try:
                connection.send_command('PING')
                connection.read_response()
            finally:
                self._pool.release(connection)
        except (exceptions.AuthenticationError, exceptions.ResponseError) as error:
            raise dk.ConfigError(f'url: the server says: {text(error)}') from error
        except (TypeError, ValueError) as error:
            raise dk.ConfigError(f'url: {error}') from error

    def deliver(self, payloads: Sequence[dk.Payload]) -> None:
        if self._pool is None:
            raise dk.NotWrittenError('not connected')
        options = self.options
        batch = Batch(
            cast(Sequence[RedisPayload], payloads),
            options.key_prefix,
            options.default_ttl_seconds,
        )
        failures = self._write(self._pool, batch) if batch.commands else batch.failures()
        if failures:
            raise dk.PartialDeliveryError(failures)

    def _write(self, pool: ConnectionPool, batch: Batch) -> dict[int, BaseException]:
        """Send all commands, then read the replies; return the failures by position.

        The delivery's timeout is a failure like any other here, for the replies
        that came before it tell which payloads are safe.
        """
        try:
            connection = pool.get_connection()
        except LOST as error:
            raise dk.NotWrittenError(f'{type(error).__name__}: {error}') from error
        try:
            connection.send_packed_command(connection.pack_commands(batch.commands))
            for _ in batch.commands:
                batch.replies.append(_reply(connection))
        except (*LOST, gevent.Timeout) as error:
            connection.disconnect()
            return batch.failures(error)
        except BaseException:
            connection.disconnect()  # replies would be taken for those of the next batch
            raise
        finally:
            pool.release(connection)
        return batch.failures()

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.disconnect()


def _reply(connection: Connection) -> exceptions.ResponseError | None:
    """Read one reply; return the error it is, or None."""
    try:
        connection.read_response()
    except exceptions.ResponseError as error:
        return error
    return None
