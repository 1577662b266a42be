"""Real servers for tests, benchmarks and the integration environment, without containers.

A module a server. Each is found on this machine or fetched once (`obtain`), then started on free
ports of 127.0.0.1 with its data in a temporary folder. `fixtures` has the pytest fixtures,
`python -m integration.servers` fetches or runs servers by hand. See docs/servers.md.
"""
