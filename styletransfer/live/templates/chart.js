"use strict";

// The curves of the weighted losses over the steps, on a logarithmic axis. They are drawn at the
// width of their element, at most `POINTS` points each.
function createChart(element, legend) {
  const TERMS = ["content", "style", "tv"];
  const POINTS = 600;
  const HEIGHT = 240;
  const EDGE = { left: 44, right: 8, top: 20, bottom: 24 };
  const START = 2; // steps that do not lower the axis: the content loss begins at almost 0
  let points = [];
  let changes = [];

  const make = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const brief = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(3))));

  function clear() {
    [points, changes] = [[], []];
  }

  // Rows as in `Session.curve`. A step that is not above the last one goes back to it.
  function add(rows) {
    for (const row of rows) {
      if (row.length === 1) {
        changes.push(row[0]);
      } else {
        if (points.length && row[0] <= points.at(-1)[0]) {
          points = points.filter((point) => point[0] < row[0]);
          changes = changes.filter((steps) => steps < row[0]);
        }
        points.push(row);
      }
    }
    draw();
  }

  function limits() {
    const values = (from) => points.slice(from).flatMap((point) => point.slice(2)).filter((v) => v > 0);
    const settled = values(START).length ? values(START) : values(0);
    if (!settled.length) return null;
    const bounds = { low: Infinity, high: 0 };
    for (const value of settled) bounds.low = Math.min(bounds.low, value);
    for (const value of values(0)) bounds.high = Math.max(bounds.high, value);
    return { low: bounds.low / 1.3, high: bounds.high * 1.3 };
  }

  function ticks({ low, high }) {
    const steps = Math.log10(high / low) > 2.2 ? [1] : [1, 2, 5];
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      found.push(...steps.map((step) => step * 10 ** power));
    }
    return found.filter((value) => value >= low && value <= high);
  }

  function drawAxes(svg, x, y, bounds, width) {
    for (const value of ticks(bounds)) {
      svg.append(make("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }));
      svg.append(make("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, brief(value)));
    }
    const [first, last] = [points[0][0], points.at(-1)[0]];
    svg.append(make("text", { x: EDGE.left, y: HEIGHT - 6 }, `step ${first}`));
    if (last > first) svg.append(make("text", { x: width - EDGE.right, y: HEIGHT - 6, "text-anchor": "end" }, last));
  }

  function drawLines(svg, x, width) {
    let right = 0; // of the last label
    points.forEach((point, index) => {
      const before = points[index - 1];
      if (before && before[1] === point[1]) return;
      const at = before ? (x(before[0]) + x(point[0])) / 2 : EDGE.left;
      if (before) svg.append(make("line", { class: "size", x1: at, x2: at, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
      const label = `${point[1]} px`;
      if (at < right || at > width - 50) return;
      svg.append(make("text", { x: at, y: EDGE.top - 7 }, label));
      right = at + 8 * label.length;
    });
    for (const steps of changes) {
      const at = x(steps + 0.5);
      svg.append(make("line", { class: "change", x1: at, x2: at, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
    }
  }

  function drawCurve(svg, name, index, x, y) {
    const every = Math.ceil(points.length / POINTS);
    const drawn = points.filter((point, n) => point[index] > 0 && (n % every === 0 || n === points.length - 1));
    if (!drawn.length) return;
    const path = drawn.map((point) => `${x(point[0]).toFixed(1)},${y(point[index]).toFixed(1)}`).join(" ");
    svg.append(make("polyline", { class: `curve ${name}`, points: path }));
    const [last] = drawn.slice(-1);
    svg.append(make("circle", { class: `dot ${name}`, r: 2.5, cx: x(last[0]), cy: y(last[index]) }));
  }

  function draw() {
    const bounds = limits();
    const width = element.clientWidth;
    legend.replaceChildren(...TERMS.map((name, index) => {
      const item = document.createElement("span");
      const key = document.createElement("i");
      key.className = `key ${name}`;
      item.append(key, `${name} ${brief(points.at(-1)?.[index + 2])}`);
      return item;
    }));
    if (!bounds || !width) {
      element.replaceChildren();
      return;
    }
    const [first, last] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 1)];
    const x = (steps) => EDGE.left + ((steps - first) / (last - first)) * (width - EDGE.left - EDGE.right);
    const span = Math.log(bounds.high / bounds.low);
    const y = (value) => {
      const part = Math.max(0, Math.log(value / bounds.low) / span);
      return HEIGHT - EDGE.bottom - part * (HEIGHT - EDGE.top - EDGE.bottom);
    };
    const svg = make("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    drawAxes(svg, x, y, bounds, width);
    drawLines(svg, x, width);
    TERMS.forEach((name, index) => drawCurve(svg, name, index + 2, x, y));
    element.replaceChildren(svg);
  }

  new ResizeObserver(draw).observe(element);
  return { clear, add };
}
