# Months in help with help that goes on: restricted mean by survival, pseudo-observations one at a time, and
# a linear model of them with a level per organisation and a robust covariance.
#   Rscript tests/oracles/organisations/duration.R   (in the folder of this file's own data)
suppressMessages(library(survival))
set.seed(20261122)
n <- 90
place <- rep(c("a", "b", "c"), c(20, 30, 40))
age <- round(runif(n, 0, 17), 1)
stop <- round(rexp(n, 1 / (8 + 0.4 * age + 3 * (place == "b"))) + 0.5, 1)
seen <- round(runif(n, 3, 40), 1)
months <- pmin(stop, seen)
ended <- as.integer(stop <= seen)
data <- data.frame(place, age, months, ended)
write.csv(data, "duration.csv", row.names = FALSE, quote = FALSE)

restricted <- function(d) {
  found <- summary(survfit(Surv(months, ended) ~ 1, d), rmean = 24)$table
  found[c("rmean", "se(rmean)")]
}
number <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
all <- restricted(data)
pseudo <- sapply(seq_len(n), function(i) n * all[1] - (n - 1) * restricted(data[-i, ])[1])
fit <- lm(pseudo ~ 0 + place + I(age - mean(age)), data)
X <- model.matrix(fit)
size <- as.vector(table(place)[place])
bread <- solve(crossprod(X))
robust <- bread %*% crossprod(X * (residuals(fit) / sqrt(1 - 1 / size))) %*% bread
out <- list(mean = all[1], se = all[2], pseudo = pseudo, level = coef(fit)[1:3], slope = coef(fit)[4],
            robust = as.vector(robust[1:3, 1:3]))
writeLines(paste0("{\n", paste(sprintf("\"%s\": %s", names(out), sapply(out, number)), collapse = ",\n"), "\n}"),
  "duration.json")
writeLines(capture.output(sessionInfo()), "duration.session.txt")
