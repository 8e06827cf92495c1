"""`python -m tests.cluster build|up|down|exec|list|images ...`: the cluster from the command line."""

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
        return int(_run(options))
    except ClusterError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "build":
            for name in options.names or ["kubenode", "coredns", "pause"]:
                sys.stdout.write(f"{tools.binary(name)}\n")
        case "up":
            return _up(options)
        case "down":
            Cluster.named(options.name).stop()
        case "exec":
            done = Cluster.attach(options.name).exec(options.words, timeout=3600)
            sys.stdout.write(done.stdout)
            sys.stderr.write(done.stderr)
            return done.returncode
        case "forward":
            port = Cluster.attach(options.name).forward(options.host, options.port)
            sys.stdout.write(f"127.0.0.1:{port}\n")
        case "load":
            cluster = Cluster.attach(options.name)
            for archive in images.archives(options.names):
                cluster.load_image(archive)
        case "list":
            sys.stdout.write("".join(f"{name}\n" for name in Cluster.running()))
        case "images":
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
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build the cluster's programs")
    build.add_argument("names", nargs="*", metavar="PROGRAM", help=" ".join(tools.names()))
    up = commands.add_parser("up", help="start a cluster and print its kubeconfig")
    _named(up)
    up.add_argument("--image", action="append", default=[], dest="images", metavar="IMAGE")
    up.add_argument("--platform", action="store_true", help="with Traefik, Prometheus and Redis")
    up.add_argument("--control-plane-only", action="store_true", help="no node; needs no root")
    up.add_argument("--port", type=int, default=0, help="the API's port on 127.0.0.1")
    _named(commands.add_parser("down", help="end a cluster and take everything away"))
    run = commands.add_parser("exec", help="run a command in the cluster's network")
    run.add_argument("name")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    forward = commands.add_parser("forward", help="open a loopback port to an address inside")
    forward.add_argument("name")
    forward.add_argument("host")
    forward.add_argument("port", type=int)
    load = commands.add_parser("load", help="build images and load them")
    load.add_argument("name")
    load.add_argument("names", nargs="+", metavar="IMAGE")
    commands.add_parser("list", help="print the clusters that run")
    image = commands.add_parser("images", help="build images")
    image.add_argument("names", nargs="*", metavar="IMAGE")
    return parser


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="faceblur")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
