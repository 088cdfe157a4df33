# The model of analysis/outcomes/growth_together.py in R's nlme, on Claus and others (2020): BDI and HAMD over
# four waves. From this folder: Rscript growth_together.R PATH/cs_claus_2020.csv > growth_together.json
library(nlme)
data <- read.csv(commandArgs(TRUE)[1])
rows <- rbind(
  data.frame(family = data$id, months = data$time - 1, outcome = 1L, score = data$bdi),
  data.frame(family = data$id, months = data$time - 1, outcome = 2L, score = data$hamd)
)
rows <- rows[!is.na(rows$score), ]
for (k in 1:2) {
  rows[[paste0("level_", k)]] <- +(rows$outcome == k)
  rows[[paste0("slope_", k)]] <- (rows$outcome == k) * rows$months / 12
  rows[[paste0("bend_", k)]] <- (rows$outcome == k) * log1p(rows$months)
}
control <- lmeControl(
  maxIter = 500, msMaxIter = 500, niterEM = 100, tolerance = 1e-9, msTol = 1e-10, opt = "optim", msMaxEval = 5000
)
fit <- lme(
  score ~ 0 + level_1 + level_2 + slope_1 + slope_2 + bend_1 + bend_2,
  random = ~ 0 + slope_1 + slope_2 + level_1 + level_2 | family,
  weights = varIdent(form = ~ 1 | outcome), correlation = corSymm(form = ~ outcome | family / months),
  data = rows, control = control
)
list_of <- function(x) paste0("{", paste0('"', names(x), '": ', sprintf("%.12g", x), collapse = ", "), "}")
covariance <- unclass(getVarCov(fit))
cat(sprintf('{"versions": {"R": "%s", "nlme": "%s"},\n', getRversion(), packageVersion("nlme")))
cat(sprintf('"log_likelihood": %.12g,\n', as.numeric(logLik(fit))))
cat('"estimate": ', list_of(fixef(fit)), ",\n", sep = "")
cat('"std_error": ', list_of(sqrt(diag(vcov(fit)))), ",\n", sep = "")
cat('"random_names": ["', paste(rownames(covariance), collapse = '", "'), '"],\n', sep = "")
cat('"random_covariance": [', paste0("[", apply(covariance[, ], 1, function(x) paste(sprintf("%.12g", x),
  collapse = ", ")), "]", collapse = ",\n"), "],\n", sep = "")
cat(sprintf('"residual_sd": %.12g,\n', fit$sigma))
cat(sprintf('"residual_correlation": %.12g,\n', coef(fit$modelStruct$corStruct, unconstrained = FALSE)))
cat(sprintf('"residual_sd_ratio": %.12g}\n', coef(fit$modelStruct$varStruct, unconstrained = FALSE)))
