"""The direction of items of many organisations: found in each, without going through all rows for each."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mpg_research.instruments import load_instrument
from mpg_research.study.checks import answers
from mpg_research.study.findings import Findings, Places

N_ORGANISATIONS, N_FAMILIES = 30, 40


def table(rng: np.random.Generator, *, turned: int) -> tuple[Any, pd.Series]:
    """Measurements of which one organisation's third item is turned round."""
    instrument = load_instrument("obvl_k")
    families = [f"F{number:04d}" for number in range(N_ORGANISATIONS * N_FAMILIES)]
    organisations = pd.Series([f"o{row % N_ORGANISATIONS:02d}" for row in range(len(families))], families)
    stress = rng.normal(size=(len(families), 1))
    items = np.clip(np.round(2.5 + stress + 0.5 * rng.normal(size=(len(families), instrument.n_items))), 1, 4)
    rows = (organisations == f"o{turned:02d}").to_numpy()
    items[rows, 2] = 5 - items[rows, 2]
    frame = pd.DataFrame(items, columns=list(instrument.items))
    frame = frame.assign(family=families, instrument=instrument.key)
    return SimpleNamespace(frame=frame, places=Places("m.csv", np.arange(2, len(frame) + 2))), organisations


def test_one_turned_item_among_many_organisations_is_found_and_rows_are_read_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measurements, organisations = table(np.random.default_rng(4), turned=7)
    read: list[int] = []
    correlations = answers.item_rest_correlations

    def counted(values: Any, *arguments: Any, **options: Any) -> Any:
        read.append(len(values))
        return correlations(values, *arguments, **options)

    monkeypatch.setattr(answers, "item_rest_correlations", counted)
    instrument = load_instrument("obvl_k")
    findings = Findings()
    answers.check_direction_of_items(measurements, {instrument.key: instrument}, findings, organisations)
    (problem,) = findings.listed()
    assert "item_03" in problem.found
    assert "organisation o07 only" in problem.found
    # All, each organisation by itself, and the others of the one that stands out.
    assert sum(read) < 3 * len(measurements.frame)
