// The page: its controls, and what is drawn and said when a setting changes.
import {FUNCTIONS, run} from "./optimizers.js";
import {OPTIMIZERS, RANGES, addressOf, defaultsOf, settingsOf} from "./settings.js";
import {MEANING, STORY, number, outcome, short} from "./sentences.js";
import {contours, curves, inside, levelsOf, marker, path, plane, shifted} from "./drawing.js";

const element = id => document.getElementById(id);
const LABELS = {
  sgd: "Learning rate of gradient descent", adagrad: "Learning rate of AdaGrad",
  rmsprop: "Learning rate of RMSprop", adam: "Learning rate of Adam", decay: "Decay",
  eps: "eps", initial: "AdaGrad's sum starts at", momentum: "Momentum",
  condition: "Condition number of the valley", noise: "Noise of the gradient", steps: "Steps",
};
const calm = matchMedia("(prefers-reduced-motion: reduce)");
// Inside of a notebook's cell the page has no address of its own.
const hasAddress = location.protocol !== "about:";
// All steps of a run are played in so many milliseconds.
const DURATION = 8000;

let s = settingsOf(hasAddress ? location.hash : "");
let runs = {}, playing = null, picture = null, drawn = "";

// The settings are in the address a moment after they change, for browsers allow few changes.
let pending = 0;
const remember = () => {
  clearTimeout(pending);
  if (hasAddress) pending = setTimeout(() => history.replaceState(null, "", addressOf(s)), 250);
};

// The contours are drawn anew only where the function or the room for them is another.
const background = space => {
  const {value, names, window, minima} = FUNCTIONS[s.function];
  const second = s.at >= s.steps / 2, moved = s.function === "changing";
  const key = [s.function, s.condition, space.inner, space.tall, moved && second].join();
  if (key === drawn) return picture;
  drawn = key;
  const step = moved && !second ? 0 : s.steps, at = point => value(point, step, s);
  const bottoms = moved ? [minima[second ? 1 : 0]] : minima;
  const crosses = bottoms.map(point => names.length > 1 ? point : [point[0], at(point)])
    .map(space.point).map(([x, y]) => `<path class="minimum" d="M${x - 5} ${y - 5}l10 10m0 -10l-10 10"/>`);
  if (names.length === 1) {
    const points = Array.from({length: 121}, (_, k) => window[0] + k / 120 * (window[1] - window[0]));
    picture = path(points.map(x => space.point([x, at([x])])), "", "curve") + crosses.join("");
  } else {
    const lines = contours(at, window, levelsOf(at, window, bottoms[0]), space.inner, space.tall);
    picture = shifted(`<path class="contour" d="${lines}"/>`) + crosses.join("");
  }
  return picture;
};

// A point of the picture: of one weight it is the weight and the value of the function.
const pointOf = row => row.x.length > 1 ? row.x : [row.x[0], row.value];

// The room for a picture in pixels; with less than this nothing is drawn.
const NARROWEST = 120;
const widthOf = svg => Math.floor(svg.getBoundingClientRect().width);

const spaceOf = () => {
  const {window: [left, right, bottom, top], names} = FUNCTIONS[s.function], svg = element("plane");
  const width = widthOf(svg), shape = names.length > 1 ? (top - bottom) / (right - left) : 0.6;
  const height = Math.round((width - 52) * shape + 30);
  return {width, height, ...plane(width, height, [left, right, bottom, top],
    names.length > 1 ? names : [names[0], "f"])};
};

const drawPaths = () => {
  const svg = element("plane"), space = spaceOf();
  if (space.width < NARROWEST) return; // as in a tab that is not open
  svg.setAttribute("viewBox", `0 0 ${space.width} ${space.height}`);
  svg.style.height = `${space.height}px`;
  const paths = s.shown.map(name => {
    const points = runs[name].slice(0, s.at + 1).map(row => space.point(pointOf(row)));
    const dots = points.length > 120 ? [] : points.slice(1, -1);
    const last = points[points.length - 1], near = last.every(each => Math.abs(each) < 1e5);
    return path(points, name) + dots.filter(([x, y]) => Math.abs(x) + Math.abs(y) < 1e5)
      .map(([x, y]) => `<circle class="${name} mark dot" cx="${x}" cy="${y}" r="2"/>`).join("")
      + (near ? marker(name, ...last) : "");
  });
  const [x, y] = space.point(pointOf(runs.sgd[0]));
  const start = `<circle class="start" cx="${x}" cy="${y}" r="5"/>`;
  svg.innerHTML = space.axes + inside("frame-of-paths", space, background(space) + start
    + paths.join("")) + space.heads;
  const [left, right, bottom, top] = FUNCTIONS[s.function].window;
  const gone = s.shown.filter(name => {
    const [a, b] = pointOf(runs[name][s.at]);
    return !(a >= left && a <= right && b >= bottom && b <= top);
  });
  element("gone").textContent = gone.length
    ? `${gone.map(name => OPTIMIZERS[name]).join(", ")} ${gone.length > 1 ? "have" : "has"} left the`
      + " picture."
    : "";
};

const drawRates = () => {
  const svg = element("rates"), {names} = FUNCTIONS[s.function], width = widthOf(svg);
  if (width < NARROWEST) return;
  const height = spaceOf().height;
  const series = s.shown.flatMap(name => names.map((_, i) => ({
    name, more: i ? "dashed thin" : "", values: runs[name].slice(0, -1).map(row => row.rate[i]),
  })));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.height = `${height}px`;
  svg.innerHTML = curves("frame-of-rates", width, height, series, s.steps, s.at);
  const rates = s.shown.map(name => `${OPTIMIZERS[name]} ${(runs[name][Math.max(s.at, 1) - 1].rate)
    .map((rate, i) => `${names[i]} ${short(rate)}`).join(", ")}`);
  svg.setAttribute("aria-label",
    `Effective learning rates of step ${Math.max(s.at, 1)}: ${rates.join("; ")}.`);
  element("dashes").textContent = names.length > 1
    ? `Full lines are those of ${names[0]}, dashed ones those of ${names[1]}.` : "";
};

const drawTable = () => {
  const rows = runs[s.table], {names} = FUNCTIONS[s.function];
  const v = {sgd: "", adagrad: "Σ g²", rmsprop: "E[g²]", adam: "E[g²]"}[s.table];
  const heads = ["Step", ...(names.length > 1 ? [""] : []), "x", "f(x)", "Gradient", ...(v ? [v] : []),
    "Effective LR", "Update"];
  // On a phone there is no room for the value of the function, which stands above the table too,
  // and the name of a weight stands beside the step.
  const narrow = column => ["f(x)", ""].includes(heads[column]) ? ' class="wider"' : "";
  const body = rows.flatMap((row, k) => names.map((name, i) => {
    const cells = [...(names.length > 1 ? [name] : []), number(row.x[i]), i ? "" : number(row.value)];
    if (row.update) cells.push(number(row.gradient[i]), ...(v ? [number(row.v[i])] : []),
      number(row.rate[i], 6), number(row.update[i]));
    else cells.push(...heads.slice(cells.length + 1).map(() => ""));
    return `<tr data-step="${k}"${i ? "" : ' class="begins"'}><th scope="row">${i ? "" : k}
      <span class="name">${names.length > 1 ? name : ""}</span></th>${
      cells.map((cell, column) => `<td${narrow(column + 1)}>${cell}</td>`).join("")}</tr>`;
  }));
  element("rows").innerHTML = `<table><thead><tr>${heads.map((head, column) =>
    `<th scope="col"${narrow(column)}>${head}</th>`).join("")}</tr></thead><tbody>${body.join("")
  }</tbody></table>`;
  const momentum = s.momentum && (s.table === "sgd" || s.table === "rmsprop");
  element("column").textContent = s.table === "adam"
    ? "Update = Effective LR · average of the gradients, both corrected for their start."
    : `Update = Effective LR · Gradient${momentum ? " + momentum · the update before" : ""}.`;
};

// Where the runs are: pictures, sentences and the row of the table that follow the step.
const drawStep = () => {
  drawPaths();
  drawRates();
  element("at").value = s.at;
  element("at-value").textContent = `${s.at} of ${s.steps}`;
  const sentences = s.shown.map(name => outcome(name, runs[name], s.at, s));
  element("outcomes").innerHTML = sentences.map(each => `<p>${each}</p>`).join("");
  if (!playing) element("spoken").textContent = `Step ${s.at}. ${sentences.join(" ")}`;
  for (const row of element("rows").querySelectorAll("tbody tr")) {
    const step = Number(row.dataset.step);
    row.classList.toggle("now", step === s.at);
    row.classList.toggle("later", step > s.at);
  }
  const box = element("rows"), now = box.querySelector(".now");
  if (now) box.scrollTop = now.offsetTop - box.clientHeight / 2;
  remember();
};

const showSettings = () => {
  const {names, formula} = FUNCTIONS[s.function];
  element("function").value = s.function;
  element("table").value = s.table;
  element("story").textContent = `f = ${formula}. ${STORY[s.function]}`;
  element("denominator").textContent = s.inside ? "√(v + eps)" : "(√v + eps)";
  element("at").max = s.steps;
  for (const [key, {scale}] of Object.entries(RANGES)) {
    const row = element(`row-${key}`);
    row.hidden = key === "condition" && s.function !== "valley" || key === "noise" && s.function !== "noise"
      || key in OPTIMIZERS && !s.shown.includes(key);
    element(key).value = scale.to(s[key]);
    element(`${key}-value`).textContent = element(key).ariaValueText = short(s[key]);
    if (key === "decay") element("decay-value").textContent = element(key).ariaValueText = `${s.decay}`;
    row.querySelector("p").textContent = MEANING[key](s);
  }
  element("inside").checked = s.inside;
  for (const name of Object.keys(OPTIMIZERS)) element(`show-${name}`).checked = s.shown.includes(name);
  const shown = s.shown.map(name => OPTIMIZERS[name]).join(", ");
  const start = names.map((name, i) => `${name} = ${short(s.start[i])}`).join(", ");
  element("plane").setAttribute("aria-label",
    `Paths of ${shown} on ${FUNCTIONS[s.function].title} from ${start}.`);
};

const update = () => {
  for (const name of Object.keys(OPTIMIZERS)) runs[name] = run(name, s);
  showSettings();
  drawTable();
  drawStep();
};

// A change of settings shows the whole run, unless somebody looks at a part of it.
const change = values => {
  const whole = s.at === s.steps;
  Object.assign(s, values);
  s.at = whole ? s.steps : Math.min(s.at, s.steps);
  update();
};

const pause = () => {
  cancelAnimationFrame(playing);
  playing = null;
  element("play").textContent = "Play";
};
const play = () => {
  const first = s.at === s.steps ? 0 : s.at;
  let begun = null; // the time of the first frame: that of a frame lies before performance.now()
  const frame = now => {
    begun ??= now;
    const at = Math.min(first + Math.floor((now - begun) / DURATION * s.steps), s.steps);
    if (at !== s.at) Object.assign(s, {at}), drawStep();
    if (at < s.steps) playing = requestAnimationFrame(frame);
    else pause(), drawStep();
  };
  if (calm.matches) return go(s.at === s.steps ? 0 : s.steps); // nothing moves: start, or end
  element("play").textContent = "Pause";
  playing = requestAnimationFrame(frame);
};
const go = at => {
  pause();
  s.at = Math.max(0, Math.min(at, s.steps));
  drawStep();
};

const build = () => {
  const option = ([value, words]) => `<option value="${value}">${words}</option>`;
  element("function").innerHTML = Object.entries(FUNCTIONS)
    .map(([key, each]) => option([key, each.title])).join("");
  element("table").innerHTML = Object.entries(OPTIMIZERS).map(option).join("");
  element("legend").insertAdjacentHTML("beforeend", Object.entries(OPTIMIZERS).map(([name, words]) =>
    `<label><input type="checkbox" id="show-${name}"><svg aria-hidden="true"><path class="${name} line"
    d="M1 8h32"/>${marker(name, 17, 8)}</svg>${words}</label>`).join(""));
  element("settings").innerHTML = Object.entries(RANGES).map(([key, {low, high, scale, stride}]) => {
    const least = scale.to(low), place = key === "eps" ? `<label class="place"><input type="checkbox"
      id="inside">inside the root, √(v + eps)</label>` : "";
    return `<div class="setting" id="row-${key}"><label>${LABELS[key]}<output id="${key}-value" for="${key}">
      </output><input type="range" id="${key}" min="${least}" max="${scale.to(high)}" step="${stride}"
      aria-describedby="${key}-meaning"></label>${place}<p id="${key}-meaning"></p></div>`;
  }).join("");
};

const listen = () => {
  const on = (id, event, action) => element(id).addEventListener(event, action);
  on("function", "change", event => {
    const shared = ["shown", "table", "inside", "decay", "eps", "momentum", "initial"];
    const kept = Object.fromEntries(shared.map(key => [key, s[key]]));
    pause();
    s = {...defaultsOf(event.target.value), ...kept};
    update();
  });
  on("table", "change", event => change({table: event.target.value}));
  on("inside", "change", event => change({inside: event.target.checked}));
  on("reset", "click", () => (pause(), s = defaultsOf(s.function), update()));
  for (const name of Object.keys(OPTIMIZERS)) on(`show-${name}`, "change", () => change({
    shown: Object.keys(OPTIMIZERS).filter(each => element(`show-${each}`).checked),
  }));
  for (const [key, {low, high, scale}] of Object.entries(RANGES)) on(key, "input", event => {
    const value = scale.from(Number(event.target.value));
    change({[key]: Math.max(low, Math.min(value, high))});
  });
  on("at", "input", event => go(Number(event.target.value)));
  on("play", "click", () => playing ? go(s.at) : play());
  on("next", "click", () => go(s.at === s.steps ? 1 : s.at + 1));
  on("first", "click", () => go(0));
  // A start lies inside of the picture.
  const begin = (point, decimals) => {
    const {window, names} = FUNCTIONS[s.function];
    change({start: point.slice(0, names.length).map((x, i) =>
      Number(Math.max(window[2 * i], Math.min(x, window[2 * i + 1])).toFixed(decimals)))});
  };
  const startAt = event => {
    const box = element("plane").getBoundingClientRect();
    begin(spaceOf().back([event.clientX - box.left, event.clientY - box.top]), 2);
  };
  on("plane", "click", startAt);
  on("plane", "pointermove", event => {
    if (event.pointerType === "mouse" && event.buttons === 1) startAt(event);
  });
  on("plane", "keydown", event => {
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1]};
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    begin(s.start.map((x, i) => x + move[i] * (event.shiftKey ? 0.01 : 0.1)), 3);
  });
  addEventListener("hashchange", () => (pause(), s = settingsOf(location.hash), update()));
  new ResizeObserver(drawStep).observe(element("plane"));
};

build();
listen();
update();
// For the console of a browser, and for tests: the runs of an address, as the page computes them.
globalThis.explorable = {
  runs: address => Object.fromEntries(Object.keys(OPTIMIZERS)
    .map(name => [name, run(name, settingsOf(address))])),
};
