"""The rolling outage of the main cluster, and the proof that it lost nothing."""
