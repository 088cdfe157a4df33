# Degrees of freedom of lmerTest and pbkrtest where random effects are estimated as perfectly dependent.
# Run in this folder: Rscript singular.R  (singular.csv is made by make_singular.py)
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite)})
d <- read.csv("singular.csv", stringsAsFactors = TRUE)
d$g <- factor(d$g); d$w <- factor(d$w)
formulas <- list(
  slopes = y ~ t * arm + x + (1 + t | g),
  three = y ~ t + s + x + (1 + t + s | g),
  crossed = y ~ t * arm + x + (1 + t | g) + (1 | w))
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
out <- list()
for (model in names(formulas)) for (k in unique(d$set[d$model == model])) {
  e <- droplevels(d[d$model == model & d$set == k, ])
  # several starts: lme4 stops at a worse optimum in some of these
  q <- if (model == "three") 6 else 3
  fits <- lapply(c(0.2, -0.2), function(s) suppressMessages(suppressWarnings(lmer(formulas[[model]], e,
    control = tight, start = c(1, s, rep(0.1, q - 2), if (model == "crossed") 0.5)))))
  m <- fits[[which.max(sapply(fits, logLik))]]
  s <- coef(summary(m)); p <- nrow(s)
  out[[length(out) + 1]] <- list(
    model = model, set = k, theta = ifelse(abs(getME(m, "theta")) < 1e-6, 0, getME(m, "theta")), loglik = as.numeric(logLik(m)), names = rownames(s),
    se = s[, "Std. Error"], df = s[, "df"], anova = as.data.frame(anova(m)), terms = rownames(anova(m)),
    # the last coefficients jointly, for the pooled denominator
    joint = contestMD(m, diag(p)[2:4, ]),
    kr_df = sapply(1:p, function(i) getKR(KRmodcomp(m, diag(p)[i, , drop = FALSE]), "ddf")),
    kr_se = sqrt(diag(as.matrix(vcovAdj(m)))))
}
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "singular.json")
capture.output(sessionInfo(), file = "singular.session.txt")
