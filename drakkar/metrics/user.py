"""Finds the metrics that a handler author defined."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase


def user_metrics(handler_class: type) -> dict[str, MetricWrapperBase]:
    """Return the prometheus_client metrics that are attributes of the class or its bases.

    Keys are attribute names; a subclass' attribute hides a base's of the same name.
    """
    found: dict[str, MetricWrapperBase] = {}
    hidden: set[str] = set()
    for cls in handler_class.__mro__:
        for name, value in vars(cls).items():
            if name not in hidden and isinstance(value, MetricWrapperBase):
                found[name] = value
        hidden.update(vars(cls))
    return found
