# Mean difference, its standard error and the standard deviation of one difference, of pairs within families;
# the numbers stand in tests/analysis/test_respondents.py. R 4, lme4.
suppressMessages(library(lme4))
# Made data, balanced: eight families with three pairs each.
d <- data.frame(family = rep(1:8, each = 3), difference = c(2,-1,3, 0,1,-2, 5,4,6, -3,-1,-4, 1,2,0, 4,1,2, -2,0,-5, 3,3,7))
fit <- lmer(difference ~ 1 + (1 | family), d, REML = TRUE)
v <- as.data.frame(VarCorr(fit))
cat(sprintf("%.10f\n", c(fixef(fit), sqrt(diag(as.matrix(vcov(fit)))), sqrt(sum(v$vcov)))))
