"""What is only known at the moment of a scrape: the cache, the queue, the detectors."""

from faceblur_service.cache import ResultCache
from faceblur_service.detection import Detector
from faceblur_service.metrics import Readings
from faceblur_service.web.admission import Admission


def cache(of: ResultCache, readings: Readings) -> None:
    """Tell how the cache does."""
    stats = of.stats()
    text = "Pictures looked up in the cache."
    readings.counter("cache_lookups", text, stats.hits, result="hit")
    readings.counter("cache_lookups", text, stats.misses, result="miss")
    readings.counter("cache_evictions", "Results dropped for lack of room.", stats.evictions)
    readings.gauge("cache_bytes", "Bytes of results kept.", stats.bytes)


def load(of: Admission, readings: Readings) -> None:
    """Tell how busy this pod is."""
    waiting, working = of.load()
    text = "Pictures in this pod now."
    readings.gauge("pictures", text, waiting, state="waiting")
    readings.gauge("pictures", text, working, state="working")


def detectors(of: Detector, readings: Readings) -> None:
    """Tell which detectors are there."""
    for name, there in of.detectors().items():
        readings.gauge("detector", "1 for a detector that is there.", float(there), detector=name)
