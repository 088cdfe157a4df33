# Type III tests of lmerTest where formulas leave out margins, on simulated data.
# Run in this folder: Rscript margins.R
suppressMessages({library(lmerTest); library(jsonlite)})
set.seed(4)
n <- 240
d <- data.frame(g = factor(rep(1:30, each = 8)), arm = factor(sample(c("a", "b", "c"), n, TRUE, c(.5, .3, .2))),
  sex = factor(sample(c("f", "m"), n, TRUE, c(.3, .7))), site = factor(sample(c("p", "q"), n, TRUE)),
  x = round(rnorm(n), 3), z = round(rnorm(n), 3))
d$x <- round(d$x - mean(d$x), 6); d$z <- round(d$z - mean(d$z), 6)
d$y <- round(rnorm(n) + rnorm(30)[d$g] + .5 * d$x + (d$sex == "m") * .6 + (d$arm == "b") * .4, 4)
write.csv(d, "margins.csv", row.names = FALSE, quote = FALSE)
factors <- c("arm", "sex", "site", "x", "z")
random <- function() {
  used <- sample(factors, 3)
  terms <- attr(terms(as.formula(paste("~", paste(used, collapse = "*")))), "term.labels")
  keep <- sort(sample(seq_along(terms), sample(2:6, 1)))
  paste(c(if (runif(1) < .1) "0", terms[keep]), collapse = " + ")
}
formulas <- unique(c("arm*sex - sex", "arm*sex - arm", "arm:x + x", "arm*x - x", "0 + arm + sex",
  "arm*sex*site - arm:sex", "arm*sex*x - arm:sex", replicate(60, random())))
out <- list()
for (f in formulas) {
  m <- suppressMessages(suppressWarnings(lmer(as.formula(paste("y ~", f, "+ (1|g)")), d)))
  a <- suppressMessages(suppressWarnings(anova(m)))
  for (r in rownames(a)) out[[length(out) + 1]] <- list(formula = f, term = r, theta = unname(getME(m, "theta")),
    loglik = as.numeric(logLik(m)), columns = length(fixef(m)),
    df = a[r, "NumDF"], statistic = a[r, "F value"], df_denominator = a[r, "DenDF"])
}
write(toJSON(out, digits = NA, auto_unbox = TRUE), "margins.json")
capture.output(sessionInfo(), file = "margins.session.txt")
