"""What the statements T1 to T14 say: closed forms and slow loops in NumPy's float64.

Nothing here uses the library.  `docs/theory.md` has the statements in words, with their sources.
Conventions: `g` is a gradient, `t` counts steps from 1, and steps are in units of the learning rate
unless a function takes one.
"""

import numpy as np


def adagrad_steps(gradients):
    """T1: the gradients over the root of the sum of their squares so far."""
    return -gradients / np.sqrt(np.cumsum(gradients**2, axis=0))


def adam_steps_without_momentum(gradients, decay, eps):
    """T2: algorithm 1 of Kingma and Ba with beta1 = 0, whose first moment is the gradient."""
    v, steps = np.zeros_like(gradients[0]), []
    for t, g in enumerate(gradients, 1):
        v = decay * v + (1 - decay) * g**2
        steps.append(-g / (np.sqrt(v / (1 - decay**t)) + eps))
    return np.array(steps)


def longest_step(decay):
    """T3: no step is longer, since v >= (1 - decay) g^2."""
    return 1 / np.sqrt(1 - decay)


def outlier_step(size, decay):
    """T3: the step on a gradient `size` times the past ones, with which the average is full."""
    return size / np.sqrt(decay + (1 - decay) * size**2)


def adagrad_outlier_step(size, before):
    """T3: the same for AdaGrad, after `before` gradients of size 1."""
    return size / np.sqrt(before + size**2)


def damping(root, eps, eps_in_sqrt):
    """T4: the factor that eps leaves of a step; `root` is sqrt(v)."""
    return root / np.sqrt(root**2 + eps) if eps_in_sqrt else root / (root + eps)


def halving_root(eps, eps_in_sqrt):
    """T4: the root r that eps halves a step at: r^2 / (r^2 + eps) = 1/4, or r / (r + eps) = 1/2."""
    return np.sqrt(eps / 3) if eps_in_sqrt else eps


def constant_gradient_step(t, decay):
    """T5: RMSprop's t-th step on a constant gradient: v = (1 - decay^t) g^2."""
    return 1 / np.sqrt(1 - decay**t)


def reddi_gradients(period, steps):
    """T6: `period` at every t with t mod period = 1, else -1; the mean gradient is 1 / period."""
    return np.where(np.arange(steps) % period == 0, float(period), -1.0)


def reddi_second_moment(period, decay):
    """T6: v in the periodic steady state, the large gradient first.

    v = (1 - decay) sum_i decay^i g_{t-i}^2 with g^2 = 1 everywhere, and C^2 - 1 more every C steps.
    """
    since = np.arange(period)
    return 1 + (period**2 - 1) * (1 - decay) * decay**since / (1 - decay**period)


def reddi_drift(period, decay):
    """T6: the move towards the minimum in one period, in learning rates; negative is divergence."""
    root = np.sqrt(reddi_second_moment(period, decay))
    return period / root[0] - np.sum(1 / root[1:])


def reddi_threshold(period):
    """T6: the `1 - decay` at which the drift vanishes, by bisection of its logarithm."""
    low, high = 1e-7, 0.999
    assert reddi_drift(period, 1 - low) > 0 > reddi_drift(period, 1 - high)
    while high / low > 1 + 1e-12:
        middle = np.sqrt(low * high)
        low, high = (middle, high) if reddi_drift(period, 1 - middle) > 0 else (low, middle)
    return np.sqrt(low * high)


def sight_step(sight, gap, decay):
    """T7: the step at a sight (from 1) of a feature seen every `gap` steps, its gradients alike.

    v = (1 - decay) g^2 (1 + q + ... + q^(sight - 1)) with q = decay^gap.
    """
    return np.sqrt((1 - decay**gap) / ((1 - decay) * (1 - decay ** (gap * sight))))


def steps_of_touched_rows(gradients, touched, decay, eps):
    """T8: only rows touched are read and written, their average first caught up."""
    v, last = np.zeros(gradients.shape[1:]), np.full(len(gradients[0]), -1)
    steps = np.zeros_like(gradients)
    for k, (g, rows) in enumerate(zip(gradients, touched, strict=True)):
        for row in np.flatnonzero(rows):
            missed = k - last[row] - 1
            v[row] = decay * decay**missed * v[row] + (1 - decay) * g[row] ** 2
            steps[k, row] = -g[row] / np.sqrt(v[row] + eps)
            last[row] = k
    return steps


def adagrad_in_box(gradients, learning_rate, limit):
    """T9: the points that AdaGrad plays on [-limit, limit], from 0, clipped after every step."""
    x, total, played = np.zeros_like(gradients[0]), np.zeros_like(gradients[0]), []
    for g in gradients:
        played.append(x)
        total = total + g**2
        # Nothing has been seen where the sum is zero, and then g is zero too.
        x = np.clip(x - learning_rate * g / np.sqrt(np.where(total > 0, total, 1)), -limit, limit)
    return np.array(played)


def regret(played, gradients, limit):
    """T9: loss so far less that of the best fixed point of the box, for the losses <g_t, x>.

    The best point is a corner, and loses `-limit * |sum of the gradients|` in every coordinate.
    """
    loss = np.cumsum(np.sum(played * gradients, axis=1))
    return loss + limit * np.sum(np.abs(np.cumsum(gradients, axis=0)), axis=1)


def regret_bound(gradients, learning_rate, diameter):
    """T9: (D^2 / (2 lr) + lr) times the sum over coordinates of ||g_{1:T,i}||_2, for every T."""
    norms = np.sum(np.sqrt(np.cumsum(gradients**2, axis=0)), axis=1)
    return (diameter**2 / (2 * learning_rate) + learning_rate) * norms


def separable_data(rng, examples=100, positive=0.6):
    """T10: features and labels of Wilson et al., section 3.3; columns count from 0 here.

    Column 0 is the label, columns 1 and 2 are 1, and every example has five columns of its own, of
    which one is 1 in a positive example and all five in a negative one. Drawn again where the
    positive labels are no majority, as the statement requires.
    """
    labels = np.zeros(examples)
    while np.sum(labels) <= 0:
        labels = np.where(rng.random(examples) < positive, 1.0, -1.0)
    features = np.zeros((examples, 3 + 5 * examples))
    for i, y in enumerate(labels):
        features[i, 0] = y
        features[i, 1:3] = 1
        own = 3 + 5 * i
        features[i, own : own + (1 if y > 0 else 5)] = 1
    return features, labels


def unseen_score(weights, label):
    """T10: the prediction for an example never seen, whose own columns still have weight zero."""
    return label * weights[..., 0] + weights[..., 1] + weights[..., 2]


def unseen_accuracy(weights, labels):
    """T10: the share of examples never seen whose prediction has the sign of the label."""
    return float(np.mean([np.sign(unseen_score(weights, y)) == y for y in labels]))


def least_norm_solution(features, labels):
    """T10: what gradient descent from zero finds, as every step is a combination of examples."""
    return features.T @ np.linalg.solve(features @ features.T, labels)


def heavy_ball(curvatures, start, learning_rate, momentum, steps):
    """T11: the positions of gradient descent with momentum on sum(curvature * x^2) / 2."""
    x, buffer, positions = start, np.zeros_like(start), [start]
    for _ in range(steps):
        buffer = momentum * buffer + curvatures * x
        x = x - learning_rate * buffer
        positions.append(x)
    return np.array(positions)


def buffer_ratio(n, momentum, drop=10.0):
    """T12: step with the rate inside over step with it outside, at the n-th step of the new rate.

    A full buffer of equal steps u holds u / (1 - momentum); the part that is left of it keeps the
    old rate inside and has the new one outside.
    """
    left = momentum**n
    return drop * left + (1 - left)


def worked_example(steps, learning_rate=0.1, decay=0.9, eps=1e-8, start=4.0):
    """T13: positions and averages on f(x) = x^2."""
    x, v, positions, averages = start, 0.0, [start], [0.0]
    for _ in range(steps):
        g = 2 * x
        v = decay * v + (1 - decay) * g**2
        x = x - learning_rate * g / np.sqrt(v + eps)
        positions.append(x)
        averages.append(v)
    return np.array(positions), np.array(averages)
