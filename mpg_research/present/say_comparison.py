"""Ranks, funnel plot, robustness and time in sentences."""

from mpg_research.present.numbers import format_share
from mpg_research.present.voice import Voice

__all__ = ["funnel_topic", "over_time_sentences", "rank_topic", "robustness_sentences"]

#: Limits of rankability in per cent, and the points from which a run chart can show a signal, as in the
#: analysis.
_LOW, _HIGH = 50.0, 75.0
_FEWEST_POINTS = 10


def rank_topic(voice: Voice) -> list[str]:
    """How uncertain the ranks are, and how much of an order would be chance."""
    ranks = voice.frame("ranks")
    if not len(ranks):
        return []
    number = len(ranks)
    middle = (number + 1) / 2
    wide = int(((ranks["set_low"] <= middle) & (ranks["set_high"] >= middle)).sum())
    sentences = [voice.phrases("organisations.ranks_all", number=voice.count(number))]
    if wide < number:
        counts = {"number": voice.count(number), "wide": voice.count(wide)}
        sentences = [voice.phrases("organisations.ranks", **counts)]
    own = ranks[ranks["organisation"] == voice.released.own] if voice.released.own else ranks.iloc[:0]
    for _, row in own.iterrows():
        sentences.append(
            voice.phrases(
                "organisations.ranks_own",
                name=voice.organisation(row["organisation"]),
                low=voice.count(row["set_low"]),
                high=voice.count(row["set_high"]),
                number=voice.count(number),
            )
        )
    percent = _quantity(voice, "rankability")
    if percent is not None:
        grade = "low" if percent < _LOW else "moderate" if percent <= _HIGH else "high"
        shown = voice.number(percent, 0)
        sentences.append(voice.phrases(f"organisations.rankability_{grade}", percent=shown))
    return sentences


def funnel_topic(voice: Voice) -> list[str]:
    """How many organisations lie beyond the limits, by chance too, and whether the checks passed."""
    beyond, far = _quantity(voice, "n_beyond_95"), _quantity(voice, "n_beyond_998")
    share = _quantity(voice, "alarm_share_95")
    if beyond is None or far is None or share is None:
        return []
    if beyond == 0:
        sentences = [voice.phrases("organisations.funnel_none")]
    else:
        by_chance = format_share(share, voice.language, digits=1)
        sentences = [
            voice.phrases(
                f"organisations.funnel_{'one' if beyond == 1 else 'some'}",
                number=voice.count(beyond),
                far=voice.count(far),
                share=by_chance,
            )
        ]
    steps = voice.frame("funnel_steps")
    failed = int((steps["verdict"] == "fail").sum()) if len(steps) else 0
    if failed:
        sentences.append(voice.phrases("organisations.funnel_failed", failed=voice.count(failed)))
    elif len(steps):
        sentences.append(voice.phrases("organisations.funnel_passed"))
    return sentences


def _quantity(voice: Voice, name: str, table: str = "funnel_summary") -> float | None:
    rows = voice.frame(table)
    found = rows.loc[rows["quantity"] == name, "value"] if len(rows) else rows
    if not len(found) or found.isna().iloc[0]:
        return None
    return float(found.iloc[0])


def robustness_sentences(voice: Voice) -> dict[str, list[str]]:
    """Whether the conclusion about organisations stands."""
    rows = voice.frame("robustness")
    if not len(rows):
        return {}
    month = voice.moment(voice.main_month)
    primary = rows[rows["variant"] == "primary"]
    answer = []
    for _, row in primary[primary["different"].notna()].iterrows():
        shown = {name: voice.count(row[name]) for name in ("compared", "different")} | {"moment": month}
        key = f"robustness.{'some' if row['different'] else 'none'}"
        wanted = voice.phrases.placeholders(key)
        answer.append(voice.phrases(key, **{name: shown[name] for name in wanted}))
    other = rows[(rows["variant"] != "primary") & (rows["conclusion"] != "not_possible")]
    changed = int((other["conclusion"] == "changed").sum())
    key = "changes" if changed else "stands" if len(other) else "untested"
    values = {"number": voice.count(len(other)), "changed": voice.count(changed)}
    wanted = voice.phrases.placeholders(f"robustness.{key}")
    answer.append(voice.phrases(f"robustness.{key}", **{name: values[name] for name in wanted}))
    certainty = []
    if other["largest_shift"].notna().any():
        shift = voice.number(other["largest_shift"].max())
        certainty.append(voice.phrases("robustness.shift", shift=shift, unit=voice.unit))
    certainty.append(voice.phrases("robustness.test", moment=month))
    out = voice.frame("leave_one_out")
    possible = out[out["conclusion"] != "not_possible"] if len(out) else out
    if len(possible):
        certainty.append(
            voice.phrases(
                "robustness.leave_one_out",
                changed=voice.count(int((possible["conclusion"] == "changed").sum())),
                number=voice.count(len(possible)),
            )
        )
    return {"answer": answer, "certainty": certainty, "limits": [voice.phrases("robustness.limit")]}


def over_time_sentences(voice: Voice) -> dict[str, list[str]]:
    """Whether results change with the start of help."""
    signal, points = (_quantity(voice, name, "run_signals") for name in ("signal", "n_points"))
    if signal is None or points is None or points < _FEWEST_POINTS:
        answer = voice.phrases("over_time.too_few", minimum=_FEWEST_POINTS)
    else:
        answer = voice.phrases(f"over_time.{'signal' if signal else 'no_signal'}", number=voice.count(points))
    shown = len(voice.frame("run_chart"))
    certainty = []
    if points is not None and 0 < shown < points:
        counts = {"shown": voice.count(shown), "number": voice.count(points)}
        certainty.append(voice.phrases("over_time.shown", **counts))
    return {"answer": [answer], "certainty": certainty, "limits": [voice.phrases("over_time.limit")]}
