# Log-likelihoods of lme4 for the models of starts.py: folder/models.tsv has seed, formula, method.
suppressPackageStartupMessages(library(lme4))
folder <- commandArgs(trailingOnly = TRUE)[1]
models <- read.delim(file.path(folder, "models.tsv"), header = FALSE, sep = "\t")
quietly <- lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore",
                       check.nobs.vs.rankZ = "ignore", calc.derivs = FALSE)
for (i in seq_len(nrow(models))) {
  data <- read.csv(file.path(folder, paste0(models[i, 1], ".csv")))
  fit <- tryCatch(suppressMessages(suppressWarnings(
    lmer(as.formula(models[i, 2]), data, weights = w, REML = models[i, 3] == "REML", control = quietly)
  )), error = function(e) NULL)
  cat(models[i, 1], "\t", if (is.null(fit)) "NA" else format(as.numeric(logLik(fit)), digits = 15), "\n", sep = "")
}
