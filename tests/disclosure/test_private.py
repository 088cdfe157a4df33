"""The researcher in private: all that came in passes the gate, but for tables of single families."""

from dataclasses import replace

import numpy as np
import pytest

from mpg_research.disclosure import Audience, release
from mpg_research.disclosure.released import SHOWN
from mpg_research.errors import DisclosureError
from tests.disclosure.made_results import (
    SIZES,
    frame,
    made_policy,
    make_measurement,
    make_organisations,
    make_quality,
    make_trajectory,
    result_of,
)
from tests.disclosure.made_tables import made_table

PRIVATE = Audience("researcher", private=True)
SMALL = {**SIZES, "iep": 3}


@pytest.mark.parametrize(
    "result",
    [make_trajectory(families=7), make_organisations(SMALL), make_quality(SMALL), make_measurement()],
    ids=lambda result: result.kind,
)
def test_every_number_comes_through_as_it_was(result) -> None:
    shown = release(result, PRIVATE, policy=made_policy())
    assert not shown.withheld
    assert set(shown.tables) == set(result.tables)
    some_hidden = False
    for name, table in result.tables.items():
        released = shown.tables[name]
        assert (released.marks == SHOWN).all(axis=None)
        assert not released.data["suppressed"].any()
        for column in (c.name for c in table.columns if c.name not in table.organisation_columns):
            came, went = table.data[column], released.data[column]
            if came.dtype.kind in "if":
                assert np.array_equal(came.to_numpy(float), went.to_numpy(float), equal_nan=True)
        if name in (plain := release(result, Audience("researcher"), policy=made_policy())).tables:
            some_hidden |= bool((plain.tables[name].marks != SHOWN).any(axis=None))
        else:
            some_hidden = True
    assert some_hidden  # a result of which the released page hides something, or nothing is shown here
    assert shown.notes == result.notes
    assert shown.provenance == result.provenance


def test_tables_of_single_families_do_not_pass_in_private() -> None:
    data = frame([("F1", 3.0, 1), ("F2", 4.0, 1)], "family", "estimate", "n_families")
    table = replace(made_table("each", data, ("family",), ("estimate",)), unit="family")
    shown = release(result_of("made", table), PRIVATE, policy=made_policy())
    assert "each" not in shown.tables
    assert [held.code for held in shown.withheld] == ["family_level"]


@pytest.mark.parametrize("reader", [("funder", None), ("organisation", "linde")])
def test_only_the_researcher_has_something_private(reader) -> None:
    with pytest.raises(DisclosureError, match="for the researcher alone"):
        Audience(*reader, private=True)
