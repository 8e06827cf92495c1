"""Every rule has an object that passes and one that does not; the CRD is held to the same table."""

import pytest
from tests.support.specs import CASES, Case

from faceblur_operator.api import SpecError, parse_spec


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_types_accept_and_refuse_what_the_table_says(case: Case) -> None:
    try:
        parse_spec(case.spec)
        said = None
    except SpecError as err:
        said = str(err)

    assert (said is None) == (case.refused is None), said
    assert (case.refused or "") in (said or "")
