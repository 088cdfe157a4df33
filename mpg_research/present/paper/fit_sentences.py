"""How well a growth model fits, and who the families are, in sentences."""

import math

import pandas as pd

from mpg_research.frames import quantity
from mpg_research.present.language.numbers import format_share
from mpg_research.present.language.voice import Voice

__all__ = ["intake_sentences", "model_sentences"]

#: Residuals further than so many standard deviations from zero are counted.
_FAR = 2.0
#: A deviance that falls by more than this beside the fit says that there is a better one.
_LOWER = 0.01


def model_sentences(voice: Voice) -> dict[str, list[str]]:
    """What the model explains, whether its residuals look right, who weighs in, whether it converged."""
    return {
        "answer": [*_explained(voice), *_between(voice)],
        "certainty": [*_residuals(voice), *_influence(voice), *_optimum(voice)],
        "limits": [voice.phrases("model_fit.fits_is_not_true")],
    }


def _explained(voice: Voice) -> list[str]:
    rows = voice.frame("fit_statistics")
    if not len(rows):
        return [voice.why_withheld("fit_statistics")]
    marginal, conditional = (quantity(rows, name) for name in ("r2_marginal", "r2_conditional"))
    if not (0 <= marginal <= conditional <= 1):
        return [voice.phrases("model_fit.not_computed")]
    shares = {"marginal": _share(voice, marginal), "conditional": _share(voice, conditional)}
    return [voice.phrases("model_fit.explained", **shares)]


def _between(voice: Voice) -> list[str]:
    rows = voice.frame("variance_shares")
    found = rows[rows["group"] == "family"] if len(rows) else rows
    share = float(found["icc"].iloc[0]) if len(found) else math.nan
    return [voice.phrases("model_fit.between", share=_share(voice, share))] if 0 <= share <= 1 else []


def _residuals(voice: Voice) -> list[str]:
    table = voice.table("residual_spread")
    if table is None:
        return []
    far = table.data[(table.data["from_sd_low"] >= _FAR) | (table.data["from_sd_high"] <= -_FAR)]
    shares, expected = far["share"].astype(float), far["normal_share"].astype(float)
    if not len(far) or shares.isna().any() or expected.isna().any():
        return []
    values = {"share": _share(voice, shares.sum(), 1), "expected": _share(voice, expected.sum(), 1)}
    return [voice.phrases("model_fit.residuals", **values)]


def _influence(voice: Voice) -> list[str]:
    rows = voice.frame("influence")
    found = rows[rows["of_leaving_out"] == "change_of_answer"] if len(rows) else rows
    if not len(found):
        return []
    ends = [float(found[name].iloc[0]) for name in ("p10", "p90")]
    if not all(map(math.isfinite, ends)):
        return []
    size = voice.nonzero(max(map(abs, ends)), 2)
    return [voice.phrases("model_fit.influence", size=size, period=voice.period(voice.main_month))]


def _optimum(voice: Voice) -> list[str]:
    rows = voice.frame("deviance_slices")
    rises = pd.to_numeric(rows["deviance_rise"]).dropna() if len(rows) else pd.Series(dtype=float)
    if not len(rises):
        return []
    return [voice.phrases(f"model_fit.{'no_minimum' if rises.min() < -_LOWER else 'minimum'}")]


def _share(voice: Voice, value: float, digits: int = 0) -> str:
    return format_share(float(value), voice.language, digits=digits)


def intake_sentences(voice: Voice) -> dict[str, list[str]]:
    """With what score families start, and for how long they were measured."""
    rows = voice.frame("intake")
    by_name = (
        {str(row["variable"]): row for _, row in rows.iterrows() if row["level"] == ""} if len(rows) else {}
    )
    score, time = by_name.get("first_score"), by_name.get("time_measured")
    answer = []
    if score is not None and voice.can_be_a_score(float(score["mean_or_share"])):
        families = voice.about(voice.families(float(score["n_families"])), str(score["n_mark"]))
        mean, sd = (float(score[name]) for name in ("mean_or_share", "sd"))
        key = "first_score" if math.isfinite(sd) else "first_score_alone"
        values = {"mean": voice.number(mean), "families": families, "score": voice.score}
        values |= {"sd": voice.number(sd)} if math.isfinite(sd) else {}
        answer.append(voice.phrases(f"intake.{key}", **values))
    if time is not None and math.isfinite(float(time["mean_or_share"])):
        waves = voice.released.policy.time_unit == "waves"
        number = voice.number(float(time["mean_or_share"]))
        answer.append(voice.phrases(f"intake.followed{'_waves' if waves else ''}", number=number))
    return {
        "answer": answer or [voice.why_withheld("intake")],
        "limits": [voice.phrases("intake.known")],
    }
