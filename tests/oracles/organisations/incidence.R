# Drop-out by month 12 with other ends competing: Aalen-Johansen within each organisation by survival, pseudo-
# observations one at a time, and their logistic regression on the case mix with a level per organisation.
#   Rscript tests/oracles/organisations/incidence.R   (in the folder of this file's own data)
suppressMessages(library(survival))
set.seed(20261129)
n <- 240
place <- rep(c("a", "b", "c", "d"), each = 60)
back <- round(runif(n, 0, ifelse(place == "a", 15, 36)), 1)
age <- round(runif(n, 0, 17) + 3 * (place == "b"), 1)
planned <- round(pmax(2, rnorm(n, 11, 3)), 1)
drop <- round(rexp(n, 0.02 * exp(0.08 * age)) + 0.1, 1)
end <- pmin(planned, drop)
ended <- as.integer(end <= back)
dropped <- as.integer(ended & drop < planned)
months <- ifelse(ended == 1, end, back)
data <- data.frame(place, age, months, ended, dropped, back)
write.csv(data, "incidence.csv", row.names = FALSE, quote = FALSE)

aj <- function(d) {
  state <- factor(ifelse(d$ended == 0, 0, ifelse(d$dropped == 1, 1, 2)), 0:2, c("in help", "dropped", "other"))
  s <- summary(survfit(Surv(d$months, state) ~ 1), times = 12, extend = TRUE)
  k <- match("dropped", s$states)
  c(s$pstate[, k], s$std.err[, k])
}
number <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
all <- aj(data)
own <- sapply(split(data, place), aj)
pseudo <- numeric(n)
for (p in unique(place)) {
  d <- data[place == p, ]
  m <- nrow(d)
  each <- sapply(seq_len(m), function(i) m * aj(d)[1] - (m - 1) * aj(d[-i, ])[1])
  pseudo[place == p] <- each
}
# glm() refuses outcomes beyond 0 and 1: the same equations X'(y - p) = 0 by Newton's method.
X <- model.matrix(~ age + place)
beta <- c(qlogis(mean(pseudo)), rep(0, ncol(X) - 1))
for (step in 1:100) {
  mu <- as.vector(plogis(X %*% beta))
  beta <- beta + as.vector(solve(crossprod(X * sqrt(mu * (1 - mu))), crossprod(X, pseudo - mu)))
}
names(beta) <- colnames(X)
mu <- as.vector(plogis(X %*% beta))
bread <- solve(crossprod(X * sqrt(mu * (1 - mu))))
robust <- bread %*% crossprod(X * (pseudo - mu)) %*% bread
# What is expected at the average organisation: the level at which all together have the share observed.
level <- uniroot(function(l) mean(plogis(l + beta["age"] * age)) - mean(pseudo), c(-30, 30), tol = 1e-13)$root
chance <- plogis(level + beta["age"] * age)
out <- list(all = all, own = own[1, ], own_se = own[2, ], pseudo = pseudo, slope = beta["age"],
            slope_se = sqrt(robust[2, 2]), expected = tapply(chance, place, mean))
writeLines(paste0("{\n", paste(sprintf("\"%s\": %s", names(out), sapply(out, number)), collapse = ",\n"), "\n}"),
  "incidence.json")
writeLines(capture.output(sessionInfo()), "incidence.session.txt")
