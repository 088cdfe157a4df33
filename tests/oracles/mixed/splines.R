# Reference for cr(x, knots=...): the natural spline of R's splines package at given knots (base R only).
# Rscript tests/oracles/mixed/splines.R writes splines.json beside it.
library(splines)
cases <- list(
  list(x = c(0, .3, 1, 2.2, 3, 4.7, 6.75, 8, 9.9, 12, 13.5), knots = c(0, .75, 3, 6.75, 12)),
  list(x = c(-4, -1.5, 0, .5, 2, 2.5, 3.25, 7, 40), knots = c(-2, 0.5, 3)),
  list(x = seq(100, 130, by = 2.5), knots = c(100, 101, 104, 110, 118, 128))
)
rows <- sapply(cases, function(case) {
  outer <- range(case$knots)
  inner <- setdiff(case$knots, outer)
  basis <- unclass(ns(case$x, knots = inner, Boundary.knots = outer, intercept = TRUE))
  cells <- apply(basis, 1, function(row) paste0("[", paste(sprintf("%.15g", row), collapse = ", "), "]"))
  sprintf('{"x": [%s], "knots": [%s], "basis": [%s]}', paste(case$x, collapse = ", "),
          paste(case$knots, collapse = ", "), paste(cells, collapse = ", "))
})
path <- file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), "splines.json")
writeLines(c("[", paste(rows, collapse = ",\n"), "]"), path)
