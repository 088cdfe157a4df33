"""Hours and visits, fewer agencies, and the flow of families, in sentences that never speak of an effect."""

import math

from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.care import around_sentences, row_near

__all__ = ["agency_sentences", "dose_sentences", "flow_sentences"]

_REFUSALS = (
    "few_treated", "few_untreated", "no_overlap", "few_effective", "imbalance", "few_clusters",
    "not_converged",
)  # fmt: skip
_HOURS_REFUSALS = (
    "few_families", "few_clusters", "not_converged", "hours_follow", "few_effective", "hours_imbalance",
)  # fmt: skip


def dose_sentences(voice: Voice) -> dict[str, list[str]]:
    """How much help, whether it follows need, and what goes with more of it."""
    answer = [*_hours(voice), *_visits(voice)]
    return {
        "answer": answer or [voice.phrases("dose.hidden")],
        "need": [*_slope(voice, "hours_follow_need", "dose.need"), *_raised(voice)],
        "certainty": [*_slope(voice, "dose_response", "dose.response"), *_bends(voice), *_hours_model(voice)],
        "limits": [
            voice.phrases("dose.association"),
            voice.phrases("dose.forward"),
            *([voice.phrases("dose.model_limit")] if _months_of_model(voice) else []),
            voice.phrases(
                "dose.chosen",
                weeks=_chosen(voice, "weeks_until_more_hours"),
                hours=_chosen(voice, "more_hours_at_least"),
            ),
        ],
    }


def _chosen(voice: Voice, name: str) -> str:
    """A setting that was computed with, with a decimal only where it has one."""
    value = float(voice.released.provenance.parameters[name])
    return voice.number(value, 0 if value == round(value) else 1)


def _hours(voice: Voice) -> list[str]:
    row = row_near(voice, voice.frame("hours_by_month"), "half")
    if row is None or not row["half"] >= 0:
        return []
    moment = voice.moment(float(row["months"]))
    return [voice.phrases("dose.hours_half", moment=moment, hours=voice.number(float(row["half"])))]


def _visits(voice: Voice) -> list[str]:
    row = row_near(voice, voice.frame("visits_by_month"), "mean_visits")
    if row is None or not row["mean_visits"] >= 0:
        return []
    moment = voice.moment(float(row["months"]))
    said = [voice.phrases("dose.visits", moment=moment, visits=voice.number(float(row["mean_visits"])))]
    if 0 <= row["share_at_home"] <= 1:
        share = format_share(float(row["share_at_home"]), voice.language, digits=0)
        said.append(voice.phrases("dose.at_home", share=share))
    return said


def _slope(voice: Voice, table: str, prefix: str) -> list[str]:
    """The slope within families: with its size where zero lies outside its interval."""
    rows = voice.frame(table)
    rows = rows[rows["part"] == "within"] if len(rows) else rows
    if len(rows) and "need" in rows:
        rows = rows[rows["need"] == "score"]
    if not len(rows) or not rows[["estimate", "conf_low", "conf_high"]].notna().all(axis=None):
        return []
    row = rows.iloc[0]
    low, high = float(row["conf_low"]), float(row["conf_high"])
    kind = "less" if high < 0 else "more" if low > 0 else "unclear"
    values = {
        "size": voice.nonzero(abs(float(row["estimate"])), 2), "low": voice.nonzero(low, 2),
        "high": voice.nonzero(high, 2), "level": voice.level, "unit": voice.unit,
    }  # fmt: skip
    return [voice.phrases(f"{prefix}_{kind}", **values)]


def _raised(voice: Voice) -> list[str]:
    rows = voice.frame("hours_after_worsening")
    rows = rows[rows["class"] == "raised"] if len(rows) else rows
    said = []
    if len(rows) and 0 <= rows["estimate"].iloc[0] <= 1 and rows["n_group"].iloc[0] > 0:
        share = format_share(float(rows["estimate"].iloc[0]), voice.language, digits=0)
        number = voice.rounded(float(rows["n_group"].iloc[0]))
        said.append(
            voice.phrases(
                "dose.raised", share=share, families=number, weeks=_chosen(voice, "weeks_until_more_hours")
            )
        )
    return [*said, *around_sentences(voice, "around_worsening", "dose_outcome", "raised", "dose.beside")]


def _bends(voice: Voice) -> list[str]:
    rows = voice.frame("dose_linearity")
    if not len(rows) or not math.isfinite(rows["p_bends"].iloc[0]):
        return []
    bends = float(rows["p_bends"].iloc[0]) < voice.alpha
    return [voice.phrases("dose.bends" if bends else "dose.straight")]


def _months_of_model(voice: Voice) -> int:
    """Months of hours in the marginal structural model; 0 where it was not asked for."""
    return int(voice.released.provenance.parameters["hours_model_months"])


def _hours_model(voice: Voice) -> list[str]:
    """What a marginal structural model says, why it says nothing, or that it was not asked for."""
    months = _months_of_model(voice)
    if not months:
        return [voice.phrases("dose.model_not_asked")]
    rows = voice.frame("hours_model_verdict")
    verdict = str(rows["hours_verdict"].iloc[0]) if len(rows) else ""
    if verdict in _HOURS_REFUSALS:
        return [voice.phrases("dose.model_refused", why=voice.label("value.hours_verdict", verdict))]
    rows = voice.frame("hours_model")
    if len(rows):
        rows = rows[(rows["hours_of"] == "every_month") & (rows["weighting"] == "weighted")]
    if not len(rows) or not rows[["estimate", "conf_low", "conf_high"]].notna().all(axis=None):
        return []
    low, high = float(rows["conf_low"].iloc[0]), float(rows["conf_high"].iloc[0])
    kind = "less" if high < 0 else "more" if low > 0 else "unclear"
    values = {
        "size": voice.nonzero(abs(float(rows["estimate"].iloc[0])), 2), "low": voice.nonzero(low, 2),
        "high": voice.nonzero(high, 2), "level": voice.level, "unit": voice.unit,
        "period": voice.period(round(months * float(voice.released.provenance.parameters["axis"]), 1)),
    }  # fmt: skip
    return [voice.phrases(f"dose.model_{kind}", **values)]


def agency_sentences(voice: Voice) -> dict[str, list[str]]:
    """What a trial of fewer agencies would show, or why it cannot; and the association."""
    facts = voice.released.provenance.parameters
    within = float(facts["agencies_within_months"])
    chosen = {"number": int(facts["agencies_at_most"]), "period": voice.period(within)}
    return {
        "answer": [*_differences(voice), *_refusals(voice)] or [voice.phrases("fewer_agencies.hidden")],
        "certainty": around_sentences(
            voice, "around_fewer", "fewer_outcome", "score", "fewer_agencies.after"
        ),
        "limits": [
            voice.phrases("fewer_agencies.strategy", **chosen),
            voice.phrases("fewer_agencies.limit"),
        ],
    }


def _differences(voice: Voice) -> list[str]:
    rows = voice.frame("agencies_differences")
    rows = rows[rows["approach"] == "weighted"] if len(rows) else rows
    said = []
    for _, row in rows.iterrows():
        numbers = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
        if not all(map(math.isfinite, numbers)) or not voice.can_be_a_change(numbers[0]):
            continue
        kind = "lower" if numbers[2] < 0 else "higher" if numbers[1] > 0 else "unclear"
        values = {
            "period": voice.period(float(row["months"])), "size": voice.nonzero(abs(numbers[0])),
            "low": voice.nonzero(voice.within_scale(numbers[1])),
            "high": voice.nonzero(voice.within_scale(numbers[2])), "unit": voice.unit, "level": voice.level,
        }  # fmt: skip
        said.append(voice.phrases(f"fewer_agencies.{kind}", **values))
    return said


def _refusals(voice: Voice) -> list[str]:
    rows = voice.frame("agencies_verdicts")
    return [
        voice.phrases(
            "fewer_agencies.refused",
            period=voice.period(float(row["months"])),
            why=voice.label("value.refusal", row["estimable"]),
        )
        for _, row in rows.iterrows()
        if row["estimable"] in _REFUSALS
    ]


def flow_sentences(voice: Voice) -> dict[str, list[str]]:
    """Families in and out, how long they wait, and whether other families come."""
    return {
        "answer": _last_quarter(voice) or [voice.phrases("family_flow.hidden")],
        "certainty": [*_waits(voice), *_drift(voice)],
        "limits": [voice.phrases("family_flow.whole"), voice.phrases("family_flow.drift_limit")],
    }


def _last_quarter(voice: Voice) -> list[str]:
    """Periods that started and ended in the last quarter of which both are shown."""
    rows = voice.frame("flow_by_quarter")
    if not len(rows):
        return []
    wide = rows.pivot(index="quarter", columns="flow_direction", values="n_episodes")
    if not {"in", "out"} <= set(wide.columns):
        return []
    wide = wide.dropna().sort_index()
    if wide.empty:
        return []
    last = wide.iloc[-1]
    return [
        voice.phrases(
            "family_flow.quarter", quarter=voice.quarter(wide.index[-1]),
            started=voice.rounded(float(last["in"])), ended=voice.rounded(float(last["out"])),
        )
    ]  # fmt: skip


def _waits(voice: Voice) -> list[str]:
    if not voice.released.provenance.parameters.get("waiting_recorded"):
        return [voice.phrases("family_flow.no_referrals")]
    rows = voice.frame("waiting")
    rows = rows[rows["calendar_year"] == "all"] if len(rows) else rows
    if not len(rows) or not rows["half"].iloc[0] >= 0:
        return []
    half, most = float(rows["half"].iloc[0]), float(rows["ninth_tenth"].iloc[0])
    said = [voice.phrases("family_flow.waited_half", days=round(half))]
    if most > half:
        said.append(voice.phrases("family_flow.waited_most", days=round(most)))
    return said


def _drift(voice: Voice) -> list[str]:
    """Characteristics of which it is shown that they shift; or that none is."""
    rows = voice.frame("case_mix_drift")
    rows = rows[rows["p_adjusted"].notna() & rows["estimate"].notna()] if len(rows) else rows
    if not len(rows):
        return []
    found = rows[rows["p_adjusted"] < voice.alpha]
    if found.empty:
        return [voice.phrases("family_flow.no_drift")]
    named = [
        f"{voice.label('value.variable', row['variable'])} ({voice.nonzero(float(row['estimate']))})"
        for _, row in found.iterrows()
    ]
    return [voice.phrases("family_flow.drift", named=", ".join(named))]
