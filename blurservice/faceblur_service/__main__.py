"""`python -m faceblur_service`: the command line."""

import sys

from faceblur_service.cli import main

if __name__ == "__main__":
    sys.exit(main())
