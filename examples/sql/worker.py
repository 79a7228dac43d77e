"""Asks a table in CSV with SQL: `example:tables/sql`, with the SQLite that comes with Python."""

import csv
import io
import re
import sqlite3

from vox_worker import Err, function, serve

NUMBER = re.compile(r"-?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""What is a number in a cell. Python takes more for one, such as `nan` and `1_000`; codes such as `00501` and `+49` are text."""

CASES = {type(None): "nothing", int: "integer", float: "real", str: "text"}
"""The case of `cell` for what SQLite gives."""


@function
def query(text, sql):
    """`query` of the WIT."""
    columns, rows = ask(text, sql)
    return {"columns": columns, "rows": [[cell(value) for value in row] for row in rows]}


@function
def to_csv(text, sql):
    """`to-csv` of the WIT."""
    columns, rows = ask(text, sql)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def cell(value):
    """A cell of an answer. Bytes come from queries alone, such as `x'00'`: they are shown as SQL writes them."""
    if isinstance(value, bytes):
        value = "x'%s'" % value.hex()
    case = CASES[type(value)]
    return {"tag": case} if value is None else {"tag": case, "val": value}


def ask(text, sql):
    """The columns and the rows of an answer."""
    with sqlite3.connect(":memory:") as base:
        fill(base, text)
        # Nothing of it outlives the call, and no other file is reached: this is for queries that mean to write.
        base.execute("PRAGMA query_only = ON")
        try:
            answer = base.execute(sql)
            rows = answer.fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise Err({"tag": "refused", "val": str(error)})
        if answer.description is None:
            raise Err({"tag": "refused", "val": "this is no query: it has no answer"})
        return [column[0] for column in answer.description], rows


def fill(base, text):
    """Makes the table `data`."""
    try:
        names, *rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error as error:
        raise Err({"tag": "malformed", "val": str(error)})
    except ValueError:
        raise Err({"tag": "malformed", "val": "there is no row with the names of the columns"})
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            said = "row %d has %d cells, and there are %d names" % (number, len(row), len(names))
            raise Err({"tag": "malformed", "val": said})
    # A column without a type keeps what it is given, so the cells are given as what they are.
    columns = ", ".join('"%s"' % name.replace('"', '""') for name in names)
    try:
        base.execute("CREATE TABLE data (%s)" % columns)
    except sqlite3.Error as error:
        raise Err({"tag": "malformed", "val": str(error)})
    places = ", ".join("?" * len(names))
    base.executemany("INSERT INTO data VALUES (%s)" % places, [[typed(cell) for cell in row] for row in rows])


def typed(text):
    """A cell of the table: nothing, a whole number that SQLite can hold, another number, or text as it stands."""
    if not text.strip():
        return None
    number = text.strip()
    if not NUMBER.fullmatch(number):
        return text
    if not number.lstrip("-").isdigit():
        return float(number)
    # The largest has 19 digits; Python refuses to read thousands.
    fits = len(number) <= 20 and -(2**63) <= int(number) < 2**63
    return int(number) if fits else text


serve()
