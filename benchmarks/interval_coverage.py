"""How often intervals of 95 % hold the truth, by runs and by how much runs differ.

    python benchmarks/interval_coverage.py --trials 400

Simulated: 60 items of unequal difficulty, and noise of every answer. A minute or two.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from tests.unit.test_statistics import covered

RUNS = (2, 3, 5)
RUN_SDS = (0.0, 1.0, 3.0, 10.0)


def main() -> None:
    """Print the shares for a mean and for a difference."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=400)
    trials = parser.parse_args().trials
    print("runs  sd of runs  mean  difference")
    for runs in RUNS:
        for run_sd in RUN_SDS:
            shares = [covered(runs, run_sd, trials, of) for of in ("mean", "difference")]
            print(f"{runs:4}  {run_sd:10}  {shares[0]:.2f}  {shares[1]:10.2f}")


if __name__ == "__main__":
    main()
