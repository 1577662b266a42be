"""The HTTP sink: makes requests of a batch and has them sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import drakkar.api as dk
from drakkar_sink_http.batch import Batch, Parcel
from drakkar_sink_http.client import Client
from drakkar_sink_http.encode import Encoder
from drakkar_sink_http.payload import HttpPayload


class HttpSink(dk.Sink):
    """Sends payloads as requests; 2xx means delivered.

    Idempotent where requests carry an idempotency key, or where the method is so
    by definition (RFC 9110: PUT and DELETE).
    """

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self.idempotent = bool(options.idempotency_key_header) or options.method in (
            'PUT',
            'DELETE',
        )
        self._encoder = Encoder(options)
        self._client: Client | None = None

    def connect(self) -> None:
        """Open a first connection; no request is sent. Raises NotWrittenError."""
        if self._client is None:
            self._client = Client(self.options)
        self._client.connect(self.options.url)

    def deliver(self, payloads: Sequence[dk.Payload]) -> None:
        if self._client is None:
            raise dk.NotWrittenError('not connected')
        batch = Batch(self.name, self._client, self._encoder)
        batch.add(self._parcels(cast(Sequence[HttpPayload], payloads), batch.failures))
        batch.run(self.options.concurrency)
        failures = batch.failures
        if failures and len(payloads) == 1:
            raise failures[0]
        if failures:
            raise dk.PartialDeliveryError(failures)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _parcels(
        self, payloads: Sequence[HttpPayload], failures: dict[int, BaseException]
    ) -> list[Parcel]:
        """Return what goes into each request; payloads without a form are entered as failures."""
        parcels: dict[Any, Parcel] = {}
        for index, payload in enumerate(payloads):
            try:
                part = self._encoder.check(payload)
            except dk.RefusedError as error:
                failures[index] = error
                continue
            together: Any = index
            if self.options.batch != 'single':
                together = payload.path, tuple(sorted(payload.headers.items()))
            parcel = parcels.setdefault(together, Parcel(payload, [], []))
            parcel.indexes.append(index)
            parcel.parts.append(part)
        return list(parcels.values())
