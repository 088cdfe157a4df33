"""What a notebook works with: the study, the audience, and the only way to show a result."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Literal

from mpg_research.errors import ConfigError, DisclosureError, ModelError, NotApplicableError
from mpg_research.reporting.formats import wants_pictures
from mpg_research.reporting.ledger.comparison import current
from mpg_research.reporting.notebooks import NotebookParameters, notebook_spec
from mpg_research.reporting.parameters import check_parameters
from mpg_research.reporting.pictures import png_is_wanted
from mpg_research.reporting.private import is_private
from mpg_research.reporting.session.session_record import RECORD, Record
from mpg_research.reporting.session.shown import MARK, NOT_FITTED, NotApplicable, Shown
from mpg_research.reporting.session.written import note_file, note_shown

if TYPE_CHECKING:
    from mpg_research.disclosure import Audience
    from mpg_research.reporting.store.source import StudySource
    from mpg_research.study.model import Study

__all__ = ["MARK", "RECORD", "NotApplicable", "Session", "Shown", "begin"]

_FILE_NAME = re.compile(r"\w[\w.-]{0,150}")
#: An analysis that takes longer than so many seconds says by hand that it is on its way.
_A_WHILE = 2.0


@dataclass(frozen=True, slots=True)
class Session:
    """A notebook's study, audience and language, and the way to show results to that audience.

    Attributes
    ----------
    notebook : str
        Name of the notebook.
    audience : Audience
        For whom the notebook shows its results.
    language : str
        Language of sentences, tables and figures.
    parameters : NotebookParameters
        The typed parameters.
    organisation : str
        Key of the organisation the report is for; empty in the other notebooks.
    output : Path or None
        Where tables and figures are written; ``None`` by hand.
    """

    notebook: str
    audience: "Audience"
    language: str
    parameters: NotebookParameters
    organisation: str
    output: Path | None
    _policy: Any
    _record: Record
    _source: "StudySource"
    _study: list["Study"] = field(default_factory=list)
    _released: dict[int, tuple[Any, Any, str]] = field(default_factory=dict)
    _rules: dict[str, tuple[Any, dict[str, None]]] = field(default_factory=dict)
    _files: dict[tuple[str, str], str] = field(default_factory=dict)
    _parts: dict[str, None] = field(default_factory=dict)
    _places: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def study(self) -> "Study":
        """The study, read when it is first asked for; its tables are the notebook's own to change."""
        if not self._study:
            self._study.append(self._source.copy())
        return self._study[0]

    def analyse(self, verb: str | Callable[..., Any], **options: Any) -> Any:
        """The result of an analysis of the session's study, or :class:`NotApplicable`.

        A result that was computed before from the same files, by the same code and with the same options is
        read from the store (:mod:`mpg_research.reporting.store`); what was not stored of it, such as the
        fitted model, is computed when it is asked for.

        A question that does not arise with these data (one organisation cannot be compared) is not a
        failure of the report, nor is a model that they are too few for: wherever the result would be shown,
        the reason stands instead, and the run says of which pages what was not computed.

        Parameters
        ----------
        verb : str or callable
            An analysis by its name, e.g. ``"compare_organisations"``, or the function itself
            (:func:`mpg_research.analysis.compare_organisations`). A function of one's own is computed, not
            stored.
        **options
            Its arguments after the study.

        Returns
        -------
        result or NotApplicable
            What the analysis returns.
        """
        from mpg_research.reporting.store.results import result_of
        from mpg_research.reporting.store.verbs import verb_name

        name = verb if isinstance(verb, str) else verb.__name__
        try:
            with _told(name, by_hand=self.output is None):
                result = result_of(self._source, verb, options)
        except ModelError as error:
            code = error.code if isinstance(error, NotApplicableError) else NOT_FITTED
            reason = str(error) if code == NOT_FITTED else ""
            self._record.not_applicable(code, name, reason=reason)
            if reason and not self.output:
                print(f"{name}: {reason}", file=sys.stderr)
            return NotApplicable(code)
        self._record.asked(result, verb_name(verb), options)
        return result

    def sentences(self, result: Any, topic: str | None = None) -> Shown:
        """A result in words.

        Parameters
        ----------
        result : AnalysisResult
            What an analysis returned.
        topic : str, optional
            One of the topics :func:`mpg_research.present.say` knows; by default the main finding.

        Returns
        -------
        Shown
        """
        from mpg_research.present import say

        shown = self._present(result, lambda released: say(released, topic, language=self.language))
        if getattr(shown.presented, "shows_numbers", False):
            self._parts.update(dict.fromkeys([topic] if topic else ["answer", "limits"]))
        return shown

    def table(self, result: Any, name: str) -> Shown:
        """One table of a result; its CSV is written to ``tables/`` of the report's folder.

        Parameters
        ----------
        result : AnalysisResult
            What an analysis returned.
        name : str
            Of one of its tables.

        Returns
        -------
        Shown
        """
        from mpg_research.present import tabulate

        return self._present_file(result, name, "tables", tabulate)

    def figure(self, result: Any, name: str) -> Shown:
        """One figure of a result; SVG and its numbers as CSV are written to ``figures/``, PNG where asked.

        Parameters
        ----------
        result : AnalysisResult
            What an analysis returned.
        name : str
            Of one of its figures (:func:`mpg_research.present.draw`).

        Returns
        -------
        Shown
        """
        from mpg_research.present import draw

        return self._present_file(result, name, "figures", draw)

    def decisions(self, *results: Any) -> Shown:
        """The choices behind the results of a page: time zero, respondents, periods, scoring; and per result
        that is shown the families it rests on, adjustment and method.

        Parameters
        ----------
        *results : AnalysisResult
            What the analyses of the page returned.

        Returns
        -------
        Shown
        """
        from mpg_research.reporting.session.decisions import Applied, describe_decisions

        there = [result for result in results if not isinstance(result, NotApplicable)]
        if not there:
            return self._shown(results[0].text(self.language, self._policy))
        first = self.release(there[0]).provenance
        decisions = describe_decisions(
            self._source.config,
            [self._choices(result) for result in there],
            instrument=self._source.instruments.get(first.instrument),
            outcome=first.outcome,
            language=self.language,
            show_model=self.audience.role == "researcher",
            private=self.audience.private,
            rules=[Applied(rule, tuple(where)) for rule, where in self._rules.values()],
        )
        self._parts["decisions"] = None
        return self._shown(decisions)

    def methods(self, *results: Any) -> Shown:
        """How the results of a page were computed, as a methods section has it, with references.

        Every sentence follows from a setting or from a table that is shown; of what the page does not show
        nothing is said.

        Parameters
        ----------
        *results : AnalysisResult
            What the analyses of the page returned.

        Returns
        -------
        Shown
        """
        from mpg_research.reporting.session.paper import methods_of

        return self._of_page(
            "methods", results, lambda released: methods_of(released, self._source, self.language)
        )

    def abstract(self, *results: Any) -> Shown:
        """A structured abstract: background, methods, results, conclusion; from settings and results.

        Parameters
        ----------
        *results : AnalysisResult
            What it is about, the main result first.

        Returns
        -------
        Shown
        """
        from mpg_research.reporting.session.paper import abstract_of

        return self._of_page("abstract", results, lambda released: abstract_of(released, self.language))

    def checklist(self, name: str, result: Any) -> Shown:
        """A checklist for reporting, with where on the page above it each item is answered.

        Parameters
        ----------
        name : str
            "strobe" (observational studies) or "target" (an emulated trial).
        result : AnalysisResult
            What the page is about.

        Returns
        -------
        Shown
        """
        from mpg_research.reporting.session.paper import checklist_of
        from mpg_research.reporting.session.reference import reference_of

        if isinstance(result, NotApplicable):
            return self._shown(result.text(self.language, self._policy))
        presented = checklist_of(
            name,
            self.release(result),
            self._source,
            self.language,
            parts=self._parts,
            shown=self._places,
        )
        self._save(presented, "tables")
        return self._shown(presented, reference_of(self.notebook, "tables", name))

    def citation(self) -> Shown:
        """How to cite the page and the package, and with which versions and data it was made.

        Returns
        -------
        Shown
        """
        from mpg_research.reporting.session.paper import citation_of

        self._parts["citation"] = None
        return self._shown(citation_of(self.notebook, self._source, self.language))

    def notes(self, *results: Any) -> Shown:
        """The remarks on the results of a page, each once; of what the page does not show none.

        Parameters
        ----------
        *results : AnalysisResult
            What the analyses of the page returned.

        Returns
        -------
        Shown
        """
        return self._together(results, "notes")

    def limits(self, *results: Any) -> Shown:
        """What may not be concluded from the results of a page, each sentence once.

        Parameters
        ----------
        *results : AnalysisResult
            What the analyses of the page returned.

        Returns
        -------
        Shown
        """
        return self._together(results, "limits")

    def _together(self, results: Sequence[Any], topic: str) -> Shown:
        """A topic of several results, each sentence once."""
        from mpg_research.present import say

        there = [result for result in results if not isinstance(result, NotApplicable)]
        if not there:
            return self._shown(results[0].text(self.language, self._policy))
        texts = [say(self.release(result), topic, language=self.language) for result in there]
        each = tuple(dict.fromkeys(sentence for text in texts for sentence in text.sentences))
        return self._shown(replace(texts[0], paragraphs=(each,) if each else ()))

    def _of_page(self, part: str, results: tuple[Any, ...], write: Callable[[list[Any]], Any]) -> Shown:
        """A part of the page about several results, or why none of their questions arises."""
        there = [result for result in results if not isinstance(result, NotApplicable)]
        if not there:
            return self._shown(results[0].text(self.language, self._policy))
        self._parts[part] = None
        return self._shown(write([self.release(result) for result in there]))

    def _beside_page(self, kind: str) -> str:
        """Where files of a kind are published, seen from the page; empty by hand."""
        return "" if self.output is None else f"{kind}/{self.notebook}"

    def _choices(self, result: Any) -> Any:
        """What a result was computed with, and how many it rests on as this page's readers may know it."""
        from mpg_research.present import say
        from mpg_research.present.sentences.say import is_shown
        from mpg_research.reporting.session.decisions import Choices

        released = self.release(result)
        used = say(released, "sample", language=self.language)
        return Choices(
            kind=released.kind,
            parameters=released.provenance.parameters,
            level=released.level,
            correlation=_correlation(released),
            used=used.sentences if used.shows_numbers else (),
            is_shown=is_shown(released),
        )

    def _present(self, result: Any, present: Callable[[Any], Any]) -> Shown:
        """Release a result and present it; where the question does not arise, the reason in its place."""
        if isinstance(result, NotApplicable):
            return self._shown(result.text(self.language, self._policy))
        presented = present(self.release(result))
        self._note_rules(presented)
        return self._shown(presented, of=result)

    def _present_file(
        self, result: Any, name: str, kind: Literal["tables", "figures"], present: Callable[..., Any]
    ) -> Shown:
        """A table or figure on the page, its files beside it, and what leads back from it in the record."""
        from mpg_research.present import PresentedText
        from mpg_research.present.registry import figure_named
        from mpg_research.reporting.session.reference import reference_of

        if isinstance(result, NotApplicable):
            return self._shown(result.text(self.language, self._policy))
        released = self.release(result)
        of = self._released[id(result)][2]
        figure = figure_named(name) if kind == "figures" else None
        plain = figure.name if figure else name
        file = self._file_of(kind, plain, of)
        folder = self._beside_page(kind)
        presented = present(released, name, language=self.language, folder=folder, file=file)
        self._note_rules(presented)
        if isinstance(presented, PresentedText):
            self._record.not_shown(kind, name, result=of)
            return self._shown(presented)
        reference = reference_of(self.notebook, kind, file or plain)
        shows = figure.shows if figure else (name,)
        tables = [released.tables[each] for each in shows if each in released.tables]
        self._record.shown(reference, kind, presented.name, result=of, tables=tables)
        caption = getattr(presented, "caption" if kind == "tables" else "title")
        self._places.setdefault((kind.removesuffix("s"), plain), []).append((reference, caption))
        self._save(presented, kind)
        return self._shown(presented, reference, of=result)

    def _file_of(self, kind: str, name: str, result: str) -> str:
        """The file of a table or figure: its name; with that of its result where another had it before."""
        if self._files.setdefault((kind, name), result) == result:
            return ""
        return f"{name}-{re.sub(r'[^a-z0-9_]+', '-', result).strip('-')}"

    def _note_rules(self, presented: Any) -> None:
        """Keep which rules hid something of what is shown: the page says so once, beside its choices."""
        table = getattr(presented, "data", presented)
        for rule in table.rules:
            _, where = self._rules.setdefault(rule.code, (rule, {}))
            where[table.caption] = None

    @property
    def digest(self) -> str:
        """The fingerprint of the study's configuration and data."""
        return self._source.facts.digest

    def release(self, result: Any) -> Any:
        """What the session's reader may see of a result; released once, and written down for the manifest.

        Parameters
        ----------
        result : AnalysisResult
            What an analysis returned.

        Returns
        -------
        Released
        """
        from mpg_research.reporting.session.releases import asked_for, release_once

        held = self._released.get(id(result))
        if held is not None and held[0] is result:
            return held[1]
        released = release_once(result, self.audience, self._policy)
        comparison = current()
        if comparison is not None:
            asked = asked_for(result, self._record.asked_so_far, self.notebook, len(self._released))
            released = comparison.compare(asked, result, released, self._source)
        self._released[id(result)] = (result, released, self._record.released(result, released))
        return released

    def _save(self, presented: Any, kind: str) -> None:
        """Write the files of a table or figure beside the page."""
        from mpg_research.present import PresentedFigure

        if self.output is None:
            return
        if not _FILE_NAME.fullmatch(presented.name):
            raise DisclosureError(
                f"A table or figure has the name {presented.name!r}, which cannot be that of its file; "
                "expected letters, digits, hyphens and underscores."
            )
        wanted = png_is_wanted() or wants_pictures()
        png = {"png": wanted} if isinstance(presented, PresentedFigure) else {}
        note_file(self.output, *presented.save(self.output / kind, **png))

    def _shown(self, presented: Any, reference: str = "", *, of: Any = None) -> Shown:
        from mpg_research.present.language.phrases import phrases_in

        label = phrases_in(self.language)("page.reference", id=reference) if reference else ""
        shown = Shown(presented, self.audience.reader, reference, label, self._exploratory(of))
        if self.output is not None:
            note_shown(self.output, shown._repr_mimebundle_()[0])
        return shown

    def _exploratory(self, result: Any) -> str:
        """That the analysis of a result does not stand in the sealed plan, in words; empty where it does."""
        from mpg_research.present.language.phrases import phrases_in
        from mpg_research.reporting.planned.planned_analyses import planned_analyses

        planned = None if result is None else planned_analyses(self._source.config)
        verbs = {verb for each, verb, _ in self._record.asked_so_far if each is result}
        if planned is None or (verbs and verbs <= planned):
            return ""
        return phrases_in(self.language)("page.plan.exploratory")


def begin(notebook: str, **parameters: Any) -> Session:
    """Start a notebook: check its parameters, load its study, know its audience.

    Parameters
    ----------
    notebook : str
        Name of the notebook, e.g. ``"03_trajectories"``.
    **parameters
        The names of the notebook's parameter cell. See :mod:`mpg_research.reporting.notebooks`.

    Returns
    -------
    Session

    Raises
    ------
    ConfigError
        If a parameter is unknown or mistyped, or the study or organisation is not there.
    DataError
        If the study's data cannot be used.

    Examples
    --------
    >>> session = begin("01_data_quality", language="en")
    >>> session.audience.role
    'researcher'
    """
    from mpg_research.disclosure import Audience, policy_of
    from mpg_research.reporting.ledger.secret import open_secret
    from mpg_research.reporting.store.source import open_study

    spec = notebook_spec(notebook)
    assert spec.role != "family"  # those are refused above
    values = check_parameters(spec.model, parameters, notebook)
    output = Path(values.output) if values.output else None
    source = open_study(find_study(values.study), tell=None if output else _tell_by_hand)
    organisations = source.facts.organisations  # a study with errors is refused here
    organisation = _organisation(source, values) if spec.role == "organisation" else ""
    record = Record(output, {"organisations": list(organisations), "results": {}, "shown": {}})
    record.write()
    return Session(
        notebook=notebook,
        audience=Audience(spec.role, organisation or None, private=is_private()),
        language=values.language,
        parameters=values,
        organisation=organisation,
        output=output,
        _policy=replace(policy_of(source), secret=open_secret().text),
        _record=record,
        _source=source,
    )


def find_study(study: str) -> Path:
    """The study's folder: as named, or as seen from a folder above this one; empty is the example."""
    from mpg_research.study.shipped import shipped_example

    if not study:
        return shipped_example()
    named = Path(study).expanduser()
    here = Path.cwd()
    for base in (here, *here.parents[:3]):
        if (base / named).exists():
            return base / named
    return named


@contextmanager
def _told(name: str, *, by_hand: bool) -> Iterator[None]:
    """Say by hand that an analysis is on its way if it takes long, and how long it took."""
    if not by_hand:
        yield
        return
    begun = time.monotonic()
    waiting = Timer(_A_WHILE, print, [f"{name}: computing; the result is kept."], {"file": sys.stderr})
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
        if (seconds := time.monotonic() - begun) > _A_WHILE:
            print(f"{name}: {seconds:.0f} s", file=sys.stderr)


def _tell_by_hand(text: str) -> None:
    """A word about the store for whoever runs a notebook by hand; a page is silent about it."""
    print(f"mpg_research: {text}", file=sys.stderr)


def _organisation(study: "StudySource", values: NotebookParameters) -> str:
    asked = str(getattr(values, "organisation", ""))
    known = list(study.config.organisations) or list(study.organisations)
    if asked and asked not in known:
        raise ConfigError(
            f"There is no organisation {asked!r} in the study {study.config.study.name}. "
            f"It has: {', '.join(known)}."
        )
    return asked or known[0]


def _correlation(released: Any) -> float | None:
    """Correlation of residuals a month apart, from the released variances of a model."""
    table = released.tables.get("variance_components")
    if table is None:
        return None
    rows = table.data[table.data["term_1"] == "month_apart"]
    found = float(rows["correlation"].iloc[0]) if len(rows) else float("nan")
    return found if found == found else None
