# Many ways to write a model, fitted by lme4 to the synthetic families; degrees of freedom by lmerTest and pbkrtest.
# Run in this folder: Rscript formulas.R
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite); library(splines)})
d <- read.csv("families.csv", stringsAsFactors = TRUE)
formulas <- c(
  "score ~ months + (1|family) + (0+months|family)",
  "score ~ months + (months||family)",
  "score ~ 0 + organisation + months + (1|family)",
  "score ~ poly(months,2)*sex + (poly(months,2)|family)",
  "score ~ log(months+1) + I(months^2) + scale(age) + (1|family)+(1|worker)",
  "score ~ organisation:months + (1|family)",
  "score ~ months + (1|sex:organisation) + (1|family)",
  "score ~ bs(months,df=4)*sex + (1|family)",
  "score ~ (months+sex+organisation)^2 - sex:organisation + (1|family)",
  "score ~ organisation*sex*months + (1|family)+(1|worker)",
  "log(score) ~ sqrt(months)+ (sqrt(months)|family)",
  "score ~ exp(-months/6) + sin(2*pi*months/12) + (1|family)",
  "score ~ factor(months) + (1|family)",
  "score ~ age + (1|worker/family)"
)
control <- lmerControl(optCtrl = list(ftol_abs = 1e-12, xtol_abs = 1e-10, maxeval = 1e5), check.conv.singular = "ignore")
fit <- function(text) {
  m <- lmer(as.formula(text), d, control = control)
  s <- coef(summary(m)); k <- coef(summary(m, ddf = "Kenward-Roger"))
  list(formula = text, names = names(fixef(m)), theta = I(unname(getME(m, "theta"))), loglik = as.numeric(logLik(m)),
    estimate = unname(fixef(m)), std_error = unname(s[, 2]), satterthwaite = unname(s[, 3]),
    kenward_se = unname(k[, 2]), kenward = unname(k[, 3]))
}
write(toJSON(lapply(formulas, fit), digits = NA, auto_unbox = TRUE, pretty = TRUE), "formulas.json")
