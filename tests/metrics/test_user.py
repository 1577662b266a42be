from prometheus_client import CollectorRegistry, Counter, Gauge

from drakkar.handler import Handler
from drakkar.metrics import user_metrics

registry = CollectorRegistry()


class Base(Handler):
    seen = Counter('base_seen', 'Seen.', registry=registry)
    hidden = Gauge('base_hidden', 'Hidden by the subclass.', registry=registry)
    replaced = Gauge('base_replaced', 'Replaced by another.', registry=registry)


class Search(Base):
    matches = Counter('search_matches', 'Matches.', ['pattern'], registry=registry)
    replaced = Gauge('search_replaced', 'The other.', registry=registry)
    hidden = None
    limit = 5


def test_metrics_of_the_class_and_its_bases_are_found():
    assert user_metrics(Search) == {
        'seen': Base.seen,
        'matches': Search.matches,
        'replaced': Search.replaced,
    }


def test_a_handler_without_metrics_has_none():
    assert user_metrics(Handler) == {}
