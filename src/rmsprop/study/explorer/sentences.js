// What the page says: numbers, and what each setting does at the value that it has.
import {FUNCTIONS} from "./optimizers.js";
import {OPTIMIZERS} from "./settings.js";

// A number of a table: with four decimals, or in powers of ten where it is tiny or huge. What is
// next to nothing has two digits, for which there is room on a phone.
export const number = (value, decimals = 4) => {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "∞").replace("-", "−");
  const plain = value === 0 || size >= 10 ** (2 - decimals) && size < 999.995;
  const text = plain ? value.toFixed(size >= 100 ? 2 : decimals)
    : value.toExponential(size < 1e-9 ? 1 : 2).replace("e+", "e");
  return text.replaceAll("-", "−");
};
// A number in a sentence.
export const short = value => String(Number(value.toPrecision(3))).replaceAll("-", "−");

const share = value => value >= 0.995 ? "almost all" : value < 0.005 ? "almost nothing"
  : `${Math.round(100 * value)} %`;

const rate = {
  sgd: s => {
    const stable = FUNCTIONS[s.function].stable;
    if (!stable) return "Every gradient is multiplied by it, whichever weight it belongs to.";
    // Of a rate with momentum (Polyak's heavy ball) the limit is 1 + momentum times as large.
    const [plain, curved] = stable(s), limit = (1 + s.momentum) * curved;
    const formula = s.momentum === 0 ? plain : `(1 + momentum) · ${plain}`;
    const words = formula === short(limit) ? formula : `${formula} = ${short(limit)}`;
    return s.sgd > limit
      ? `It exceeds ${words}, the largest stable rate: the steps grow from wall to wall.`
      : `It is stable: at most ${words}, where steps go from wall to wall for ever.`;
  },
  adagrad: s => `No step is longer than ${short(s.adagrad)}. While gradients keep their size, the k-th`
    + ` step is at most ${short(s.adagrad)} / √k long, the 100th ${short(s.adagrad / 10)}.`,
  rmsprop: s => "No step is longer than rate / √(1 − decay) ="
    + ` ${short(s.rmsprop / Math.sqrt(1 - s.decay))}${s.momentum ? " before momentum" : ""},`
    + " the length of the first one. While gradients keep their size,"
    + ` steps become ${short(s.rmsprop)} long, whatever this size. An eps that is not small beside`
    + " v makes all of them shorter.",
  adam: s => `The first step is at most ${short(s.adam)} long, for Adam corrects its averages. That`
    + " of the gradients has the decay 0.9, that of the squares the decay of RMSprop.",
};

// The text below a setting, by its name.
export const MEANING = {
  ...rate,
  decay: s => {
    const steps = 1 / (1 - s.decay);
    if (s.decay < 0.05) return "The average remembers only the newest gradient: RMSprop takes steps"
      + " of one length, whatever the gradient.";
    return `The average remembers about ${short(Number(steps.toPrecision(2)))} steps, 1 / (1 − decay).`
      + ` A gradient 10 steps back has ${share(s.decay ** 10)} of the weight that the newest has.`;
  },
  eps: s => {
    const least = s.inside ? Math.sqrt(s.eps) : s.eps;
    return `Gradients well above ${short(least)} do not notice it; far below, steps shrink with the`
      + ` gradient. ${s.inside ? "Inside the root it is in units of the squared gradient, so that"
        + ` its root counts: √${short(s.eps)} = ${short(least)}.`
        : "Added to the root it is in units of the gradient."}`;
  },
  initial: s => s.initial === 0
    ? `From 0 the first step is as long as the rate, ${short(s.adagrad)}, unless eps is larger.`
    : `As if a gradient of ${short(Math.sqrt(s.initial))} had been there before: it shortens first`
      + " steps on gradients that are smaller.",
  momentum: s => s.momentum === 0
    ? "Each step is its own. RMSprop as it was first described has no momentum, AdaGrad has none here."
    : `Each step keeps ${share(s.momentum)} of the one before. In one direction steps become up to`
      + ` ${short(1 / (1 - s.momentum))} times as long, and zigzags cancel. AdaGrad has none.`,
  condition: s => `The valley is ${short(s.condition)} times as steep across as along.`
    + ` ${s.momentum === 0 ? "Gradient" : "Without momentum gradient"} descent`
    + ` needs a rate below ${short(2 / s.condition)}, and then at least some`
    + ` ${short(s.condition / 2)} steps to come nearer by a factor of 2.7 along the floor.`,
  noise: s => s.noise === 0 ? "Gradients are exact."
    : `Every gradient is off by ${short(s.noise)} (standard deviation), by the same amount for each`
      + " optimizer. A constant rate never settles; AdaGrad's falls.",
  steps: s => s.function === "changing" ? `The function changes after ${s.steps / 2} steps.`
    : "How far the runs go.",
};

// What there is to see, by the name of the function.
export const STORY = {
  square: "The slope falls with x, and so do the steps of gradient descent. AdaGrad and RMSprop begin"
    + " with a step that does not depend on the slope.",
  valley: "What RMSprop was made for. One rate cannot fit both directions: gradient descent goes"
    + " from wall to wall, and is slow along the floor. The others divide each weight's gradient by"
    + " its own size.",
  rosenbrock: "The floor of this valley is bent, so that both weights turn from steep to flat on the"
    + " way. Gradient descent creeps along the floor.",
  saddle: "A ridge lies along x2 = 0. Close to it the slope off it is tiny, and gradient descent takes"
    + " long to leave; the others take steps off the ridge that are as long as any.",
  weights: "A's gradient is always 0.1 and B's always 10. AdaGrad and RMSprop move both alike, with"
    + " effective rates of 100 to 1. The function has no minimum: it falls for ever.",
  changing: "Half-way the minimum (a, b) moves from (−2, −1) to (2, 1), and f is divided by ten."
    + " RMSprop forgets the old gradients; AdaGrad's sum still holds them.",
  noise: "Around the minimum only noise is left. With a constant rate RMSprop keeps jumping there;"
    + " AdaGrad's steps shrink, and it settles.",
};

// Where a run is after a number of steps, in one sentence.
export const outcome = (name, rows, at, s) => {
  const {value, x} = rows[at], {names} = FUNCTIONS[s.function];
  if (!x.every(Number.isFinite) || !Number.isFinite(value)) {
    const first = rows.findIndex(row => ![...row.x, row.value].every(Number.isFinite));
    return `${OPTIMIZERS[name]}: diverged, not finite from step ${first} on.`;
  }
  const point = names.map((each, i) => `${each} = ${number(x[i])}`).join(", ");
  return `${OPTIMIZERS[name]}: f = ${number(value)} at ${point}.`;
};
