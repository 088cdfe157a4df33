"""Scripts for R and SPSS that read the export and fit the primary model to it."""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from mpg_research.analysis.growth.growth_model import GrowthModel
from mpg_research.analysis.growth.trajectory import TrajectoryFit
from mpg_research.reporting.outgoing.tables import expected_course_columns

__all__ = ["expected_results", "r_script", "spss_script"]

_HEAD = "Fits the primary model of this study to analysis_frame; written by mpg export."


def _knots(model: GrowthModel) -> tuple[float, ...]:
    """The knots of the natural spline; none where the course is a straight line."""
    found = re.search(r"cr\(months, knots=\(([^)]*)\)\)", model.formula)
    return tuple(float(each) for each in found[1].split(",")) if found else ()


def _random_terms(model: GrowthModel) -> list[str]:
    """The random terms as they stand in the formula, families first."""
    return re.findall(r"\([^()|]*\|\|? [\w:]+\)", model.formula.partition("~")[2])


def _later(fit: TrajectoryFit) -> list[float]:
    return [float(month) for month in fit.tables["change"].data["months"]]


def expected_results(fit: TrajectoryFit) -> dict[str, Any]:
    """The numbers of this package that a script should find again.

    Parameters
    ----------
    fit : TrajectoryFit
        The primary model.

    Returns
    -------
    dict
        For JSON: the formula, the residual standard deviation, and changes since the start with their
        standard errors, both without and with the correction by Kenward and Roger.
    """
    model, months = fit.model, _later(fit)
    rows = np.asarray(model.mean_rows(months)) - np.asarray(model.mean_rows([0.0]))
    covariance = np.asarray(model.fit.solution.covariance, dtype=float)
    plain = np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows))
    corrected = model.estimate(rows)
    return {
        "formula": model.formula,
        "correlation_of_residuals_a_month_apart": model.correlation,
        "residual_sd": float(model.fit.residual_sd),
        "n_rows": len(model.fitted_data),
        "change": [
            {
                "months": month,
                "estimate": float(corrected["estimate"].iloc[place]),
                "std_error": float(corrected["std_error"].iloc[place]),
                "df": float(corrected["df"].iloc[place]),
                "std_error_uncorrected": float(plain[place]),
            }
            for place, month in enumerate(months)
        ],
    }


def r_script(fit: TrajectoryFit) -> str:
    """A script for R: lme4 and lmerTest, or nlme or glmmTMB where residuals carry on.

    Parameters
    ----------
    fit : TrajectoryFit
        The primary model.

    Returns
    -------
    str
    """
    model = fit.model
    terms, knots = _random_terms(model), _knots(model)
    families = next(term for term in terms if term.endswith("| family)"))
    nested = all("| family" in term for term in terms)
    course = "course(months)" if knots else "months"
    lines = [
        f"# {_HEAD}",
        "# Run it in the folder of the export: Rscript fit_primary_model.R",
        "# analysis_frame.csv holds data about single families: personal data.",
        'd <- read.csv("analysis_frame.csv", fileEncoding = "UTF-8", na.strings = "",',
        '              colClasses = c(family = "character", episode = "character", worker = "character",',
        '                             organisation = "character", respondent = "character"))',
        f"months_asked <- c({', '.join(f'{month:g}' for month in _later(fit))})",
    ]
    if knots:
        inner = ", ".join(f"{knot:.10g}" for knot in knots[1:-1])
        lines += [
            "library(splines)",
            f"course <- function(months) ns(months, knots = c({inner}),",
            f"                              Boundary.knots = c({knots[0]:.10g}, {knots[-1]:.10g}))",
        ]
    if model.correlation is None:
        lines += _lme4(course, terms)
    elif nested and len(terms) <= 2:
        lines += _nlme(course, families, terms)
    else:
        lines += _glmm(course, terms)
    row = "cbind(1, course(m))" if knots else "cbind(1, m)"
    lines += [
        "# Change since the start, at the months asked for",
        f"rows <- function(m) {row}",
        "L <- unclass(rows(months_asked)) - unclass(rows(rep(0, length(months_asked))))",
        "change <- data.frame(months = months_asked, estimate = as.numeric(L %*% beta),",
        "                     std_error_uncorrected = sqrt(diag(L %*% V %*% t(L))))",
    ]
    if model.correlation is None:
        lines += [
            "# Degrees of freedom; with thousands of rows Kenward-Roger takes minutes: then Satterthwaite.",
            'ddf <- if (nrow(d) > 1500) "Satterthwaite" else "Kenward-Roger"',
            "tested <- do.call(rbind, lapply(seq_along(months_asked),",
            "                                function(i) contest1D(fit, L[i, ], ddf = ddf)))",
            'change$std_error <- tested[["Std. Error"]]; change$df <- tested$df; change$ddf <- ddf',
        ]
    lines += ["print(change, digits = 10)", 'cat("residual sd:", format(residual_sd, digits = 10), "\\n")']
    return "\n".join(lines) + "\n"


def _lme4(course: str, terms: Sequence[str]) -> list[str]:
    return [
        "library(lmerTest)",
        f"fit <- lmer(score ~ {course} + {' + '.join(terms)}, data = d, REML = TRUE,",
        '            control = lmerControl(optimizer = "bobyqa", calc.derivs = FALSE,',
        "                                  optCtrl = list(maxfun = 1e5, rhoend = 1e-9)))",
        "print(summary(fit))",
        "beta <- fixef(fit); V <- as.matrix(vcov(fit)); residual_sd <- sigma(fit)",
    ]


def _nlme(course: str, families: str, terms: Sequence[str]) -> list[str]:
    own = families[1 : families.index("|")].strip()
    inner = [term[term.index(":") + 1 : -1] for term in terms if ":" in term]
    random = f"family = ~ {own}" + "".join(f", {name} = ~ 1" for name in inner)
    within = "family/" + "/".join([*inner, "series"])
    return [
        "library(nlme)",
        f'fit <- lme(score ~ {course}, random = list({random}), data = d, method = "REML",',
        f"           correlation = corCAR1(form = ~ months | {within}),",
        '           control = lmeControl(opt = "nlminb", msMaxIter = 2000, maxIter = 500, niterEM = 100,',
        "                                tolerance = 1e-10, msTol = 1e-12, returnObject = TRUE))",
        "print(summary(fit))",
        "beta <- fixef(fit); V <- vcov(fit); residual_sd <- fit$sigma",
    ]


def _glmm(course: str, terms: Sequence[str]) -> list[str]:
    return [
        "library(glmmTMB)  # lme4 has no residuals that carry on, and nlme no workers across families",
        "d$moment <- numFactor(d$months); d$series <- factor(d$series)",
        f"fit <- glmmTMB(score ~ {course} + {' + '.join(terms)} + ou(moment + 0 | series),",
        "               data = d, REML = TRUE, dispformula = ~ 0)",
        "print(summary(fit))",
        "beta <- fixef(fit)$cond; V <- vcov(fit)$cond",
        'residual_sd <- attr(VarCorr(fit)$cond[["series"]], "stddev")[1]',
    ]


def spss_script(fit: TrajectoryFit) -> str:
    """Syntax for SPSS MIXED. It was checked by eye only: no SPSS was at hand.

    Parameters
    ----------
    fit : TrajectoryFit
        The primary model.

    Returns
    -------
    str
    """
    model, later = fit.model, _later(fit)
    columns = expected_course_columns(model, [0.0, *later])
    names = [str(name) for name in columns] or ["months"]
    values = columns.to_numpy() if list(columns) else np.array([[0.0], *[[month] for month in later]])
    lines = [
        f"* {_HEAD}",
        "* Run it in the folder of the export. Nobody ran this syntax in SPSS yet: it was checked by eye.",
        "* analysis_frame.sav holds data about single families: personal data.",
        "GET FILE='analysis_frame.sav'.",
        f"MIXED score WITH {' '.join(dict.fromkeys([*names, 'months', 'bend']))}",
        "  /CRITERIA=DFMETHOD(KENWARDROGER) MXITER(500)",
        f"  /FIXED={' '.join(names)} | SSTYPE(3)",
        "  /METHOD=REML",
        "  /PRINT=SOLUTION TESTCOV",
    ]
    lines += [_spss_random(term) for term in _random_terms(model)]
    if model.correlation is not None:
        lines.append("  /REPEATED=occasion | SUBJECT(series) COVTYPE(SP_POWER) SPCOORDS(months)")
    for place, month in enumerate(later, start=1):
        weights = values[place] - values[0]
        listed = " ".join(f"{name} {weight:.10g}" for name, weight in zip(names, weights, strict=True))
        lines.append(f"  /TEST='Change to month {month:g}' {listed}")
    return "\n".join(lines) + ".\n"


def _spss_random(term: str) -> str:
    effects, _, group = term[1:-1].partition("|")
    uncorrelated = group.startswith("|")
    names = ["INTERCEPT" if each == "1" else each for each in effects.replace(" ", "").split("+")]
    subject = group.strip("| ").replace(":", "*")
    kind = "ID" if len(names) == 1 else "DIAG" if uncorrelated else "UN"
    return f"  /RANDOM={' '.join(names)} | SUBJECT({subject}) COVTYPE({kind})"


def as_json(results: dict[str, Any]) -> bytes:
    """The expected results as a file."""
    return (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode()
