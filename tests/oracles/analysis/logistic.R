# Logistic regression with errors for clusters, weights and a ridge, and adjusted p-values, for tests/statistics.
# Run: Rscript logistic.R  (writes logistic.csv, logistic.json, logistic.session.txt)
suppressMessages({library(geepack); library(jsonlite)})
set.seed(4021)
n <- 240; m <- 36
d <- data.frame(cluster = sort(sample(m, n, replace = TRUE)), x = round(rnorm(n, 20, 6), 1),
                rare = rbinom(n, 1, 0.12), weight = sample(0:3, n, replace = TRUE))
level <- rnorm(m, sd = 0.8)
d$happened <- rbinom(n, 1, plogis(-2.5 + 0.09 * d$x + 0.7 * d$rare + level[d$cluster]))
write.csv(d, "logistic.csv", row.names = FALSE)

# the sandwich of independent working correlation, without geepack's own factors, then m / (m - 1)
fit <- geeglm(happened ~ x + rare, family = binomial, id = cluster, data = d, corstr = "independence",
              control = geese.control(epsilon = 1e-13, maxit = 100))
m <- length(unique(d$cluster))
se <- sqrt(diag(fit$geese$vbeta) * m / (m - 1))
half <- qt(0.975, m - 1) * se
clustered <- list(estimate = unname(coef(fit)), std_error = unname(se), df = m - 1,
                  p_value = unname(2 * pt(-abs(coef(fit) / se), m - 1)),
                  conf_low = unname(coef(fit) - half), conf_high = unname(coef(fit) + half))

# weights as so many persons
weighted <- glm(happened ~ x, family = binomial, data = d, weights = weight,
                control = glm.control(epsilon = 1e-14, maxit = 100))

# a ridge on standardised columns: the penalised likelihood at its maximum, by a general optimiser and Newton
sd1 <- function(v) (v - mean(v)) / sqrt(mean((v - mean(v))^2))
X <- cbind(1, sd1(d$x), sd1(d$rare)); pull <- diag(c(0, 0.5, 0.5))
gradient <- function(b) drop(t(X) %*% (d$happened - plogis(X %*% b)) - pull %*% b)
information <- function(b) { p <- drop(plogis(X %*% b)); t(X) %*% (X * p * (1 - p)) + pull }
b <- optim(c(0, 0, 0), function(b) -sum(dbinom(d$happened, 1, plogis(X %*% b), log = TRUE)) + sum(diag(pull) * b^2) / 2,
           method = "BFGS")$par
for (i in 1:20) b <- b + solve(information(b), gradient(b))

p <- c(0.001, 0.2, 0.04, 0.04, 0.011, 0.9, 0.03)
write_json(list(clustered = clustered, weighted = unname(coef(weighted)),
                ridge = list(estimate = b, covariance = solve(information(b))),
                p = p, bh = p.adjust(p, "BH"), holm = p.adjust(p, "holm")),
           "logistic.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
writeLines(capture.output(sessionInfo()), "logistic.session.txt")
