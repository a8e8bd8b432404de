"""The section of the page on general claims and published results."""

from __future__ import annotations

from collections.abc import Sequence

from rmsprop.study.report.claims.claim import Claim
from rmsprop.study.report.claims.general import claims
from rmsprop.study.report.claims.published import published
from rmsprop.study.report.page import markup
from rmsprop.study.results.digest import Digest

MARKS = {"supported": "yes", "agrees": "yes", "not supported": "no", "differs": "no"}


def general_claims(of_tasks: Sequence[Digest]) -> str:
    """The general claims that these results can test; empty without any."""
    if not (general := claims(of_tasks)):
        return ""
    return (
        '<p class="small">Each claim is judged by 95 % intervals over the reporting seeds, never '
        "on seeds by which something was chosen. The intervals are not corrected for their number, "
        "so that a few of many claims may be judged wrongly by chance.</p>"
        f"{_articles(general)}"
    )


def earlier_results(of_tasks: Sequence[Digest]) -> str:
    """The published results that these results can be held against; empty without any."""
    if not (earlier := published(of_tasks)):
        return ""
    return (
        '<p class="small">The settings differ from the published ones, so that the numbers need '
        "not be the same, but their order should be. A result agrees or differs where a 95 % "
        "interval excludes the opposite.</p>"
        f"{_articles(earlier)}"
    )


def _articles(section: Sequence[Claim]) -> str:
    return f'<div class="claims">{"".join(map(_article, section))}</div>'


def _article(claim: Claim) -> str:
    lines = "".join(f"<li>{markup.text(line)}</li>" for line in claim.measurements)
    mark = MARKS.get(claim.verdict, "none")
    chip = f'<span class="chip {mark}">{markup.text(claim.verdict)}</span>'
    return (
        f"<article><h3>{markup.text(claim.statement)}</h3>{chip}"
        f"<p>{markup.text(claim.reason)}</p>"
        f"{markup.details('What was measured', f'<ul>{lines}</ul>')}</article>"
    )
