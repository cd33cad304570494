"""How fast and how large the hub is, against its peers in the same run: ``python -m benchmarks``."""
