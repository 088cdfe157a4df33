"""The one gate between a result and its readers.

What it does, in this order
---------------------------
1. Tables with one row per family never pass. Columns that a table does not declare never pass.
2. A row about 1 to 9 families (or the study's own minimum) is suppressed, as are single counts of that
   size, smallest and largest values, and sums of money that one family makes up. Zero is shown.
3. Where rows add up to a total shown elsewhere, further rows are hidden, so that no small number follows
   by subtraction, and no sum of money that one family makes up.
   Rows of organisations add up to the totals of the study: if one is small, the *counts*
   of others are hidden, in every table and for every recipient alike, and enough of them that an
   organisation that knows its own number gains nothing. Where a reader outside sees organisations by name
   (so exactly), further rows and shares are hidden within each class and each share too. Tables whose
   numbers add up to zero over the organisations are then withheld.
4. Shares of 1 to 9 families, of none and of all of a group are hidden, and what follows from a hidden
   number: intervals, differences and ratios of it, columns of other tables that are computed from it, and
   what is made of one number of every organisation (ranks, a spread, the target of a funnel plot).
5. Everything else is rounded, each number by itself and the same for every reader: counts to the nearest
   five (``policy.rounding``), shares to those of the rounded counts, means, estimates and errors to what
   a page shows (:mod:`~mpg_research.disclosure.rules.rounded_release`), amounts of money to the study's base
   for every reader. Only an organisation sees exactly
   what comes from its own families alone. Then the sums of the result are gone through as an attacker
   would (:mod:`~mpg_research.disclosure.reconstruction`): where fewer than all small numbers stay
   possible for a hidden one, more is hidden.
   Researchers see organisations by name. A funder sees neutral labels (unless the study says otherwise),
   an organisation itself by name and the others by neutral labels, in an order that hangs on a secret and
   the recipient and tells nothing; rows and pairs are turned round to follow that order. Tables with
   names elsewhere in their text are withheld.
   With ``policy.rounding`` 0 rule 4 holds as ever, and only what must be is rounded: steps of the sample
   flow and totals that come within 1 to 9 families of another, counts beside neutral labels to tens,
   means, shares and errors beside them so coarsely that no exact number follows.
6. Comparisons of organisations are withheld when fewer than three others stand beside any organisation
   (for the researcher: fewer than three in all), pooled rows in an organisation's report when fewer than
   three others contribute: subtraction would open them. With a comparison goes whatever else is about
   differences between organisations: their spread, its test, its largest. What comes from its own families
   alone the organisation still sees of itself, rounded (:mod:`mpg_research.disclosure.rules.own_rows`).
7. Notes and provenance lose names and small numbers; in an organisation's report with fewer than three
   others, notes lose every number.

``public_groups`` lifts the labels and 6, never 1 to 4 nor the rounding. For the researcher in private
(``Audience(..., private=True)``, ``mpg run --private``) rule 1 alone holds.

What it does not promise
------------------------
It looks at one result at a time: results with slightly different samples are told apart by nothing but
the rounding (and, over time, by the record of releases, :mod:`mpg_research.reporting.ledger`). The width
of an interval tells roughly how large an unnamed organisation is. The secret must stay with the user;
where there is none the order of the neutral labels hangs on the study's full digest, which must then stay
out of the folders of funders and organisations, as must the hashes of its raw files. What was tried
stands in ``docs/explanation/privacy.md``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from mpg_research.analysis.columns import N_FAMILIES
from mpg_research.analysis.result import AnalysisResult, Provenance
from mpg_research.disclosure import released as _released
from mpg_research.disclosure.audience import Audience, DisclosurePolicy
from mpg_research.disclosure.reconstruction import open_counts, quick_ranges
from mpg_research.disclosure.released import Released, ReleasedTable, Withheld
from mpg_research.disclosure.rules.cells import Cells, cells_of, count_columns, frames_of, mask_of
from mpg_research.disclosure.rules.complementary_suppression import (
    cover_each_month,
    cover_groups,
    cover_organisations,
    cover_shares,
)
from mpg_research.disclosure.rules.differencing import FLOW, blur_flow, protect_totals, tell_once
from mpg_research.disclosure.rules.dominance import cover_dominated, hide_dominated, round_money
from mpg_research.disclosure.rules.following import hide_followers, hide_what_follows
from mpg_research.disclosure.rules.labels import OWN, Labels, label_organisations
from mpg_research.disclosure.rules.organisation_rules import (
    deviations,
    is_contrast,
    is_observed_by_organisation,
    stands_for_whole,
    use_labels,
)
from mpg_research.disclosure.rules.own_rows import own_tables, round_own, without_empty
from mpg_research.disclosure.rules.refusals import all_hidden, has_few_others, hide_spreads, refusals
from mpg_research.disclosure.rules.rounded_release import hide_whole_groups, round_estimates, round_release
from mpg_research.disclosure.rules.rounding import (
    RoundingRule,
    hide_certain_counts,
    round_close_counts,
    round_counts,
    round_ratios,
    rounding_step,
)
from mpg_research.disclosure.rules.small_numbers import (
    hide_extremes,
    hide_implied_counts,
    hide_outer_quantiles,
    hide_small_counts,
    small_rows,
)
from mpg_research.disclosure.rules.text import (
    NameFinder,
    clean_notes,
    clean_provenance,
    notes_without_numbers,
)
from mpg_research.errors import DisclosureError, Note

__all__ = ["release"]


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
    >>> study = load_study(shipped_example())
    >>> funder = Audience("funder")
    >>> shown = release(describe_quality(study), funder, policy=policy_of(study))
    >>> "by_organisation" in shown.tables
    True
    """
    if not isinstance(result, AnalysisResult):
        raise DisclosureError("release() takes the result of an analysis, such as fit_trajectory(study).")
    withheld = [Withheld(t.name, "family_level") for t in result.tables.values() if t.unit == "family"]
    tables = {name: cells_of(t) for name, t in result.tables.items() if t.unit != "family"}
    keys = _organisation_keys(tables.values())
    labels = label_organisations(keys, audience, policy=policy, digest=result.provenance.digest)
    names = _names_to_find(keys, audience, policy)
    if audience.private:
        for cells in tables.values():
            use_labels(cells, labels)
        return _sealed(
            result,
            audience,
            policy=replace(policy, rounding=0),
            shown=tables,
            finished={name: _finish(cells, _released._SEAL) for name, cells in tables.items()},
            withheld=withheld,
            notes=tuple(result.notes),
            provenance=result.provenance,
            labels=labels,
        )

    rule = RoundingRule(policy.rounding, policy.midpoint) if policy.rounding else None
    named = policy.sees_names(audience)
    across = named and audience.is_external
    _hide_small(tables, policy, across=across, outside=audience.is_external)
    covered = cover_organisations(tables, policy.minimum_families)
    while cover_dominated(tables, policy):
        hide_followers(tables)
    hide_spreads(tables)
    throughout = result.compares_organisations
    refused = refusals(tables, audience, throughout=throughout, policy=policy, covered=covered, names=names)
    shown = {name: cells for name, cells in tables.items() if name not in refused}
    for cells in shown.values():
        _mask_counts(cells, covered, rounded=bool(policy.rounding))
    if policy.rounding:
        _hide_shares_of_few(tables, audience, policy)
    else:
        _hide_shares(tables, audience, policy=policy, own_sizes=_own_sizes(shown, audience))
    for cells in tables.values():
        hide_whole_groups(cells, policy.minimum_families)
    hide_followers(tables)
    if audience.organisation is not None:
        alone = own_tables(result.tables, audience.organisation, refused)
        _hide_small(alone, policy)
        if not policy.rounding:
            round_own(alone.values(), policy.minimum_families)
        shown |= without_empty(alone)
    withheld += [
        Withheld(name, code, values) for name, (code, values) in refused.items() if name not in shown
    ]
    for cells in shown.values():
        hide_what_follows(cells)
        if rule is not None:
            round_release(cells, _rows_about(cells, [audience.organisation or ""]), rule)
            hide_what_follows(cells)
        round_money(cells, policy.round_money_to)
        use_labels(cells, labels)
    if not policy.rounding:
        pooled = {name: cells for name, cells in shown.items() if not cells.table.organisation_columns}
        protect_totals(
            pooled, policy.minimum_families, flow=result.tables.get(FLOW), round_steps=audience.is_external
        )

    notes = clean_notes(
        result.notes,
        minimum=policy.minimum_families,
        names=names,
        outside=audience.is_external,
        rule=rule,
    )
    if has_few_others(tables, audience, policy=policy):
        notes = notes_without_numbers(notes)
    finished = {name: _finish(cells, _released._SEAL) for name, cells in shown.items()}
    for name in _hide_what_can_be_found(result.kind, shown, finished, policy):
        withheld.append(Withheld(name, "gives_away_a_small_group", {"minimum": policy.minimum_families}))
    return _sealed(
        result,
        audience,
        policy=policy if named else replace(policy, organisations={}),
        shown=shown,
        finished=finished,
        withheld=withheld,
        notes=notes,
        provenance=clean_provenance(result.provenance, audience, policy=policy, names=names),
        labels=labels,
    )


def _sealed(
    result: AnalysisResult,
    audience: Audience,
    *,
    policy: DisclosurePolicy,
    shown: Mapping[str, Cells],
    finished: Mapping[str, ReleasedTable],
    withheld: Iterable[Withheld],
    notes: tuple[Note, ...],
    provenance: Provenance,
    labels: Labels,
) -> Released:
    """What the rules above left of a result, as that which can be presented."""
    return Released(
        kind=result.kind,
        audience=audience,
        policy=replace(policy, secret=""),
        tables=finished,
        withheld=tuple(withheld),
        notes=notes,
        provenance=provenance,
        level=float(result.level),
        converged=bool(result.converged),
        synthetic=bool(result.provenance.synthetic),
        organisation_labels=_wording_used(shown.values(), labels),
        own=labels.code_of.get(audience.organisation or ""),
        seal=_released._SEAL,
    )


def _hide_what_can_be_found(
    kind: str, shown: dict[str, Cells], finished: dict[str, ReleasedTable], policy: DisclosurePolicy
) -> list[str]:
    """Hide further rows until every small number stays possible wherever one is hidden.

    Returns the names of tables of which nothing is left then: they are taken out.
    """
    minimum = policy.minimum_families
    withheld: list[str] = []
    while found := open_counts(quick_ranges(kind, finished, policy), minimum):
        for name in dict.fromkeys(each.table for each in found):
            cells = shown[name]
            rows = [each.row for each in found if each.table == name]
            every = zip(*(cells.data[key].tolist() for key in cells.keys), strict=True)
            places = [row for row, names in enumerate(every) if names in rows]
            visible = np.flatnonzero(~cells.hidden() & (cells.data["n_families"] != 0))
            if len(visible):
                distance = np.abs(np.subtract.outer(visible, places))
                nearest = visible[np.argmin(distance, axis=0)]
                cells.hide_rows(mask_of(nearest, cells.length))
                cells.has_complement = True
                finished[name] = _finish(cells, _released._SEAL)
            if not len(visible) or all_hidden(cells):
                withheld.append(name)
                del shown[name], finished[name]
    return withheld


def _organisation_keys(tables: Iterable[Cells]) -> set[str]:
    pairs = ((cells, column) for cells in tables for column in cells.table.organisation_columns)
    return {key for cells, column in pairs for key in cells.data[column]}


def _names_to_find(keys: set[str], audience: Audience, policy: DisclosurePolicy) -> NameFinder:
    """What must not be read in any text: nothing for those who see names, else all keys and names."""
    if policy.sees_names(audience):
        return NameFinder(())
    names = {name for by_language in policy.organisations.values() for name in by_language.values()}
    return NameFinder(names | keys | set(policy.organisations))


def _hide_small(
    tables: Mapping[str, Cells],
    policy: DisclosurePolicy,
    *,
    across: bool = False,
    outside: bool = False,
) -> None:
    """Rules 2 to 4 within each table; ``across`` organisations where their numbers are exact and named;
    ``outside``: for other readers than the researcher.
    """
    minimum = policy.minimum_families
    for name, cells in tables.items():
        hide_extremes(cells)
        hide_outer_quantiles(cells, minimum)
        cells.hide_rows(small_rows(cells, minimum))
        hide_small_counts(cells, minimum)
        hide_dominated(cells, policy)
        if name == FLOW:
            tell_once(cells)
            if not policy.rounding:
                blur_flow(cells, minimum, throughout=outside)
            continue
        parts = {column.name for column in cells.table.columns if column.adds_up}
        if not across or stands_for_whole(cells):
            parts -= set(cells.table.organisation_columns)
        if is_observed_by_organisation(cells):
            cover_each_month(cells, minimum)
        elif _has_additive_counts(cells) and parts:
            cover_groups(cells, sorted(parts), minimum)


def _has_additive_counts(cells: Cells) -> bool:
    """Model-based rows (by month) do not add up; counts of things do, and declared parts."""
    parts = any(column.adds_up == "families" for column in cells.table.columns)
    return parts or any(name != N_FAMILIES.name for name in count_columns(cells))


def _rows_about(cells: Cells, keys: Iterable[str]) -> np.ndarray:
    chosen = set(keys)
    rows = cells.no_row()
    for column in cells.table.organisation_columns:
        rows |= np.array([key in chosen for key in cells.data[column]], dtype=bool)
    return rows


def _mask_counts(cells: Cells, covered: frozenset[str], *, rounded: bool) -> None:
    """Hide the counts of organisations that cover for a small one, and blur what counts follow from."""
    rows = _rows_about(cells, covered)
    if not rows.any():
        return
    cells.coarse = rows
    if not rounded:
        round_ratios(cells, rows, cells.exact("n_families"))
    for column in count_columns(cells):
        fresh = rows & ~cells.hidden(column)
        cells.has_complement |= bool(fresh.any())
        cells.hide(fresh, column)


def _hide_shares_of_few(tables: Mapping[str, Cells], audience: Audience, policy: DisclosurePolicy) -> None:
    """Shares of few, of none and of all, but for what an organisation may know of its own families."""
    for cells in tables.values():
        own = _rows_about(cells, [audience.organisation or ""])
        if is_contrast(cells):
            own[:] = False
        hide_implied_counts(cells, ~own, policy.minimum_families, least=1e-9)


def _hide_shares(
    tables: Mapping[str, Cells], audience: Audience, *, policy: DisclosurePolicy, own_sizes: list[float]
) -> None:
    """Without rounding: shares of few, and exact numbers about organisations without a name."""
    named = policy.sees_names(audience)
    for cells in tables.values():
        rows = cells.every_row()
        if named or not cells.table.organisation_columns:
            hide_implied_counts(cells, rows, policy.minimum_families)
            if audience.is_external:
                if named:
                    cover_shares(cells, policy.minimum_families)
                round_close_counts(cells, rows, policy.minimum_families)
            continue
        contrast = is_contrast(cells)
        own = _rows_about(cells, [audience.organisation or ""])
        families = cells.exact("n_families")
        round_ratios(cells, ~own | contrast, families)
        hide_certain_counts(cells, ~own | contrast, families, policy.minimum_families)
        round_estimates(cells, ~own | contrast, RoundingRule(rounding_step(policy.minimum_families)))
        # The others have a part in a difference from them; in how many families one has itself, none.
        exact = own & (np.isin(families, own_sizes) if contrast else True)
        for column in count_columns(cells):
            round_counts(cells, ~exact, column, policy.minimum_families)


def _own_sizes(tables: Mapping[str, Cells], audience: Audience) -> list[float]:
    """How many families the reading organisation has, where a table says so of it alone."""
    found: set[float] = set()
    for cells in tables.values():
        if stands_for_whole(cells) and not deviations(cells):
            rows = _rows_about(cells, [audience.organisation or ""])
            found |= set(cells.exact("n_families")[rows].tolist())
    return sorted(found)


def _wording_used(tables: Iterable[Cells], labels: Labels) -> dict[str, Mapping[str, str]]:
    """Wording of the labels that occur (and of the own organisation): no list of all organisations."""
    used = {OWN} & set(labels.wording)
    for cells in tables:
        for column in cells.table.organisation_columns:
            used |= set(cells.data[column])
    return {code: labels.wording[code] for code in sorted(used, key=lambda code: labels.order[code])}


def _finish(cells: Cells, seal: object) -> ReleasedTable:
    data, marks = frames_of(cells)
    return ReleasedTable(
        name=cells.table.name,
        columns=cells.table.columns,
        has_complement=cells.has_complement,
        has_dominated=cells.has_dominated,
        _data=data,
        _marks=marks,
        seal=seal,
    )
