// Pictures as SVG, in pixels of the page: the text of what stands inside of an <svg>.

const place = (value, low, high, size) => (value - low) / (high - low) * size;
const round = value => Math.round(value * 10) / 10;
const line = points => points.map(([x, y], k) => `${k ? "L" : "M"}${round(x)} ${round(y)}`).join("");
// Ends of an axis that have room for their numbers.
const MARGIN = {left: 40, right: 12, top: 8, bottom: 22};

// The marker of each optimizer at the end of its path, so that colour does not carry it alone.
export const marker = (name, x, y, size = 5) => {
  const at = `transform="translate(${round(x)} ${round(y)})" class="${name} mark"`;
  const corners = {
    adagrad: [[0, -1.2], [1.2, 0.9], [-1.2, 0.9]],
    rmsprop: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    adam: [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
  }[name];
  if (!corners) return `<circle ${at} r="${size}"/>`;
  return `<path ${at} d="${line(corners.map(point => point.map(each => each * size)))}Z"/>`;
};

// Round numbers between two ends, about so many.
export const ticks = (low, high, count) => {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const stride = [1, 2, 5, 10].find(each => each * power >= rough) * power, all = [];
  for (let k = Math.ceil(low / stride); k * stride <= high; k++) all.push(k * stride);
  return all;
};

// The lines along which a function has one of the levels: a walk through the squares of a grid, of
// which each is cut where the level lies between the values of two neighbouring corners.
export const contours = (value, [left, right, bottom, top], levels, width, height, count = 90) => {
  const at = (i, low, high) => low + i / count * (high - low);
  const grid = Array.from({length: count + 1}, (_, j) => Array.from({length: count + 1},
    (_, i) => value([at(i, left, right), at(j, bottom, top)])));
  const dx = width / count, dy = height / count, parts = [];
  for (let j = 0; j < count; j++) for (let i = 0; i < count; i++) {
    const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
    const heights = corners.map(([a, b]) => grid[b][a]);
    const least = Math.min(...heights), most = Math.max(...heights);
    for (const level of levels) {
      if (!(least <= level && level < most)) continue;
      const cuts = corners.flatMap(([a, b], k) => {
        const [c, d] = corners[(k + 1) % 4], h = heights[k], next = heights[(k + 1) % 4];
        if (h > level === next > level) return [];
        const share = (level - h) / (next - h);
        return [[(a + share * (c - a)) * dx, height - (b + share * (d - b)) * dy]];
      });
      for (let k = 0; k + 1 < cuts.length; k += 2) parts.push(line(cuts.slice(k, k + 2)));
    }
  }
  return parts.join("");
};

// Heights of contours: evenly on a slope, and ever closer towards a minimum.
export const levelsOf = (value, [left, right, bottom, top], minimum) => {
  const corners = [[left, bottom], [left, top], [right, bottom], [right, top]].map(value);
  const most = Math.max(...corners), least = minimum ? value(minimum) : Math.min(...corners);
  return Array.from({length: 16}, (_, k) => least + (most - least)
    * (minimum ? 10 ** (4 * (k + 1) / 16 - 4) : (k + 0.5) / 16));
};

// A plane with axes: where a point of it lies in pixels and back, and its axes as SVG.
export const plane = (width, height, [left, right, bottom, top], names) => {
  const inner = width - MARGIN.left - MARGIN.right, tall = height - MARGIN.top - MARGIN.bottom;
  const point = ([x, y]) => [
    MARGIN.left + place(x, left, right, inner), MARGIN.top + tall - place(y, bottom, top, tall),
  ];
  const back = ([x, y]) => [
    left + (x - MARGIN.left) / inner * (right - left),
    bottom + (MARGIN.top + tall - y) / tall * (top - bottom),
  ];
  const words = value => String(Number(value.toPrecision(6))).replace("-", "−");
  const below = ticks(left, right, inner / 70).map(x =>
    `<text x="${round(point([x, 0])[0])}" y="${height - 6}" text-anchor="middle">${words(x)}</text>`);
  // At the corner there is room for one number.
  const above = ticks(bottom, top, tall / 45).filter(y => point([0, y])[1] < MARGIN.top + tall - 6);
  const beside = above.map(y =>
    `<text x="${MARGIN.left - 6}" y="${round(point([0, y])[1] + 4)}" text-anchor="end">${words(y)}</text>`);
  const frame = `<rect class="frame" x="${MARGIN.left}" y="${MARGIN.top}" width="${inner}"
    height="${tall}"/>`;
  const heads = `<text class="head" x="${width - MARGIN.right - 4}" y="${MARGIN.top + tall - 6}"
    text-anchor="end">${names[0]}</text><text class="head" x="${MARGIN.left + 6}"
    y="${MARGIN.top + 14}">${names[1]}</text>`;
  return {point, back, inner, tall, axes: below.join("") + beside.join("") + frame, heads};
};

// A path, as far as numbers are finite; far outside they are cut off, for SVG has no such numbers.
export const path = (points, name, more = "") => {
  const end = points.findIndex(each => !each.every(Number.isFinite));
  const near = points.slice(0, end < 0 ? undefined : end)
    .map(each => each.map(value => Math.max(-1e5, Math.min(value, 1e5))));
  return `<path class="${name} line ${more}" d="${line(near)}"/>`;
};

// The part of a picture that lies inside of its frame.
export const inside = (id, {inner, tall}, content) => `<clipPath id="${id}"><rect x="${MARGIN.left}"
  y="${MARGIN.top}" width="${inner}" height="${tall}"/></clipPath><g clip-path="url(#${id})">${content}</g>`;

export const shifted = content =>
  `<g transform="translate(${MARGIN.left} ${MARGIN.top})">${content}</g>`;

// Curves over the steps on a logarithmic axis, up to a step. Each has a name, values, and more
// classes.
export const curves = (id, width, height, series, steps, at) => {
  const values = series.flatMap(each => each.values).filter(x => x > 0 && Number.isFinite(x));
  if (!values.length) return "";
  const least = values.reduce((a, b) => Math.min(a, b)), most = values.reduce((a, b) => Math.max(a, b));
  const low = Math.log10(least) - 0.1, high = Math.log10(most) + 0.1;
  const space = plane(width, height, [0, steps, low, high], ["step", ""]);
  const powers = ticks(Math.ceil(low), Math.floor(high), space.tall / 45)
    .filter(Number.isInteger).map(power => 10 ** power);
  const marks = high - low > 2 ? powers : [-1, 0, 1].flatMap(shift => [1, 2, 5].map(digit =>
    digit * 10 ** (Math.floor(low) + 1 + shift))).filter(x => x > 10 ** low && x < 10 ** high);
  const labels = marks.map(value => {
    const y = round(space.point([0, Math.log10(value)])[1]);
    const words = value < 1e-3 || value >= 1e4 ? value.toExponential(0).replace("e+", "e")
      : String(Number(value.toPrecision(1)));
    return `<path class="grid" d="M${MARGIN.left} ${y}h${space.inner}"/><text x="${MARGIN.left - 6}"
      y="${y + 4}" text-anchor="end">${words.replace("-", "−")}</text>`;
  });
  const below = space.axes.slice(0, space.axes.indexOf(`<text x="${MARGIN.left - 6}"`));
  const frame = space.axes.slice(space.axes.indexOf("<rect"));
  const lines = series.map(({name, values, more}) => path(values.slice(0, Math.max(at, 1))
    .map((value, k) => space.point([k, Math.log10(value)])), name, more));
  return below + labels.join("") + frame + inside(id, space, lines.join("")) + space.heads;
};
