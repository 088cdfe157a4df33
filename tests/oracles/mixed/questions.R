# Questions to fitted models, answered by lmerTest, emmeans, nlme and clubSandwich on the synthetic families.
# Run in this folder: Rscript questions.R
suppressMessages({
  library(lme4); library(lmerTest); library(emmeans); library(nlme); library(clubSandwich)
  library(jsonlite)
})
d <- read.csv("families.csv", stringsAsFactors = TRUE)
d$girl <- as.numeric(d$sex == "girl")
d$late <- d$months > 5
d$wave <- ave(d$months, d$family, FUN = function(m) seq_along(m))
d <- d[order(d$family), ] # clubSandwich takes the weights of varIdent in the order of the families
control <- lmerControl(optCtrl = list(ftol_abs = 1e-12, xtol_abs = 1e-10, maxeval = 1e5), check.conv.singular = "ignore")
theta <- function(m) I(unname(getME(m, "theta")))
robust <- function(m, cluster) {
  one <- function(type) {
    v <- vcovCR(m, cluster = cluster, type = type)
    t <- coef_test(m, vcov = v, test = "Satterthwaite")
    list(covariance = unname(as.matrix(v)), df = t$df_Satt, p_value = t$p_Satt)
  }
  list(CR0 = one("CR0"), CR2 = one("CR2"))
}
out <- list()

# an indicator of 0 and 1: emmeans treats a covariate of two values as a factor (cov.keep = "2")
m <- lmer(score ~ months * organisation + girl + (1 | family), d, control = control)
table <- function(e) as.data.frame(summary(e, infer = TRUE))
out$indicator <- list(
  theta = theta(m),
  equal = table(emmeans(m, "organisation", lmer.df = "satterthwaite")),
  proportional = table(emmeans(m, "organisation", weights = "proportional", lmer.df = "satterthwaite")),
  focal = table(emmeans(m, "girl", lmer.df = "satterthwaite"))
)

# type III F tests: an only term, and a logical in an interaction
test_of <- function(m) {
  a <- anova(m, type = 3)
  list(theta = theta(m), term = I(rownames(a)), f = I(a[["F value"]]), df = I(a$NumDF), denominator = I(a$DenDF))
}
out$only_term <- test_of(lmer(score ~ organisation + (1 | family), d, weights = precision, control = control))
out$logical <- test_of(lmer(score ~ months * late + organisation + (1 | family), d, control = control))

# cluster-robust
m <- lmer(score ~ months * sex + age + (1 | organisation / worker), d, control = control)
out$robust_nested <- c(list(theta = theta(m)), robust(m, d$organisation))
m <- lmer(score ~ months * organisation + age + (1 + months | family), d, control = control)
out$robust_family <- c(list(theta = theta(m)), robust(m, d$family))
m <- lme(score ~ months * organisation + age, d, random = ~ 1 | family, weights = varIdent(form = ~ 1 | sex))
ratio <- coef(m$modelStruct$varStruct, unconstrained = FALSE)
stopifnot(names(ratio) == "boy") # sigma is that of the girls, who come first; here it is that of the boys
out$robust_variance <- c(
  list(theta = unname(c(sqrt(as.matrix(m$modelStruct$reStruct[[1]])) / ratio, 1 / ratio))),
  robust(m, d$family)
)
m <- lme(score ~ months + organisation, d, random = ~ 1 | family, correlation = corAR1(form = ~ wave | family))
out$robust_serial <- c(
  list(theta = unname(c(sqrt(as.matrix(m$modelStruct$reStruct[[1]])), coef(m$modelStruct$corStruct, unconstrained = FALSE)))),
  robust(m, d$family)
)
out$made_with <- sapply(c("lme4", "lmerTest", "emmeans", "nlme", "clubSandwich"), function(p) as.character(packageVersion(p)))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "questions.json")
