# Reference values for drift of workers who score: lme4 and lmerTest. Run in this folder: Rscript rater_drift.R
library(lmerTest)
d <- read.csv("rater_drift.csv")
first <- d[order(d$calendar, seq_len(nrow(d))), ]
first <- first[!duplicated(first$family), ]
d$score <- d$score / sd(first$score)
d$parent <- (d$parent - mean(d$parent)) / sd(first$parent)
for (name in c("calendar", "in_job", "together", "in_help")) d[[name]] <- d[[name]] - mean(d[[name]])
fit <- lmer(score ~ parent + calendar + in_job + in_help + together + organisation +
              (1 + in_job | rater) + (1 | family), d,
            control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
k <- setNames(rep(0, length(fixef(fit))), names(fixef(fit)))
one <- function(names) { l <- k; l[names] <- 1; contest1D(fit, l) }
rows <- list(in_job = one("in_job"), calendar = one("calendar"), sum = one(c("in_job", "calendar")))
out <- do.call(rbind, lapply(names(rows), function(n) data.frame(
  term = n, estimate = rows[[n]][["Estimate"]], std_error = rows[[n]][["Std. Error"]], df = rows[[n]][["df"]])))
write.csv(format(out, digits = 12), "rater_drift_lmertest.csv", row.names = FALSE, quote = FALSE)
print(out); print(VarCorr(fit)); print(logLik(fit), digits = 10)
writeLines(capture.output(sessionInfo()), "rater_drift.session.txt")
