# Times one model with one R package. Arguments: package, csv, formula, task.
# Prints: seconds <tab> log-likelihood <tab> version, or "absent".
arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
formula <- as.formula(arguments[3])
task <- arguments[4]
needed <- switch(package, lmerTest = c("lme4", "lmerTest"), pbkrtest = c("lme4", "pbkrtest"), package)
for (one in needed) {
  if (!requireNamespace(one, quietly = TRUE)) {
    cat("absent\n")
    quit(save = "no")
  }
}
data <- read.csv(arguments[2])
seconds <- function(expression) system.time(expression)[["elapsed"]]
if (package == "lme4" && task == "fit") {
  took <- seconds(fit <- lme4::lmer(formula, data))
} else if (package == "lme4" && task == "bootstrap") {
  fit <- lme4::lmer(formula, data)
  took <- seconds(lme4::bootMer(fit, lme4::fixef, nsim = 1000, seed = 1))
} else if (package == "lmerTest") {
  took <- seconds({
    fit <- lmerTest::lmer(formula, data)
    invisible(summary(fit))
  })
} else if (package == "pbkrtest") {
  fit <- lme4::lmer(formula, data)
  contrast <- c(0, 1)
  took <- seconds(invisible(pbkrtest::Lb_ddf(contrast, lme4::vcov.merMod(fit), pbkrtest::vcovAdj(fit))))
} else if (package == "glmmTMB") {
  took <- seconds(fit <- glmmTMB::glmmTMB(formula, data, REML = TRUE))
} else if (package == "nlme") {
  library(nlme)
  took <- seconds(fit <- lme(score ~ months, data,
    random = ~ 1 + months | family,
    correlation = corCAR1(form = ~ months | family)
  ))
}
cat(sprintf("%.6f\t%.6f\t%s\n", took, as.numeric(logLik(fit)), as.character(packageVersion(package))))
