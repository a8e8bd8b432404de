"""The figures of `docs/theory.md`, one function for each statement.

Marks are what the library's optimizers did, lines what the formula says, unless a legend says
otherwise.  Look and colours are those of the study's figures; steps are in learning rates.
"""

import formulas
import jax.numpy as jnp
import measurements
import numpy as np

import rmsprop
from rmsprop.study.report.plots import style

BLUE, RED, GREEN, PINK, ORANGE, SKY = style.COLOURS
RMS = {0.9: (BLUE, "-"), 0.99: (SKY, style.DASHES[1]), 0.999: (GREEN, style.DASHES[2])}
DOTS = {"linestyle": "none", "markersize": 4}
STEP = "length of the step, in learning rates"


def _axes(height, entries, xlabel, title, **scales):
    figure, (axes,) = style.panels(height, top=style.head_height(entries))
    _label(axes, entries, xlabel, title, **scales)
    return figure, axes


def _label(axes, entries, xlabel, title, **scales):
    style.title(axes, title, entries)
    axes.set_xlabel(xlabel)
    axes.set(**scales)


def _at(axes, text, point, offset, colour, align="left"):
    axes.annotate(
        text,
        point,
        offset,
        textcoords="offset points",
        color=colour,
        fontsize=8.5,
        ha=align,
        parse_math=False,
    )


def _plain_ticks(*axes):
    for axis in axes:
        style.logarithmic_ticks(axis, *axis.get_view_interval())


def t1_gradients():
    return np.random.default_rng(1).normal(size=(2_000, 16))


def t1():
    distances = measurements.distances_from_adagrad(t1_gradients())
    looks = {
        "0.9": (RED, style.DASHES[1]),
        "0.99": (ORANGE, style.DASHES[3]),
        "1 − 1/t in float32": (SKY, style.DASHES[2]),
        "1 − 1/t": (BLUE, "-"),
    }
    figure, axes = _axes(
        3.2,
        4,
        "step t",
        "largest relative difference from AdaGrad's step",
        xscale="log",
        yscale="log",
    )
    t = np.arange(1, 2_001)
    shown = np.unique(np.geomspace(1, 2_000, 300).astype(int)) - 1
    for name, (colour, dash) in looks.items():
        y = np.where(distances[name] > 0, distances[name], np.nan)[shown]
        axes.plot(t[shown], y, color=colour, linestyle=dash, label=f"decay {name}")
    axes.set_ylim(1e-17, 100)
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


def t2():
    gradients = np.random.default_rng(2).normal(size=(60, 1))
    figure, axes = _axes(3.0, 3, "step t", STEP + ", decay 0.99", yscale="log")
    t = np.arange(1, 61)
    plain = measurements.steps(rmsprop.scale_by_rms(0.99, 0.0), gradients)
    corrected = measurements.steps(
        rmsprop.scale_by_rms(0.99, 1e-8, bias_correction=True, eps_in_sqrt=False), gradients
    )
    adam = formulas.adam_steps_without_momentum(gradients, 0.99, 1e-8)
    axes.plot(t, np.abs(plain), color=ORANGE, linestyle=style.DASHES[1], label="RMSprop")
    axes.plot(t, np.abs(adam), color=RED, linewidth=1, label="Adam, β₁ = 0")
    axes.plot(t, np.abs(corrected), "o", color=BLUE, **DOTS, label="RMSprop, bias correction")
    _plain_ticks(axes.yaxis)
    style.legend(axes)
    return figure


def t3():
    figure, axes = _axes(
        3.2, 4, "gradient, in sizes of the past ones", STEP, xscale="log", yscale="log"
    )
    sizes, marked = np.geomspace(0.1, 1e4, 200), np.geomspace(0.1, 1e4, 11)
    for marker, (decay, (colour, dash)) in zip("os^", RMS.items(), strict=True):
        line = formulas.outlier_step(sizes, decay)
        axes.plot(sizes, line, color=colour, linestyle=dash)
        found = measurements.outlier_steps(marked, decay, 10_000)
        axes.plot(marked, found, marker, color=colour, **DOTS, label=f"RMSprop, decay {decay:g}")
        bound = formulas.longest_step(decay)
        _at(axes, f"{bound:.3g}", (1e4, bound), (2, 3), colour, "right")
    axes.plot(
        sizes, formulas.adagrad_outlier_step(sizes, 100), color=RED, linestyle=style.DASHES[3]
    )
    found = measurements.outlier_steps(marked, None, 100)
    axes.plot(marked, found, "D", color=RED, **DOTS, label="AdaGrad, at step 101")
    axes.set_ylim(0.008, 80)
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


def t4():
    figure, axes = _axes(
        3.2,
        4,
        "size of a constant gradient",
        "share of the step that eps = 1e-8 leaves (AdaGrad: t = 100)",
        xscale="log",
    )
    sizes, marked = np.geomspace(1e-13, 1, 300), np.geomspace(1e-13, 1, 27)
    t = 100
    looks = [
        (True, False, BLUE, "-", "o", "RMSprop, √(v + eps)"),
        (False, False, SKY, style.DASHES[1], "s", "RMSprop, √v + eps"),
        (True, True, RED, style.DASHES[3], "^", "AdaGrad, √(s + eps)"),
        (False, True, ORANGE, style.DASHES[2], "D", "AdaGrad, √s + eps"),
    ]
    for inside, total, colour, dash, marker, label in looks:
        grown = np.sqrt(t) if total else 1.0
        line = formulas.damping(grown * sizes, 1e-8, inside)
        axes.plot(sizes, line, color=colour, linestyle=dash, linewidth=1)
        # RMSprop's average needs 400 steps to fill; AdaGrad's sum grows with t.
        count = t if total else 400
        found = grown * measurements.damped_steps(marked, 1e-8, inside, count, total=total)
        axes.plot(marked, found, marker, color=colour, **DOTS, label=label)
    axes.axhline(0.5, color=style.MUTED, linewidth=0.8)
    _plain_ticks(axes.xaxis)
    style.legend(axes)
    return figure


def t5():
    figure, axes = _axes(3.2, 4, "step t", STEP, xscale="log", yscale="log")
    t = np.arange(1, 3_001)
    shown = np.unique(np.geomspace(1, 3_000, 25).astype(int)) - 1
    gradients = np.full((3_000, 1), 3.7)
    for marker, (decay, (colour, dash)) in zip("os^", RMS.items(), strict=True):
        line = formulas.constant_gradient_step(t, decay)
        axes.plot(t, line, color=colour, linestyle=dash, linewidth=1)
        found = -measurements.steps(rmsprop.rmsprop(1.0, decay, 0.0), gradients)[shown, 0]
        axes.plot(t[shown], found, marker, color=colour, **DOTS, label=f"RMSprop, decay {decay:g}")
    axes.plot(t, 1 / np.sqrt(t), color=RED, linestyle=style.DASHES[3], linewidth=1)
    found = -measurements.steps(rmsprop.adagrad(1.0, 0.0, 0.0), gradients)[shown, 0]
    axes.plot(t[shown], found, "D", color=RED, **DOTS, label="AdaGrad")
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


def t6():
    figure, axes = _axes(
        3.4,
        4,
        "period C, and size of the rare gradient",
        "1 − decay",
        xscale="log",
        yscale="log",
    )
    periods = np.arange(3, 65)
    thresholds = np.array([formulas.reddi_threshold(c) for c in periods])
    axes.plot(periods, thresholds, color=BLUE, label="threshold")
    axes.plot(periods, 4 / periods**2, color=style.MUTED, linestyle=":", label="4 / C²")
    for relative, marker, colour, label in (
        (1.1, "X", RED, "run: ends at the maximum"),
        (0.9, "o", GREEN, "run: ends at the minimum"),
    ):
        ends = measurements.reddi_ends(relative)
        at = np.array(list(ends))
        assert all(abs(x - (1 if relative > 1 else -1)) < 0.1 for x in ends.values())
        values = [relative * formulas.reddi_threshold(c) for c in at]
        axes.plot(at, values, marker, color=colour, linestyle="none", markersize=5, label=label)
    for decay in (0.9, 0.99):
        axes.axhline(1 - decay, color=style.GRID, linewidth=1.2)
        _at(axes, f"decay {decay:g}", (64, 1 - decay), (0, 2), style.MUTED, "right")
    _at(axes, "diverges", (22, 0.25), (0, 0), RED)
    _at(axes, "converges", (3.3, 0.0025), (0, 0), GREEN)
    axes.set_ylim(8e-4, 1)
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


def t7():
    figure, (upper, lower) = style.panels(5.2, 2, top=style.head_height(4), hspace=0.55)
    _label(
        upper,
        4,
        "steps k from sight to sight",
        "length of the step in the long run, in learning rates",
        xscale="log",
        yscale="log",
    )
    _label(lower, 0, "sight n of a feature seen every 10 steps", STEP, xscale="log", yscale="log")
    gaps, marked = np.arange(1, 3_001), np.array([1, 10, 100])
    n = np.arange(1, 301)
    shown = np.unique(np.geomspace(1, 300, 14).astype(int)) - 1
    for marker, (decay, (colour, dash)) in zip("os^", RMS.items(), strict=True):
        upper.plot(gaps, np.sqrt((1 - decay**gaps) / (1 - decay)), color=colour, linestyle=dash)
        memories = [int(np.ceil(20 / (1 - decay) / gap)) + 1 for gap in marked]
        found = [
            measurements.sight_steps(k, m, decay)[-1] for k, m in zip(marked, memories, strict=True)
        ]
        upper.plot(marked, found, marker, color=colour, **DOTS, label=f"RMSprop, decay {decay:g}")
        lower.plot(n, formulas.sight_step(n, 10, decay), color=colour, linestyle=dash)
        lower.plot(
            n[shown], measurements.sight_steps(10, 300, decay)[shown], marker, color=colour, **DOTS
        )
    lower.plot(n, 1 / np.sqrt(n), color=RED, linestyle=style.DASHES[3])
    lower.plot(n[shown], measurements.sight_steps(10, 300, None)[shown], "D", color=RED, **DOTS)
    upper.plot(
        [], [], "D", color=RED, linestyle=style.DASHES[3], markersize=4, label="AdaGrad (below)"
    )
    for axes in (upper, lower):
        _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(upper)
    return figure


def t8_steps():
    """Of a row touched every 20 steps, decay 0.99: dense, caught up and not, at every touch."""
    gap, sights, decay = 20, 400, 0.99
    touched = np.zeros((gap * sights, 1), bool)
    touched[::gap] = True
    gradients = 3.0 * touched[:, :, None]
    dense = measurements.steps(rmsprop.scale_by_rms(decay, 0.0), gradients)
    caught_up, behind = (
        measurements.touched_row_steps(gradients, touched, decay, 0.0, catch_up)
        for catch_up in (True, False)
    )
    return [run[::gap, 0, 0] for run in (dense, caught_up, behind)]


def t8():
    dense, caught_up, behind = t8_steps()
    figure, axes = _axes(
        3.0,
        3,
        "touch n of a row touched every 20 steps",
        STEP + ", decay 0.99",
        xscale="log",
        yscale="log",
    )
    n = np.arange(1, len(dense) + 1)
    shown = np.unique(np.geomspace(1, len(n), 18).astype(int)) - 1
    axes.plot(n, dense, color=ORANGE, label="all rows, every step")
    axes.plot(n[shown], caught_up[shown], "o", color=BLUE, **DOTS, label="touched, caught up")
    axes.plot(n, behind, color=RED, linestyle=style.DASHES[1], label="touched, not caught up")
    axes.set_ylim(0.8, 12)
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


def t9_ratios():
    """Regret over bound at every T, by stream, for the rate that makes the bound smallest."""
    rate = 2 * measurements.BOX / np.sqrt(2)
    losses = measurements.losses_in_a_box(np.random.default_rng(9))
    optimizers = {name: rmsprop.adagrad(rate, 0.0, 0.0) for name in losses}
    ratios = {}
    for name, optimizer in [*optimizers.items(), ("periodic (T6), RMSprop", None)]:
        stream = losses[name.removesuffix(", RMSprop")]
        optimizer = optimizer or rmsprop.rmsprop(measurements.one_over_root(rate), 0.9, eps=0.0)
        played, gradients = measurements.played(stream, optimizer)
        regret = formulas.regret(played, gradients, measurements.BOX)
        bound = formulas.regret_bound(gradients, rate, 2 * measurements.BOX)
        ratios[name] = np.where(bound > 0, regret / np.where(bound > 0, bound, 1), 0)
    return ratios


def t9():
    figure, axes = _axes(3.5, 6, "rounds T", "regret over AdaGrad's bound", xscale="log")
    looks = zip((BLUE, SKY, GREEN, ORANGE, PINK, RED), [*style.DASHES, "-"], strict=True)
    for (name, ratio), (colour, dash) in zip(t9_ratios().items(), looks, strict=True):
        shown = np.unique(np.geomspace(10, len(ratio), 250).astype(int)) - 1
        axes.plot(shown + 1, ratio[shown], color=colour, linestyle=dash, label=name)
    axes.axhline(1, color=style.INK, linewidth=1)
    _at(axes, "the bound", (10, 1), (0, 3), style.INK)
    axes.set_ylim(-0.6, 2.4)
    _plain_ticks(axes.xaxis)
    style.legend(axes)
    return figure


def t10_runs():
    """Weights by optimizer, the data, and labels of examples never seen."""
    rng = np.random.default_rng(10)
    features, labels = formulas.separable_data(rng)
    fresh = np.where(rng.random(1_000) < 0.6, 1.0, -1.0)
    names = (*measurements.NOT_ADAPTIVE, *measurements.ADAPTIVE)
    runs = {name: measurements.separable_run(name, features, labels) for name in names}
    return runs, features, labels, fresh


def t10():
    runs, features, labels, fresh = t10_runs()
    figure, (upper, lower) = style.panels(5.2, 2, top=style.head_height(5), hspace=0.4, left=0.15)
    _label(
        upper,
        5,
        "",
        "training loss; beside the names, accuracy on new examples",
        xscale="log",
        yscale="log",
    )
    _label(lower, 0, "step", "score of a new negative example: right below 0", xscale="log")
    looks = zip((BLUE, SKY, RED, GREEN, ORANGE), style.DASHES, strict=True)
    for (name, weights), (colour, dash) in zip(runs.items(), looks, strict=True):
        loss = np.sum((weights[1:] @ features.T - labels) ** 2, axis=1) / 2
        accuracy = formulas.unseen_accuracy(weights[-1], fresh)
        t = np.arange(1, len(loss) + 1)
        label = f"{name}: {accuracy:.2f}"
        upper.plot(t, np.maximum(loss, 1e-12), color=colour, linestyle=dash, label=label)
        lower.plot(t, formulas.unseen_score(weights[1:], -1), color=colour, linestyle=dash)
    lower.axhline(0, color=style.INK, linewidth=1)
    upper.set_ylim(1e-10, 1e3)
    lower.set_ylim(-2.6, 0.7)
    for axis in (upper.xaxis, lower.xaxis, upper.yaxis):
        _plain_ticks(axis)
    style.legend(upper)
    return figure


def t11():
    figure, axes = _axes(
        3.0, 2, "eps E", "largest distance from heavy-ball's positions", xscale="log", yscale="log"
    )
    epsilons = 10.0 ** np.arange(0, 9)
    for inside, colour, marker, dash, label in (
        (True, BLUE, "o", "-", "√(v + E), rate times √E"),
        (False, ORANGE, "s", style.DASHES[1], "√v + E, rate times E"),
    ):
        found = measurements.distances_from_heavy_ball(epsilons, inside)
        axes.plot(
            epsilons,
            found,
            marker=marker,
            color=colour,
            linestyle="none",
            markersize=4,
            label=label,
        )
        axes.plot(
            epsilons, found[-1] * epsilons[-1] / epsilons, color=colour, linestyle=dash, linewidth=1
        )
    _at(axes, "slope −1", (1e5, 1e-4), (0, 0), style.MUTED)
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


T12_DROP = 400


def t12_steps():
    """With the rate inside the buffer and outside, on equal gradients."""
    gradients = np.full((T12_DROP + 50, 1), 2.0)
    return [
        measurements.steps_across_a_drop(gradients, T12_DROP, place, initial_scale=4.0)[:, 0]
        for place in (True, False)
    ]


def t12_ratio():
    """Inside over outside at every step after the drop."""
    inside, outside = t12_steps()
    return (inside / outside)[T12_DROP:]


def t12():
    figure, (upper, lower) = style.panels(4.6, 2, top=style.head_height(2), hspace=0.5)
    _label(upper, 2, "", "length of the step", yscale="log")
    _label(lower, 0, "steps n since the rate fell from 1 to 0.1", "ratio of the two")
    inside, outside = t12_steps()
    n = np.arange(-10, 50) + 1
    shown = slice(T12_DROP - 10, None)
    upper.plot(n, inside[shown], color=BLUE, label="rate inside the buffer")
    dash = style.DASHES[1]
    upper.plot(n, outside[shown], color=ORANGE, linestyle=dash, label="rate outside the buffer")
    after = np.arange(1, 51)
    lower.plot(after, formulas.buffer_ratio(after, 0.9), color=style.MUTED, linewidth=1)
    lower.plot(n, (inside / outside)[shown], "o", color=BLUE, linestyle="none", markersize=3)
    _at(lower, "9.1", (1, 9.1), (6, -2), style.INK)
    _at(lower, "1 + 9 · 0.9ⁿ", (13, 5), (0, 0), style.MUTED)
    lower.set_ylim(0, 10)
    _plain_ticks(upper.yaxis)
    style.legend(upper)
    return figure


def t13_path():
    """Positions of RMSprop on the worked example, and its average after the first step."""
    optimizer = rmsprop.rmsprop(0.1, 0.9, 1e-8)
    _, state = optimizer.update(jnp.array(8.0), optimizer.init(jnp.array(4.0)))
    return measurements.descent(optimizer, lambda x, k: 2 * x, 4.0, 60)[0], float(state[0].nu)


def t13():
    figure, axes = _axes(2.9, 3, "step", "position x, on f(x) = x², from 4, learning rate 0.1")
    expected, _ = formulas.worked_example(60)
    ours, _ = t13_path()
    axes.plot(expected, color=BLUE, linewidth=1)
    axes.plot(ours, "o", color=BLUE, linestyle="none", markersize=3, label="RMSprop, decay 0.9")
    adagrad, _ = measurements.descent(rmsprop.adagrad(0.1, 0.0), lambda x, k: 2 * x, 4.0, 60)
    axes.plot(adagrad, color=RED, linestyle=style.DASHES[3], label="AdaGrad")
    twice = ours[0] + 8 * (ours[1] - ours[0])
    axes.plot([1], [twice], "X", color=style.INK, linestyle="none", label="gradient taken twice")
    _at(axes, f"x₁ = {ours[1]:.4f}", (1, ours[1]), (8, 6), BLUE)
    _at(axes, f"{twice:.2f}", (1, twice), (8, -3), style.INK)
    axes.set_ylim(-0.3, 4.5)
    style.legend(axes)
    return figure


def t14():
    figure, axes = _axes(
        3.1, 4, "step t", "effective learning rate: step over gradient", xscale="log", yscale="log"
    )
    gradients = measurements.two_magnitudes(np.random.default_rng(14), 500)
    t = np.arange(1, 501)
    for name, colour in (("RMSprop", BLUE), ("AdaGrad", RED)):
        rates = measurements.effective_rates(gradients, name)
        for column, (size, dash) in enumerate((("0.1", "-"), ("10", style.DASHES[1]))):
            axes.plot(
                t, rates[:, column], color=colour, linestyle=dash, label=f"{name}, |g| = {size}"
            )
    for size, text in ((0.1, "0.1 / 0.1"), (10, "0.1 / 10")):
        axes.axhline(0.1 / size, color=style.MUTED, linewidth=0.8, linestyle=":")
        _at(axes, text, (500, 0.1 / size), (0, 3), style.MUTED, "right")
    _plain_ticks(axes.xaxis, axes.yaxis)
    style.legend(axes)
    return figure


FIGURES = {
    function.__name__: function
    for function in (t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14)
}
