// The settings of the page: their ranges, their place on a slider, and the address that holds them.
import {FUNCTIONS} from "./optimizers.js";

export const OPTIMIZERS = {
  sgd: "Gradient descent", adagrad: "AdaGrad", rmsprop: "RMSprop", adam: "Adam",
};

const digits = (value, count) => Number(value.toPrecision(count));
// A scale takes a value to a place on a slider and back.
const straight = {to: value => value, from: place => digits(place, 6)};
const powers = {to: Math.log10, from: place => digits(10 ** place, 3)};
const powersFromZero = low => ({
  to: value => value < low ? Math.log10(low) - 0.1 : Math.log10(value),
  from: place => place < Math.log10(low) - 0.01 ? 0 : digits(10 ** place, 3),
});
// Of a decay the number of steps that it remembers, 1 / (1 - decay), in powers.
const memory = {to: value => -Math.log10(1 - value), from: place => digits(1 - 10 ** -place, 4)};

const range = (low, high, scale, stride, value) => ({low, high, scale, stride, value});
// The settings that have sliders; those without a default have one for each function.
export const RANGES = {
  sgd: range(1e-4, 10, powers, 0.02),
  adagrad: range(1e-4, 10, powers, 0.02),
  rmsprop: range(1e-4, 10, powers, 0.02),
  adam: range(1e-4, 10, powers, 0.02),
  decay: range(0, 0.999, memory, 0.02, 0.9),
  eps: range(1e-10, 1, powers, 0.1, 1e-8),
  initial: range(0, 100, powersFromZero(1e-3), 0.1, 0),
  momentum: range(0, 0.99, straight, 0.01, 0),
  condition: range(1, 1000, powers, 0.02, 100),
  noise: range(0, 10, straight, 0.1, 3),
  steps: range(10, 300, straight, 10),
};

export const defaultsOf = name => {
  const {start, defaults} = FUNCTIONS[name];
  const shared = Object.entries(RANGES).map(([key, each]) => [key, each.value]);
  return {
    ...Object.fromEntries(shared), ...defaults, function: name, start, inside: true,
    shown: ["sgd", "adagrad", "rmsprop"], table: "rmsprop", at: defaults.steps,
  };
};

// The settings that an address holds. What is missing or senseless in it is as by default, and a
// number beyond its range is at the end of it.
export const settingsOf = address => {
  const words = new URLSearchParams(address.replace(/^#/, ""));
  const named = words.get("function"), s = defaultsOf(Object.hasOwn(FUNCTIONS, named) ? named : "valley");
  const numbers = key => (words.get(key) || "").split(",").map(x => x.trim() ? Number(x) : NaN);
  for (const [key, {low, high}] of Object.entries(RANGES)) {
    const [value] = numbers(key);
    if (Number.isFinite(value)) s[key] = Math.min(Math.max(value, low), high);
  }
  s.steps = Math.round(s.steps);
  const start = numbers("start"), known = (words.get("shown") || "").split(",");
  if (start.length === s.start.length && start.every(x => Math.abs(x) <= 1e3)) s.start = start;
  if (words.has("shown")) s.shown = Object.keys(OPTIMIZERS).filter(name => known.includes(name));
  if (words.has("inside")) s.inside = words.get("inside") !== "no";
  if (Object.hasOwn(OPTIMIZERS, words.get("table"))) s.table = words.get("table");
  const [at] = numbers("at");
  s.at = Number.isFinite(at) ? Math.min(Math.max(Math.round(at), 0), s.steps) : s.steps;
  return s;
};

export const addressOf = s => {
  const words = {...s, inside: s.inside ? "yes" : "no"};
  return `#${Object.entries(words).map(([key, value]) => `${key}=${value}`).join("&")}`;
};
