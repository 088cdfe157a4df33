"""The one gate between a result and its readers.

What it does, in this order
---------------------------
1. Tables with one row per family never pass. Columns that a table does not declare never pass.
2. A row about 1 to 9 families (or the study's own minimum) is suppressed, as are single counts of that
   size and smallest and largest values. Zero is shown.
3. Where rows add up to a total shown elsewhere, further rows are hidden, so that no small number follows
   by subtraction. Rows of organisations add up to the totals of the study: if one is small, the *counts*
   of others are hidden, in every table and for every recipient alike, and enough of them that an
   organisation that knows its own number gains nothing. Tables whose numbers add up to zero over the
   organisations are then withheld.
4. Steps of the sample flow that come within 1 to 9 families of a later one are rounded, as are totals
   elsewhere that come so close to another.
5. Researchers see organisations by name. A funder sees neutral labels (unless the study says otherwise),
   an organisation itself by name and the others by neutral labels, in an order that is fixed by the data
   and the recipient and tells nothing; rows and pairs are turned round to follow that order. Counts
   beside neutral labels are rounded to tens and observed means and shares so coarsely that no exact
   number follows from them. Tables with names elsewhere in their text are withheld.
6. Comparisons of organisations are withheld when fewer than three others stand beside any organisation
   (for the researcher: fewer than three in all), pooled rows in an organisation's report when fewer than
   three others contribute: subtraction would open them.
7. Notes and provenance lose names and small numbers.

``public_groups`` lifts 5 and 6, never 1 to 4.

What it does not promise
------------------------
It looks at one result at a time: two results with slightly different samples can be subtracted from each
other. The width of an interval tells roughly how large an unnamed organisation is. The study's full
digest and the hashes of its raw files must stay out of the folders of funders and organisations, since
the order of the neutral labels hangs on them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from mpg_research.analysis.result import AnalysisResult, ResultTable
from mpg_research.disclosure import released as _released
from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.cells import (
    Cells,
    cells_of,
    count_columns,
    cover_groups,
    cover_small_rows,
    deviations,
    hide_cells,
    hide_extremes,
    hide_implied_counts,
    hide_rows,
    hide_small_counts,
    is_text,
    mask_of,
    round_counts,
    round_ratios,
    small_rows,
)
from mpg_research.disclosure.labels import OWN, Labels, keyed_order, label_organisations
from mpg_research.disclosure.organisations import (
    too_few_in_comparison,
    too_few_pooled,
    use_labels,
)
from mpg_research.disclosure.released import SUPPRESSED, Released, ReleasedTable, Withheld
from mpg_research.disclosure.text import NameFinder, clean_notes, clean_provenance
from mpg_research.disclosure.totals import FLOW, blur_flow, protect_totals
from mpg_research.errors import DisclosureError

__all__ = ["release"]

#: Keys beside the organisation under which a row still stands for the whole organisation.
WHOLE_ORGANISATION = frozenset({"months"})
ADDS_UP = frozenset({"months", "score_low", "level", "phase", "respondent", "end_reason"})


def release(result: AnalysisResult, audience: Audience, *, policy: DisclosurePolicy) -> Released:
    """Decide what of a result this audience may see.

    Parameters
    ----------
    result : AnalysisResult
        Any result of :mod:`mpg_research.analysis`.
    audience : Audience
        Who will read it.
    policy : DisclosurePolicy
        The study's rules, from :func:`~mpg_research.disclosure.policy_of`.

    Returns
    -------
    Released
        The tables that may be shown, each cell marked; and what was withheld, with the reason.

    Raises
    ------
    DisclosureError
        If the audience is an organisation that the study does not have, or the result is not one.

    Examples
    --------
    >>> from mpg_research import describe_quality, load_study
    >>> from mpg_research.disclosure import Audience, policy_of, release
    >>> from mpg_research.study import shipped_example
    >>> study = load_study(shipped_example())  # doctest: +SKIP
    >>> funder = Audience("funder")
    >>> shown = release(describe_quality(study), funder, policy=policy_of(study))  # doctest: +SKIP
    """
    if not isinstance(result, AnalysisResult):
        raise DisclosureError("release() takes the result of an analysis, such as fit_trajectory(study).")
    withheld = [Withheld(t.name, "family_level") for t in result.tables.values() if t.unit == "family"]
    tables = {name: cells_of(t) for name, t in result.tables.items() if t.unit != "family"}
    keys = _organisation_keys(tables.values())
    labels = label_organisations(keys, audience, policy=policy, digest=result.provenance.digest)
    names = _names_to_find(keys, audience, policy)

    _hide_small(tables, policy, digest=result.provenance.digest)
    covered = _cover_organisations(tables, policy.minimum_families, digest=result.provenance.digest)
    refused = _refused(tables, result.kind, audience, policy=policy, covered=covered, names=names)
    withheld += [Withheld(name, code, values) for name, (code, values) in refused.items()]
    shown = {name: cells for name, cells in tables.items() if name not in refused}
    for cells in shown.values():
        _mask_counts(cells, covered, policy)
    if audience.is_external and not policy.public_groups:
        _hide_shares(shown, audience, policy=policy)
    for cells in shown.values():
        use_labels(cells, labels)
    pooled = {name: cells for name, cells in shown.items() if not cells.table.organisation_columns}
    protect_totals(pooled, policy.minimum_families, round_steps=audience.is_external)

    seal = _released._SEAL
    finished = {name: _finish(cells, seal) for name, cells in shown.items()}
    named = policy.sees_names(audience)
    return Released(
        kind=result.kind,
        audience=audience,
        policy=policy if named else replace(policy, organisations={}),
        tables=finished,
        withheld=tuple(withheld),
        notes=clean_notes(result.notes, minimum=policy.minimum_families, names=names),
        provenance=clean_provenance(result.provenance, audience, policy=policy, names=names),
        level=float(result.level),
        converged=bool(result.converged),
        synthetic=bool(result.provenance.synthetic),
        organisation_labels=_wording_used(finished.values(), labels),
        own=labels.code_of.get(audience.organisation or ""),
        seal=seal,
    )


def _organisation_keys(tables: Iterable[Cells]) -> set[str]:
    pairs = ((cells, column) for cells in tables for column in cells.table.organisation_columns)
    return {key for cells, column in pairs for key in cells.data[column]}


def _names_to_find(keys: set[str], audience: Audience, policy: DisclosurePolicy) -> NameFinder:
    """What must not be read in any text: nothing for those who see names, else all keys and names."""
    if policy.sees_names(audience):
        return NameFinder(())
    names = {name for by_language in policy.organisations.values() for name in by_language.values()}
    return NameFinder(names | keys | set(policy.organisations))


def _hide_small(tables: Mapping[str, Cells], policy: DisclosurePolicy, *, digest: str) -> None:
    """Rules 2 to 4 within each table."""
    minimum = policy.minimum_families
    for name, cells in tables.items():
        hide_extremes(cells)
        hide_rows(cells, small_rows(cells, minimum))
        hide_small_counts(cells, minimum)
        if name == FLOW:
            blur_flow(cells, minimum)
            continue
        parts = {*cells.table.parts_of_total, *(ADDS_UP & set(cells.table.keys))}
        parts -= set(cells.table.organisation_columns)
        if _is_observed_by_organisation(cells.table):
            _cover_each_month(cells, minimum, digest=digest)
        elif _has_additive_counts(cells) and parts:
            cover_groups(cells, sorted(parts), minimum)


def _has_additive_counts(cells: Cells) -> bool:
    """Model-based rows (by month) do not add up; counts of measurements do, and declared parts."""
    return bool(cells.table.parts_of_total) or any(c != "n_families" for c in count_columns(cells))


def _stands_for_whole(table: ResultTable) -> bool:
    """Whether a row of an organisation is about all its families: model-based ones at any month are."""
    others = set(table.keys) - set(table.organisation_columns)
    whole = len(table.organisation_columns) == 1 and others <= WHOLE_ORGANISATION
    return whole and not _is_observed_by_organisation(table)


def _is_observed_by_organisation(table: ResultTable) -> bool:
    """Whether rows are about the families of an organisation measured in one month, which differ by month."""
    if len(table.organisation_columns) != 1 or set(table.keys) != {*table.organisation_columns, "months"}:
        return False
    per_organisation = table.data.groupby(table.organisation_columns[0], sort=False)["n_families"]
    return bool((per_organisation.nunique(dropna=False) > 1).any())


def _cover_each_month(cells: Cells, minimum: int, *, digest: str) -> None:
    """Within each month organisations add up to the observed course of all: hide enough of them."""
    column = cells.table.organisation_columns[0]
    keyed = keyed_order(cells.data[column], secret=digest, purpose="cover")
    families = cells.table.data["n_families"].to_numpy(dtype=float, na_value=np.nan)
    for rows in (np.asarray(found) for found in cells.data.groupby("months", sort=False).indices.values()):
        small = cells.hidden()[rows]
        order = np.argsort([keyed.index(key) for key in cells.data[column].iloc[rows]]).tolist()
        extra = cover_small_rows(small, families[rows], minimum, order=order, each_knows_its_own=True)
        if extra.any():
            hide_rows(cells, mask_of(rows[extra], len(cells.data)))
            cells.has_complement = True


def _cover_organisations(tables: Mapping[str, Cells], minimum: int, *, digest: str) -> frozenset[str]:
    """Organisations whose counts are hidden, since with them that of a small one could be computed.

    The same ones in every table, result and report: the order hangs on the data alone, not on who reads.
    """
    sizes: dict[str, float] = {}
    smallest: dict[str, float] = {}
    for cells in tables.values():
        if not _stands_for_whole(cells.table) or deviations(cells):
            continue
        column = cells.table.organisation_columns[0]
        families = cells.table.data["n_families"].to_numpy(dtype=float, na_value=np.nan)
        for key, number in zip(cells.data[column], np.nan_to_num(families), strict=True):
            sizes[key] = max(number, sizes.get(key, 0.0))
            if number > 0:
                smallest[key] = min(number, smallest.get(key, np.inf))
    keys = sorted(sizes)
    small = np.array([smallest.get(key, np.inf) < minimum for key in keys], dtype=bool)
    if not small.any():
        return frozenset()
    counts = np.where(small, [smallest.get(key, 0.0) for key in keys], [sizes[key] for key in keys])
    order = [keys.index(key) for key in keyed_order(keys, secret=digest, purpose="cover")]
    cover = cover_small_rows(small, counts, minimum, order=order, each_knows_its_own=True)
    return frozenset(key for key, hide in zip(keys, small | cover, strict=True) if hide)


def _refused(
    tables: Mapping[str, Cells],
    kind: str,
    audience: Audience,
    *,
    policy: DisclosurePolicy,
    covered: frozenset[str],
    names: NameFinder,
) -> dict[str, tuple[str, dict[str, int]]]:
    """Tables that are withheld as a whole, with code and values of the reason."""
    refused: dict[str, tuple[str, dict[str, int]]] = {}
    others = policy.minimum_other_organisations
    many = max((_largest_pool(cells) for cells in tables.values()), default=0) or len(policy.organisations)
    comparison: tuple[str, dict[str, int]] | None = None
    for name, cells in tables.items():
        if cells.table.organisation_columns:
            adds_to_zero = deviations(cells)
            code = too_few_in_comparison(cells, audience, policy=policy)
            if covered and adds_to_zero:
                refused[name] = ("gives_away_a_small_group", {"minimum": policy.minimum_families})
            elif code:
                refused[name] = (code, {"minimum": others})
                comparison = refused[name] if _stands_for_whole(cells.table) else comparison
        elif too_few_pooled(cells, audience, policy=policy, organisations=many):
            refused[name] = ("pooled_with_too_few", {"minimum": others})
        if name not in refused and _text_with_names(cells, names):
            refused[name] = ("names_in_text", {})
        if name not in refused and len(cells.data) and _all_hidden(cells):
            refused[name] = ("all_suppressed", {"minimum": policy.minimum_families})
    if kind == "organisations" and comparison:
        refused.update({name: comparison for name in tables if name != FLOW})
    return refused


def _largest_pool(cells: Cells) -> int:
    if "n_organisations" not in cells.table.data.columns:
        return 0
    pooled = cells.table.data["n_organisations"].to_numpy(dtype=float, na_value=np.nan)
    return int(np.nan_to_num(pooled).max(initial=0))


def _all_hidden(cells: Cells) -> bool:
    return bool((cells.marks[cells.numbers] == SUPPRESSED).all(axis=None))


def _text_with_names(cells: Cells, names: NameFinder) -> bool:
    organisations = cells.table.organisation_columns
    texts = [c for c in cells.data.columns if is_text(cells.data[c]) and c not in organisations]
    return any(names.found_in(value) for column in texts for value in set(cells.data[column]))


def _rows_about(cells: Cells, keys: Iterable[str]) -> np.ndarray:
    chosen = set(keys)
    rows = np.zeros(len(cells.data), dtype=bool)
    for column in cells.table.organisation_columns:
        rows |= np.array([key in chosen for key in cells.data[column]], dtype=bool)
    return rows


def _mask_counts(cells: Cells, covered: frozenset[str], policy: DisclosurePolicy) -> None:
    """Hide the counts of organisations that cover for a small one, and blur what counts follow from."""
    rows = _rows_about(cells, covered)
    if not rows.any():
        return
    families = cells.table.data["n_families"].to_numpy(dtype=float, na_value=np.nan)
    round_ratios(cells, rows, families)
    for column in count_columns(cells):
        fresh = rows & ~cells.hidden(column)
        cells.has_complement |= bool(fresh.any())
        hide_cells(cells, fresh, column)


def _hide_shares(tables: Mapping[str, Cells], audience: Audience, *, policy: DisclosurePolicy) -> None:
    """Shares that give small counts, and exact numbers about organisations without a name."""
    named = policy.sees_names(audience)
    for cells in tables.values():
        rows = np.ones(len(cells.data), dtype=bool)
        if not cells.table.organisation_columns:
            hide_implied_counts(cells, rows, policy.minimum_families)
            continue
        if named:
            hide_implied_counts(cells, rows, policy.minimum_families)
            continue
        contrast = len(cells.table.organisation_columns) > 1 or deviations(cells)
        own = _rows_about(cells, [audience.organisation or ""]) & (not contrast)
        families = cells.table.data["n_families"].to_numpy(dtype=float, na_value=np.nan)
        round_ratios(cells, ~own, families)
        for column in count_columns(cells):
            round_counts(cells, ~own, column)


def _wording_used(tables: Iterable[ReleasedTable], labels: Labels) -> dict[str, Mapping[str, str]]:
    """Wording of the labels that occur (and of the own organisation): no list of all organisations."""
    used = {OWN} & set(labels.wording)
    for table in tables:
        for column in table.organisation_columns:
            used |= set(table._data[column])
    return {code: labels.wording[code] for code in sorted(used, key=lambda code: labels.order[code])}


def _finish(cells: Cells, seal: object) -> ReleasedTable:
    data = cells.data.copy()
    marks = cells.marks.copy()
    data["suppressed"] = (marks[cells.numbers] == SUPPRESSED).all(axis=1) if len(data) else False
    return ReleasedTable(
        name=cells.table.name,
        keys=cells.table.keys,
        values=cells.table.values,
        organisation_columns=cells.table.organisation_columns,
        has_complement=cells.has_complement,
        _data=data,
        _marks=marks,
        seal=seal,
    )
