"""How fast a bad version loses its traffic, on a real cluster: node, Traefik, Prometheus, pods."""

from tests.benchmarks.rollback.measure import measure

__all__ = ["measure"]
