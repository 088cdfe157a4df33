# Reference values for measurement error beside continuous-time autoregression, from nlme.
# Run in this folder, after residuals.R: Rscript measurement_error.R
suppressMessages({library(nlme); library(jsonlite)})
set.seed(12)
count <- sample(5:9, 60, replace = TRUE)
d <- data.frame(family = rep(sprintf("F%02d", 1:60), count))
d$organisation <- sprintf("O%02d", (match(d$family, unique(d$family)) - 1) %/% 6 + 1)
d$months <- unlist(lapply(count, function(k) sort(round(runif(k, 0, 12), 2))))
d <- d[!duplicated(d[c("family", "months")]), ]
d$arm <- ifelse(match(d$family, unique(d$family)) %% 2 == 0, "b", "a")
state <- unlist(lapply(split(d, d$family), function(one) {
  drop(t(chol(0.75^abs(outer(one$months, one$months, "-")))) %*% rnorm(nrow(one)))
}))
d$score <- round(20 - 0.3 * d$months + 2.5 * state + rnorm(nrow(d), 0, 1.5) +
  ave(d$months, d$family, FUN = function(x) rnorm(1, 0, 1.5)) +
  ave(d$months, d$organisation, FUN = function(x) rnorm(1, 0, 1.5)) +
  d$months * ave(d$months, d$family, FUN = function(x) rnorm(1, 0, 0.2)), 3)
d <- d[sample(nrow(d)), ]
write.csv(d, "measurement_error.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("measurement_error.csv", stringsAsFactors = TRUE)
d <- d[order(d$family, d$months), ]
tight <- lmeControl(maxIter = 500, msMaxIter = 500, niterEM = 50, tolerance = 1e-10, msTol = 1e-12, returnObject = TRUE)
started <- function(form) corExp(c(3, 0.3), form = form, nugget = TRUE)

model <- function(random, form, method = "REML", weights = NULL) {
  m <- do.call(lme, list(score ~ months * arm, data = d, random = random, correlation = started(form),
    weights = weights, control = tight, method = method))
  found <- coef(m$modelStruct$corStruct, unconstrained = FALSE)
  ratio <- if (is.null(weights)) numeric(0) else {
    all <- coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
    all[["b"]] / all[["a"]]
  }
  sigma <- m$sigma * if (is.null(weights)) 1 else coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[["a"]]
  theta <- lapply(as.matrix(m$modelStruct$reStruct), function(v) { l <- t(chol(v)) * m$sigma / sigma; l[lower.tri(l, TRUE)] })
  list(loglik = as.numeric(logLik(m)), fixef = unname(fixef(m)), se = unname(sqrt(diag(m$varFix))), sigma = sigma,
    phi = exp(-1 / found[["range"]]), share = found[["nugget"]], ratio = ratio, theta = theta)
}

out <- list(
  level = model(~ 1 | family, ~ months | family),
  slope_ml = model(~ months | family, ~ months | family, method = "ML"),
  nested = model(~ 1 | organisation/family, ~ months | organisation/family),
  level_arm = model(~ 1 | family, ~ months | family, weights = varIdent(form = ~ 1 | arm))
)
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "measurement_error.json")
writeLines(capture.output(sessionInfo()), "measurement_error_session.txt")
