# Reference values for tests/instruments/test_reliability.py. Base R only.
# Run in this folder: Rscript reliability.R   (writes reliability.csv and sessionInfo.txt)
options(digits = 15)
answers <- read.csv("answers.csv")
n <- nrow(answers)
k <- ncol(answers)
covariance <- cov(answers)
alpha <- k / (k - 1) * (1 - sum(diag(covariance)) / sum(covariance))
feldt <- function(tail) 1 - (1 - alpha) * qf(tail, n - 1, (n - 1) * (k - 1))

fit <- factanal(answers, factors = 1, control = list(nstart = 1, opt = list(factr = 10, maxit = 1000)))
loadings <- abs(sum(sign(fit$loadings[, 1]))) / sum(sign(fit$loadings[, 1])) * fit$loadings[, 1] * sqrt(diag(covariance))
uniquenesses <- fit$uniquenesses * diag(covariance)
omega <- sum(loadings)^2 / (sum(loadings)^2 + sum(uniquenesses))

repeated <- read.csv("repeated.csv")
long <- data.frame(
  family = factor(rep(seq_len(nrow(repeated)), ncol(repeated))),
  moment = factor(rep(seq_len(ncol(repeated)), each = nrow(repeated))),
  raw = unlist(repeated)
)
squares <- summary(aov(raw ~ family + moment, data = long))[[1]]
moments <- ncol(repeated)
f <- squares[1, "Mean Sq"] / squares[3, "Mean Sq"]
df1 <- squares[1, "Df"]
df2 <- squares[3, "Df"]
icc <- function(f) (f - 1) / (f + moments - 1)
result <- data.frame(
  quantity = c("alpha", "alpha_low_95", "alpha_high_95", "alpha_low_90", "omega", "icc", "icc_low_95", "icc_high_95"),
  value = c(alpha, feldt(.975), feldt(.025), feldt(.95), omega,
            icc(f), icc(f / qf(.975, df1, df2)), icc(f * qf(.975, df2, df1)))
)
loading_rows <- data.frame(quantity = paste0("loading_", names(answers)), value = unname(loadings))
write.csv(rbind(result, loading_rows), "reliability.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo.txt")
