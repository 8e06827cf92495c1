"""`python -m tests.cluster COMMAND`: the cluster from the command line."""

import argparse
import sys

from tests.cluster import images, tools
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.images.__main__ import build as build_images


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ClusterError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


def _build(options: argparse.Namespace) -> int:
    for name in options.names or ["kubenode", "coredns", "pause"]:
        sys.stdout.write(f"{tools.binary(name)}\n")
    return 0


def _down(options: argparse.Namespace) -> int:
    Cluster.named(options.name).stop()
    return 0


def _exec(options: argparse.Namespace) -> int:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    done = Cluster.attach(options.name).exec(words, timeout=3600)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _forward(options: argparse.Namespace) -> int:
    port = Cluster.attach(options.name).forward(options.host, options.port)
    sys.stdout.write(f"127.0.0.1:{port}\n")
    return 0


def _load(options: argparse.Namespace) -> int:
    cluster = Cluster.attach(options.name)
    for archive in images.archives(options.names):
        cluster.load_image(archive)
    return 0


def _list(_options: argparse.Namespace) -> int:
    sys.stdout.write("".join(f"{name}\n" for name in Cluster.running()))
    return 0


def _images(options: argparse.Namespace) -> int:
    build_images(options.names)
    return 0


def _up(options: argparse.Namespace) -> int:
    if options.name in Cluster.running():
        cluster = Cluster.attach(options.name)
    else:
        cluster = Cluster.start(
            options.name,
            images=options.images,
            nodes=not options.control_plane_only,
            detached=True,
            port=options.port,
        )
    if options.platform:
        cluster.install_platform()
    sys.stdout.write(f"{cluster.kubeconfig}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="build the cluster's programs")
    build.set_defaults(run=_build)
    build.add_argument("names", nargs="*", metavar="PROGRAM", help=" ".join(tools.names()))
    up = commands.add_parser("up", help="start a cluster and print its kubeconfig")
    up.set_defaults(run=_up)
    _named(up)
    up.add_argument("--image", action="append", default=[], dest="images", metavar="IMAGE")
    up.add_argument("--platform", action="store_true", help="with Traefik, Prometheus and Redis")
    up.add_argument("--control-plane-only", action="store_true", help="no node; needs no root")
    up.add_argument("--port", type=int, default=0, help="the API's port on 127.0.0.1")
    down = commands.add_parser("down", help="end a cluster and take everything away")
    down.set_defaults(run=_down)
    _named(down)
    run = commands.add_parser("exec", help="run a command in the cluster's network")
    run.set_defaults(run=_exec)
    run.add_argument("name")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    forward = commands.add_parser("forward", help="open a loopback port to an address inside")
    forward.set_defaults(run=_forward)
    forward.add_argument("name")
    forward.add_argument("host")
    forward.add_argument("port", type=int)
    load = commands.add_parser("load", help="build images and load them")
    load.set_defaults(run=_load)
    load.add_argument("name")
    load.add_argument("names", nargs="+", metavar="IMAGE")
    commands.add_parser("list", help="print the clusters that run").set_defaults(run=_list)
    image = commands.add_parser("images", help="build images")
    image.set_defaults(run=_images)
    image.add_argument("names", nargs="*", metavar="IMAGE")
    return parser


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="faceblur")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
