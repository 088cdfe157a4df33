"""What the overview says: how the run ended, who reads what, which reports there are, what the rules did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpg_research.present.language.names import clean_name, isolated
from mpg_research.present.language.phrases import Phrases, study_phrases
from mpg_research.reporting.files import MANIFEST, OUTPUTS
from mpg_research.reporting.notebooks import NotebookSpec
from mpg_research.reporting.page.frame import start_page_name
from mpg_research.reporting.page.html import page_words
from mpg_research.reporting.record.last_run import News, read_last_run
from mpg_research.reporting.run.plan import Step, published_files
from mpg_research.reporting.run.start_pages import ordered, report_title
from mpg_research.study.config.study_toml import StudyConfig

__all__ = ["Overview"]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview of a study is made from.

    Attributes
    ----------
    folder : Path
        ``reports/<study>``.
    config : StudyConfig
        The study.
    language : str
        Code of the language of the page.
    notebooks : mapping of str to NotebookSpec
        The notebooks there are.
    everyone : mapping of str to str
        By recipient's folder: the key of the organisation it belongs to.
    made : mapping of str to mapping
        By recipient's folder: the steps in its manifest.
    private : bool
        Whether the pages stay with the researcher.
    """

    folder: Path
    config: StudyConfig
    language: str
    notebooks: Mapping[str, NotebookSpec]
    everyone: Mapping[str, str]
    made: Mapping[str, Mapping[str, Any]]
    private: bool

    def values(self) -> dict[str, Any]:
        """What the template asks for, beside what every page has."""
        phrases, last = study_phrases(self.config, self.language), read_last_run(self.folder)
        steps = {step.name: step for step in self._steps()}
        there = sum(step.key in self.made[step.recipient] for step in steps.values())
        failed = [(self._name_of(steps[name]), why) for name, why in last.failed.items() if name in steps]
        if failed:
            status = phrases("page.status_failed", n=len(failed))
        else:
            status = phrases("page.status_made", made=there, n=len(steps))
        return {
            "status": status,
            "failed": failed,
            "failed_heading": phrases("page.status_failed_long"),
            "news": list(self._news(last.news, phrases)),
            "readers": list(self._readers()),
            "rows": list(self._rows()),
            "privacy": list(self._privacy(phrases)),
            "records": list(self._records()),
        }

    def _steps(self) -> Iterator[Step]:
        for recipient, key in self.everyone.items():
            role = "organisation" if key else recipient
            for spec in ordered(self.notebooks.values(), role):
                for code in self.config.study.languages:
                    yield Step(spec.name, role, recipient, code, key, private=self.private)

    def _reader(self, recipient: str) -> str:
        key = self.everyone[recipient]
        if not key:
            return page_words(self.language)[recipient]
        return isolated(clean_name(self.config.organisations[key].name.in_language(self.language)))

    def _name_of(self, step: Step) -> str:
        title = report_title(self.notebooks[step.notebook], self.config, self.language)
        return f"{self._reader(step.recipient)}: {title} ({step.language})"

    def _news(self, news: News, phrases: Phrases) -> Iterator[str]:
        """What the last run that changed something changed."""
        if news.first:
            yield phrases("page.run_first", n=news.first)
        if not news.anew:
            return
        causes = dict.fromkeys(phrases(f"page.run_cause.{kind}", name=name) for kind, name in news.causes)
        yield phrases("page.run_anew", n=news.anew, causes="; ".join(causes))
        changed = {who: number for who, (number, _) in news.tables.items() if number and who in self.everyone}
        total = sum(all_ for _, all_ in news.tables.values())
        if changed:
            who = ", ".join(f"{self._reader(each)} ({number})" for each, number in changed.items())
            yield phrases("page.run_tables", n=sum(changed.values()), total=total, readers=who)
        elif total:
            yield phrases("page.run_no_tables")

    def _readers(self) -> Iterator[dict[str, str]]:
        """For each reader the right link: the page that its folder begins with."""
        words = page_words(self.language)
        yield self._led("funder", words["who_funder"], words["who_hand_over"].format(folder="funder"))
        yield self._led("funder", words["who_council"], words["who_council_long"])
        for recipient, key in self.everyone.items():
            if key:
                about = words["who_hand_over"].format(folder=recipient)
                yield self._led(recipient, self._reader(recipient), about)
        yield self._led("researcher", words["who_researcher"], words["who_researcher_long"])
        yield {
            "name": words["who_privacy"],
            "address": "#privacy",
            "text": words["who_privacy_long"],
            "about": "",
        }

    def _led(self, recipient: str, name: str, about: str) -> dict[str, str]:
        words, page = page_words(self.language), start_page_name(private=self.private)
        is_there = (self.folder / recipient / page).is_file()
        return {
            "name": name,
            "address": f"{recipient}/{page}" if is_there else "",
            "text": words["start_page"] if is_there else words["absent"],
            "about": about if is_there else "",
        }

    def _rows(self) -> Iterator[dict[str, Any]]:
        """One row per recipient and report, with a link per language where it is there."""
        words, languages = page_words(self.language), self.config.study.languages
        start = start_page_name(private=self.private)
        for recipient, key in self.everyone.items():
            made, role = self.made[recipient], "organisation" if key else recipient
            for spec in ordered(self.notebooks.values(), role):
                steps = {
                    code: Step(spec.name, role, recipient, code, key, private=self.private)
                    for code in languages
                }
                entries = {code: made[step.key] for code, step in steps.items() if step.key in made}
                standings = {entry.get("notebook_is", "own") for entry in entries.values()}
                marks = [words[f"{kind}_short"] for kind in ("modified", "registered") if kind in standings]
                shown = self.language if self.language in entries else next(iter(entries), "")
                yield {
                    "recipient": self._reader(recipient),
                    "title": report_title(spec, self.config, self.language),
                    "hint": "" if entries else f"mpg run --only {spec.name}",
                    "marks": ", ".join(marks),
                    "links": [
                        (code, f"{recipient}/{published_files(step)['page']}" if code in entries else "")
                        for code, step in steps.items()
                    ],
                    "files": f"{recipient}/{start}#files-{shown}-{spec.name}" if shown else "",
                    "n_files": len(_tables(entries[shown])) if shown else 0,
                }

    def _privacy(self, phrases: Phrases) -> Iterator[str]:
        """The rules that hold for everybody, in words; what was loosened stands at the top."""
        if self.private:
            return
        rules = self.config.disclosure
        yield phrases("page.privacy_minimum", minimum=rules.minimum_families)
        if not rules.public_groups:
            yield phrases("page.privacy_others", others=rules.minimum_other_organisations)
        if rules.rounding:
            yield phrases("page.privacy_rounding", rounding=rules.rounding)
        yield phrases("page.privacy_more")

    def _records(self) -> Iterator[dict[str, Any]]:
        """Per recipient what the rules did with its tables and figures, and where that is written down."""
        for recipient in self.everyone:
            steps = self.made[recipient]
            if not steps:
                continue
            one = {entry["notebook"]: entry for _, entry in sorted(steps.items())}
            cells = [each for entry in one.values() for each in _cells(entry)]
            yield {
                "recipient": self._reader(recipient),
                "folder": recipient,
                "shown": sum(len(entry.get("shown", {})) for entry in one.values()),
                "hidden": sum(int(each.get("suppressed", 0)) for each in cells),
                "rounded": sum(int(each.get("rounded", 0)) for each in cells),
                "files": [MANIFEST, OUTPUTS],
            }


def _tables(entry: Mapping[str, Any]) -> Sequence[str]:
    return [name for name in entry.get("outputs", {}) if name.split("/")[1:2] == ["tables"]]


def _cells(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of each distinct table that is shown: how many cells, hidden and rounded."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for shown in entry.get("shown", {}).values():
        for table, cells in shown.get("cells", {}).items():
            found[str(shown.get("result", "")), table] = cells
    return list(found.values())
