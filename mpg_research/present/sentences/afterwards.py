"""What came after a good end of the help, and of families without clear progress; never an effect."""

import numpy as np
import pandas as pd

from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["afterwards_sentences", "without_progress_sentences"]

_LIMITS = ("conf_low", "conf_high")


def afterwards_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of what came after a good end."""
    facts = voice.released.provenance.parameters
    first = [*_events(voice), *_free(voice), *_worse(voice)]
    return {
        "answer": [*(first or [voice.phrases("afterwards.hidden")]), *_thin_line(voice)],
        "certainty": [
            *_mean_free(voice),
            *_gaps(voice),
            *_frailty(voice),
            *_change(voice),
            *_by_chance(voice),
            voice.phrases("afterwards.clusters"),
        ],
        "limits": [
            voice.phrases("afterwards.no_effect"),
            voice.phrases("afterwards.on_record"),
            *_waves_only(voice),
            voice.phrases("afterwards.late"),
            voice.phrases(
                "afterwards.chosen", period=_period(voice, facts["asked_months"]),
                days=voice.count(float(facts["same_help_days"])),
            ),
            *(voice.phrases(f"afterwards.absent_{name}") for name in facts.get("not_recorded", ())),
        ],
    }  # fmt: skip


def _period(voice: Voice, months: float) -> str:
    return voice.period(float(months))


def _shown(row: pd.Series, *columns: str) -> bool:
    """Whether shares of a row are all shown."""
    return bool(np.isfinite(row[list(columns)].to_numpy(dtype=float)).all())


def _shares(voice: Voice, row: pd.Series) -> dict[str, str]:
    names = zip(("share", "low", "high"), ("estimate", *_LIMITS), strict=True)
    return {word: format_share(float(row[name]), voice.language, digits=0) for word, name in names}


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last moment."""
    return rows[rows["months_after"] == rows["months_after"].max()] if len(rows) else rows


def _events(voice: Voice) -> list[str]:
    found = []
    horizon = voice.released.provenance.parameters["horizon_months"]
    rows = voice.frame("incidence")
    for _, row in rows.iterrows():
        if row["months_after"] != horizon or not _shown(row, "estimate", *_LIMITS, "n_group"):
            continue
        found.append(
            voice.phrases(
                "afterwards.event", what=voice.label("value.event", row["event"]), level=voice.level,
                families=_of(voice, row), period=_period(voice, horizon), **_shares(voice, row),
            )
        )  # fmt: skip
    return found


def _of(voice: Voice, row: pd.Series) -> str:
    return voice.phrases("unit.families", number=voice.rounded(float(row["n_group"])))


def _free(voice: Voice) -> list[str]:
    rows = voice.frame("free")
    horizon = voice.released.provenance.parameters["horizon_months"]
    for _, row in rows.iterrows():
        if row["months_after"] == horizon and _shown(row, "estimate", *_LIMITS):
            return [
                voice.phrases(
                    "afterwards.free", period=_period(voice, horizon),
                    level=voice.level, **_shares(voice, row),
                )
            ]  # fmt: skip
    return []


def _worse(voice: Voice) -> list[str]:
    rows = _last(voice.frame("worsening"))
    if not len(rows) or not _shown(rows.iloc[0], "estimate", *_LIMITS, "n_group"):
        return []
    row = rows.iloc[0]
    return [
        voice.phrases(
            "afterwards.worse", period=_period(voice, row["months_after"]), level=voice.level,
            families=_of(voice, row), **_shares(voice, row),
        )
    ]  # fmt: skip


def _waves_only(voice: Voice) -> list[str]:
    return [voice.phrases("afterwards.waves_only")] if len(voice.frame("worsening")) else []


def _means(voice: Voice) -> dict[tuple[str, str], pd.Series]:
    rows = voice.frame("months_free")
    return {(row["grouping"], row["group"]): row for _, row in rows.iterrows() if _shown(row, "estimate")}


def _thin_line(voice: Voice) -> list[str]:
    means = _means(voice)
    one, other = means.get(("thin_line", "yes")), means.get(("thin_line", "no"))
    if one is None or other is None:
        return []
    return [
        voice.phrases(
            "afterwards.with_line", with_line=voice.number(float(one["estimate"])),
            without=voice.number(float(other["estimate"])),
            period=_period(voice, voice.released.provenance.parameters["horizon_months"]),
        )
    ]  # fmt: skip


def _mean_free(voice: Voice) -> list[str]:
    row = _means(voice).get(("all", "all"))
    if row is None or not _shown(row, *_LIMITS):
        return []
    low, high = (voice.number(float(row[name])) for name in _LIMITS)
    return [
        voice.phrases(
            "afterwards.mean_free", mean=voice.number(float(row["estimate"])), low=low, high=high,
            level=voice.level, period=_period(voice, voice.released.provenance.parameters["horizon_months"]),
        )
    ]  # fmt: skip


def _gaps(voice: Voice) -> list[str]:
    """How many months more or fewer without any of it groups had than the first one of their division."""
    facts, said = voice.released.provenance.parameters, []
    for _, row in voice.frame("months_free_difference").iterrows():
        if not _shown(row, "estimate", *_LIMITS):
            continue
        low, high = (float(row[name]) for name in _LIMITS)
        kind = "less" if high < 0 else "more" if low > 0 else "unclear"
        said.append(
            voice.phrases(
                f"afterwards.gap_{kind}", grouping=voice.label("value.grouping", row["grouping"]),
                group=voice.label("value.group", row["group"]),
                first=voice.label("value.group", facts["first_groups"][row["grouping"]]),
                size=voice.nonzero(abs(float(row["estimate"]))), low=voice.nonzero(low),
                high=voice.nonzero(high), level=voice.level, period=_period(voice, facts["horizon_months"]),
            )
        )  # fmt: skip
    return said


def _frailty(voice: Voice) -> list[str]:
    """Whether organisations (or workers) differ for reasons that were not measured."""
    rows = voice.frame("frailty")
    if not len(rows) or not _shown(rows.iloc[0], "variance", "variance_low", "variance_high", "p_value"):
        return []
    row = rows.iloc[0]
    kind = "shown" if float(row["p_value"]) < voice.alpha else "not_shown"
    return [
        voice.phrases(
            f"afterwards.frailty_{kind}", who=voice.label("value.frailty_of", row["frailty_of"]),
            variance=voice.number(float(row["variance"]), 2), level=voice.level,
            low=voice.number(float(row["variance_low"]), 2),
            high=voice.number(float(row["variance_high"]), 2),
        )
    ]  # fmt: skip


def _change(voice: Voice) -> list[str]:
    rows = voice.frame("scores_after")
    known = [row for _, row in rows.iterrows() if _is_change(voice, row)]
    if not known:
        return []
    row = known[-1]
    change = float(row["change_after"])
    return [
        voice.phrases(
            "afterwards.change", month=voice.count(float(row["months_after"])), level=voice.level,
            change=voice.number(abs(change)), unit=voice.unit,
            change_word=voice.phrases(f"afterwards.change_word.{'higher' if change >= 0 else 'lower'}"),
            low=_end(voice, row["change_after_low"]),
            high=_end(voice, row["change_after_high"]),
        )
    ]  # fmt: skip


def _is_change(voice: Voice, row: pd.Series) -> bool:
    """Whether a mean change can be said, with its limits."""
    shown = _shown(row, "change_after", "change_after_low", "change_after_high")
    return shown and voice.can_be_a_change(float(row["change_after"]))


def _end(voice: Voice, value: float) -> str:
    return voice.number(voice.within_scale(float(value)))


def _by_chance(voice: Voice) -> list[str]:
    share = voice.setting("worsening_by_chance")
    if not np.isfinite(share) or not len(voice.frame("worsening")):
        return []
    return [voice.phrases("afterwards.by_chance", share=format_share(share, voice.language, digits=0))]


def without_progress_sentences(voice: Voice) -> dict[str, list[str]]:
    """Answer, certainty and limits of families without clear progress."""
    facts = voice.released.provenance.parameters
    decided = _undecided(voice) if facts["decisions_recorded"] else [
        voice.phrases("without_progress.no_decisions")
    ]  # fmt: skip
    return {
        "answer": [_how_many(voice), *decided],
        "certainty": [*_ended_well(voice), *_later(voice)],
        "limits": [
            voice.phrases("without_progress.no_effect"),
            voice.phrases(
                "without_progress.chosen", period=_period(voice, facts["after_months"]),
                decision_period=_period(voice, facts["decision_months"]),
            ),
        ],
    }  # fmt: skip


def _row(rows: pd.DataFrame, **keys: str) -> pd.Series | None:
    for _, row in rows.iterrows():
        if all(row[name] == value for name, value in keys.items()):
            return row
    return None


def _how_many(voice: Voice) -> str:
    period = _period(voice, voice.released.provenance.parameters["after_months"])
    row = _row(voice.frame("progress"), **{"class": "no_clear_progress"})
    if row is None or not _shown(row, "estimate", *_LIMITS, "n_group"):
        return voice.phrases("without_progress.how_many_hidden", period=period)
    return voice.phrases(
        "without_progress.how_many", families=_of(voice, row), period=period, level=voice.level,
        **_shares(voice, row),
    )  # fmt: skip


def _undecided(voice: Voice) -> list[str]:
    row = _row(voice.frame("decided"), decision="not_recorded")
    if row is None or not _shown(row, "estimate"):
        return []
    share = format_share(float(row["estimate"]), voice.language, digits=0)
    period = _period(voice, voice.released.provenance.parameters["decision_months"])
    return [voice.phrases("without_progress.undecided", share=share, period=period)]


def _ended_well(voice: Voice) -> list[str]:
    rows = voice.frame("ended_after")
    found = {
        name: _row(rows, progress=name, **{"class": "ended_well"})
        for name in ("no_clear_progress", "clear_progress")
    }
    shares = []
    for row in found.values():
        if row is None or not _shown(row, "estimate"):
            return []
        shares.append(format_share(float(row["estimate"]), voice.language, digits=0))
    return [voice.phrases("without_progress.ended_well", without=shares[0], with_progress=shares[1])]


def _later(voice: Voice) -> list[str]:
    row = _row(voice.frame("later_by_progress"), progress="no_clear_progress")
    if row is None or not _is_change(voice, row):
        return []
    return [
        voice.phrases(
            "without_progress.change", change=voice.number(float(row["change_after"])), unit=voice.unit,
            low=_end(voice, row["change_after_low"]),
            high=_end(voice, row["change_after_high"]),
            level=voice.level,
            period=_period(voice, voice.released.provenance.parameters["later_months"]),
        )
    ]  # fmt: skip
