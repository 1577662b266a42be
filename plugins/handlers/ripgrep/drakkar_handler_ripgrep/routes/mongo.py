"""MongoDB: the archive, a document for each request of a search; run again, it replaces its own.

Its `_id` is a text: not every server that speaks MongoDB's protocol finds documents by another.
"""

from __future__ import annotations

from drakkar_handler_ripgrep.routes import Data, Route
from drakkar_sink_mongo import MongoPayload

COLLECTION = 'search_archive'
_KEY = ('request_id', 'pattern', 'path')


def document(data: Data) -> MongoPayload:
    return MongoPayload(COLLECTION, {'_id': ' '.join(data[name] for name in _KEY), **data})


RESULTS = [Route(document, per_request=True)]
SUMMARIES: list[Route] = []
