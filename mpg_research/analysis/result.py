"""What every analysis returns: tables of unrounded numbers with the families behind each of them.

A result is a frozen dataclass of its own (``TrajectoryFit``, ``DataQuality``, ...) that follows the
protocol :class:`AnalysisResult`. Its numbers stand in :class:`ResultTable` objects, which carry what
the disclosure gate has to know: the number of *distinct* families (and organisations) behind each row,
which columns say what the row is, and over which columns the rows add up to a total shown elsewhere.

What ``n_families`` counts
--------------------------
- observed numbers (a mean of scores around month 12, a share, a count): the distinct families with at
  least one value in that number;
- model-based numbers (an adjusted mean, a predicted change): the distinct families whose measurements
  entered the model, for an organisation's own row those of that organisation only;
- an organisation's difference from the mean of organisations: its own families; a pairwise difference: the
  smaller number of the two, since a difference gives away its smallest side;
- a share per level of the case mix: the families at that level.

``n_organisations`` stands in tables whose rows pool organisations and counts them in the same way.
Every result also has the table ``sample_flow(step, n_measurements, n_episodes)``, without measurements where
it is about none.

Notes and parameters
--------------------
Codes of notes that the analyses add to those of the study and of the mixed-model fit (values in brackets):
``synthetic_data``, ``synthetic_norms``, ``no_norms`` (instrument), ``total_only`` (instrument),
``constant_case_mix`` (name), ``case_mix_is_organisation`` (name), ``organisation_without_course``
(n_organisations, families_needed, moments), ``no_random_slope``,
``no_random_bend``, ``workers_unknown`` (n_unknown, n_rows, n_all), ``help_ended`` (percent, month),
``robust_larger`` (ratio), ``no_robust_errors``, ``straight_line`` (n_months, needed),
``shared_bend`` (needed), ``course_bends`` (p_value), ``months_cut`` (month, last_month, needed),
``few_measured`` (minimum),
``few_families`` (n_organisations, all_organisations, minimum), ``no_baseline_spread`` (n_families),
``standardised_by_intake``, ``many_organisations_fixed`` (n_organisations). From the fit come
``not_converged`` (level "stop"), ``singular_fit``, ``zero_variance``, ``design_degrees_of_freedom``,
``aliased_columns``, ``zero_correlation``, ``unit_correlation``, ``lowest_correlation``,
``zero_measurement_error`` and
``zero_residual_variance`` (name).

``provenance.parameters`` of trajectories and comparisons holds, beside the arguments in force: ``formula``,
``months``, ``primary_month``, ``direction``, ``instrument_name``, ``raw_minimum``, ``raw_maximum``,
``time_unit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

import pandas as pd

from mpg_research.analysis.columns import (
    ESTIMATE,
    N_EPISODES,
    N_FAMILIES,
    N_MEASUREMENTS,
    N_ORGANISATIONS,
    Column,
    DeclaredColumns,
    coded,
    setting,
)

if TYPE_CHECKING:
    from mpg_research.errors import Note
    from mpg_research.study.model import SampleFlow, Study

__all__ = [
    "ESTIMATE_COLUMNS",
    "AnalysisResult",
    "Provenance",
    "Result",
    "ResultTable",
    "collect_tables",
    "family_table",
    "provenance_of",
    "sample_flow_table",
    "settings_table",
]

#: The columns of every estimate, in this order, whatever the arguments of the analysis.
ESTIMATE_COLUMNS = tuple(column.name for column in ESTIMATE)


@dataclass(frozen=True, slots=True)
class ResultTable(DeclaredColumns):
    """One table of a result, with what the disclosure gate has to know about it.

    Attributes
    ----------
    name : str
        Key of the table in ``result.tables``.
    data : DataFrame
        Unrounded numbers. Always has ``n_families``; ``n_organisations`` where rows pool organisations.
    columns : tuple of Column
        What every column means. The two numbers above are added where they are not declared.
    unit : {"aggregate", "family"}
        ``"family"``: a row is about one family; never written under ``reports/``.
    n_coefficients : int
        Of a table of a model's coefficients: how many the model estimated, those too that are not listed.
        What they leave of the families are the degrees of freedom of the model behind the result.

    Raises
    ------
    ValueError
        If ``data`` lacks one of the declared columns or ``n_families``, or a column is declared twice (a
        mistake in this package). A column of the data that is not declared is refused by the gate.
    """

    name: str
    data: pd.DataFrame
    columns: tuple[Column, ...]
    unit: Literal["aggregate", "family"] = "aggregate"
    n_coefficients: int = 0

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        standard = (N_FAMILIES, N_ORGANISATIONS)
        added = [c for c in standard if c.name not in names and (c is N_FAMILIES or c.name in self.data)]
        object.__setattr__(self, "columns", (*self.columns, *added))
        every = [column.name for column in self.columns]
        missing = sorted(set(every) - set(self.data.columns))
        if missing:
            raise ValueError(f"table {self.name!r} lacks the columns {missing}")
        twice = sorted({name for name in every if every.count(name) > 1})
        if twice:
            raise ValueError(f"table {self.name!r} declares {twice} twice")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a result comes from.

    Attributes
    ----------
    study : str
        Name of the study (its folder name under ``reports/``).
    synthetic : bool
        Whether the study's data are made up; then every page says so.
    digest : str
        SHA-256 over the study's configuration and raw files.
    package_version : str
        Version of this package.
    parameters : mapping
        The arguments of the analysis after defaults were filled in; JSON-friendly. Nothing that was computed
        from the data: that stands in the table ``settings``, which passes the gate like any other.
    instrument, outcome : str
        Instrument key and outcome column (``"raw"`` or ``"t_score"``); empty where not about scores.
    """

    study: str
    synthetic: bool
    digest: str
    package_version: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    instrument: str = ""
    outcome: str = ""


@runtime_checkable
class AnalysisResult(Protocol):
    """What the disclosure gate may count on in any result."""

    @property
    def kind(self) -> str:
        """Which analysis this is: ``"trajectory"``, ``"organisations"``, ..."""

    @property
    def compares_organisations(self) -> bool:
        """Whether it is about differences between organisations throughout: where the comparison is withheld,
        all its tables are (with two organisations their spread is the difference).
        """

    @property
    def tables(self) -> Mapping[str, ResultTable]:
        """The numbers, by table name."""

    @property
    def flow(self) -> SampleFlow:
        """From what was read to what was analysed, each step with its reason."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a reader should know."""

    @property
    def provenance(self) -> Provenance:
        """Study, data, version and parameters behind the numbers."""

    @property
    def level(self) -> float:
        """Confidence level of all intervals, e.g. 0.95."""

    @property
    def converged(self) -> bool:
        """False if a model did not converge: the result must then not be presented as if it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What every analysis of a study gives back, beside what is its own.

    Attributes
    ----------
    tables : mapping
        The numbers, by table name; the module of the analysis describes them.
    flow : SampleFlow
        From what was read to what was analysed, each step with its reason.
    notes : tuple of Note
        What a reader should know.
    provenance : Provenance
        Study, data, version and parameters behind the numbers.
    level : float
        Confidence level of all intervals.
    converged : bool
        False if a model did not converge: the result is then not presented as if it had.
    """

    tables: Mapping[str, ResultTable] = field(repr=False)
    flow: SampleFlow
    notes: tuple[Note, ...]
    provenance: Provenance
    level: float
    converged: bool = True
    compares_organisations: ClassVar[bool] = False


def collect_tables(tables: Iterable[ResultTable]) -> dict[str, ResultTable]:
    """Tables by their names, in the order given.

    Raises
    ------
    ValueError
        If two tables have one name (a mistake in this package).
    """
    collected: dict[str, ResultTable] = {}
    for table in tables:
        if table.name in collected:
            raise ValueError(f"two tables are called {table.name!r}")
        collected[table.name] = table
    return collected


def family_table(
    name: str, data: pd.DataFrame, *, keys: tuple[str, ...], values: tuple[str, ...]
) -> ResultTable:
    """A table with one row per family (or its measurements): for the study's own people, never shown."""
    columns = [
        Column(name=column, meaning="organisation" if column == "organisation" else "family", is_key=True)
        for column in keys
    ]
    columns += [Column(name=column, meaning="family") for column in values]
    kept = data[[*keys, *values]].assign(n_families=1)
    return ResultTable(name, kept, columns=tuple(columns), unit="family")


def settings_table(
    found: Mapping[str, float | int | None], *, n_families: int, n_organisations: int
) -> ResultTable:
    """What an analysis computed with that was itself computed from the data: quantity, value.

    The arguments of an analysis stand in its provenance; what follows from people's scores (a reliability, a
    threshold, a margin) stands here, where the gate sees it. Missing where a quantity is not defined.
    """
    data = pd.DataFrame(
        {
            "quantity": list(found),
            "value": [float("nan") if value is None else float(value) for value in found.values()],
            "n_families": n_families,
            "n_organisations": n_organisations,
        }
    )
    return ResultTable("settings", data, columns=(coded("quantity"), setting("value")))


def sample_flow_table(flow: SampleFlow) -> ResultTable:
    """The sample flow as a table: step, n_measurements, n_episodes, n_families.

    Of what is not about measurements, none is counted.
    """
    columns = ["step", "n_measurements", "n_episodes", "n_families"]
    rows = [(s.code, s.n_measurements, s.n_episodes, s.n_families) for s in flow.steps]
    data = pd.DataFrame(rows, columns=columns)
    if len(data) and not data["n_measurements"].any():
        return ResultTable(
            "sample_flow", data.drop(columns="n_measurements"), columns=(coded("step"), N_EPISODES)
        )
    return ResultTable("sample_flow", data, columns=(coded("step"), N_MEASUREMENTS, N_EPISODES))


def provenance_of(
    study: Study, *, parameters: Mapping[str, Any], instrument: str = "", outcome: str = ""
) -> Provenance:
    """Provenance of a result computed from ``study`` with ``parameters``."""
    from mpg_research.version import __version__

    return Provenance(
        study=study.name,
        synthetic=study.synthetic,
        digest=study.digest,
        package_version=__version__,
        parameters=dict(parameters),
        instrument=instrument,
        outcome=outcome,
    )
