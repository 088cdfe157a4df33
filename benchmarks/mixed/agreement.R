# Fits models to data sets that come with R's lme4 and nlme; writes each data set and its results.
# Argument: an existing folder. Needs lme4, lmerTest, pbkrtest and nlme.
folder <- commandArgs(trailingOnly = TRUE)[1]
suppressMessages({
  library(lme4)
  library(lmerTest)
  library(pbkrtest)
  library(nlme)
})
plain <- function(data) {
  data <- as.data.frame(data)
  for (name in names(data)) {
    # a letter in front keeps "1", "2" categorical on the other side
    if (is.factor(data[[name]])) data[[name]] <- factor(paste0("L", as.character(data[[name]])))
  }
  data
}
write_row <- function(id, kind, values) {
  cat(id, kind, sprintf("%.14g", values), sep = "\t", file = file.path(folder, "results.tsv"), append = TRUE)
  cat("\n", file = file.path(folder, "results.tsv"), append = TRUE)
}
by_lmer <- function(id, formula, data, REML = TRUE, kr = TRUE) {
  write.csv(data, file.path(folder, paste0(id, ".csv")), row.names = FALSE)
  control <- lmerControl(
    optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10), check.conv.singular = "ignore"
  )
  fit <- suppressWarnings(lmerTest::lmer(formula, data, REML = REML, control = control))
  table <- summary(fit, ddf = "Satterthwaite")$coefficients
  write_row(id, "log_likelihood", as.numeric(logLik(fit)))
  write_row(id, "theta", getME(fit, "theta"))
  write_row(id, "estimate", fixef(fit))
  write_row(id, "std_error", table[, 2])
  write_row(id, "satterthwaite_df", table[, 3])
  if (kr) {
    table <- summary(fit, ddf = "Kenward-Roger")$coefficients
    write_row(id, "kenward_roger_std_error", table[, 2])
    write_row(id, "kenward_roger_df", table[, 3])
  }
}
by_lme <- function(id, fit, data, parameters) {
  write.csv(data, file.path(folder, paste0(id, ".csv")), row.names = FALSE)
  write_row(id, "log_likelihood", as.numeric(logLik(fit)))
  write_row(id, "estimate", fixef(fit))
  write_row(id, "std_error", sqrt(diag(vcov(fit))))
  write_row(id, "residual", parameters)
}
machines <- plain(Machines)
by_lmer("machines", score ~ Machine + (Machine | Worker), machines)
by_lmer("machines_cells", score ~ Machine + (0 + Machine | Worker), machines)
by_lmer("machines_nested", score ~ Machine + (1 | Worker/Machine), machines)
by_lmer("cake", angle ~ recipe * temp + (1 | recipe:replicate), plain(cake))
by_lmer("oxboys", height ~ age + (age | Subject), plain(Oxboys))
by_lmer("oxboys_curved", height ~ age + I(age^2) + (age + I(age^2) | Subject), plain(Oxboys), kr = FALSE)
by_lmer("pixel", pixel ~ day + I(day^2) + (day | Dog) + (1 | Side:Dog), plain(Pixel))
by_lmer("rat_pups", weight ~ Treatment * sex + Lsize + (1 | Litter), plain(RatPupWeight))
by_lmer("ergo_stool", effort ~ Type + (1 | Subject), plain(ergoStool))
by_lmer("oxide", Thickness ~ Source + (1 | Lot/Wafer), plain(Oxide))
by_lmer("milk", protein ~ Diet + Time + (Time | Cow), plain(Milk), kr = FALSE)
by_lmer("milk_crossed", protein ~ Diet + (1 | Cow) + (1 | Time), plain(Milk), kr = FALSE)
by_lmer("gun", rounds ~ Method + Physique + (1 | Team), plain(Gun))
by_lmer("rail", travel ~ 1 + (1 | Rail), plain(Rail))
by_lmer("orthodont", distance ~ age + (1 | Subject) + (0 + age | Sex), plain(Orthodont))
data <- plain(RatPupWeight)
fit <- lme(weight ~ Treatment * sex + Lsize, data, random = ~ 1 | Litter, weights = varIdent(form = ~ 1 | Treatment))
by_lme("rat_pups_variance", fit, data, sort(coef(fit$modelStruct$varStruct, unconstrained = FALSE)))
data <- plain(Milk)
fit <- lme(protein ~ Diet + Time, data, random = ~ 1 | Cow, correlation = corAR1(form = ~ Time | Cow))
by_lme("milk_ar1", fit, data, coef(fit$modelStruct$corStruct, unconstrained = FALSE))
fit <- lme(protein ~ Diet + Time, data, random = ~ 1 | Cow, correlation = corCAR1(form = ~ Time | Cow))
by_lme("milk_car1", fit, data, coef(fit$modelStruct$corStruct, unconstrained = FALSE))
