"""Settings for every test: on a build machine properties are explored from a fixed seed.

There a new counter-example would stop a change that has nothing to do with it; at a desk each run
explores something new.
"""

import os

from hypothesis import settings

settings.register_profile("desk", deadline=None)
settings.register_profile("build", deadline=None, derandomize=True)
settings.load_profile("build" if os.environ.get("CI") else "desk")
