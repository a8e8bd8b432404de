"""A digest says what the results of its task say, and asks for each part once."""

from __future__ import annotations

import dataclasses

import pytest

import synthetic_results as synthetic
from rmsprop.study.report import files
from rmsprop.study.report.plots import export
from rmsprop.study.results import exponents, trials
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.labelled import Results


@pytest.fixture(scope="module")
def full():
    """Three tasks with all that a study can hold."""
    return synthetic.full()


def test_there_is_a_digest_of_each_task(full):
    assert [digest.task for digest in digests(full)] == [*full.tasks]
    with pytest.raises(dataclasses.FrozenInstanceError):
        digests(full)[0].task = "other"


def test_a_digest_says_what_the_results_say(full):
    digest = Digest(full, "digits")
    assert digest.title == full.task("digits").attrs["title"]
    assert (digest.schedules, digest.metrics) == (("constant", "linear"), full.metrics("digits"))
    for schedule, rows in digest.rows.items():
        assert rows == full.summary("digits", schedule=schedule)
    assert digest.tuned_rows == [row for rows in digest.rows.values() for row in rows]
    assert [*digest.defaults] == [("constant", "torch"), ("constant", "keras")]
    keras = full.summary("digits", schedule="constant", setting="keras")
    assert digest.defaults["constant", "keras"] == keras
    assert digest.headlines == full.headlines("digits")
    assert digest.differences == full.differences("digits")
    assert [*digest.lines] == ["own", "constant", "linear"]
    assert digest.lines["own"] == digest.headlines
    for schedule in ("own", "constant"):
        pair = full.pair("digits", "adagrad", "rmsprop", schedule=schedule)
        assert digest.pair("adagrad", "rmsprop", schedule) == pair, "not planned"
    assert digest.pair("rmsprop", "adagrad", "own") is digest.headlines[0]
    for place in (("constant", "adagrad"), ("linear", "adam")):
        view = full.view("digits", place[0])
        assert digest.exponents[place] == exponents.exponent_of(view, place[1])
        assert digest.rates[place] == trials.rates_of(view, place[1])
        expected = trials.budget_of(view, place[1]).expected
        assert (digest.budgets[place].expected == expected).all()
    assert ("constant", "adam") not in digest.exponents, "a reference ran under one schedule"


def test_the_page_computes_each_part_once(full, monkeypatch):
    calls = []
    monkeypatch.setattr(export, "svg", lambda figure: "<svg></svg>")  # which takes the longest
    for module, name in (
        (exponents, "exponent_of"),
        (trials, "budget_of"),
        (trials, "rates_of"),
    ):
        function = getattr(module, name)

        def counted(view, optimizer, name=name, function=function):
            calls.append(name)
            return function(view, optimizer)

        monkeypatch.setattr(module, name, counted)
    full.to_html()
    places = sum(len(digest.tuned_rows) for digest in digests(full))
    assert sorted(calls) == sorted(["exponent_of", "budget_of", "rates_of"] * places)


@pytest.mark.slow
def test_the_report_asks_the_results_for_each_number_once(tmp_path, monkeypatch):
    """All of the folder: tables, sentences, claims, pictures and CSV files share the digests."""
    full, asked = synthetic.full(), []
    monkeypatch.setattr(export, "svg", lambda figure: "<svg></svg>")
    monkeypatch.setattr(export, "png", lambda figure: b"PNG")
    for name in ("summary", "pair"):
        method = getattr(Results, name)

        def counted(self, task, *arguments, name=name, method=method, **options):
            options["schedule"] = options.get("schedule") or self.schedules(task)[0]
            options["metric"] = options.get("metric") or self.metrics(task)[0]
            asked.append((name, task, *arguments, *sorted(options.items())))
            if name == "summary":
                del options["metric"]
            return method(self, task, *arguments, **options)

        monkeypatch.setattr(Results, name, counted)
    files.write(full, tmp_path)
    assert {call[0] for call in asked} == {"summary", "pair"}
    assert sorted({call for call in asked if asked.count(call) > 1}) == []
