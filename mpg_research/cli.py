"""The ``mpg`` command. Nothing heavy is imported before it is needed, so that help comes at once."""

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mpg_research.errors import MpgError
from mpg_research.languages import languages
from mpg_research.plurals import counted
from mpg_research.version import __version__
from mpg_research.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

    from mpg_research.reporting.run.run import RunSummary

__all__ = ["build_parser", "main"]

EXIT_BUG = 70
#: The machine cannot do it: no memory, no room, no rights, a library that cannot be loaded.
EXIT_MACHINE = 8
EXIT_INTERRUPTED = 130
_VERSION = f"mpg_research {__version__}"
_EPILOG = """\
examples:
  mpg run                              all reports of the synthetic example study
  mpg run my_study                     all reports of your own study
  mpg run my_study --only report_funder --language nl
  mpg verify reports/my_study          are the reports still what was published?
  mpg trace reports/my_study T-0d1rg   what is behind the table with this id
  mpg check my_study                   every problem in the data, at once
  mpg check my_study --html check.html the same as an internal page
  mpg init my_study                    a new study folder with a commented study.toml
  mpg plan --set effect=-3 --vary families=100,200,400
  mpg init my_study --from a.sav b.csv a new study from exports, with a proposed study.toml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments after ``mpg``; by default those of the process.

    Returns
    -------
    int
        0 when all is well; the error's own code (2-7) when this package refuses with a reason; 8 where
        the machine cannot do it (no memory, no room, no rights); 70 for a bug; 130 after an interruption.
    """
    try:
        parser = build_parser()
    except MpgError as error:  # languages that cannot be used
        print(f"mpg: {error}", file=sys.stderr)
        return error.exit_code
    options = parser.parse_args(arguments)
    try:
        return int(options.command(options))
    except MpgError as error:
        if options.debug:
            raise
        print(f"mpg: {visible(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(_interruption(options), file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return 0
    except Exception as error:
        if options.debug:
            raise
        if reason := _reason_outside(error):
            print(f"mpg: {reason}", file=sys.stderr)
            return EXIT_MACHINE
        print(
            f"mpg: something went wrong that should not: {type(error).__name__}: {error}\n"
            "This is a bug in mpg_research, not in your data. The same command with --debug shows where it "
            "is; please send that text to the developers after looking whether it quotes data.",
            file=sys.stderr,
        )
        return EXIT_BUG


def _reason_outside(error: BaseException) -> str:
    """What is wrong with the machine, where that is what is wrong; else nothing."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    if any(_is_lack_of_memory(each) for each in chain):
        return (
            "the machine has too little memory for this. Close other programs, or use a machine with more; "
            "with --jobs 1 less is needed at the same time."
        )
    if isinstance(error, OSError) and error.strerror:
        place = f" ({str(error.filename)[:200]})" if error.filename else ""
        return (
            f"a file or folder could not be read or written: {error.strerror}{place}. Correct its name, ask "
            "for the right to use it, or make room."
        )
    if isinstance(error, ImportError) and not (error.name or "").startswith("mpg_research"):
        return (
            f"a library could not be loaded: {error}. The environment is not whole; make it anew as the "
            "README says."
        )
    return ""


def _is_lack_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    text = str(error).lower()
    signs = ("cannot allocate memory", "failed to map segment", "std::bad_alloc", "malloc of size")
    return any(sign in text for sign in signs)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser = argparse.ArgumentParser(
        prog="mpg",
        description="A study folder goes in, trustworthy reports come out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_VERSION)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands, common)
    _add_check(commands, common)
    _add_init(commands, common)
    _add_simulate(commands, common)
    _add_notebooks(commands, common)
    _add_profile(commands, common)
    _add_due(commands, common)
    _add_plan(commands, common)
    _add_export(commands, common)
    _add_verify(commands, common)
    _add_trace(commands, common)
    _add_clean(commands, common)
    _add_releases(commands, common)
    _add_pseudonymise(commands, common)
    _add_register(commands, common)
    _add_protocol(commands, common)
    _add_bundle(commands, common)
    version = commands.add_parser("version", parents=[common], help="say which version this is")
    version.set_defaults(command=_version)
    return parser


def _add_run(commands: Any, common: argparse.ArgumentParser) -> None:
    run = commands.add_parser(
        "run",
        parents=[common],
        help="make all notebooks and reports of a study",
        description="Make all notebooks and reports of a study. What is up to date is left as it is; "
        "after an interruption the same command goes on where it stopped.",
    )
    run.add_argument(
        "study", nargs="?", metavar="STUDY", help="study folder or study.toml (default: the example study)"
    )
    run.add_argument(
        "--output", metavar="DIR", help="where the reports go (default: reports; with --private: none)"
    )
    run.add_argument(
        "--only", action="append", default=[], metavar="NOTEBOOK", help="only this notebook (may be repeated)"
    )
    run.add_argument(
        "--organisation",
        action="append",
        default=[],
        metavar="KEY",
        help="only the report of this organisation (may be repeated)",
    )
    run.add_argument(
        "--language",
        action="append",
        default=[],
        metavar="CODE",
        help=f"only this language, {' or '.join(languages())} (may be repeated)",
    )
    run.add_argument(
        "--jobs", type=int, metavar="N", help="pages and analyses at the same time (default: one per core)"
    )
    run.add_argument(
        "--notebooks", metavar="DIR", help="folder of notebooks of your own (default: those of the package)"
    )
    run.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="make analyses and pages on the machines of a Dask cluster with its scheduler at this address",
    )
    run.add_argument(
        "--private",
        action="store_true",
        help="the researcher's own pages, with nothing suppressed: not for release, away from the reports",
    )
    run.add_argument(
        "--allow-modified",
        action="store_true",
        help="also run notebooks that were changed and are not registered; their pages say so",
    )
    run.add_argument("--png", action="store_true", help="write every figure as PNG as well as SVG")
    run.add_argument(
        "--formats",
        default="",
        metavar="LIST",
        help="how pages are published: html, and pdf or docx (Word) with commas between them "
        "(default: [report] formats in study.toml, else html)",
    )
    run.add_argument("--open", action="store_true", help="open the overview in a browser afterwards")
    run.add_argument("--force", action="store_true", help="also make anew what is up to date")
    run.add_argument(
        "--explain", action="store_true", help="only say why each page would be made or not; make nothing"
    )
    run.set_defaults(command=_run)


def _add_notebooks(commands: Any, common: argparse.ArgumentParser) -> None:
    notebooks = commands.add_parser(
        "notebooks",
        parents=[common],
        help="write copies of the notebooks to work in, in one language",
        description="Write copies of the notebooks to work in with JupyterLab: in one language, with your "
        "study filled in. A file that is there is left as it is.",
    )
    notebooks.add_argument("folder", metavar="DIR", help="folder for the copies")
    notebooks.add_argument(
        "study", nargs="?", default="", metavar="STUDY", help="study folder (default: the example study)"
    )
    known = languages()
    notebooks.add_argument(
        "--language", default=known[0], choices=known, help=f"language (default: {known[0]})"
    )
    notebooks.set_defaults(command=_notebooks)


def _add_profile(commands: Any, common: argparse.ArgumentParser) -> None:
    profile = commands.add_parser(
        "profile",
        parents=[common],
        help="make the course profile of one family (sensitive)",
        description="Make the course profile of one family, for the talk with that family. It is sensitive "
        "and is written only to a folder you name, never below a reports folder.",
    )
    profile.add_argument(
        "study", nargs="?", default="", metavar="STUDY", help="study folder (default: the example study)"
    )
    profile.add_argument("--family", required=True, metavar="ID", help="the family's id in the study")
    profile.add_argument("--output", required=True, metavar="DIR", help="a folder of your own")
    known = languages()
    profile.add_argument(
        "--language", default=known[0], choices=known, help=f"language (default: {known[0]})"
    )
    profile.add_argument("--episode", default="", metavar="ID", help="period of help (default: the last one)")
    profile.add_argument(
        "--for", dest="reader", default="worker", choices=("worker", "family"),
        help="for the worker (default), or one page in plain words for the family itself",
    )  # fmt: skip
    profile.set_defaults(command=_profile)


def _profile(options: argparse.Namespace) -> int:
    from mpg_research.reporting.profile import write_profile

    file = write_profile(
        options.study,
        family=options.family,
        output=options.output,
        language=options.language,
        episode=options.episode,
        reader=options.reader,
    )
    print(f"Course profile: {file}\nIt is about one family: sensitive personal data, not for reports.")
    return 0


def _add_due(commands: Any, common: argparse.ArgumentParser) -> None:
    due = commands.add_parser(
        "due",
        parents=[common],
        help="list the families that are due for a talk (sensitive)",
        description="List the families whose help runs and who are off track, may be standing still, are "
        "worse, were not measured for long, or show no clear progress. It is sensitive and is written only "
        "to a folder you name, never below a reports folder. The limits stand under [talk] in study.toml.",
    )
    due.add_argument(
        "study", nargs="?", default="", metavar="STUDY", help="study folder (default: the example study)"
    )
    due.add_argument("--output", required=True, metavar="DIR", help="a folder of your own")
    due.add_argument(
        "--as-of", default="", metavar="DATE", help="the day that is looked from (default: export_date)"
    )
    due.add_argument("--organisation", default="", metavar="KEY", help="only this organisation")
    known = languages()
    due.add_argument("--language", default=known[0], choices=known, help=f"language (default: {known[0]})")
    due.set_defaults(command=_due)


def _due(options: argparse.Namespace) -> int:
    from mpg_research.reporting.due import write_due

    page, table = write_due(
        options.study,
        output=options.output,
        language=options.language,
        as_of=options.as_of,
        organisation=options.organisation,
    )
    print(f"Due for a talk: {page}\n{table}")
    print("These are single families: sensitive personal data, not for reports.")
    return 0


def _add_plan(commands: Any, common: argparse.ArgumentParser) -> None:
    plan = commands.add_parser(
        "plan",
        parents=[common],
        help="before the study: how many families, how sure, and how often wrong",
        description="Simulate the study that is planned: power, margins and wrong flags, as a page that a "
        "funder can read and as CSV. Give the plan in a file (TOML), in options, or both: options go first.",
    )
    plan.add_argument("plan", nargs="?", default="", metavar="PLAN", help="file of a plan (TOML)")
    plan.add_argument("--question", metavar="NAME", help="what is asked (default: mean_change)")
    plan.add_argument(
        "--from", dest="study", metavar="STUDY", help="take what is not given from this study so far"
    )
    plan.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="an input, such as families=200"
    )
    plan.add_argument(
        "--vary", action="append", default=[], metavar="NAME=A,B,C", help="values of an input (at most twice)"
    )
    plan.add_argument(
        "--smallest", action="store_true", default=None, help="find the smallest number of families"
    )
    plan.add_argument("--power", type=float, metavar="P", help="power wanted for that (default: 0.8)")
    plan.add_argument("--simulations", type=int, metavar="N", help="studies per size (default: 1000)")
    plan.add_argument("--seed", type=int, metavar="N", help="of the random numbers (default: 1)")
    plan.add_argument(
        "--output", default="plan", metavar="DIR", help="folder of page and CSV (default: plan)"
    )
    known = languages()
    plan.add_argument(
        "--language",
        action="append",
        default=[],
        choices=known,
        help="language (may be repeated; default: all)",
    )
    plan.add_argument("--jobs", type=int, metavar="N", help="processes (default: one per core)")
    plan.add_argument("--dask", metavar="ADDRESS", help="simulate on a Dask cluster with its scheduler there")
    plan.set_defaults(command=_plan)


def _plan(options: argparse.Namespace) -> int:
    from mpg_research.reporting.plan import write_plan
    from mpg_research.reporting.run.cluster import cluster_at

    with _termination_as_interruption(), cluster_at(options.dask):
        made = write_plan(
            options.plan,
            output=options.output,
            languages=options.language,
            question=options.question,
            study=options.study,
            inputs=options.set,
            vary=options.vary,
            smallest=options.smallest,
            power=options.power,
            simulations=options.simulations,
            seed=options.seed,
            jobs=options.jobs,
        )
    for file in made.files:
        print(f"Plan: {file}")
    for sentence in made.sentences:
        print(sentence)
    return 0


def _add_export(commands: Any, common: argparse.ArgumentParser) -> None:
    export = commands.add_parser(
        "export",
        parents=[common],
        help="write the data for R, SPSS and others (sensitive), or a description without data",
        description="Write scored measurements, the rows of the primary model and a codebook as CSV, Parquet "
        "and SPSS, with scripts for R and SPSS that fit the primary model. These are personal data: only "
        "their owner can read the folder, and it never lies among reports or in a work tree of Git.",
    )
    export.add_argument("study", metavar="STUDY", help="study folder or study.toml")
    export.add_argument("folder", metavar="DIR", help="a new or empty folder of your own")
    export.add_argument(
        "--metadata-only",
        action="store_true",
        help="no data: a description that may be shared (Frictionless data package, DDI-Codebook)",
    )
    export.add_argument("--replace", action="store_true", help="put it in the place of an earlier export")
    export.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    from mpg_research.reporting.outgoing.export import export_metadata, export_study
    from mpg_research.reporting.outgoing.place import check_export_place
    from mpg_research.study import load_study

    if not options.metadata_only:
        check_export_place(options.folder)
    study = load_study(options.study)
    make = export_metadata if options.metadata_only else export_study
    done = make(study, options.folder, replace=options.replace)
    print(f"Written to {done.folder}: {', '.join(done.files)}")
    if done.without_model:
        print(f"Without the analysis frame: {visible(done.without_model)}")
    if options.metadata_only:
        print("No value in it comes from the data. Read it through before you share it.")
    else:
        print(
            "These are data about single families: personal data, also when pseudonymised. Do not pass them "
            "on, and remove the folder when you are done."
        )
    return 0


def _add_register(commands: Any, common: argparse.ArgumentParser) -> None:
    register = commands.add_parser(
        "register",
        parents=[common],
        help="let notebooks of your own, or changed ones, make reports of a study",
        description="Let notebooks make reports of a study, as they are now. Read them first: a notebook is "
        "a program that sees every family. One that is changed afterwards must be registered again. The list "
        "is notebooks.toml in the study's folder.",
    )
    register.add_argument("study", metavar="STUDY", help="study folder or study.toml")
    register.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="file of a notebook (.ipynb)")
    register.set_defaults(command=_register)


def _register(options: argparse.Namespace) -> int:
    from mpg_research.reporting.allowed_notebooks import REGISTER, register_notebooks
    from mpg_research.study import read_config

    folder = read_config(options.study).folder
    for name, role in register_notebooks(folder, options.notebooks).items():
        print(f"Registered {name}, for the {role}, as it is now.")
    print(f"The list: {folder / REGISTER}")
    return 0


def _add_pseudonymise(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "pseudonymise",
        parents=[common],
        help="make files for a study out of exports: pseudonyms for ids, ages for birth dates",
        description="Write exports anew as CSV: ids become pseudonyms that nobody without the key can undo, "
        "birth dates become ages, postcodes become regions. Columns that you do not name are left out. "
        "Pseudonymised data are still personal data.",
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="exports: CSV, Excel, SPSS or Parquet")
    parser.add_argument(
        "--new-key", metavar="FILE", help="make a new key, outside study and repository, and stop"
    )
    parser.add_argument("--key", metavar="FILE", help="file of the key (default: MPG_PSEUDONYM_KEY)")
    parser.add_argument("--project", default="", metavar="NAME", help="another project gets other pseudonyms")
    parser.add_argument("--output", metavar="DIR", help="folder for the new files")
    parser.add_argument(
        "--id", action="append", default=[], metavar="[NEW=]COLUMN[+COLUMN]",
        help="make pseudonyms of a column, or of several together (may be repeated)",
    )  # fmt: skip
    parser.add_argument(
        "--age", action="append", default=[], metavar="NEW=BIRTH@DATE",
        help="years from a birth date to another date, to one decimal",
    )  # fmt: skip
    parser.add_argument(
        "--region", action="append", default=[], metavar="NEW=POSTCODE", help="first two digits of a postcode"
    )
    parser.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN",
        help="take over a column as it is; * stands for anything, as in item_* (may be repeated)",
    )  # fmt: skip
    parser.add_argument(
        "--keep-as-is", action="append", default=[], metavar="COLUMN",
        help="the same, although it looks like free text or like something that tells who a person is",
    )  # fmt: skip
    parser.add_argument("--replace", action="store_true", help="write over files that are there")
    parser.set_defaults(command=_pseudonymise)


def _pseudonymise(options: argparse.Namespace) -> int:
    from mpg_research.errors import ConfigError
    from mpg_research.study import make_key, pseudonymise_files

    if options.new_key:
        print(
            f"Made the key {make_key(options.new_key)}. Keep it apart from the data, and keep a copy of it."
        )
        return 0
    if not options.files or not options.output:
        raise ConfigError(
            "Name the exports and the folder for the new files: mpg pseudonymise FILE --output DIR"
        )
    done = pseudonymise_files(
        options.files,
        options.output,
        project=options.project,
        key_file=options.key,
        ids={new: tuple(source.split("+")) for new, source in map(_new_and_source, options.id)},
        ages={new: _birth_and_date(source) for new, source in map(_new_and_source, options.age)},
        regions=dict(map(_new_and_source, options.region)),
        keep=options.keep,
        keep_as_is=options.keep_as_is,
        replace=options.replace,
    )
    for file in done:
        print(f"{file.target}: {counted(file.n_rows, 'rows')}")
        for column, source in file.made.items():
            print(f"  {column}: {source}")
        print(f"  left out: {', '.join(file.left_out) or 'nothing'}")
    print("Pseudonymised data are still personal data.")
    return 0


def _new_and_source(written: str) -> tuple[str, str]:
    """NEW=COLUMN; where no new name is given, the column's own."""
    new, sign, source = written.partition("=")
    return (new, source) if sign else (written, written)


def _birth_and_date(written: str) -> tuple[str, str]:
    from mpg_research.errors import ConfigError

    birth, sign, date = written.partition("@")
    if not (birth and sign and date):
        raise ConfigError(
            f'--age was given "{written}"; expected NEW=BIRTH@DATE, as in child_age=date_of_birth@start.'
        )
    return birth, date


def _add_check(commands: Any, common: argparse.ArgumentParser) -> None:
    check = commands.add_parser(
        "check",
        parents=[common],
        help="list every problem in a study's data, and a summary",
        description="List every problem in a study's data, and a summary. The exit code is 0 without errors "
        "and 3 with them (2 where the command itself cannot be carried out).",
    )
    check.add_argument("study", nargs="?", metavar="STUDY", help="study folder (default: the example study)")
    form = check.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for machines: JSON in a stable form")
    form.add_argument(
        "--html", metavar="FILE", help="write it as an internal page, with completeness by month (sensitive)"
    )
    known = languages()
    check.add_argument(
        "--language", default=known[0], choices=known, help=f"language of the page (default: {known[0]})"
    )
    check.set_defaults(command=_check)


def _add_init(commands: Any, common: argparse.ArgumentParser) -> None:
    init = commands.add_parser(
        "init",
        parents=[common],
        help="make a new study folder, empty or from exports, or the file of a questionnaire",
        description="Make a new study folder. With --from: look at the first rows of exports and propose in "
        "study.toml how to read them; what is doubtful is marked LOOK. Nothing is overwritten, no export is "
        "changed, and reverse keys, norms and who an organisation is are never guessed silently.",
    )
    init.add_argument("folder", metavar="DIR", nargs="?", help="folder to make")
    init.add_argument(
        "--instrument", metavar="FILE", help="make a commented example of a questionnaire's file (KEY.toml)"
    )
    init.add_argument(
        "--from", dest="files", nargs="+", metavar="FILE", default=[],
        help="exports to begin from: CSV, Excel, SPSS, Parquet, FHIR responses (.ndjson)",
    )  # fmt: skip
    init.add_argument(
        "--preset", default="", metavar="NAME",
        help="the layout of the exports, if it is not seen by their columns: roqua, cbs_jeugd, fhir, redcap, "
        "limesurvey",
    )  # fmt: skip
    init.add_argument(
        "--copy", action="store_true",
        help="copy the exports into the folder, for your eyes only; else they stay where they lie",
    )  # fmt: skip
    init.add_argument("--ask", action="store_true", help="ask about what is doubtful")
    init.set_defaults(command=_init)


def _add_simulate(commands: Any, common: argparse.ArgumentParser) -> None:
    simulate = commands.add_parser(
        "simulate", parents=[common], help="make a synthetic study with a known truth"
    )
    simulate.add_argument("folder", metavar="DIR", help="folder to make")
    simulate.add_argument("--seed", type=int, help="seed of the random numbers (default: the example's)")
    simulate.add_argument("--families", type=int, default=250, help="number of families (default: 250)")
    simulate.add_argument("--organisations", type=int, default=6, help="number of organisations (default: 6)")
    simulate.add_argument(
        "--truth",
        choices=("none", "small", "large"),
        default="small",
        help="families from which the true mean courses are computed, per organisation and case mix: "
        "none, 2,000 or 200,000 (default: small)",
    )
    simulate.add_argument(
        "--cost-effect",
        action="store_true",
        help="the last organisation gets by with fewer hours and sees fewer placements (truth/costs.toml)",
    )
    simulate.add_argument(
        "--example",
        action="store_true",
        help="the example study as it is shipped, over one that stands there; ignores the other options",
    )
    simulate.set_defaults(command=_simulate)


def _add_clean(commands: Any, common: argparse.ArgumentParser) -> None:
    clean = commands.add_parser(
        "clean",
        parents=[common],
        help="remove the stored results of analyses",
        description="Remove the results of analyses that were stored so that they are computed once. Reports "
        "and studies stay as they are; what is needed again is computed again.",
    )
    clean.add_argument("--dry-run", action="store_true", help="only say how much there is")
    clean.set_defaults(command=_clean)


def _clean(options: argparse.Namespace) -> int:
    from mpg_research.reporting.store.folder import store_folder

    folder = store_folder()
    if folder.path is None:
        print("Results are not stored (MPG_CACHE=off).")
        return 0
    number, size = folder.size() if options.dry_run else folder.clean()
    there = "There is" if number == 1 else "There are"
    said = there if options.dry_run else "Removed"
    print(f"{said} {counted(number, 'files')}, {size / 1e6:.1f} MB, in {folder.path}.")
    return 0


def _add_verify(commands: Any, common: argparse.ArgumentParser) -> None:
    verify = commands.add_parser(
        "verify",
        parents=[common],
        help="look whether reports are what was published, and whether their numbers come again",
        description="Look whether every file of reports is there as it was published, and no other. With the "
        "study: make them again into a folder that goes away, and name every number and page that differs. "
        "Exit code 0 where all is as it should be, 1 where not.",
    )
    verify.add_argument(
        "reports", metavar="REPORTS", help="reports/STUDY, or the folder of one recipient in it"
    )
    verify.add_argument("study", nargs="?", metavar="STUDY", help="the study that they were made from")
    verify.add_argument(
        "--notebooks", metavar="DIR", help="folder of notebooks of your own, if they made them"
    )
    verify.add_argument(
        "--allow-modified",
        action="store_true",
        help="run notebooks that were changed, as mpg run does with it",
    )
    verify.add_argument(
        "--stored",
        action="store_true",
        help="let stored results serve; by default every analysis is computed",
    )
    verify.add_argument(
        "--tolerance", type=float, default=0.0, metavar="PART",
        help="numbers in tables that lie no further apart than this part of them are equal (default: 0)",
    )  # fmt: skip
    verify.add_argument("--all", action="store_true", help="list every difference, however many there are")
    verify.add_argument("--jobs", type=int, metavar="N", help="as of mpg run")
    verify.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    from mpg_research.reporting.audit.verify import LISTED, verify_reports
    from mpg_research.reporting.run.progress import make_progress

    with _termination_as_interruption():
        found = verify_reports(
            options.reports,
            options.study,
            notebooks=options.notebooks,
            use_store=options.stored,
            jobs=options.jobs,
            tolerance=options.tolerance,
            progress=make_progress() if options.study else None,
            allow_modified=options.allow_modified,
        )
    print(found.as_text(at_most=sys.maxsize if options.all else LISTED))
    return found.exit_code


def _add_trace(commands: Any, common: argparse.ArgumentParser) -> None:
    trace = commands.add_parser(
        "trace",
        parents=[common],
        help="say what is behind a table or figure: data, code, parameters, model, rules",
        description="Say from which data, by which code, with which parameters, by which model and under "
        "which rules of the disclosure gate a table or figure was made.",
    )
    trace.add_argument(
        "reports", metavar="REPORTS", help="reports/STUDY, or the folder of one recipient in it"
    )
    trace.add_argument(
        "what",
        nargs="?",
        default="",
        metavar="TABLE|FIGURE",
        help="its id on the page (T-0d1rg), its name, or its file; a file may stand in place of REPORTS",
    )
    trace.add_argument("--json", action="store_true", help="for programs")
    trace.set_defaults(command=_trace)


def _trace(options: argparse.Namespace) -> int:
    from mpg_research.reporting.audit.trace import trace_output

    found = trace_output(options.reports, options.what)
    print(found.as_json() if options.json else found.as_text())
    return 0


def _add_protocol(commands: Any, common: argparse.ArgumentParser) -> None:
    protocol = commands.add_parser(
        "protocol",
        parents=[common],
        help="print the plan of a study, and seal it",
        description="Print the plan of a study ([plan] in study.toml) as a statistical analysis plan, as a "
        "page and as Word. With --seal it is sealed in plan.sealed.json beside study.toml: from then on "
        "every run says what differs from it.",
    )
    protocol.add_argument("study", metavar="STUDY", help="study folder or study.toml")
    protocol.add_argument("--output", metavar="DIR", help="where it goes (default: protocol, in the study)")
    how = protocol.add_mutually_exclusive_group()
    how.add_argument("--seal", action="store_true", help="seal the plan, with all settings as they are")
    how.add_argument("--amend", metavar="REASON", help="add the settings as they are now, with the reason")
    protocol.add_argument("--date", default="", metavar="DATE", help="the day it is sealed (default: today)")
    protocol.set_defaults(command=_protocol)


def _protocol(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mpg_research.reporting.protocol.commands import make_protocol

    print(make_protocol(
        options.study, output=Path(options.output) if options.output else None, seal=options.seal,
        reason=options.amend, day=options.date,
    ))  # fmt: skip
    return 0


def _add_bundle(commands: Any, common: argparse.ArgumentParser) -> None:
    bundle = commands.add_parser(
        "bundle",
        parents=[common],
        help="put plan, reports and their records into one archive, ready to deposit",
        description="Put the plan, the reports for one reader, their records, a list of the columns without "
        "data, licence and citation into one archive (ZIP). Nothing is uploaded. What is not on the list of "
        "what may go in stays out.",
    )
    bundle.add_argument("study", metavar="STUDY", help="study folder or study.toml")
    bundle.add_argument("--reports", default="reports", metavar="DIR", help="where the reports are")
    bundle.add_argument("--for", dest="reader", default="funder", choices=("funder", "researcher"),
                        help="whose reports go in (default: funder)")  # fmt: skip
    bundle.add_argument("--output", metavar="FILE", help="the archive (default: STUDY_bundle.zip here)")
    bundle.add_argument("--licence", metavar="FILE", help="the text of the licence you give (default: none)")
    bundle.set_defaults(command=_bundle)


def _bundle(options: argparse.Namespace) -> int:
    from mpg_research.reporting.protocol.bundle import write_bundle

    file, names = write_bundle(
        options.study,
        reports=options.reports,
        reader=options.reader,
        output=options.output,
        licence=options.licence,
    )
    print(
        f"{file}: {counted(len(names), 'files')}. Look into it before you deposit it; nothing was uploaded."
    )
    return 0


def _add_releases(commands: Any, common: argparse.ArgumentParser) -> None:
    releases = commands.add_parser(
        "releases",
        parents=[common],
        help="look at, or remove, the record of what was released to whom",
        description="Say of which studies there is a record of what was released to whom. Each new release "
        "is compared with it, so that no number about a few families follows from two reports. mpg clean "
        "leaves it as it is.",
    )
    releases.add_argument(
        "--forget", metavar="STUDY", help="remove the record of this study (its name in study.toml)"
    )
    releases.set_defaults(command=_releases)


def _releases(options: argparse.Namespace) -> int:
    from mpg_research.errors import ConfigError, did_you_mean
    from mpg_research.reporting.ledger.ledger import forget_project, ledger_root, projects

    found = projects()
    if options.forget is not None:
        if not forget_project(options.forget):
            hint = did_you_mean(options.forget, list(found))
            raise ConfigError(f"There is no record of {options.forget!r} in {ledger_root()}. {hint}".rstrip())
        print(f"Removed the record of {options.forget}. Its next releases are compared with nothing.")
        return 0
    for project, readers in found.items():
        print(f"{project}: analyses released, by reader")
        for reader, number in readers.items():
            print(f"  {reader}: {number}")
    print(f"Studies with a record: {len(found)}, in {ledger_root()}.")
    return 0


def _explain(options: argparse.Namespace) -> int:
    from mpg_research.reporting.run.explain import explain_run

    found = explain_run(
        options.study,
        reports=_output_of_run(options),
        only=options.only,
        organisation=options.organisation,
        language=options.language,
        force=options.force,
        notebooks=options.notebooks,
        private=options.private,
        allow_modified=options.allow_modified,
    )
    width = max((len(each.step.name) for each in found), default=0)
    for each in found:
        print(f"  {each.step.name:<{width}}  {'; '.join(each.reasons) or 'up to date'}")
    due = sum(bool(each.reasons) for each in found)
    print(f"\nWould be made: {due} of {len(found)}.")
    return 0


def _output_of_run(options: argparse.Namespace) -> str:
    """Where a run writes: private pages only to a folder that was named for them."""
    from mpg_research.errors import ConfigError

    if options.output is None and options.private:
        raise ConfigError(
            "--private was given without --output; expected a folder of your own, away from the reports, "
            "since nothing is suppressed there. For example: mpg run STUDY --private --output ~/protected"
        )
    return str(options.output or "reports")


def _is_first_run(output: str) -> bool:
    """Whether there are no reports yet, of any study."""
    from pathlib import Path

    return not any(Path(output).glob("*/*/manifest.json"))


def _run(options: argparse.Namespace) -> int:
    from mpg_research.reporting.formats import also_in

    if options.explain:
        with also_in(options.formats):
            return _explain(options)
    from mpg_research.reporting.pictures import also_as_png
    from mpg_research.reporting.run.cluster import cluster_at
    from mpg_research.reporting.store.folder import store_folder
    from mpg_research.reporting.warm.ahead import started_ahead

    if options.study:
        from mpg_research.reporting.planned.seal import check_seal

        check_seal(options.study)
    store_folder(tell=lambda text: print(f"mpg: {text}", file=sys.stderr)).try_out()
    # Where everything is up to date no process is needed; private pages need one of another kind.
    is_needed = not options.private and (options.force or _is_first_run(_output_of_run(options)))
    with (
        _termination_as_interruption(),
        cluster_at(options.dask),
        also_as_png(options.png),
        also_in(options.formats),
        started_ahead(when=is_needed),
    ):
        from mpg_research.reporting.run.progress import make_progress
        from mpg_research.reporting.run.run import run_study

        summary = run_study(
            options.study,
            reports=_output_of_run(options),
            only=options.only,
            organisation=options.organisation,
            language=options.language,
            jobs=options.jobs,
            force=options.force,
            progress=make_progress(),
            notebooks=options.notebooks,
            private=options.private,
            allow_modified=options.allow_modified,
        )
    _print_summary(summary, debug=options.debug)
    if options.open and summary.index is not None:
        _open(summary.index)
    return summary.exit_code


def _open(page: "Path") -> None:
    """Show a page in the browser, or say where it lies."""
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        print(f"mpg: no browser was found here; open it yourself: {page}", file=sys.stderr)


def _notebooks(options: argparse.Namespace) -> int:
    from mpg_research.reporting.working_copies import write_working_copies

    found = write_working_copies(options.folder, study=options.study, language=options.language)
    print(f"{counted(len(found.written), 'notebooks')} written to {found.folder}.")
    if found.kept:
        print(f"Left as they are, for they were there: {', '.join(found.kept)}.")
    print(f"To work in them: jupyter lab {found.folder}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from mpg_research.errors import DataError
    from mpg_research.study import check_study, shipped_example

    study = options.study or shipped_example()
    if options.html is not None:
        from mpg_research.reporting.check_report import write_check_page

        page, report = write_check_page(study, options.html, language=options.language)
        errors, warnings = counted(len(report.errors), "errors"), counted(len(report.warnings), "warnings")
        print(f"Study {visible(report.study)}: {errors}, {warnings}\n{page}")
        print("It holds small numbers and rows of the data: internal, do not pass it on.")
        return 0 if report.ok else DataError.exit_code
    report = check_study(study)
    if options.json:
        from mpg_research.reporting.check_report import check_as_json

        sys.stdout.write(check_as_json(report).decode("utf-8"))
        return 0 if report.ok else DataError.exit_code
    print(visible(report.as_text()))
    return 0 if report.ok else DataError.exit_code


def _init(options: argparse.Namespace) -> int:
    from mpg_research.errors import ConfigError
    from mpg_research.study import init_instrument, init_study

    if options.files:
        return _begin(options)
    if options.preset or options.ask or options.copy:
        raise ConfigError("--preset, --ask and --copy go with exports: mpg init DIR --from FILE...")
    if options.folder is None and options.instrument is None:
        raise ConfigError(
            "Name the folder to make, or a questionnaire's file: mpg init --instrument KEY.toml."
        )
    if options.instrument is not None:
        file = init_instrument(options.instrument)
        print(f"Made {file}: an example, to be filled in. Name it in study.toml: [instruments.{file.stem}]")
    if options.folder is None:
        return 0
    made = init_study(options.folder)
    print(f"Made {options.folder} with {', '.join(path.name for path in made)}.")
    print(f"Put your tables there and adapt study.toml; then: mpg check {options.folder}")
    return 0


def _begin(options: argparse.Namespace) -> int:
    from mpg_research.errors import ConfigError
    from mpg_research.study import begin_study
    from mpg_research.study.begin.ask import ask_in_terminal

    if options.folder is None or options.instrument is not None:
        raise ConfigError("Name the folder to make, and the exports: mpg init DIR --from FILE...")
    begun = begin_study(
        options.folder,
        options.files,
        preset=options.preset,
        copy=options.copy,
        ask=ask_in_terminal if options.ask else None,
    )
    print(visible(begun.as_text()))
    print(f"\nMade {visible(str(begun.folder))} with {', '.join(path.name for path in begun.made)}.")
    print(f"Look at the lines marked LOOK in study.toml; then: mpg check {visible(options.folder)}")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from pathlib import Path

    from mpg_research.reporting.run.progress import count_up
    from mpg_research.simulate.study import (
        EXAMPLE_SEED,
        TRUTH_FAMILIES,
        simulate_example,
        simulate_study,
    )
    from mpg_research.study import safe_folder_name

    with _termination_as_interruption(), count_up("true course of organisation") as progress:
        if options.example:
            folder = simulate_example(options.folder, progress=progress)
        else:
            folder = simulate_study(
                options.folder,
                seed=EXAMPLE_SEED if options.seed is None else options.seed,
                families=options.families,
                organisations=options.organisations,
                truth_families=TRUTH_FAMILIES[options.truth],
                cost_effect=options.cost_effect,
                name=safe_folder_name(Path(options.folder).absolute().name)[:48],
                progress=progress,
            )
    print(f"Made the synthetic study {folder}. To make its reports: mpg run {folder}")
    return 0


def _version(options: argparse.Namespace) -> int:
    print(_VERSION)
    return 0


def _print_summary(summary: "RunSummary", *, debug: bool) -> None:
    """The closing table, the reasons of what failed, and where the reports lie."""
    width = max((len(outcome.step.name) for outcome in summary.outcomes), default=0)
    print()
    for outcome in summary.outcomes:
        seconds = f"{outcome.seconds:6.1f} s" if outcome.status != "up to date" else ""
        print(f"  {outcome.step.name:<{width}}  {outcome.status:<10}  {seconds}".rstrip())
    counts = [f"{summary.count(status)} {status}" for status in ("ok", "up to date", "failed")]
    print(f"\n{', '.join(counts)}.")
    if summary.warnings:
        print(f"The check of the data has {counted(summary.warnings, 'warnings')}; mpg check lists them.")
    if summary.private:
        print(f"NOT FOR RELEASE, nothing is suppressed in it: {summary.folder}\nOverview: {summary.index}")
    else:
        print(f"Reports: {summary.folder}")
        print(f"Overview (internal, do not pass on): {summary.index}")
    if summary.no_reason:
        sys.stdout.flush()
        print(f"\nmpg: {summary.no_reason}", file=sys.stderr)
    if summary.not_compared:
        sys.stdout.flush()
        print(f"\nmpg: {summary.not_compared}", file=sys.stderr)
    failed = [outcome for outcome in summary.outcomes if outcome.status == "failed"]
    sys.stdout.flush()
    not_fitted = (
        (why, outcome.step.name) for outcome in summary.outcomes for why in outcome.not_fitted.items()
    )
    for (verb, reason), names in _gathered(not_fitted).items():
        print(
            f"\nNot computed, as these pages say: {verb} ({', '.join(names)})\n{visible(reason)}",
            file=sys.stderr,
        )
    for reason, names in _gathered((outcome.reason, outcome.step.name) for outcome in failed).items():
        print(f"\nFailed: {', '.join(names)}\n{visible(reason)}", file=sys.stderr)
    if debug:
        for outcome in failed:
            print(f"\n{outcome.step.name}\n{outcome.traceback}", file=sys.stderr)


def _gathered(pairs: Iterable[tuple[Any, str]]) -> dict[Any, list[str]]:
    """What has the same reason, by that reason."""
    found: dict[Any, list[str]] = {}
    for reason, name in pairs:
        found.setdefault(reason, []).append(name)
    return found


@contextmanager
def _termination_as_interruption() -> Iterator[None]:
    """A polite request to stop is treated as Ctrl-C: its processes end, nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _interruption(options: argparse.Namespace) -> str:
    if options.command is _run:
        return (
            "\nmpg: interrupted. The reports that were finished are complete and stay; "
            "the same command goes on where this run stopped."
        )
    return "\nmpg: interrupted."


def _forget_output() -> None:
    """Whoever read our output has gone; do not complain about it at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
