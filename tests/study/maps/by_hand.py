"""The map in NumPy, from the formulas of its documentation alone: slow, obvious, float64."""

import itertools

import numpy as np

COORDINATES = 16
EXPONENTS = np.arange(COORDINATES) / (COORDINATES - 1)


def draws(seed, steps):
    """What one seed draws: float32 numbers, for these are what the problem is made of."""
    shape = (steps, COORDINATES)
    start = np.random.default_rng([seed]).standard_normal(COORDINATES, np.float32)
    noise, factor, walk = (
        np.random.default_rng([seed, 0, table]).standard_normal(shape, np.float32)
        for table in (0, 1, 3)
    )
    seen = np.random.default_rng([seed, 0, 2]).random(shape, np.float32)
    return [each.astype(np.float64) for each in (start, noise, factor, seen, walk)]


def rotation(degrees):
    """The matrix that turns the plane of the coordinates i and i + d/2, for each i below d/2."""
    matrix, half = np.eye(COORDINATES), COORDINATES // 2
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    for i in range(half):
        matrix[i, i] = matrix[i + half, i + half] = cosine
        matrix[i, i + half], matrix[i + half, i] = -sine, sine
    return matrix


def rmsprop(rate, one_minus_decay, eps):
    """The step of RMSprop with bias correction, eps under the root."""
    decay, moment, count = 1 - one_minus_decay, np.zeros(COORDINATES), 0

    def step(gradient):
        nonlocal moment, count
        count += 1
        moment = decay * moment + (1 - decay) * gradient**2
        return -rate(count) * gradient / np.sqrt(moment / (1 - decay**count) + eps)

    return step


def adagrad(rate, initial):
    """The step of AdaGrad, nothing where nothing was seen."""
    total, count = np.full(COORDINATES, initial), 0

    def step(gradient):
        nonlocal total, count
        count += 1
        total = total + gradient**2
        return -rate(count) * gradient / np.sqrt(total)

    return step


def risk(dials, optimizer, values, schedule, seed):
    """The risk at the end of one run."""
    steps = int(dials["horizon"])
    x, noise, factor, seen, walk = draws(seed, steps)
    probability = dials["sparsity"] ** -EXPONENTS
    curvature = dials["condition"] ** -EXPONENTS
    turn, optimum = rotation(dials["rotation"]), np.zeros(COORDINATES)

    def rate(count):
        return values[0] * (1 - (count - 1) / steps if schedule == "linear" else 1)

    step, risks = optimizer(rate, *values[1:]), []
    for t in range(steps):
        inside = curvature * (turn.T @ x - optimum) * (1 + dials["multiplicative"] * factor[t])
        inside = (seen[t] < probability) * (inside + dials["noise"] * noise[t])
        x = x + step(dials["shrinking"] ** (-t / steps) * (turn @ inside))
        optimum = optimum + dials["drift"] * walk[t]
        deviation = turn.T @ x - optimum
        risks.append((probability * curvature * deviation**2).sum() / 2)
    return max(np.mean(risks[steps * 9 // 10 :]), 1e-12)


def ratio(first, second, tuning_seeds):
    """The second's risk over the first's on a new seed, each chosen on some of the others."""
    seeds = range(first.shape[1])
    first, second = np.log(first), np.log(second)
    differences = []
    for subset in itertools.combinations(seeds, tuning_seeds):
        one, other = (x[x[:, subset].mean(axis=1).argmin()] for x in (first, second))
        differences += [other[seed] - one[seed] for seed in seeds if seed not in subset]
    return np.exp(np.mean(differences))
