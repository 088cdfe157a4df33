# Reference values for serial correlation with a variance per stratum, from nlme (robust errors: clubSandwich).
# Run in this folder: Rscript residuals.R
suppressMessages({library(nlme); library(clubSandwich); library(jsonlite)})
set.seed(11)
count <- sample(4:7, 72, replace = TRUE)
d <- data.frame(family = rep(sprintf("F%02d", 1:72), count))
d$organisation <- sprintf("O%02d", (match(d$family, unique(d$family)) - 1) %/% 6 + 1)
d$sex <- ifelse(match(d$family, unique(d$family)) %% 2 == 0, "girl", "boy")
d$wave <- unlist(lapply(count, function(k) sort(sample(1:9, k))))
d$months <- 2 * d$wave + round(runif(nrow(d), 0, 1.5), 2)
d$phase <- ifelse(d$wave <= 3, "early", ifelse(d$wave <= 6, "middle", "late"))
noise <- unlist(lapply(split(d, d$family), function(one) {
  drop(t(chol(0.8^abs(outer(one$months, one$months, "-")))) %*% rnorm(nrow(one)))
}))
sd <- c(early = 1, middle = 1.4, late = 2)[d$phase] * ifelse(d$sex == "girl", 1.5, 1)
d$score <- round(20 - 0.2 * d$months + ifelse(d$sex == "girl", 1, 0) + sd * noise +
  ave(d$months, d$family, FUN = function(x) rnorm(1, 0, 2)) + ave(d$months, d$organisation, FUN = function(x) rnorm(1, 0, 1.5)) +
  d$months * ave(d$months, d$family, FUN = function(x) rnorm(1, 0, 0.25)), 3)
# as data come: not in the order of the series
d <- d[sample(nrow(d)), ]
write.csv(d, "residuals.csv", row.names = FALSE, quote = FALSE)
# nlme whitens residuals in the order of the rows, so that here they come in the order of the series
d <- read.csv("residuals.csv", stringsAsFactors = TRUE)
d$row <- seq_len(nrow(d))
d <- d[order(d$family, d$months), ]
tight <- lmeControl(maxIter = 500, msMaxIter = 500, niterEM = 50, tolerance = 1e-10, msTol = 1e-12, returnObject = TRUE)

# of the first rows of the file
first <- function(values) unname(values)[order(d$row)][1:12]

model <- function(fixed, random, correlation, weights, stratum, method = "REML") {
  m <- do.call(lme, list(fixed, data = d, random = random, correlation = correlation, weights = weights,
    control = tight, method = method))
  ratio <- coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  sigma <- m$sigma * ratio[[levels(d[[stratum]])[1]]]
  ratio <- ratio[levels(d[[stratum]])] / ratio[[levels(d[[stratum]])[1]]]
  # the factor of each random term relative to sigma by group, lower triangles by columns
  theta <- lapply(as.matrix(m$modelStruct$reStruct), function(v) { l <- t(chol(v)) * m$sigma / sigma; l[lower.tri(l, TRUE)] })
  top <- d[[names(m$groups)[1]]]
  robust <- function(kind) unname(sqrt(diag(as.matrix(vcovCR(m, cluster = top, type = kind)))))
  list(loglik = as.numeric(logLik(m)), fixef = unname(fixef(m)), se = unname(sqrt(diag(m$varFix))), sigma = sigma,
    ratio = unname(ratio[-1]), correlation = unname(coef(m$modelStruct$corStruct, unconstrained = FALSE)),
    theta = theta, normalised = first(residuals(m, type = "normalized")), pearson = first(residuals(m, type = "pearson")),
    CR0 = robust("CR0"), CR2 = robust("CR2"))
}

flat <- score ~ months * sex
families <- ~ 1 | family
nested <- ~ 1 | organisation/family
out <- list(
  ar1_sex = model(flat, families, corAR1(form = ~ wave | family), varIdent(form = ~ 1 | sex), "sex"),
  car1_sex = model(flat, families, corCAR1(form = ~ months | family), varIdent(form = ~ 1 | sex), "sex"),
  car1_phase_slope_ml = model(flat, ~ months | family, corCAR1(form = ~ months | family),
    varIdent(form = ~ 1 | phase), "phase", method = "ML"),
  ar1_phase_nested = model(flat, nested, corAR1(form = ~ wave | organisation/family), varIdent(form = ~ 1 | phase), "phase"),
  car1_phase_nested = model(flat, nested, corCAR1(form = ~ months | organisation/family), varIdent(form = ~ 1 | phase), "phase")
)
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "residuals.json")
