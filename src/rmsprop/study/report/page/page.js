"use strict";

// Sorts the tables of the page: a click on a head sorts by its column, upwards, downwards, as it was.
const NEXT = {none: "ascending", ascending: "descending", descending: "none"};
for (const table of document.querySelectorAll("table.numbers")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  if (rows.length < 2) continue;
  table.classList.add("sortable");
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", {numeric: true});
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = NEXT[head.getAttribute("aria-sort")];
      for (const each of heads) each.setAttribute("aria-sort", each === head ? next : "none");
      const sign = next === "descending" ? -1 : 1;
      const order = next === "none" ? rows
        : [...rows].sort((a, b) => sign * compare(key(a, column), key(b, column)));
      body.append(...order);
    });
  });
}

// States the values of the pictures: those of the point nearest to the pointer, or, by the arrow
// keys, of one point after the other. Each figure has its points in `data-values`; see values.py.
const pointsOf = text => {
  const points = [];
  let before = [];
  JSON.parse(text).forEach((part, series) => {
    const full = part.map((each, place) => each === 0 ? before[place] : each);
    before = full;
    const apart = place => Array.isArray(full[place]) ? full[place] : full[place].split(" ");
    const [name, key, , , , , band] = full, [left, top, where, values] = [2, 3, 4, 5].map(apart);
    const [low, high] = band ? [7, 8].map(apart) : [];
    left.forEach((x, index) => points.push({
      series, x: Number(x), y: Number(top[index]),
      words: `${name}, ${key ? `${key} ` : ""}${where[index]}: ${values[index]}`
        + (band ? `, ${band} ${low[index]} to ${high[index]}` : ""),
    }));
  });
  return points;
};
const least = (points, distance) =>
  points.reduce((best, each) => distance(each) < distance(best) ? each : best);
// The point that a key leads to from a point: along its series, or up and down to another series.
const pointAfter = (points, from, key) => {
  const own = points.filter(each => each.series === from.series), at = own.indexOf(from);
  if (key === "ArrowRight") return own[Math.min(at + 1, own.length - 1)];
  if (key === "ArrowLeft") return own[Math.max(at - 1, 0)];
  if (key === "Home") return own[0];
  if (key === "End") return own[own.length - 1];
  const sign = key === "ArrowDown" ? 1 : -1;
  const others = [...new Set(points.map(each => each.series))].filter(each => each !== from.series)
    .map(series => points.filter(each => each.series === series))
    .map(all => least(all, each => Math.abs(each.x - from.x)));
  // Of two points at one height the one of the later series is the lower.
  const below = each => sign * (each.y - from.y || (each.series - from.series) / 1e3);
  const beyond = others.filter(each => below(each) > 0);
  return beyond.length ? least(beyond, below) : from;
};
const firstSentence = text => (text.match(/^.*?[.!?](?=\s|$)/s) || [text])[0];
const KEYS = ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"];
for (const figure of document.querySelectorAll("figure[data-values]")) {
  const points = pointsOf(figure.dataset.values);
  if (!points.length) continue;
  const picture = figure.querySelector("img"), frame = document.createElement("div");
  const ring = document.createElement("span"), words = document.createElement("output");
  let current = null;
  frame.className = "values";
  frame.tabIndex = 0;
  // An application is given the arrow keys by a screen reader, which keeps them elsewhere.
  frame.setAttribute("role", "application");
  frame.setAttribute("aria-label",
    `${firstSentence(picture.alt)} The arrow keys go from point to point.`);
  ring.className = "ring";
  words.setAttribute("aria-live", "polite");
  picture.replaceWith(frame);
  frame.append(picture, ring, words);
  const show = point => {
    current = point;
    frame.classList.toggle("active", point !== null);
    words.textContent = point ? point.words : "";
    if (!point) return;
    const left = `${point.x / 10}%`, upper = point.y < 500;
    ring.style.left = words.style.left = left;
    ring.style.top = `${point.y / 10}%`;
    words.style.top = upper ? `calc(${point.y / 10}% + .75rem)` : "";
    words.style.bottom = upper ? "" : `calc(${100 - point.y / 10}% + .75rem)`;
    words.style.transform = `translateX(-${left})`;
  };
  const showNearest = event => {
    const box = picture.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    show(least(points, each => Math.hypot(
      (each.x / 1000 - x) * box.width, (each.y / 1000 - y) * box.height)));
  };
  const byMouse = action => event => event.pointerType === "mouse" && action(event);
  frame.addEventListener("pointermove", byMouse(showNearest));
  frame.addEventListener("pointerleave", byMouse(
    () => frame.matches(":focus-visible") || show(null)));
  frame.addEventListener("focus", () => current || show(points[0]));
  frame.addEventListener("click", showNearest);
  frame.addEventListener("blur", () => show(null));
  frame.addEventListener("keydown", event => {
    if (event.key === "Escape") show(null);
    if (!KEYS.includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    show(current ? pointAfter(points, current, event.key) : points[0]);
  });
}
