#!/usr/bin/env python3
"""Summarises a CSV file as a Markdown report."""

import csv
import os
import sys
from pathlib import Path
from statistics import mean

from tables import markdown_table


def numbers(cells):
    """The numbers of a column, or none where a filled cell is not one."""
    found = []
    for cell in cells:
        if not cell.strip():
            continue
        try:
            found.append(float(cell))
        except ValueError:
            return None
    return found or None


def summary(rows):
    """One line for each column: its name, what it holds, and its range."""
    header, *body = rows
    lines = []
    for at, name in enumerate(header):
        cells = [row[at] for row in body if at < len(row)]
        values = numbers(cells)
        if values is None:
            lines.append([name, "text", len(set(cells)), "", "", ""])
        else:
            lines.append([name, "number", len(values), f"{mean(values):g}", f"{min(values):g}", f"{max(values):g}"])
    return lines


def main(arguments):
    if len(arguments) != 2:
        print("usage: report.py TABLE.csv REPORT.md", file=sys.stderr)
        return 2
    source, target = map(Path, arguments)
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if not rows:
        print(f"{source} is empty", file=sys.stderr)
        return 1
    title = os.environ.get("REPORT_TITLE", source.stem)
    table = markdown_table(["column", "kind", "values", "mean", "least", "greatest"], summary(rows))
    target.write_text(f"# {title}\n\n{len(rows) - 1} rows.\n\n{table}", encoding="utf-8")
    print(f"{target}: {len(rows) - 1} rows, {len(rows[0])} columns")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
