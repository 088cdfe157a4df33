# Exact intervals of a Poisson mean, for tests/statistics/providers/test_ratios.py. Run in this folder: Rscript ratios.R
suppressMessages(library(jsonlite))
counts <- c(0:12, 20, 37, 95, 400, 2500)
levels <- c(0.5, 0.8, 0.9, 0.95, 0.99, 0.998)
out <- do.call(rbind, lapply(counts, function(x) do.call(rbind, lapply(levels, function(l) {
  interval <- poisson.test(x, conf.level = l)$conf.int
  data.frame(count = x, level = l, low = interval[1], high = interval[2])
}))))
write(toJSON(out, digits = NA, dataframe = "columns", pretty = FALSE), "ratios.json")
capture.output(sessionInfo(), file = "ratios.session.txt")
