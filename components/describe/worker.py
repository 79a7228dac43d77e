"""Describes the columns of a table: `acme:frames/describe`. With pandas where it is there, else without; alike to 12 digits."""

import csv
import io
import math
import statistics
from collections import Counter

from vox_worker import Err, function, serve

try:
    import pandas
except ImportError:
    pandas = None


@function
def describe(text, options):
    """`describe` of the WIT."""
    names, columns = table(text, options["separator"])
    wanted = names if options["columns"] is None else options["columns"]
    for name in wanted:
        if name not in names:
            raise Err({"tag": "unknown-column", "val": name})
    return [column(name, columns[names.index(name)], options["top"]) for name in wanted]


def table(text, separator):
    """The names and the columns of a CSV text."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator, strict=True) if row]
    except (csv.Error, TypeError, ValueError) as error:
        raise Err({"tag": "malformed", "val": str(error)})
    if len(rows) < 2:
        raise Err({"tag": "no-rows"})
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            said = "row %d has %d cells, and there are %d names" % (number, len(row), len(rows[0]))
            raise Err({"tag": "malformed", "val": said})
    return rows[0], list(zip(*rows[1:]))


def column(name, cells, top):
    """One column."""
    there = [cell for cell in cells if cell.strip()]
    numbers = [number(cell) for cell in there]
    if not there:
        summary = {"tag": "nothing"}
    elif None not in numbers:
        summary = {"tag": "numbers", "val": of_numbers(numbers)}
    else:
        summary = {"tag": "texts", "val": of_texts(there, top)}
    return {"name": name, "count": len(there), "missing": len(cells) - len(there), "summary": summary}


def number(cell):
    """The number that stands in a cell; none where it is no finite one."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def of_numbers(values):
    if pandas is not None:
        series = pandas.Series(values, dtype="float64")
        mean, least, most = series.mean(), series.min(), series.max()
        quartiles = [series.quantile(part) for part in (0.25, 0.5, 0.75)]
    else:
        mean, least, most = statistics.fmean(values), min(values), max(values)
        # `inclusive` is the linear interpolation that pandas has.
        quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    digits = [float("%.12g" % value) for value in (mean, least, *quartiles, most)]
    return {"mean": digits[0], "min": digits[1], "quartiles": digits[2:5], "max": digits[5]}


def of_texts(values, top):
    if pandas is not None:
        counted = pandas.Series(values, dtype="object").value_counts(sort=False)
        # Its order is that of the first places, and sorting keeps it for those that are as frequent.
        frequent = sorted(counted.items(), key=lambda item: -item[1])
    else:
        frequent = Counter(values).most_common()
    return {
        "distinct": len(frequent),
        "top": [{"text": text, "times": int(times)} for text, times in frequent[:top]],
    }


if __name__ == "__main__":
    serve()
