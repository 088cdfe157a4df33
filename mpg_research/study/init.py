"""A new study folder: a commented study.toml, empty tables with headers, and a codebook."""

import re
from collections.abc import Iterator
from pathlib import Path

from mpg_research.errors import ConfigError
from mpg_research.instruments import SHIPPED_INSTRUMENTS, load_instrument
from mpg_research.study.schemas import SCHEMAS, Column, Schema, item_name

__all__ = ["codebook", "init_instrument", "init_study", "instrument_to_fill_in", "study_name"]

N_ITEMS = 10  # of the OBVL-K
EXAMPLE_INSTRUMENT = "my_questionnaire"
REQUIRED_TABLES = ("episodes", "measurements")
KINDS = {
    "id": "text (leading zeros count)",
    "text": "text",
    "code": "one of the codes below",
    "time": "date: 2025-12-31 or 31-12-2025",
    "number": "number",
    "integer": "whole number",
    "boolean": "1 or 0 (also ja/nee, yes/no)",
}


def init_study(folder: str | Path) -> tuple[Path, ...]:
    """Make a new study folder; nothing that exists is ever overwritten.

    Parameters
    ----------
    folder : str or Path
        A folder that does not exist, or is empty.

    Returns
    -------
    tuple of Path
        The files that were made: ``study.toml``, ``codebook.md`` and a CSV with a header per table.

    Raises
    ------
    ConfigError
        If the folder holds something, or cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> made = init_study(Path(tempfile.mkdtemp()) / "my-study")
    >>> made[0].name
    'study.toml'
    """
    folder = Path(folder).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} exists already and is not an empty folder. Name a new folder: nothing is overwritten."
        )
    contents = {"study.toml": _study_toml(folder.name), "codebook.md": codebook()}
    for schema in SCHEMAS.values():
        contents[f"{schema.name}.csv"] = ",".join(_header(schema)) + "\n"
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            made.append(folder / name)
    except OSError as error:
        raise ConfigError(f"The study folder {folder} cannot be made: {error.strerror}.") from None
    return tuple(made)


def init_instrument(file: str | Path) -> Path:
    """Write a commented example of a questionnaire's file; nothing that exists is ever overwritten.

    Parameters
    ----------
    file : str or Path
        The file to make, or a folder (of a study) that gets ``my_questionnaire.toml``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the file is there already, has another ending than ``.toml``, or cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> init_instrument(Path(tempfile.mkdtemp()) / "mine.toml").name
    'mine.toml'
    """
    path = Path(file).expanduser().absolute()
    path = path / f"{EXAMPLE_INSTRUMENT}.toml" if path.is_dir() else path
    if path.suffix.lower() != ".toml":
        raise ConfigError(f'{path} has not the ending ".toml". Name the file that is to be made: KEY.toml.')
    key = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")[:40]
    key = key if key[:1].isalpha() else EXAMPLE_INSTRUMENT
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(_INSTRUMENT.replace("@KEY@", key).replace("@FILE@", path.name))
    except FileExistsError:
        raise ConfigError(f"{path} exists already. Name a new file: nothing is overwritten.") from None
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be made: {error.strerror}.") from None
    return path


def instrument_to_fill_in(key: str, number: int, minimum: int, maximum: int) -> str:
    """The file of a questionnaire as far as its answers show it; which way it runs is never guessed.

    Parameters
    ----------
    key : str
        Of the questionnaire.
    number, minimum, maximum : int
        Items, and the lowest and highest answer that was seen.

    Returns
    -------
    str
        TOML that is refused until its direction is filled in.
    """
    seen = {"number": number, "minimum": minimum, "maximum": maximum}
    text = _INSTRUMENT.replace("@KEY@", key).replace("@FILE@", f"{key}.toml")
    text = text.replace(
        "The numbers below are an EXAMPLE:", "The numbers under [items] were SEEN in an export:"
    )
    text = text.replace('direction = "higher_is_worse"', 'direction = "?"              ', 1)
    for name, value in seen.items():
        text = re.sub(rf"^{name} = \d+", f"{name} = {value}", text, count=1, flags=re.MULTILINE)
    return text


def _header(schema: Schema) -> list[str]:
    names = [column.name for column in schema.columns if column.in_template]
    if schema.name == "measurements":
        names.remove("total")
        names += [item_name(number) for number in range(1, N_ITEMS + 1)]
    return names


def study_name(folder: str) -> str:
    """The name of a study that lies in a folder of this name."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:48].strip("-")
    return name or "my-study"


def _study_toml(folder: str) -> str:
    name = study_name(folder)
    optional = "\n".join(
        f'# [tables.{table}]\n# file = "{table}.csv"\n' for table in SCHEMAS if table not in REQUIRED_TABLES
    )
    return _TEMPLATE.replace("@NAME@", name).replace("@OPTIONAL@", optional).replace("@KNOWN@", _known())


def _known() -> str:
    """The questionnaires that come with the package: "OBVL (obvl, total only), OBVL-K (obvl_k)"."""
    shipped = [load_instrument(key) for key in SHIPPED_INSTRUMENTS]
    only = {True: ", total only", False: ""}
    return ", ".join(f"{each.abbreviation} ({each.key}{only[each.total_only]})" for each in shipped)


def codebook() -> str:
    """Every table and its columns, as Markdown."""
    lines = [
        "# Codebook",
        "",
        "The tables of this study and their columns. Columns marked with * must be filled in every row;",
        "the others may be left empty or left out. Columns marked with + are not in the empty tables that",
        "mpg init makes: add them where they are recorded. Extra columns are not read.",
    ]
    for schema in SCHEMAS.values():
        lines += [
            "",
            f"## {schema.name}",
            "",
            f"One row per {schema.row}.",
            "",
            "| column | kind | meaning |",
        ]
        lines += ["|---|---|---|", *(_codebook_row(column) for column in _described(schema))]
    return "\n".join(lines) + "\n"


def _described(schema: Schema) -> Iterator[Column]:
    yield from schema.columns
    if schema.name == "measurements":
        yield Column("item_01 ... item_10", "integer", "the answers, as many as the questionnaire has items")


def _codebook_row(column: Column) -> str:
    codes = ", ".join(
        f"{name} ({others[0]})" if others else name for name, others in (column.vocabulary or {}).items()
    )
    bounds = ""
    if column.minimum is not None:
        bounds = f", from {column.minimum:g}" + (f" to {column.maximum:g}" if column.maximum else "")
    meaning = f"{column.meaning}; codes: {codes}" if codes else column.meaning
    mark = "*" if column.required else "" if column.in_template else "+"
    return f"| {column.name}{mark} | {KINDS[column.kind]}{bounds} | {meaning} |"


_INSTRUMENT = """\
# A questionnaire. Put this file in the study folder and name it in study.toml:
#     [instruments.@KEY@]
#     file = "@FILE@"
# The numbers below are an EXAMPLE: replace them by those of your questionnaire, from its manual.
# Neither item texts nor norms belong here; a norm table is a CSV of the study (docs/how_to/norm_table.md).

key = "@KEY@"                  # a-z, 0-9 and _; as the measurements name it, or as constants say
abbreviation = "MYQ"           # as tables and figures call it
direction = "higher_is_worse"  # or "higher_is_better": what a high score means
source = "Where number, range and scoring of the items are published"
# concept = { nl = "de stress", en = "stress" }   # what the scores are about, as in "... fell by 4 points"
# notes = ["What a reader should know of this questionnaire; reports do not print it."]

[name]                         # or one name for both languages: name = "..."
nl = "Mijn vragenlijst"
en = "My questionnaire"

[items]
number = 4                     # columns item_01 ... item_04, or as patterns say
minimum = 1                    # lowest and highest answer that can be given; others are mistakes
maximum = 5
reverse = []                   # items answered the other way round, which the export holds as answered:
                               # reverse = ["item_02"]. Leave it empty where the export has turned them.
# total_only = true            # the export has no items but a column total; then minimum and maximum may be
                               # left out, reverse must be, and the range of the total is given:
# [total]
# minimum = 4
# maximum = 20

# [missing]                    # how many items may be unanswered; none if left out
# max_missing = 1              # the others' mean is taken for them
# decided_by = "publisher"     # or "study", where it is your own choice
# source = "Manual, page ..."

# [[age_bands]]                # ages at intake for which the norms differ; they must join up
# from = 4
# to = 11
# [[age_bands]]
# from = 12
# to = 18

# [[reliability]]              # as published; counts only with the sd of the raw scores in that publication
# kind = "alpha"
# value = 0.80
# sd = 6.1
# population = "which people, how many"
# source = "Author (year)"
"""

_TEMPLATE = """\
# A study: which files hold the data, and how to read them. Lines that start with # are explanation.
# Look for mistakes with: mpg check   Make the reports with: mpg run

[study]
name = "@NAME@"                      # name of the folder with the reports: a-z, 0-9, - and _
title = { nl = "@NAME@", en = "@NAME@" }   # as the reports print it
languages = ["nl", "en"]
# synthetic = true                   # if the data are made up: every page will say so
# export_date = 2025-12-31           # later dates are mistakes; today if left out
# shared_families = true             # one id at several organisations is one family that they help together
# What the reports call those the study is about, if they are no families:
# unit = { nl = { one = "cliënt", many = "cliënten" }, en = { one = "client", many = "clients" } }

[time]
kind = "dates"                       # or "numbers" if the study has no dates; then also:
# unit = "months"                    # of the numbers in the files: days, weeks, months, years or waves
# origin = 0                         # the number that is the start of the help
# months_per_unit = 3                # length of a wave, for unit = "waves"
baseline_window_days = 30            # measured so many days before the start still counts as time zero
# incomplete_dates = "middle"        # read 20250300 as the middle of the month; an error if left out

# Separator, decimal comma, encoding and date format of a CSV are found out; set them if that fails.
# A file may also be .xlsx (with sheet = "..."), .sav or .parquet, and may lie elsewhere. Several files make
# one table too: file = ["a.sav", "b.xlsx"], or all in a folder, file = "exports/*.csv"; if they are written
# in different ways, in place of file one [[tables.episodes.sources]] for each, with settings of its own.
[tables.episodes]
file = "episodes.csv"
# separator = ";"
# decimal = ","
# encoding = "cp1252"
# date_format = "%d-%m-%Y"
# missing_values = [99]              # codes that mean: no answer
# header_row = 4                     # where a title stands above the names of the columns
# identifiers_kept = { contact = "telephone of the office" }      # why a column stays that looks unsafe
# columns = { family = "client_id", organisation = "org" }       # our column = column in the file
#   columns = { family = ["organisation", "client"] }   where client numbers start again at each organisation
# decimals = { child_age = "," }     # a column with another decimal sign than the rest of the file
# constants = { organisation = "org_a" }                         # one value for all rows
# values = { end_reason = { "gestopt" = "early_client" } }       # code in the file = our code

[tables.measurements]
file = "measurements.csv"
#   patterns = { item = "OBVLK vraag {item}" }   how the columns of the items are called, in a long file
# layout = "wide"                    # one column per wave and item, found with patterns:
# patterns = { item = "obvlk_t{wave}_{item}", date = "date_t{wave}" }
#   patterns = { total = "obvlk_total_t{wave}" }   where a wide file has totals and no items
#   times = { pre = 0, "3m" = 3 }    when the waves were, in [time] unit, where a wide file has no dates

@OPTIONAL@
# Declare the organisations to give them their public names; others are then refused.
# [organisations.org_a]
# name = "Organisatie A"

# Questionnaires that are known: @KNOWN@. Norms do not come with them; if you have some:
# [instruments.obvl_k]
# norms = "norms.csv"                # columns age_from, age_to, raw, t_score
# norms_source = "where the table comes from, as the reports will print it"
# maximum_missing_items = 1          # prorate up to so many unanswered items; 0 if left out
#
# A questionnaire of your own is described in a file in this folder; mpg init --instrument mine.toml
# makes one with everything in it explained:
# [instruments.mine]
# file = "mine.toml"

# Whose data may be used, if the files hold others too. The rest is left out before anything else:
# [consent]
# column = "consent"                 # of the file with the episodes: consent, or another legal ground
# permits = ["yes"]                  # what permits; an empty cell never does

# Codes of the study's own beside those that are known, each with its wording; others are shown by no name:
# [vocabularies]
#   interventions = { walk = { nl = "Samen wandelen", en = "Taking a walk together" } }
#   roles = { supervisor = { nl = "Leidinggevende", en = "Supervisor" } }
#   events = { moved = { nl = "Verhuisd", en = "Moved house" } }
#   domains = { network = { nl = "Netwerk", en = "Network" } }
#   conditions = { caseload = { nl = "Weinig gezinnen per hulpverlener", en = "Few families per worker" } }

[analysis]
instrument = "obvl_k"
# instruments = ["obvl_k", "mine"]   # several side by side; the first is the one that every page is about
outcome = "raw"                      # or "t_score", with norms
respondents = "declared"             # one per family (the first parent, else who has most); or "both"
episodes = "first"                   # per family; or "all"
case_mix = []                        # columns of episodes to adjust for, such as "child_age"
# months = [0, 6, 12]                # to report, in months since the start (weeks with unit = "weeks",
# primary_month = 12                 # waves with "waves"); these, as far as the data go, if left out
minimum_measured = 10                # nothing is said of months at which fewer families are measured
reference = "mean"                   # what organisations are compared with: their mean, or their median
change_method = "JT"                 # what "improved" means: JT, GLN, HLL, EN, NK or HA

[interventions]                      # how long after a signal is looked; our numbers, not the toolkit's
grace_weeks = 8                      # within so many weeks something that was done counts as an answer to it
later_months = 6                     # how the family stands so long after it,
later_window_months = 1.5            # by a measurement no further than this from that moment

[costs]                              # where a table of prices is there; numbers here are our own choice
# year = 2024                        # amounts in prices of this year; the latest of the table if left out
perspective = "societal"             # whose costs count: everybody's, "municipal", or one payer
discount_costs = 0.03                # per year; these two are those of the Dutch guideline of January 2024,
discount_effects = 0.015             # as the R package tatooheene has them
horizon_months = 12                  # costs and effects are counted so long after the start
round_to = 100                       # every amount that is shown is a multiple of so many euros
effect = "points"                    # or "reliably_improved", "months_without_placement"
before_help_months = 0               # the tables hold costs of so many months before the start too
otherwise = "none"                   # how it is known what would have happened anyway (costs.md)
# thresholds = [100, 500]            # what one unit of effect may cost; there is no norm, so none by default

[talk]                               # for the talk with one family; every number here is our own choice
ahead = 6                            # the chance that the score so many months on is no better than now
recent = 3                           # "going the right way now" looks back so many months
still_alarms = 0.2                   # of families elsewhere that went well, at most this share is called
still_month = 4                      # (off track, may be standing still), as measured around this month
unmeasured_after = 2                 # mpg due: not measured for longer than so many months
evaluate_after = 6                   # mpg due: no clear progress after so many months of help
clear_progress = 0.9                 # progress is clear from this chance of true improvement on

# What was decided beforehand goes into [plan] (docs/how_to/plan_first.md): mpg protocol prints and seals it.

# [checklists]                       # what you write yourselves for a paper (docs/how_to/for_a_paper.md)
#                                    # below it, such as: strobe = { funding = "Who paid, and what for." }

[disclosure]
minimum_families = 10                # figures on fewer families are not shown
minimum_other_organisations = 3
# dominance_within_percent = 10      # amounts: nobody may tell another's part to within so many per cent,
# dominance_largest_percent = 50     # nor may one family be more than so many per cent of it
rounding = 5                         # counts go to multiples of this; mpg run --private shows them exactly
public_groups = false                # true only if the groups are no secret, such as the arms of a trial
name_organisations_to_funder = false
# reason = "The arms of a trial are no secret."   # why a rule is looser than it stands above; pages print it
"""
