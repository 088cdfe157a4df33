# Reference values on made-up data (afterwards.csv, made by make_data.py): R's survival and cmprsk.
suppressPackageStartupMessages({library(survival); library(cmprsk); library(jsonlite)})
d <- read.csv("afterwards.csv")
d$state <- factor(d$cause, 0:3, c("none", "one", "two", "three"))
at <- c(3, 6, 12, 24)
fit <- survfit(Surv(entry, time, state) ~ 1, d, id = id, influence = TRUE)
# The influences may begin with one at the start.
where <- findInterval(at, fit$time) + dim(fit$influence.pstate)[2] - length(fit$time)
clustered <- sapply(2:4, function(k) sapply(where, function(i)
  sqrt(sum(rowsum(fit$influence.pstate[, i, k], d$worker)^2))))
alone <- summary(survfit(Surv(entry, time, state) ~ 1, d, id = id), times = at, extend = TRUE)
km <- summary(survfit(Surv(entry, time, cause > 0) ~ 1, d), times = at, extend = TRUE)
kmc <- summary(survfit(Surv(entry, time, cause > 0) ~ 1, d, cluster = worker, id = id), times = at, extend = TRUE)
cox <- coxph(Surv(entry, time, cause == 1) ~ x + z + strata(place), d, cluster = worker)
ph <- cox.zph(coxph(Surv(entry, time, cause == 1) ~ x + z + strata(place), d), transform = "km")
full <- subset(d, entry == 0)
gray <- cuminc(full$time, full$cause, full$group)
lr <- survdiff(Surv(time, cause == 1) ~ group + strata(place), full)
out <- list(
  at = at,
  aj = list(estimate = alone$pstate[, 2:4], clustered = clustered, alone = alone$std.err[, 2:4]),
  km = list(survival = km$surv, std_error = km$std.err, clustered = kmc$std.err),
  cox = list(coefficients = coef(cox), naive = sqrt(diag(cox$naive.var)), robust = sqrt(diag(cox$var)),
             log_likelihood = cox$loglik),
  zph = ph$table[, "chisq"], gray = gray$Tests[, "stat"], log_rank = lr$chisq)
write(toJSON(out, digits = 15, auto_unbox = TRUE), "afterwards.json")
writeLines(capture.output(sessionInfo())[1:20], "afterwards.session.txt")
