"""What was proposed, said in the terminal: which file is which table, what to look at, what was left out."""

from collections.abc import Iterator

from mpg_research.plurals import counted
from mpg_research.study.begin.presets import preset_of
from mpg_research.study.begin.proposal import Begun, SourceProposal
from mpg_research.study.begin.write import NEEDS, comment, lacking_columns
from mpg_research.study.tables.direct_identifiers import DIRECT_IDENTIFIERS

__all__ = ["as_text"]

SHOWN = 12


def as_text(begun: Begun) -> str:
    """The proposal in words, without any value that tells of a person.

    Parameters
    ----------
    begun : Begun
        The proposal.

    Returns
    -------
    str
    """
    lines: list[str] = []
    for table in begun.tables.values():
        for source in table.sources:
            lines += _source(table.name, source)
    look = [*_to_look_at(begun)]
    if look:
        lines += ["", "Look at (marked LOOK in study.toml):", *(f"  {each}" for each in dict.fromkeys(look))]
    if begun.not_used:
        lines += ["", "Not used:", *(f"  {comment(name)}: {why}" for name, why in begun.not_used.items())]
    return "\n".join(lines)


def _source(table: str, source: SourceProposal) -> Iterator[str]:
    whole = (
        "" if source.look.is_whole else f", of which the first {len(source.look.frame)} rows were looked at"
    )
    yield f"{comment(source.look.name)} -> {table}{whole}"
    if source.preset:
        yield f"  read as {preset_of(source.preset).title}"
    if source.items is not None:
        waves = f", {counted(len(source.items.waves), 'waves')}" if source.items.waves else ""
        yield f"  {counted(source.items.n_items, 'items')}{waves}"
    if source.columns:
        yield "  " + ", ".join(f"{name} = {comment(each.source)}" for name, each in source.columns.items())
    used = source.used
    left = [comment(name) for name in source.profiles if name not in used]
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        yield f"  not read: {', '.join(left[:SHOWN])}{more}"


def _to_look_at(begun: Begun) -> Iterator[str]:
    for key, setting in begun.time.items():
        if setting.doubt:
            yield f"[time] {key}: {setting.doubt}"
    for needed in ("episodes", "measurements"):
        if needed not in begun.tables:
            yield f"{needed}: no file seems to hold this table"
    for table in begun.tables.values():
        for source in table.sources:
            place = f"{table.name}, {comment(source.look.name)}"
            for name in lacking_columns(source, table.name):
                yield f"{place}: {name}: {NEEDS.get(name, 'no column was found for it')}"
            for name, mapped in source.columns.items():
                if mapped.doubt:
                    others = f" (or {', '.join(map(comment, mapped.others))})" if mapped.others else ""
                    yield f"{place}: {name} = {comment(mapped.source)}{others}: {mapped.doubt}"
            for name, said in source.constants.items():
                if said.doubt:
                    yield f"{place}: {name} = {comment(str(said.value))}: {said.doubt}"
            for name, codes in source.values.items():
                if codes.unknown:
                    yield f"{place}: {name}: what {counted(len(codes.unknown), 'codes')} mean"
            if source.missing_values:
                codes_meant = ", ".join(map(str, source.missing_values))
                yield f"{place}: missing_values: {codes_meant} seem to mean no answer"
            yield from (f"{place}: {remark}" for remark in source.remarks)
            for name, profile in source.profiles.items():
                if profile.identifier and name not in source.identifiers_kept:
                    what = DIRECT_IDENTIFIERS[profile.identifier]
                    yield f"{place}: {comment(name)} seems to hold {what}; take it out with mpg pseudonymise"
            if source.preset:
                yield from (f"{place}: {question}" for question in preset_of(source.preset).questions)
