# Reference values for tests/statistics. Run: Rscript statistics.R > statistics.json 2> statistics.session.txt
suppressMessages({library(metafor); library(jsonlite)})
set.seed(20151)
n <- 30; k <- 6
latent <- rnorm(n)
items <- sapply(1:k, function(j) pmin(4, pmax(1, round(2.4 + 0.3 * j / k + 0.7 * latent + rnorm(n, sd = 0.8)))))
rest <- sapply(1:k, function(j) cor(items[, j], rowSums(items[, -j])))
p <- c(0.011, 0.02, 0.02, 0.9, 0.0004, 0.04, 0.6)
smcr <- as.data.frame(escalc(measure = "SMCR", m1i = rep(21.5, 3), m2i = rep(26.2, 3), sd1i = rep(5.5, 3), ni = c(40, 12, 400),
                             ri = c(.6, .3, .75), vtype = "LS2"))
counts <- c(0, 1, 8, 57, 10); totals <- c(10, 12, 10, 130, 10)
wilson <- t(mapply(function(x, n) suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int[1:2]), counts, totals))
wilson90 <- t(mapply(function(x, n) suppressWarnings(prop.test(x, n, correct = FALSE, conf.level = .9)$conf.int[1:2]),
                     counts, totals))
cat(toJSON(list(
  holm = list(p = p, adjusted = p.adjust(p, "holm")),
  smcr = list(m1 = 21.5, m2 = 26.2, sd = 5.5, n = c(40, 12, 400), r = c(.6, .3, .75), g = smcr$yi, variance = smcr$vi),
  wilson = list(count = counts, total = totals, low = wilson[, 1], high = wilson[, 2],
                low_90 = wilson90[, 1], high_90 = wilson90[, 2]),
  items = list(values = items, mean = colMeans(items), sd = apply(items, 2, sd), item_rest = rest)
), digits = 15, auto_unbox = TRUE, pretty = FALSE), "\n")
sink(stderr()); print(sessionInfo())
