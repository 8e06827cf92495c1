"""Safety, explored: commands, clocks, faults, edits and restarts in any order."""

import pytest
from tests.support.explorer import explore


# Ten seconds on an idle machine; several times that while coverage is measured on a busy one.
@pytest.mark.timeout(240)
def test_no_path_breaks_a_safety_rule() -> None:
    """The same paths at every run; `python -m tests.support.explorer 10000` goes on by chance."""
    explore(50, 40, is_repeatable=True)
