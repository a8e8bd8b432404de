// The optimizers, the functions that they minimise, and their runs.
//
// `s` is the settings of the page: the learning rate of each optimizer by its name, `decay`, `eps`
// and whether it is `inside` the root, `initial`, where AdaGrad's sum starts, and `momentum`.

// The decay of Adam's first average. Its second one has the decay of RMSprop.
const FIRST_DECAY = 0.9;

// One step of one weight, the t-th: from its gradient g, its accumulator v and its buffer b. The
// root is at least what g itself adds to v: rounding must not make a step longer than its bound.
export const step = (name, g, v, b, t, s) => {
  const [keep, add] = name === "adagrad" ? [1, 1] : [s.decay, 1 - s.decay];
  if (name === "sgd") return descend(g, 1, v, b, s.sgd, s.momentum);
  v = keep * v + add * g * g;
  if (name === "adam") return stepOfAdam(g, v, b, t, s);
  const root = Math.max(Math.sqrt(s.inside ? v + s.eps : v), Math.sqrt(add) * Math.abs(g));
  const denominator = s.inside ? root : root + s.eps;
  return descend(g, denominator, v, b, s[name], name === "adagrad" ? 0 : s.momentum);
};
const descend = (g, denominator, v, b, rate, momentum) => {
  const update = momentum * b + rate * (g / denominator);
  return {v, b: update, rate: rate / denominator, update};
};
const stepOfAdam = (g, v, b, t, s) => {
  b = FIRST_DECAY * b + (1 - FIRST_DECAY) * g;
  const moment = v / (1 - s.decay ** t), mean = b / (1 - FIRST_DECAY ** t);
  const denominator = s.inside ? Math.sqrt(moment + s.eps) : Math.sqrt(moment) + s.eps;
  return {v, b, rate: s.adam / denominator, update: s.adam * (mean / denominator)};
};

// An even distribution of mean 0 and variance 1: the n-th of numbers that are the same everywhere,
// from a hash of 32 bits (Chris Wellons, "Prospecting for hash functions", lowbias32).
export const noise = n => {
  n = Math.imul(n ^ n >>> 16, 0x21f0aaad);
  n = Math.imul(n ^ n >>> 15, 0xd35a2d97);
  return Math.sqrt(3) * (((n ^ n >>> 15) >>> 0) / 2 ** 31 - 1);
};

// Where the minimum of the function that changes is, and how steep it is there: at a step.
const later = (k, s) => k >= s.steps / 2;
const centre = (k, s) => later(k, s) ? [2, 1] : [-2, -1];
const steepness = (k, s) => later(k, s) ? 0.1 : 1;

// `value` and `gradient` take the weights, the number of the step from 0, and the settings.
// `window` is what the picture shows: left, right, bottom, top.
export const FUNCTIONS = {
  square: {
    title: "x²", formula: "x²", names: ["x"], start: [4], window: [-5, 5, -1, 28], minima: [[0]],
    value: ([x]) => x * x,
    gradient: ([x]) => [2 * x],
    defaults: {sgd: 0.1, adagrad: 0.5, rmsprop: 0.1, adam: 0.3, steps: 40},
    stable: () => ["1", 1],
  },
  valley: {
    title: "narrow valley", formula: "(x1² + condition · x2²) / 2", names: ["x1", "x2"],
    start: [4, 1], window: [-2, 5, -2.1, 2.1], minima: [[0, 0]],
    value: ([x, y], k, s) => (x * x + s.condition * y * y) / 2,
    gradient: ([x, y], k, s) => [x, s.condition * y],
    defaults: {sgd: 0.019, adagrad: 0.5, rmsprop: 0.1, adam: 0.2, steps: 60},
    stable: s => ["2 / condition", 2 / s.condition],
  },
  rosenbrock: {
    title: "Rosenbrock", formula: "(1 − x1)² + 100 (x2 − x1²)²", names: ["x1", "x2"],
    start: [-1.2, 1], window: [-2, 2, -0.9, 2.1], minima: [[1, 1]],
    value: ([x, y]) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    gradient: ([x, y]) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
    defaults: {sgd: 0.002, adagrad: 1, rmsprop: 0.01, adam: 0.05, steps: 300},
  },
  saddle: {
    title: "saddle", formula: "x1² / 2 + (x2 − 3)² (x2 + 3)² / 32", names: ["x1", "x2"],
    start: [3, 0.001], window: [-5, 5, -4, 4], minima: [[0, -3], [0, 3]],
    value: ([x, y]) => x * x / 2 + ((y - 3) * (y + 3)) ** 2 / 32,
    gradient: ([x, y]) => [x, (y - 3) * (y + 3) * y / 8],
    defaults: {sgd: 0.1, adagrad: 0.5, rmsprop: 0.1, adam: 0.1, steps: 100},
  },
  weights: {
    title: "two weights", formula: "0.1 A + 10 B", names: ["A", "B"],
    start: [4, 4], window: [-6, 6, -5, 5], minima: [],
    value: ([a, b]) => 0.1 * a + 10 * b,
    gradient: () => [0.1, 10],
    defaults: {sgd: 0.02, adagrad: 0.5, rmsprop: 0.1, adam: 0.1, steps: 60},
  },
  changing: {
    title: "one that changes half-way", formula: "((x1 − a)² + 10 (x2 − b)²) / 2",
    names: ["x1", "x2"], start: [4, 2], window: [-5, 5, -3, 3], minima: [[-2, -1], [2, 1]],
    value: ([x, y], k, s) => {
      const [a, b] = centre(k, s);
      return steepness(k, s) * ((x - a) ** 2 + 10 * (y - b) ** 2) / 2;
    },
    gradient: ([x, y], k, s) => {
      const [a, b] = centre(k, s);
      return [steepness(k, s) * (x - a), steepness(k, s) * 10 * (y - b)];
    },
    defaults: {sgd: 0.1, adagrad: 0.5, rmsprop: 0.1, adam: 0.1, steps: 200},
    stable: () => ["2 / 10", 0.2],
  },
  noise: {
    title: "noise", formula: "(x1² + 10 x2²) / 2, its gradient with noise", names: ["x1", "x2"],
    start: [4, 2], window: [-3, 5, -2.5, 2.5], minima: [[0, 0]],
    value: ([x, y]) => (x * x + 10 * y * y) / 2,
    gradient: ([x, y], k, s) =>
      [x + s.noise * noise(2 * k + 1), 10 * y + s.noise * noise(2 * k + 2)],
    defaults: {sgd: 0.05, adagrad: 0.5, rmsprop: 0.1, adam: 0.1, steps: 150},
    stable: () => ["2 / 10", 0.2],
  },
};

// All steps of one optimizer. Row k is one moment: the weights `x` after k steps, the value of the
// function there, and, but for the last row, what the next step makes of them: gradient,
// accumulator with this gradient in it, effective learning rate and update, one for each weight.
export const run = (name, s) => {
  const {value, gradient} = FUNCTIONS[s.function], rows = [];
  let x = s.start, weights = x.map(() => ({v: name === "adagrad" ? s.initial : 0, b: 0}));
  for (let k = 0; k < s.steps; k++) {
    const g = gradient(x, k, s);
    weights = weights.map(({v, b}, i) => step(name, g[i], v, b, k + 1, s));
    const [v, rate, update] = ["v", "rate", "update"].map(key => weights.map(each => each[key]));
    rows.push({x, value: value(x, k, s), gradient: g, v, rate, update});
    x = x.map((each, i) => each - update[i]);
  }
  return [...rows, {x, value: value(x, s.steps, s)}];
};
