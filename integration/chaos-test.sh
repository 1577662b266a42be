#!/bin/sh
# The rolling outage: stops and starts workers of the running stack, shows what each worker does, and
# proves at the end that nothing was lost. See --help and docs/integration.md.
cd "$(dirname "$0")/.." || exit 1
exec python -m integration.chaos "$@"
