"""Settings of gunicorn: `gunicorn --config python:faceblur_service.web.gunicorn_conf ...`."""

import gc
import sys
from typing import Any

from faceblur_service import allocator, jsonlog
from faceblur_service import settings as _settings
from faceblur_service.errors import SettingsError
from faceblur_service.web import drain
from faceblur_service.web.admission import OVERFLOW

try:
    _read = _settings.read()
except SettingsError as _err:
    jsonlog.fatal(str(_err))
    sys.exit(1)

# For probes, and for refused uploads of which the rest is still taken in, so that the refusal
# arrives before the end of the connection.
_SPARE = 20

bind = "0.0.0.0:5000"
# One detector uses one core: more work is for more pods.
workers = 1
worker_class = "faceblur_service.web.worker.PacedWorker"
# Every waiting request holds a thread, and probes and metrics must always find one.
threads = _read.slots + _read.queue + OVERFLOW + _SPARE
# Idle and half-sent connections cost no thread, only a descriptor.
worker_connections = 4000
# Never load the application before the fork: a detector made there hangs in the worker.
preload_app = False
# In memory: the worker's heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - a heartbeat file, opened and unlinked by gunicorn
timeout = 60
graceful_timeout = 20
# Longer than proxies keep idle connections (Traefik and Go: 90 s), so that it is always the proxy
# that closes one: a request sent into a connection we close would be lost.
keepalive = 120
accesslog = None
logconfig_dict = jsonlog.config()
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Make SIGTERM drain first."""
    drain.drain_on_term(server, _read.drain_s)


def pre_fork(_server: Any, _worker: Any) -> None:
    """Share what is loaded: collecting garbage would write to all of it, and so copy it."""
    gc.freeze()


def post_fork(_server: Any, _worker: Any) -> None:
    """Hand the time limit for slow clients on, and keep memory small."""
    from faceblur_service.web.worker import PacedSocket

    PacedSocket.stall_s = float(_read.stall_s)
    allocator.give_back_large_blocks(works=not _read.works_apart)
