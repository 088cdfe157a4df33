"""Writes rater_drift.csv: python -m tests.oracles.practice.make_data (from the root)."""

from pathlib import Path

from tests.analysis.practice.test_rater_drift import ratings_of

if __name__ == "__main__":
    rows = ratings_of(12, families=200).round(5)
    rows.to_csv(Path(__file__).with_name("rater_drift.csv"), index=False)
