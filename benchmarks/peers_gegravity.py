"""Run by the interpreter of the environment that holds gegravity: a JSON case in, results out."""

import json
import sys
import time
import warnings

import gegravity as ge
import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
case = json.load(sys.stdin)
names, sigma, scale = case["names"], case["sigma"], case["rescale"]
flows, cost, shock = (np.array(case[k]) for k in ("flows", "log_cost", "log_shock"))
rows = [
    (names[i], names[n], "1", flows[n, i], flows[:, i].sum(), flows[n].sum(), cost[n, i])
    for n in range(len(names))
    for i in range(len(names))
]
columns = ["exporter", "importer", "year", "trade", "Y", "E", "cost"]
began = time.perf_counter()
data = pd.DataFrame(rows, columns=columns)
base = ge.BaselineData(data, trade_var_name="trade", expend_var_name="E", output_var_name="Y")
coefficients = ge.CostCoeffs(
    pd.DataFrame([{"var": "cost", "coeff": 1.0, "ste": 0.1}]),
    identifier_col="var", coeff_col="coeff", stderr_col="ste",
)  # fmt: skip
model = ge.OneSectorGE(
    base, year="1", expend_var_name="E", output_var_name="Y", sigma=sigma, quiet=True,
    cost_coeff_values=coefficients, cost_variables=["cost"], reference_importer=names[-1],
)  # fmt: skip
model.build_baseline(omr_rescale=scale)
after = model.baseline_data.copy()
moved = {(names[i], names[n]): shock[n, i] for n in range(len(names)) for i in range(len(names))}
after["cost"] += [moved[e, m] for e, m in zip(after["exporter"], after["importer"], strict=True)]
model.define_experiment(after)
model.simulate()
took = time.perf_counter() - began
welfare = [100 * (1 / model.country_set[n].welfare_stat - 1) for n in names]
solved = {k: str(v.message) for k, v in model.solver_diagnostics.items()}
json.dump({"seconds": took, "real_income": welfare, "solved": solved}, sys.stdout)
