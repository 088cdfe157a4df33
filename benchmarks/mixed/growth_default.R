# Times the growth model in nlme. Arguments: csv, random formula ("family" or "nested").
# Prints: seconds <tab> restricted log-likelihood <tab> version.
suppressMessages(library(nlme))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1], stringsAsFactors = TRUE)
took <- system.time(fit <- lme(score ~ (s1 + s2 + s3 + s4) * organisation, data,
  random = ~ 1 + months + bend | family, correlation = corCAR1(form = ~ months | family),
  control = lmeControl(maxIter = 200, msMaxIter = 200, returnObject = TRUE)))[["elapsed"]]
cat(sprintf("%.6f\t%.6f\t%s\n", took, as.numeric(logLik(fit)), as.character(packageVersion("nlme"))))
