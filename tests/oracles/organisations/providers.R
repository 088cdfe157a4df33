# Provider effects by lm and lme4, on data made here.
#   Rscript tests/oracles/organisations/providers.R   (in the folder of this file's own data)
suppressMessages(library(lme4))
set.seed(20261121)
g <- 14
size <- sample(4:40, g, replace = TRUE)
provider <- rep(sprintf("p%02d", 1:g), size)
n <- length(provider)
level <- rnorm(g, 0, 2)[as.integer(factor(provider))]
age <- round(rnorm(n, 8 + level / 2, 3), 2)
income <- round(rlnorm(n, 3, 0.5), 3)
sex <- sample(c("girl", "boy"), n, replace = TRUE)
score <- round(50 + level - 0.6 * age + 0.1 * income + 1.5 * (sex == "girl") + rnorm(n, 0, 4), 4)
data <- data.frame(provider, age, income, sex, score)
write.csv(data, "providers.csv", row.names = FALSE, quote = FALSE)

number <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
fixed <- lm(score ~ 0 + provider + age + income + sex, data)
gamma <- coef(fixed)[1:g]
beta <- coef(fixed)[-(1:g)]
x <- model.matrix(~ age + income + sex, data)[, -1]
linear <- as.vector(x %*% beta)
weights <- size / n
V <- vcov(fixed)[1:g, 1:g]
# Covariance of the levels for the average client, then of their differences from the weighted mean.
L <- cbind(diag(g), matrix(colMeans(x), g, 3, byrow = TRUE))
C <- (diag(g) - matrix(weights, g, g, byrow = TRUE)) %*% L
out <- list(
  gamma = gamma, beta = beta, sigma = sigma(fixed), df = df.residual(fixed),
  indirect_mean = tapply(score - linear, provider, mean) - sum(weights * gamma),
  direct_mean = sapply(gamma, function(one) mean(one + linear)) - mean(score),
  indirect_median = tapply(score - linear, provider, mean) - median(gamma),
  se_mean = sqrt(diag(C %*% vcov(fixed) %*% t(C))))
own <- lm(score ~ 0 + provider + provider:(age + income + sex), data[data$provider %in% names(which(table(provider) > 9)), ])
kept <- model.frame(own)
everyone <- sapply(sort(unique(kept$provider)), function(one) {
  mean(predict(own, transform(kept, provider = one)))
})
out$interaction_predicted <- everyone
random <- lmer(score ~ age + income + sex + (1 | provider), data, control = lmerControl(
  optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12)))
modes <- ranef(random, condVar = TRUE)$provider
out$random_effect <- modes[, 1]
out$random_error <- sqrt(as.vector(attr(modes, "postVar")))
out$random_fixed <- fixef(random)
out$random_variance <- as.data.frame(VarCorr(random))$vcov
out$random_direct <- modes[, 1] + mean(predict(random, re.form = NA)) - mean(score)
writeLines(paste0("{\n", paste(sprintf("\"%s\": %s", names(out), sapply(out, number)), collapse = ",\n"), "\n}"),
  "providers.json")
writeLines(capture.output(sessionInfo()), "providers.session.txt")
