# How well a linear growth model fits, by lme4 and by hand; for tests/analysis/robustness/test_model_fit.py.
# Run: Rscript model_fit.R  (reads growth.csv, writes model_fit.json and model_fit.session.txt)
suppressMessages({library(lme4); library(jsonlite)})
d <- read.csv("growth.csv", fileEncoding = "UTF-8")
d <- d[d$respondent == "first_parent", ]
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
fit <- lmer(score ~ months + (1 + months | family), d, REML = TRUE, control = tight)

# R squared after Nakagawa and Schielzeth (2013), random slopes after Johnson (2014): mean of z'Gz over the rows.
X <- getME(fit, "X"); beta <- fixef(fit); G <- as.matrix(VarCorr(fit)$family)[1:2, 1:2]; s2 <- sigma(fit)^2
Z <- cbind(1, d$months)
v_fixed <- var(as.vector(X %*% beta)); v_random <- mean(rowSums((Z %*% G) * Z))
total <- v_fixed + v_random + s2

# residuals by tenth of the fitted values, ties in the order of the rows
r <- as.vector(residuals(fit)); f <- as.vector(fitted(fit)); n <- nrow(d)
tenth <- 1 + ((rank(f, ties.method = "first") - 1) * 10) %/% n

# leaving out each family at the estimated variances: generalised least squares, family by family
parts <- lapply(split(seq_len(n), d$family), function(rows) {
  V <- Z[rows, , drop = FALSE] %*% G %*% t(Z[rows, , drop = FALSE]) + diag(s2, length(rows))
  x <- X[rows, , drop = FALSE]; list(a = t(x) %*% solve(V, x), b = t(x) %*% solve(V, d$score[rows]))
})
A <- Reduce(`+`, lapply(parts, `[[`, "a")); B <- Reduce(`+`, lapply(parts, `[[`, "b"))
full <- solve(A, B); Phi <- solve(A); combination <- c(0, 12)
moved <- sapply(parts, function(p) { delta <- solve(A - p$a, B - p$b) - full
  c(sum(combination * delta) / sqrt(drop(t(combination) %*% Phi %*% combination)), drop(t(delta) %*% A %*% delta) / 2) })

# the restricted deviance along each element of theta
devfun <- update(fit, devFunOnly = TRUE); theta <- getME(fit, "theta"); best <- devfun(theta)
slices <- lapply(seq_along(theta), function(k) sapply(c(-0.2, -0.1, 0.1, 0.2), function(step) {
  at <- theta; at[k] <- at[k] + step; devfun(at) - best }))

write_json(list(
  r2_marginal = v_fixed / total, r2_conditional = (v_fixed + v_random) / total,
  icc_family = v_random / (v_random + s2), residual_sd = sigma(fit),
  log_likelihood = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit), n_parameters = attr(logLik(fit), "df"),
  fitted = as.vector(tapply(f, tenth, mean)), residual_mean = as.vector(tapply(r, tenth, mean)),
  residual_sd_by_tenth = as.vector(tapply(r, tenth, sd)), n_by_tenth = as.vector(table(tenth)),
  spread = as.vector(table(cut(r / sigma(fit), c(-Inf, seq(-2, 2, 0.5), Inf), right = FALSE))),
  families = names(parts), change_of_answer = unname(moved[1, ]), cooks_distance = unname(moved[2, ]),
  theta = unname(theta), slices = slices
), "model_fit.json", digits = 12, auto_unbox = TRUE, pretty = TRUE)
writeLines(capture.output(sessionInfo()), "model_fit.session.txt")
