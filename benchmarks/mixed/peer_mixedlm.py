"""Times one model with the mixedlm package, in an interpreter that has it. Arguments: csv, formula."""

import sys
import time
import warnings

import mixedlm
import pandas as pd

warnings.simplefilter("ignore")
data = pd.read_csv(sys.argv[1])
for column in ("family", "worker", "organisation"):
    data[column] = data[column].astype("category")
mixedlm.lmer("score ~ months + (1 | family)", data.head(200).copy())
repeats = 5 if len(data) < 5000 else 1
times = []
for _ in range(repeats):
    start = time.perf_counter()
    fit = mixedlm.lmer(sys.argv[2], data)
    times.append(time.perf_counter() - start)
likelihood = fit.logLik()
print(f"{min(times):.6f}\t{float(getattr(likelihood, 'value', likelihood)):.6f}\t{mixedlm.__version__}")
