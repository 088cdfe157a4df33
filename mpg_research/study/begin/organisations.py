"""Who helps: a column, or one organisation per file; and whether their client numbers start again."""

from collections.abc import Sequence

from mpg_research.study.begin.looking.words import LIKELY, plain_words, strength
from mpg_research.study.begin.proposal import Begun, Mapped, Said, SourceProposal
from mpg_research.study.tables.values import identifier_text, is_missing

__all__ = ["CLIENT", "names_from_files", "say_who_helps"]

#: The part of a family's id that is a number of one organisation.
CLIENT = "client"
#: From so large a share of ids at more than one organisation on they seem to start again.
STARTING_AGAIN = 0.3
FEWEST_IDS = 5
FROM_FILE = "taken from the name of the file: who is it? (a-z, 0-9 and _; names come under [organisations])"


def say_who_helps(begun: Begun) -> None:
    """Fill in who helps where a file says it by its name only; ids of two parts where they start again.

    Parameters
    ----------
    begun : Begun
        Its tables are changed; whatever is filled in here is marked as doubtful.
    """
    for name in ("episodes", "measurements"):
        if name in begun.tables and len(begun.tables[name].sources) > 1:
            _by_file(begun.tables[name].sources, required=name == "episodes")
    episodes = begun.tables["episodes"].sources if "episodes" in begun.tables else []
    if _start_again(episodes):
        for table in begun.tables.values():
            for source in table.sources:
                _two_parts(source)
    else:
        for name, table in begun.tables.items():
            for source in table.sources if name != "episodes" else ():
                source.constants.pop("organisation", None)


def _by_file(sources: Sequence[SourceProposal], *, required: bool) -> None:
    paths = [source.look.path for source in sources]
    names = names_from_files([
        f"{source.look.path.stem} {source.look.sheet if paths.count(source.look.path) > 1 else ''}"
        for source in sources
    ])  # fmt: skip
    for source, name in zip(sources, names, strict=True):
        if "organisation" not in source.columns and (required or _column_of(source) is None):
            source.constants["organisation"] = Said(name, FROM_FILE)


def names_from_files(files: Sequence[str]) -> list[str]:
    """What tells files of one kind apart by their names, as keys.

    Examples
    --------
    >>> names_from_files(["trajecten_vlierdonk_2024", "trajecten_De Linde_2024"])
    ['vlierdonk', 'de_linde']
    """
    words = [plain_words(file) for file in files]
    shared = set.intersection(*(set(each) for each in words)) if words else set()
    keys = ["_".join(word for word in each if word not in shared)[:40] for each in words]
    unusable = any(not key or key.isdigit() for key in keys) or len(set(keys)) < len(keys)
    return [f"organisation_{number}" for number in range(1, len(keys) + 1)] if unusable else keys


def _column_of(source: SourceProposal) -> str | None:
    """A column that names the organisation, in a table that needs none."""
    if "organisation" in source.columns:
        return source.columns["organisation"].source
    used = source.used
    fitting = [name for name in source.profiles if name not in used]
    return next((name for name in fitting if strength(name, "episodes", "organisation") >= LIKELY), None)


def _start_again(sources: Sequence[SourceProposal]) -> bool:
    """Whether the same ids occur at several organisations, as numbers do that each counts from 1."""
    by_id: dict[str, set[str]] = {}
    for source in sources:
        family = source.columns.get("family")
        if family is None:
            return False
        ids = [identifier_text(cell) for cell in source.look.frame[family.source]]
        column = source.columns.get("organisation")
        said = source.constants.get("organisation")
        if column is not None:
            at = [identifier_text(cell) for cell in source.look.frame[column.source]]
        else:
            at = [str(said.value) if said else ""] * len(ids)
        for each, organisation in zip(ids, at, strict=True):
            if not is_missing(each):
                by_id.setdefault(each, set()).add(organisation)
    several = sum(len(organisations) > 1 for organisations in by_id.values())
    return several >= FEWEST_IDS and several > STARTING_AGAIN * len(by_id)


def _two_parts(source: SourceProposal) -> None:
    family = source.columns.pop("family", None)
    if family is None:
        return
    source.columns[CLIENT] = Mapped(
        family.source,
        family.others,
        "the same numbers occur at several organisations, so an id is organisation and number; if they are "
        "families helped by several, say family = ... in its place, and shared_families = true in [study]",
    )
    column = _column_of(source)
    if "organisation" not in source.columns and column is not None:
        source.columns["organisation"] = Mapped(column)
        source.constants.pop("organisation", None)
