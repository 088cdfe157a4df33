# Two predictors of one event, with ties: areas, DeLong standard error and interval of the difference, by pROC.
library(pROC)
set.seed(20261122)
n <- 80
event <- rbinom(n, 1, 0.35)
common <- rnorm(n) + 0.9 * event
data <- data.frame(
  event = event,
  one = round(common + rnorm(n, sd = 0.6), 1),
  other = round(common + rnorm(n, sd = 1.2))
)
write.csv(data, "concordance.csv", row.names = FALSE)
roc_one <- roc(data$event, data$one, direction = "<", quiet = TRUE)
roc_other <- roc(data$event, data$other, direction = "<", quiet = TRUE)
test <- roc.test(roc_one, roc_other, method = "delong", paired = TRUE)
difference <- as.numeric(auc(roc_one)) - as.numeric(auc(roc_other))
found <- data.frame(
  one = as.numeric(auc(roc_one)), other = as.numeric(auc(roc_other)), difference = difference,
  std_error = sqrt(var(roc_one, method = "delong") + var(roc_other, method = "delong")
                   - 2 * cov(roc_one, roc_other, method = "delong")),
  conf_low = test$conf.int[1], conf_high = test$conf.int[2]
)
write.table(format(found, digits = 15), "expected.csv", sep = ",", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "concordance.session.txt")
