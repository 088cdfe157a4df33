"""What a process that makes pages does before the first one: import, load the study, check it."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mpg_research.languages import languages
from mpg_research.study.config.study_toml import OrganisationConfig, StudyConfig, read_config

__all__ = ["config_of", "prepare_process", "study_config"]

#: What makes pages, where many are made: the modules themselves, since a face imports them on first use. All
#: are imported before processes are forked, which then share them; none of them may start a thread.
_FOR_PAGES = (
    "IPython.core.application",
    "IPython.core.completer",
    "IPython.core.magics",
    "babel.dates",
    "babel.numbers",
    "mpg_research.disclosure.earlier",
    "mpg_research.disclosure.gate",
    "mpg_research.present.figures",
    "mpg_research.present.paper.abstract",
    "mpg_research.present.paper.checklist",
    "mpg_research.present.paper.citation",
    "mpg_research.present.paper.methods",
    "mpg_research.present.registry",
    "mpg_research.present.sentences.say",
    "mpg_research.present.tables.tabulate",
    "mpg_research.reporting.documents.make",
    "mpg_research.reporting.page.clean",
    "mpg_research.reporting.page.frame",
    "mpg_research.reporting.page.html",
    "mpg_research.reporting.page.looser",
    "mpg_research.reporting.planned.planned_analyses",
    "mpg_research.reporting.page.name_search",
    "mpg_research.reporting.page.numbering",
    "mpg_research.reporting.run.step",
    "mpg_research.reporting.safeguards.beside",
    "mpg_research.reporting.session.decisions",
    "mpg_research.reporting.session.paper",
    "mpg_research.reporting.session.reference",
    "mpg_research.reporting.session.releases",
    "mpg_research.reporting.session.session",
    "mpg_research.reporting.store.results",
    "mpg_research.reporting.warm.engine",
    "mpg_research.study.model",
    "mpg_research.study.scoring.questionnaires",
    "mpg_research.study.which_scores",
    "nbconvert.exporters.templateexporter",
    "nbconvert.filters.markdown_mistune",
    "pandas.io.formats.csvs",
    "papermill",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
)
#: What makes pages in other formats, where those are asked for.
_FOR_FORMATS = {
    "pdf": ("mpg_research.reporting.documents.read_page", "mpg_research.reporting.documents.pdf", "pypdf"),
    "docx": ("mpg_research.reporting.documents.read_page", "mpg_research.reporting.documents.word", "docx"),
}
#: Beside the analyses themselves: what they import where they use it, slow ones first of all.
_FOR_ANALYSES = (
    "joblib",
    "mpg_research.parallel",
    "mpg_research.reporting.run.works",
    "pingouin",
    "statsmodels.discrete.discrete_model",
    "statsmodels.genmod.families",
    "statsmodels.genmod.generalized_linear_model",
    "statsmodels.regression.linear_model",
    "statsmodels.stats.proportion",
)


def prepare_process(given: Mapping[str, Any]) -> dict[str, Any]:
    """Make a process ready for pages and analyses of one study.

    Parameters
    ----------
    given : mapping
        ``study``: its ``study.toml``. ``many``: whether the imports pay. ``is_first``: whether the study is
        to be loaded and checked here, before anything else. ``analyses``: by name, ``verb`` and ``options``.
        ``compare``: what the secret is known by, where releases are compared; else empty. ``formats``: in
        which pages are published.

    Returns
    -------
    dict
        Where ``is_first``: ``warnings``, how many the check of the study has, and ``missing``, the names of
        the analyses whose results are to be made and stored.

    Raises
    ------
    ConfigError, DataError
        If the study cannot be used.
    """
    answer: dict[str, Any] = {}
    missing: list[str] = []
    if given["is_first"]:
        from mpg_research.reporting.ledger.releases import ledger_of_page
        from mpg_research.reporting.store.source import open_study

        source = open_study(given["study"])
        answer["warnings"] = source.facts.n_warnings  # a study with errors is refused here
        missing = _not_stored(given)
        config_of(given["study"])
        if missing:
            source.pristine()  # once, for all that compute from it
        ledger = ledger_of_page(source.config.study.name, given.get("compare", ""))
        if ledger is not None:
            ledger.families_now(source)  # once, for all that compare
        # What cannot be stored is made by the pages themselves: made beforehand, it would be lost.
        answer["missing"] = missing if source.folder.is_writable else []
    if given["many"]:
        _import_for_pages(given.get("formats", ()))
        if missing:
            _import_for_analyses(given["analyses"][name]["verb"] for name in missing)
    return answer


def _import_for_pages(formats: Iterable[str]) -> None:
    from mpg_research.reporting.nbformat_import import import_nbformat

    import_nbformat()
    for name in (*_FOR_PAGES, *(each for format_ in formats for each in _FOR_FORMATS.get(format_, ()))):
        import_module(name)
    from mpg_research.present.language.phrases import phrases_in
    from mpg_research.present.registry import kinds
    from mpg_research.reporting.page.html import prepare_rendering

    kinds()
    for language in languages():
        phrases_in(language)
    prepare_rendering()


def _import_for_analyses(asked: Iterable[str]) -> None:
    from mpg_research import analysis

    for name in _FOR_ANALYSES:
        import_module(name)
    for verb in set(asked):
        getattr(analysis, verb)


def _not_stored(given: Mapping[str, Any]) -> list[str]:
    from mpg_research.reporting.store.analyses import is_stored

    return [
        name
        for name, asked in given["analyses"].items()
        if not is_stored(given["study"], asked["verb"], asked["options"])
    ]


@lru_cache(maxsize=1)
def config_of(study: str) -> StudyConfig:
    """The settings of the study that this process makes pages of, read once.

    Parameters
    ----------
    study : str
        Its folder or its ``study.toml``.

    Returns
    -------
    StudyConfig
    """
    return study_config(study)


def study_config(study: str | Path) -> StudyConfig:
    """The settings of a study. Where it declares no organisations: those in the data, their keys for names.

    Parameters
    ----------
    study : str or Path
        Its folder or its ``study.toml``.

    Returns
    -------
    StudyConfig
    """
    config = read_config(study)
    if config.organisations:
        return config
    from mpg_research.reporting.store.source import open_study

    found = open_study(config.file).facts.organisations
    named = {key: OrganisationConfig(name=dict.fromkeys(languages(), key)) for key in found}
    return config.model_copy(update={"organisations": named})
