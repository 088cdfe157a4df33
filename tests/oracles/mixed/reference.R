# Reference values for tests/mixed from lme4, lmerTest, pbkrtest and emmeans.
# Run in this folder: Rscript reference.R
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(jsonlite)})
emm_options(lmerTest.limit = 1e5, pbkrtest.limit = 1e5)
d <- read.csv("families.csv", stringsAsFactors = TRUE)
tight <- lmerControl(optCtrl = list(rhobeg = 2e-3, rhoend = 1e-10, maxfun = 1e5), calc.derivs = TRUE)
m <- lmer(score ~ months * organisation + sex + age + (1 + months | family), d, control = tight)
curved <- lmer(score ~ poly(months, 2) * organisation + sex + (1 | family) + (1 | worker), d, control = tight)
weighted <- lmer(score ~ months + organisation + (1 | family), d, weights = precision, control = tight)
small <- lmer(score ~ months * organisation + sex + age + (1 | family), d, control = tight)
fewer <- lmer(score ~ months + sex + age + (1 + months | family), d, control = tight)
crossed <- lmer(score ~ organisation * sex + months + (1 | family) + (1 | worker), d, control = tight)

frame <- function(x) as.data.frame(x)
at <- list(months = c(0, 6, 12))
means <- function(mode, weights) emmeans(m, "organisation", by = "months", at = at, lmer.df = mode, weights = weights)
out <- list(
  theta = getME(m, "theta"), fixef = fixef(m), loglik = as.numeric(logLik(m)), sigma = sigma(m),
  means_satterthwaite = frame(summary(means("satterthwaite", "equal"), infer = TRUE)),
  means_kenward = frame(summary(means("kenward-roger", "equal"), infer = TRUE)),
  means_proportional = frame(summary(means("satterthwaite", "proportional"), infer = TRUE)),
  pairs_holm = frame(summary(pairs(means("satterthwaite", "equal"), adjust = "holm"), infer = TRUE)),
  pairs_tukey = frame(summary(pairs(means("kenward-roger", "equal"), adjust = "tukey"), infer = TRUE)),
  slopes = frame(summary(emtrends(m, "organisation", var = "months", lmer.df = "satterthwaite"), infer = TRUE)),
  slope_pairs = frame(summary(pairs(emtrends(m, "organisation", var = "months", lmer.df = "satterthwaite"), adjust = "none"), infer = TRUE)),
  curved_slopes = frame(summary(emtrends(curved, "organisation", var = "months", by = "months", at = list(months = c(2, 9)),
    delta.var = 1e-5, lmer.df = "satterthwaite"), infer = TRUE)),
  curved_means = frame(summary(emmeans(curved, c("organisation", "sex"), lmer.df = "satterthwaite"), infer = TRUE)),
  curved_theta = getME(curved, "theta"),
  curved_fixef = fixef(curved),
  anova_satterthwaite = cbind(term = rownames(anova(m)), frame(anova(m))),
  anova_kenward = cbind(term = rownames(anova(m, ddf = "Kenward-Roger")), frame(anova(m, ddf = "Kenward-Roger"))),
  crossed_theta = getME(crossed, "theta"),
  anova_crossed = cbind(term = rownames(anova(crossed)), frame(anova(crossed))),
  predict_none = unname(predict(m, re.form = NA)), predict_all = unname(predict(m)),
  curved_predict_worker = unname(predict(curved, re.form = ~ (1 | worker))),
  residual_conditional = unname(residuals(m)), residual_pearson = unname(residuals(weighted, type = "pearson", scaled = TRUE)),
  weighted = list(theta = getME(weighted, "theta"), fixef = fixef(weighted), se = sqrt(diag(as.matrix(vcov(weighted)))),
    loglik = as.numeric(logLik(weighted)), sigma = sigma(weighted), df = summary(weighted)$coefficients[, "df"]),
  ranef = ranef(m)$family,
  compare_random = list(reml = as.numeric(2 * (logLik(m) - logLik(small)))),
  compare_fixed = frame(anova(fewer, m, refit = TRUE)),
  profile = (function() { p <- confint(small, oldNames = FALSE, quiet = TRUE); list(name = rownames(p), low = p[, 1], high = p[, 2]) })(),
  profile_slopes = (function() { p <- suppressWarnings(confint(m, oldNames = FALSE, quiet = TRUE)); list(name = rownames(p), low = p[, 1], high = p[, 2]) })()
)
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "reference.json")
capture.output(sessionInfo(), file = "sessionInfo.txt")
