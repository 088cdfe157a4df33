# The default growth model in nlme: a bend per family and residuals that carry on; for tests/analysis.
# Run: Rscript growth_default.R  (writes growth_default.csv, growth_default.json, growth_default.session.txt)
suppressMessages({library(nlme); library(splines); library(jsonlite)})
set.seed(909)

# ---- data: three organisations, families that start fast by an amount of their own, swings that last
sizes <- c(Anker = 45, Brug = 30, Haven = 40)
rows <- list(); n <- 0
for (o in names(sizes)) for (i in seq_len(sizes[o])) {
  n <- n + 1
  months <- sort(unique(round(c(0, 1:12 + runif(12, -0.3, 0.3)), 2)))
  months <- months[c(TRUE, runif(12) > 0.15)]
  swing <- numeric(length(months)); swing[1] <- rnorm(1)
  for (j in seq_along(months)[-1]) {
    phi <- 0.55 ^ (months[j] - months[j - 1])
    swing[j] <- phi * swing[j - 1] + sqrt(1 - phi^2) * rnorm(1)
  }
  score <- 24 + rnorm(1, sd = 4) + rnorm(1, -5, 4) * (1 - exp(-months / 3)) + rnorm(1, 0, 0.25) * months + 2.4 * swing
  rows[[n]] <- data.frame(family = sprintf("f%03d", n), organisation = o, months = months, score = round(score, 3))
}
d <- do.call(rbind, rows)
write.csv(d, "growth_default.csv", row.names = FALSE, quote = FALSE)

# ---- model; knots as the rule says, rounded as the formula writes them
d$organisation <- factor(d$organisation); d$bend <- log1p(d$months)
last <- as.numeric(quantile(d$months, 0.98))
knots <- round((sqrt(last) * 0:4 / 4)^2, 2)
basis <- function(months) ns(months, knots = knots[2:4], Boundary.knots = knots[c(1, 5)])
model <- lme(score ~ basis(months) * organisation, random = ~ 1 + months + bend | family,
             correlation = corCAR1(form = ~ months | family), data = d, method = "REML",
             control = lmeControl(opt = "nlminb", msMaxIter = 2000, maxIter = 500, niterEM = 100,
                                  tolerance = 1e-10, msTol = 1e-12))
design <- function(organisation, month) {
  at <- data.frame(months = c(0, month), organisation = factor(organisation, levels = levels(d$organisation)))
  x <- model.matrix(~ basis(months) * organisation, at)
  x[2, ] - x[1, ]
}
change <- function(month) {
  L <- t(sapply(levels(d$organisation), design, month = month))
  apart <- sweep(L, 2, colMeans(L))
  V <- vcov(model)
  C <- L[-1, ] - L[rep(1, 2), ]
  wald <- as.numeric(t(C %*% fixef(model)) %*% solve(C %*% V %*% t(C)) %*% (C %*% fixef(model)))
  list(month = month, estimate = as.numeric(L %*% fixef(model)), SE = sqrt(diag(L %*% V %*% t(L))),
       difference = as.numeric(apart %*% fixef(model)), difference_SE = sqrt(diag(apart %*% V %*% t(apart))),
       wald = wald)
}
variances <- as.matrix(getVarCov(model))
result <- list(knots = knots, log_likelihood = as.numeric(logLik(model)), sigma = model$sigma,
               correlation = as.numeric(coef(model$modelStruct$corStruct, unconstrained = FALSE)),
               sd = sqrt(diag(variances)), change = lapply(c(6, 12), change))
writeLines(toJSON(result, digits = 12, auto_unbox = TRUE), "growth_default.json")
writeLines(capture.output(sessionInfo()), "growth_default.session.txt")
