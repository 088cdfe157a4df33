# Reference values for compound symmetry and unstructured residuals, with and without random effects, from nlme.
# Run in this folder: Rscript mmrm.R
suppressMessages({library(nlme); library(jsonlite)})
set.seed(23)
n <- 120
d <- data.frame(family = rep(sprintf("F%03d", 1:n), each = 4), wave = rep(1:4, n))
d$arm <- ifelse(match(d$family, unique(d$family)) %% 2 == 0, "plan", "usual")
d$organisation <- sprintf("O%02d", (match(d$family, unique(d$family)) - 1) %/% 8 + 1)
d$sex <- ifelse(match(d$family, unique(d$family)) %% 3 == 0, "boy", "girl")
root <- t(chol(matrix(c(9, 5, 3, 2, 5, 12, 7, 4, 3, 7, 16, 9, 2, 4, 9, 20), 4)))
noise <- c(root %*% matrix(rnorm(4 * n), 4))
place <- rnorm(15, 0, 2)
d$score <- round(25 - 1.2 * d$wave - ifelse(d$arm == "plan", 0.6 * d$wave, 0) + place[match(d$organisation, unique(d$organisation))] + noise, 3)
# measurements that pull against each other: correlated below zero
d$share <- round(ave(rnorm(4 * n, 10, 2), d$family, FUN = function(x) x - 0.8 * mean(x)) + 0.5 * d$wave, 3)
d$days <- round(30 * d$wave + runif(4 * n, -9, 9))
# some miss waves; as data come: not in the order of the series
d <- d[runif(4 * n) > 0.15, ]
d <- d[sample(nrow(d)), ]
write.csv(d, "mmrm.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("mmrm.csv", stringsAsFactors = TRUE)
d$row <- seq_len(nrow(d))
d <- d[order(d$family, d$wave), ]
first <- function(values) unname(values)[order(d$row)][1:12]

numbers <- function(m, stratum = NULL) {
  corr <- coef(m$modelStruct$corStruct, unconstrained = FALSE)
  ratio <- NULL; sigma <- m$sigma
  if (!is.null(stratum)) {
    all <- coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
    names <- levels(factor(d[[stratum]]))
    sigma <- m$sigma * all[[names[1]]]
    ratio <- unname(all[names] / all[[names[1]]])[-1]
  }
  se <- if (inherits(m, "lme")) sqrt(diag(m$varFix)) else sqrt(diag(m$varBeta))
  b <- if (inherits(m, "lme")) fixef(m) else coef(m)
  out <- list(loglik = as.numeric(logLik(m)), fixef = unname(b), terms = names(b), se = unname(se), sigma = sigma,
    correlation = unname(corr), ratio = ratio, normalised = first(residuals(m, type = "normalized")),
    pearson = first(residuals(m, type = "pearson")))
  if (inherits(m, "lme")) out$random_sd <- lapply(as.matrix(m$modelStruct$reStruct), function(v) unname(sqrt(diag(v)) * m$sigma))
  out
}
g <- glsControl(maxIter = 500, msMaxIter = 500, tolerance = 1e-11, msTol = 1e-13, returnObject = TRUE)
l <- lmeControl(maxIter = 500, msMaxIter = 500, niterEM = 50, tolerance = 1e-10, msTol = 1e-12, returnObject = TRUE)
full <- score ~ factor(wave) * arm
waves <- varIdent(form = ~ 1 | wave)
symm <- corSymm(form = ~ wave | family)
comp <- corCompSymm(form = ~ 1 | family)
out <- list(
  un_reml = numbers(gls(full, d, correlation = symm, weights = waves, control = g), "wave"),
  un_ml = numbers(gls(full, d, correlation = symm, weights = waves, method = "ML", control = g), "wave"),
  cs_reml = numbers(gls(full, d, correlation = comp, control = g)),
  cs_ml = numbers(gls(full, d, correlation = comp, method = "ML", control = g)),
  cs_negative = numbers(gls(share ~ wave + arm, d, correlation = comp, control = g)),
  csh_reml = numbers(gls(full, d, correlation = comp, weights = waves, control = g), "wave"),
  un_nested = numbers(lme(full, d, random = ~ 1 | organisation, correlation = corSymm(form = ~ wave | organisation/family),
    weights = waves, control = l), "wave"),
  cs_nested = numbers(lme(full, d, random = ~ 1 | organisation, correlation = corCompSymm(form = ~ 1 | organisation/family),
    control = l)),
  # a random slope of the days beside what all waves share
  cs_slope = numbers(lme(score ~ wave * arm, d, random = list(family = pdDiag(~ 0 + days)), correlation = comp, control = l))
)
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "list"), "mmrm.json")
writeLines(capture.output(sessionInfo()), "mmrm.session.txt")
