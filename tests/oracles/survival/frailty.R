# Gamma frailties on made-up data: of workers in afterwards.csv (made by make_data.py; delayed entry, strata), and
# of groups in frailty.csv (drawn here).
suppressPackageStartupMessages({library(survival); library(jsonlite)})
set.seed(15)
n <- 480; group <- sample(1:40, n, TRUE); lift <- rgamma(40, 2, 2)[group]
x <- round(rnorm(n), 3); z <- rbinom(n, 1, 0.4)
time <- round((rexp(n) / (0.04 * lift * exp(0.5 * x - 0.4 * z)))^(1 / 1.3), 1) + 0.1
until <- round(runif(n, 6, 30), 1)
drawn <- data.frame(group, x, z, entry = round(runif(n, 0, 5) * rbinom(n, 1, 0.3), 1),
                    time = pmin(time, until), event = as.integer(time <= until))
drawn <- subset(drawn, time > entry)
write.csv(drawn, "frailty.csv", row.names = FALSE)
of <- function(fit) {
  history <- fit$history[[1]]
  list(coefficients = unname(coef(fit)), std_error = unname(sqrt(diag(fit$var))), variance = history$theta,
       log_likelihood = history$c.loglik, without = fit$loglik[1])
}
d <- read.csv("afterwards.csv")
control <- coxph.control(eps = 1e-10, outer.max = 60)
out <- list(
  workers = of(coxph(Surv(entry, time, cause > 0) ~ x + z + strata(place) +
                       frailty.gamma(worker, eps = 1e-8), d, control = control)),
  groups = of(coxph(Surv(entry, time, event) ~ x + z + frailty.gamma(group, eps = 1e-8), drawn,
                    control = control)),
  breslow = of(coxph(Surv(entry, time, event) ~ x + z + frailty.gamma(group, eps = 1e-8), drawn,
                     ties = "breslow", control = control)))
write(toJSON(out, digits = 15, auto_unbox = TRUE), "frailty.json")
writeLines(capture.output(sessionInfo())[1:20], "frailty.session.txt")
