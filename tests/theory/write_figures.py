"""Writes the figures of `docs/theory.md`, and what it says was measured.

`python tests/theory/write_figures.py` draws every figure and writes the lines between the markers;
with names, such as `t6 t9`, those figures only. With `--check` it draws and writes nothing,
compares the lines with what it measures now, and fails where a number is more than 2 % off, or an
error more than four times as large: other processors round differently.
"""

import argparse
import io
import re
import sys
import textwrap
from pathlib import Path

import drawings
import formulas
import jax
import measurements
import numpy as np
from PIL import Image

import rmsprop

ROOT = Path(__file__).parents[2]
PAGE, FIGURES = ROOT / "docs/theory.md", ROOT / "docs/figures"
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")
ERROR = 1e-6  # a smaller number is an error, of which only the size is published
DECAYS = (0.9, 0.99, 0.999)


def measured():
    """One sentence or two for each statement, by name."""
    return {name: sentence() for name, sentence in SENTENCES.items()}


def _t1():
    distances = measurements.distances_from_adagrad(drawings.t1_gradients())
    exact, single = np.max(distances["1 − 1/t"]), np.max(distances["1 − 1/t in float32"])
    return (
        f"Over 2,000 steps of 16 coordinates the steps differ by at most {exact:.1e} of their"
        f" length in float64, and by {single:.1e} where the schedules are computed in float32."
        f" With a fixed decay of 0.99 they still differ by {distances['0.99'][-1]:.2f} at"
        " the last step."
    )


def _t2():
    gradients = np.random.default_rng(2).normal(size=(300, 8))
    ours = rmsprop.scale_by_rms(0.999, 1e-8, bias_correction=True, eps_in_sqrt=False)
    adam = -formulas.adam_steps_without_momentum(gradients, 0.999, 1e-8)
    difference = np.max(np.abs(measurements.steps(ours, gradients) / adam - 1))
    plain = measurements.steps(rmsprop.scale_by_rms(0.999, 0.0), gradients)[0, 0]
    return (
        f"Over 300 steps with decay 0.999 the two differ by at most {difference:.0e} of a step."
        f" Without the correction the first step is {abs(plain):.1f} learning rates long,"
        " with it 1."
    )


def _t3():
    lengths = [measurements.outlier_steps([1e4], decay, 10_000)[0] for decay in DECAYS]
    adagrad = measurements.outlier_steps([1e4], None, 100)[0]
    return (
        "A gradient 10,000 times the usual ones makes a step of"
        f" {lengths[0]:.2f}, {lengths[1]:.2f} and {lengths[2]:.2f} learning rates with decay"
        f" 0.9, 0.99 and 0.999, and of {adagrad:.2f} under AdaGrad."
    )


def _t4():
    halves = [formulas.halving_root(1e-8, place) for place in (True, False)]
    inside = measurements.damped_steps(np.array([1e-6, 1e-5, 1e-3, halves[0]]), 1e-8, True, 400)
    outside = measurements.damped_steps(np.array([1e-10, 1e-6, halves[1]]), 1e-8, False, 400)
    return (
        "With eps = 1e-8 inside the root, what is left of RMSprop's step on gradients of size 1e-6,"
        f" 1e-5 and 1e-3 is {inside[0]:.3f}, {inside[1]:.3f} and {inside[2]:.3f}, and"
        f" {inside[3]:.3f} at {halves[0]:.2e}; outside, at 1e-10 and 1e-6, {outside[0]:.3f} and"
        f" {outside[1]:.3f}, and {outside[2]:.3f} at {halves[1]:.0e}."
    )


def _t5():
    gradients = np.full((1_000, 1), 3.7)
    ours = [rmsprop.rmsprop(1.0, decay, 0.0) for decay in DECAYS]
    last = [-measurements.steps(o, gradients)[-1, 0] for o in (*ours, rmsprop.adagrad(1.0, 0, 0))]
    return (
        "The thousandth step on a constant gradient is"
        f" {last[0]:.3f}, {last[1]:.3f} and {last[2]:.3f} learning rates long with decay 0.9, 0.99"
        f" and 0.999, and {last[3]:.3f} under AdaGrad."
    )


def _t6():
    periods = (3, 5, 8, 12, 16, 24, 32)
    values = ", ".join(f"{formulas.reddi_threshold(c):.3g}" for c in periods)
    ends = [list(measurements.reddi_ends(relative).values()) for relative in (0.9, 1.1, None)]
    return (
        f"For C = 3, 5, 8, 12, 16, 24, 32 it converges where 1 − decay is below {values}. After"
        " 200,000 steps, for C = 3, 8, 16, 32, the mean position of the last period is at most"
        f" −{-max(ends[0]):.2f} with 1 − decay 10 % below it, at least {min(ends[1]):.2f}"
        f" with 10 % above, and at most −{-max(ends[2]):.2f} under AdaGrad; the minimum is at −1."
    )


def _t7():
    rare = [measurements.sight_steps(100, 60, decay)[-1] for decay in (0.9, 0.99)]
    often = [measurements.sight_steps(10, 60, decay)[-1] for decay in (0.9, 0.99)]
    adagrad = measurements.sight_steps(10, 60, None)[-1]
    return (
        "At the 60th sight, RMSprop's step with decay 0.9 and 0.99 is"
        f" {often[0]:.2f} and {often[1]:.2f} learning rates on a feature seen every 10 steps,"
        f" {rare[0]:.2f} and {rare[1]:.2f} on one seen every 100; AdaGrad's is"
        f" {adagrad:.3f} on both."
    )


def _t8():
    dense, caught_up, behind = drawings.t8_steps()
    difference = np.max(np.abs(caught_up / dense - 1))
    return (
        "Of a row touched every 20 steps, decay 0.99, at the 400th touch: the dense step is"
        f" {dense[-1]:.2f} learning rates; caught up, it differs by at most {difference:.0e}; not"
        f" caught up, it is {behind[-1]:.2f}."
    )


def _t9():
    last = {name: ratio[-1] for name, ratio in drawings.t9_ratios().items()}
    return (
        "Eight coordinates, D = 2, 10,000 rounds, lr = D/√2. AdaGrad's regret is"
        f" {last['random']:.2f} of the bound on random gradients,"
        f" {last['sparse, in many scales']:.2f} on sparse ones, {last['periodic (T6)']:.2f} on the"
        f" stream of T6 with C = 10, {last['adversary']:.2f} against an adversary who"
        " answers x with a loss of its sign; RMSprop with decay 0.9 and rate lr/√t, on the"
        f" stream of T6, {last['periodic (T6), RMSprop']:.2f}."
    )


def _t10():
    runs, _, labels, fresh = drawings.t10_runs()
    accuracy = {name: formulas.unseen_accuracy(w[-1], fresh) for name, w in runs.items()}
    return (
        f"100 examples, {np.mean(labels > 0):.2f} of them positive, as are {np.mean(fresh > 0):.2f}"
        " of 1,000 new ones. All five fit the 100. Accuracy on the new ones: gradient descent"
        f" {accuracy['gradient descent']:.2f}, momentum {accuracy['momentum']:.2f}, AdaGrad"
        f" {accuracy['AdaGrad']:.2f}, RMSprop {accuracy['RMSprop']:.2f}, Adam"
        f" {accuracy['Adam']:.2f}."
    )


def _t11():
    epsilons = 10.0 ** np.arange(2, 9)
    found = [measurements.distances_from_heavy_ball(epsilons, place) for place in (True, False)]
    slopes = [measurements.slope(epsilons, errors) for errors in found]
    return (
        "Over 100 steps on a quadratic in three coordinates, momentum 0.9, the positions differ by"
        f" {found[0][0]:.5f} at E = 100 inside the root and {found[1][0]:.5f} outside; from there"
        f" to E = 1e8 the exponent of E is −{-slopes[0]:.3f} and −{-slopes[1]:.3f}."
    )


def _t12():
    ratio = drawings.t12_ratio()
    return (
        "Momentum 0.9, equal gradients, a full buffer, the rate divided by 10: the step with the"
        f" rate inside is {ratio[0]:.2f}, {ratio[9]:.2f} and {ratio[49]:.2f} times that with the"
        " rate outside at the 1st, 10th and 50th step after."
    )


def _t13():
    x, v = drawings.t13_path()
    return (
        f"E[g²] is {v:.1f} after the first step and x is {x[1]:.4f}; after 30 steps it is"
        f" {x[30]:.4f}, as in a loop of plain Python. A first step that multiplies by the gradient"
        f" twice would go to {x[0] + 8 * (x[1] - x[0]):.2f}."
    )


def _t14():
    gradients = measurements.two_magnitudes(np.random.default_rng(14), 500)
    rms, ada = (measurements.effective_rates(gradients, n)[-1] for n in ("RMSprop", "AdaGrad"))
    return (
        f"Learning rate 0.1, after 500 steps: {rms[0]:.3f} and {rms[1]:.4f} under RMSprop,"
        f" {ada[0]:.4f} and {ada[1]:.6f} under AdaGrad, a ratio of {rms[0] / rms[1]:.1f} and"
        f" {ada[0] / ada[1]:.1f}."
    )


SENTENCES = {
    function.__name__[1:]: function
    for function in (_t1, _t2, _t3, _t4, _t5, _t6, _t7, _t8, _t9, _t10, _t11, _t12, _t13, _t14)
}


def _between(name):
    """The markers of a statement and what is between them."""
    begin = f"<!-- {name}: written by tests/theory/write_figures.py -->"
    return re.compile(f"({re.escape(begin)}\n)(.*?)(<!-- end of {name} -->)", re.S)


def published():
    """What the page says was measured, by name; None where the markers are missing."""
    page = PAGE.read_text()
    found = {name: _between(name).search(page) for name in SENTENCES}
    return {name: match and " ".join(match[2].split()) for name, match in found.items()}


def disagreements(said, now):
    """What was published and does not hold, one line each."""
    problems = []
    for name, sentence in now.items():
        sentence = f"**Measured.** {sentence}"
        if said[name] is None:
            problems.append(f"{name}: the page has no markers for it")
        elif NUMBER.sub("#", said[name]) != NUMBER.sub("#", sentence):
            problems.append(f"{name}: the page says {said[name]!r}, and it should be {sentence!r}")
        else:
            pairs = zip(NUMBER.findall(said[name]), NUMBER.findall(sentence), strict=True)
            problems += [f"{name}: {a} is now {b}" for a, b in pairs if not _agree(a, b)]
    return problems


def _agree(published, found):
    a, b = (float(text.replace(",", "")) for text in (published, found))
    if max(a, b) < ERROR:
        return b <= 4 * max(a, 2.5e-14)
    return abs(a - b) <= 0.02 * abs(a)


def write_page(now):
    """Puts the sentences between their markers."""
    page = PAGE.read_text()
    for name, sentence in now.items():
        text = textwrap.fill(f"**Measured.** {sentence}", 118, break_on_hyphens=False)
        page, count = _between(name).subn(lambda m, text=text: f"{m[1]}{text}\n{m[3]}", page)
        assert count == 1, f"{PAGE}: {count} places for {name}"
    PAGE.write_text(page)


def write_figure(name):
    """Draws one figure: 675 pixels wide, 64 colours, no date or version."""
    buffer = io.BytesIO()
    figure = drawings.FIGURES[name]()
    figure.savefig(buffer, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    image = Image.open(buffer).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    image.save(FIGURES / f"theory-{name}.png", optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="figures to draw; all, and the page, without")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    if arguments.check:
        problems = disagreements(published(), measured())
        print("\n".join(problems) or f"{len(SENTENCES)} statements hold as published")
        sys.exit(bool(problems))
    FIGURES.mkdir(exist_ok=True)
    for name in arguments.names or drawings.FIGURES:
        write_figure(name)
    if not arguments.names:
        write_page(measured())
