# Invented measurements and what lme4, emmeans and pbkrtest make of them; for tests/analysis.
# Run: Rscript growth.R  (writes growth.csv, growth.json, growth.session.txt)
suppressMessages({library(lme4); library(emmeans); library(pbkrtest); library(splines); library(jsonlite)})
set.seed(5857)
emm_options(pbkrtest.limit = 1e5)

# ---- data: four organisations of unequal size, workers in them, a second parent in some families
organisations <- c("De Brug", "Anker & Zn", "Haven", "org_x")
sizes <- c(22, 15, 18, 9)
rows <- list(); n <- 0
for (o in seq_along(sizes)) {
  workers <- max(2, round(sizes[o] / 5))
  worker_level <- rnorm(workers, sd = 0.9); worker_slope <- rnorm(workers, sd = 0.08)
  for (i in seq_len(sizes[o])) {
    n <- n + 1
    w <- (i - 1) %% workers + 1
    child_age <- round(rnorm(1, 7 + o, 3), 1); single <- rbinom(1, 1, 0.25 + 0.1 * o)
    level <- 26 + o / 2 + 0.3 * (child_age - 9) + 1.5 * single + worker_level[w] + rnorm(1, sd = 3)
    slope <- -0.35 - 0.06 * o - 0.02 * (child_age - 9) + worker_slope[w] + rnorm(1, sd = 0.2)
    last <- sample(2:12, 1)
    for (respondent in c("first_parent", if (i %% 3 == 0) "second_parent")) {
      own <- rnorm(1, sd = 1.5)
      months <- sort(unique(round(pmax(0, 0:last + runif(last + 1, -0.3, 0.3)), 2)))
      score <- level + own + slope * months + 0.02 * pmax(months - 6, 0)^2 + rnorm(length(months), sd = 2)
      rows[[length(rows) + 1]] <- data.frame(
        family = sprintf("f%03d", n), episode = "1", organisation = organisations[o],
        worker = paste0("w", w), respondent = respondent, months = months, score = round(score, 2),
        child_age = child_age, single = single == 1)
    }
  }
}
d <- do.call(rbind, rows)
write.csv(d, "growth.csv", row.names = FALSE, quote = TRUE, fileEncoding = "UTF-8")

# ---- models; case mix centred at the mean over families; organisations in the order of their keys
d$organisation <- factor(d$organisation, levels = sort(organisations, method = "radix"))
d$worker <- interaction(d$organisation, d$worker, drop = TRUE)
f <- d[!duplicated(d$family), ]
d$age_c <- d$child_age - mean(f$child_age); d$single_c <- d$single - mean(f$single)
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5),
                     check.conv.singular = "ignore")
first <- d[d$respondent == "first_parent", ]
knots <- quantile(unique(first$months), c(1, 2, 3) / 4); ends <- range(first$months)
models <- list(
  plain = lmer(score ~ months * organisation + age_c * months + single_c * months + (1 + months | family),
               first, control = tight),
  workers = lmer(score ~ months * organisation + (1 + months | family) + (1 + months || worker),
                 first, control = tight),
  respondents = lmer(score ~ months * organisation + (1 + months | family) + (1 | family:respondent),
                     d, control = tight),
  course = lmer(score ~ months + (1 + months | family), first, control = tight),
  compared_spline = lmer(score ~ ns(months, knots = knots, Boundary.knots = ends) * organisation +
                           (1 + months | family), first, control = tight),
  spline = lmer(score ~ ns(months, knots = knots, Boundary.knots = ends) + (1 + months | family),
                first, control = tight))

columns <- function(x, keys) {
  s <- as.data.frame(summary(x, infer = c(TRUE, TRUE), adjust = "none"))
  names(s)[names(s) %in% c("emmean")] <- "estimate"
  s[, c(keys, "estimate", "SE", "df", "lower.CL", "upper.CL", "t.ratio", "p.value")]
}
at <- c(0, 6, 12)
compare <- function(m, data = first, ...) {
  e <- emmeans(m, ~ months | organisation, at = list(months = at, ...), lmer.df = "kenward-roger",
               params = c("knots", "ends"), data = data)
  change <- contrast(e, "trt.vs.ctrl1", by = "organisation")        # months 6 and 12 minus month 0
  by_month <- function(method) contrast(update(change, by.vars = "contrast"), method, by = "contrast")
  eff <- by_month("eff"); pairs <- by_month("pairwise")
  holm <- function(x) {
    p <- as.data.frame(summary(x, adjust = "none")); ave(p$p.value, p$contrast, FUN = function(v) p.adjust(v, "holm"))
  }
  # the joint test: that the change from 0 to 12 months is the same everywhere
  twelve <- pairs(subset(change, contrast == "months12 - months0"), by = NULL)
  kr <- KRmodcomp(m, twelve@linfct[1:3, ])$stats
  list(means = columns(e, c("organisation", "months")), change = columns(change, c("organisation", "contrast")),
       difference = cbind(columns(eff, c("contrast", "contrast1")), p_adjusted = holm(eff)),
       pairwise = cbind(columns(pairs, c("contrast", "contrast1")), p_adjusted = holm(pairs)),
       joint = list(F = kr$Fstat, ndf = kr$ndf, ddf = kr$ddf, p = kr$p.value),
       log_likelihood = as.numeric(logLik(m)))
}
course <- function(m) {
  e <- emmeans(m, ~ months, at = list(months = at), lmer.df = "satterthwaite", params = c("knots", "ends"), data = first)
  list(means = columns(e, "months"), change = columns(contrast(e, "trt.vs.ctrl1"), "contrast"),
       log_likelihood = as.numeric(logLik(m)))
}
result <- list(
  baseline_sd = sd(first[first$months <= 1 & !duplicated(first$family), "score"]),
  plain = compare(models$plain, age_c = 0, single_c = 0), workers = compare(models$workers),
  respondents = compare(models$respondents, data = d),
  compared_spline = compare(models$compared_spline), course = course(models$course), spline = course(models$spline))
writeLines(toJSON(result, digits = 12, auto_unbox = TRUE, pretty = FALSE), "growth.json")
writeLines(capture.output(sessionInfo()), "growth.session.txt")
