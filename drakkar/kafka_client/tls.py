"""The TLS context of a connection to Kafka."""

from __future__ import annotations

import ssl
from typing import Any


def tls_context(options: Any) -> ssl.SSLContext:
    """Return the context that the `tls_` options describe. Raises OSError (SSLError too)."""
    context = ssl.create_default_context(cafile=options.tls_ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not options.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.tls_cert_file:
        context.load_cert_chain(
            options.tls_cert_file,
            options.tls_key_file or None,
            options.tls_key_password or None,
        )
    return context
