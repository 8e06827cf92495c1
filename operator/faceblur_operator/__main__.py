"""Runs the operator, or prints its CRD: `python -m faceblur_operator [crd]`."""

import argparse
import asyncio
import gc
import os
import signal
import sys


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="faceblur-operator",
        description="Releases new versions of the face blur service step by step.",
    )
    parser.add_argument(
        "command", nargs="?", choices=("run", "crd"), default="run", help="default: run"
    )
    if parser.parse_args().command == "crd":
        _print_crd()
        return
    _run()


def _print_crd() -> None:
    # Imported here: printing needs neither kopf nor a client, and a cluster of neither.
    import yaml

    from faceblur_operator.api.crd import crd

    sys.stdout.write(yaml.safe_dump(crd(), sort_keys=False))


def _run() -> None:
    # What is loaded stays: to walk through it again and again is an eighth of the start.
    gc.disable()
    from faceblur_operator.wiring import (
        App,
        Watch,
        log_as_json,
        look_for_garbage_less_often,
        read_settings,
    )

    try:
        settings = read_settings(os.environ)
    except ValueError as err:
        sys.exit(f"faceblur-operator: {err}")
    log_as_json(settings.log_level)
    look_for_garbage_less_often()

    def watch() -> Watch:
        # Imported when it is asked for; see `App`.
        from faceblur_operator.handlers import KopfWatch

        return KopfWatch(settings.namespaces)

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await App(settings, watch).run(stop)

    asyncio.run(work())


if __name__ == "__main__":
    main()
