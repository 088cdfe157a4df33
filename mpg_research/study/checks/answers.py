"""Items that run against their questionnaire: exported as answered, not turned round."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import Problem
from mpg_research.instruments import Instrument
from mpg_research.instruments.item_rest import item_rest_correlations
from mpg_research.study.findings import Findings
from mpg_research.study.tables.columns import Table

__all__ = ["check_direction_of_items"]

CLEARLY_NEGATIVE = -0.1
FEWEST_ITEMS = 3
LEVEL = 0.95
FEWEST_IN_ORGANISATION = 8  # families: with fewer the limits of an organisation are too rough
FEWEST_ROWS, FEWEST_FOR_PROFILE = 20, 6
LEAST_SPREAD = 0.1  # of the means of the items, in points: without it their order is chance
PROFILE_MARGIN = 3.3  # on Fisher's scale: one in two thousand where the items have nothing in common


def check_direction_of_items(
    table: Table,
    instruments: Mapping[str, Instrument],
    findings: Findings,
    organisations: pd.Series | None = None,
) -> None:
    """Items whose correlation with the sum of the others is clearly below zero: a warning for each.

    An organisation may have exported by itself: it is looked at alone for what is right in the whole file.

    Parameters
    ----------
    table : Table
        The canonical measurements.
    instruments : mapping
        By key.
    findings : Findings
        Receives the problems.
    organisations : Series, optional
        The organisation of each family, by its id.
    """
    frame = table.frame
    of = None if organisations is None else frame["family"].map(organisations).to_numpy(dtype=object)
    for key, instrument in instruments.items():
        of_this = (frame["instrument"] == key).to_numpy(dtype=bool, na_value=False)
        complete = all(name in frame for name in instrument.items)
        if instrument.total_only or not complete or instrument.n_items < FEWEST_ITEMS or not of_this.any():
            continue
        answers = _turned(table, instrument)[of_this]
        families = frame["family"].to_numpy(dtype=object)[of_this]
        found = item_rest_correlations(answers, families)
        against = (found.correlation < CLEARLY_NEGATIVE) & (found.upper < 0)
        if against.sum() >= instrument.n_items / 2:
            listed = ", ".join(instrument.items[int(position)] for position in np.flatnonzero(against))
            findings.add(
                Problem(
                    found=(
                        f"{listed} of {instrument.abbreviation} each run against the sum of the other items: "
                        f"the questionnaire has no common direction ({found.n_rows} measurements of "
                        f"{found.n_families} families)"
                    ),
                    expected="items that all point the same way",
                    remedy=(
                        "Look whether about half of the items must be turned round (reverse_items), whether "
                        "the columns are mixed up, or whether these are items of different scales."
                    ),
                    file=table.places.file, severity="warning", code="item_against_the_others",
                ),
                times=int(against.sum()),
            )  # fmt: skip
            continue
        if of is not None:
            rows = np.flatnonzero(of_this)
            _of_organisations(table, rows, instrument, answers, families, of[of_this], against, findings)
        names = [instrument.items[int(position)] for position in np.flatnonzero(against)]
        for position in np.flatnonzero(against):
            name = instrument.items[int(position)]
            place = int(np.flatnonzero(of_this)[0])
            findings.add(
                Problem(
                    found=(
                        f"{name} of {instrument.abbreviation} runs against the other items: its "
                        f"correlation with their sum is {found.correlation[position]:.2f} (at most "
                        f"{found.upper[position]:.2f} by its confidence limit; {found.n_rows} "
                        f"measurements of {found.n_families} families)"
                    ),
                    expected="items that all point the same way",
                    remedy=_remedy(key, name, instrument, names),
                    file=table.places.file, column=table.places.column_of(name, place),
                    severity="warning", code="item_against_the_others",
                )
            )  # fmt: skip


def _of_organisations(
    table: Table,
    positions: NDArray[np.int64],
    instrument: Instrument,
    answers: NDArray[np.float64],
    families: NDArray[np.object_],
    organisation: NDArray[np.object_],
    known: NDArray[np.bool_],
    findings: Findings,
) -> None:
    """Items that run against the others in one organisation only, and questionnaires turned round whole."""
    of_key = _rows_by_organisation(organisation)
    profiles = _Profiles(answers)
    for key, rows in of_key.items() if len(of_key) > 1 else ():
        own = answers[rows]
        # Every organisation has its own chance of a false alarm.
        found = item_rest_correlations(own, families[rows], level=1 - (1 - LEVEL) / len(of_key))
        against = (found.correlation < CLEARLY_NEGATIVE) & (found.upper < 0)
        against &= ~known & (found.n_families >= FEWEST_IN_ORGANISATION)
        if against.any():
            others = np.ones(len(answers), dtype=bool)
            others[rows] = False
            elsewhere = item_rest_correlations(answers[others], families[others]).correlation
            against &= elsewhere > -CLEARLY_NEGATIVE
        listed = [instrument.items[int(position)] for position in np.flatnonzero(against)]
        several = len(listed) > 1
        told = ""
        if listed:
            least = ", ".join(f"{value:.2f}" for value in found.correlation[against])
            told = (
                f"{', '.join(listed)} of {instrument.abbreviation} run{'' if several else 's'} against the "
                f"other items in organisation {key} only (correlation with their sum {least}; {found.n_rows} "
                f"measurements of {found.n_families} families)"
            )
        elif profiles.is_mirrored(own):
            told = (
                f"in organisation {key} the items of {instrument.abbreviation} that are high elsewhere are "
                f"low, and the low ones high ({found.n_rows} measurements of {found.n_families} families): "
                "its answers seem to be counted the other way round"
            )
        if told:
            low, high = instrument.item_minimum, instrument.item_maximum
            findings.add(
                Problem(
                    found=told,
                    expected="answers that all organisations count in the same direction",
                    remedy=f"Ask that organisation how it exported them; turn them round in its export "
                    f"({low} becomes {high}, {high} becomes {low}).",
                    file=table.places.files_of(positions[rows]), severity="warning",
                    code="item_against_the_others",
                )
            )  # fmt: skip


def _rows_by_organisation(organisation: NDArray[np.object_]) -> dict[str, NDArray[np.int64]]:
    """The rows of each organisation, by its key, sorted; without those that have none."""
    codes, keys = pd.factorize(organisation, sort=False)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(keys) + 1))
    rows = {key: order[starts[code] : starts[code + 1]] for code, key in enumerate(keys)}
    return {key: rows[key] for key in sorted(rows)}


class _Profiles:
    """Means of the items over the complete rows: of some rows, and of all others."""

    def __init__(self, answers: NDArray[np.float64]) -> None:
        complete = answers[np.isfinite(answers).all(axis=1)]
        self._sum, self._number = complete.sum(axis=0), len(complete)

    def is_mirrored(self, own: NDArray[np.float64]) -> bool:
        """Whether the means of the items are ordered against those of the others, beyond chance."""
        own = own[np.isfinite(own).all(axis=1)]
        n_others, n_items = self._number - len(own), own.shape[1]
        if min(len(own), n_others) < FEWEST_ROWS or n_items < FEWEST_FOR_PROFILE:
            return False
        mine, theirs = own.mean(axis=0), (self._sum - own.sum(axis=0)) / n_others
        if min(float(mine.std()), float(theirs.std())) < LEAST_SPREAD:
            return False
        r = float(np.clip(np.corrcoef(mine, theirs)[0, 1], -1 + 1e-12, 1 - 1e-12))
        return float(np.arctanh(r) + PROFILE_MARGIN / np.sqrt(n_items - 3)) < 0


def _turned(table: Table, instrument: Instrument) -> NDArray[np.float64]:
    """Answers with reverse-keyed items turned round; what is out of range is reported elsewhere."""
    low, high = instrument.item_minimum, instrument.item_maximum
    assert low is not None  # an instrument with items has their range
    assert high is not None
    columns = []
    for name in instrument.items:
        values = table.frame[name].to_numpy(dtype=float).copy()
        with np.errstate(invalid="ignore"):
            values[(values < low) | (values > high)] = np.nan
        columns.append(low + high - values if name in instrument.reverse_items else values)
    return np.column_stack(columns)


def _remedy(key: str, name: str, instrument: Instrument, against: list[str]) -> str:
    """The setting that turns all these items round, ready to be copied."""
    others = [item for item in instrument.reverse_items if item not in against]
    turned = [item for item in against if item not in instrument.reverse_items]
    listed = ", ".join(f'"{item}"' for item in [*others, *turned])
    if name in instrument.reverse_items:
        return (
            "It is turned round here; if the export holds it turned round already, "
            f"[instruments.{key}] reverse_items = [{listed}]."
        )
    return (
        "If the export holds it as it was answered, it must be turned round: "
        f"[instruments.{key}] reverse_items = [{listed}]. Otherwise look whether the columns are mixed up."
    )
