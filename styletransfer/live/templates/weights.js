"use strict";

// Sliders of the weights and of the shares of the styles. `send` gets all values whenever one is
// moved; `show` displays those that hold, except where the user is at work.
function createWeights(element, about, send) {
  const STEPS = 1000;
  const DELAY = 120; // milliseconds between two messages while a slider is dragged
  const BUSY = 1500; // milliseconds after an input in which the page does not overwrite it
  const rows = new Map();
  let timer = null;
  let touched = -Infinity; // when the user last moved something
  let isReblended = false; // whether the shares are to be sent, too

  const round = (value) => Number(value.toPrecision(3));

  // A logarithmic scale from `low` to `high`, with 0 at the left end.
  const scale = ({ low, high }) => ({
    value: (place) => (place <= 0 ? 0 : round(low * (high / low) ** ((place - 1) / (STEPS - 1)))),
    place: (value) => {
      if (value <= 0) return 0;
      const place = 1 + (Math.log(value / low) / Math.log(high / low)) * (STEPS - 1);
      return Math.min(Math.max(Math.round(place), 1), STEPS);
    },
  });

  const linear = { value: (place) => place / STEPS, place: (value) => Math.round(value * STEPS) };

  function build(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function addRow(id, label, about, { value, place }, touch = () => {}) {
    const change = () => {
      touch();
      sendSoon();
    };
    const range = build("input", { type: "range", id: `${id}-range`, min: 0, max: STEPS, step: 1, autocomplete: "off" });
    const number = build("input", { type: "number", id: `${id}-number`, min: 0, step: "any", inputMode: "decimal", autocomplete: "off" });
    range.setAttribute("aria-label", label);
    const set = (next) => {
      range.value = place(next);
      range.setAttribute("aria-valuetext", String(next));
      if (Number(number.value) !== next || number.value === "") number.value = next;
    };
    range.addEventListener("input", () => {
      set(value(Number(range.value)));
      change();
    });
    number.addEventListener("input", () => {
      const next = number.valueAsNumber;
      number.classList.toggle("wrong", !(next >= 0));
      if (!(next >= 0)) return;
      range.value = place(next);
      change();
    });
    const title = build("label", { htmlFor: number.id }, label);
    const row = build("div", { className: "weight", title: about.meaning ?? "" },
      build("div", { className: "name" }, title, number), range);
    for (const [at, words] of about.anchors ?? []) {
      const tick = build("i", { className: "tick" });
      tick.style.setProperty("--at", place(at) / STEPS);
      row.append(tick);
    }
    const anchors = (about.anchors ?? []).map(([at, words]) => {
      const button = build("button", { type: "button", className: "anchor" }, build("b", {}, String(at)), ` ${words}`);
      button.addEventListener("click", () => {
        set(at);
        change();
      });
      return button;
    });
    if (anchors.length) row.append(build("div", { className: "anchors" }, ...anchors));
    element.append(row);
    rows.set(id, { set, inputs: [range, number, ...anchors], read: () => number.valueAsNumber });
  }

  function sendSoon() {
    touched = performance.now();
    timer ??= setTimeout(() => {
      timer = null;
      const values = Object.fromEntries(about.sliders.map(({ name }) => [name, rows.get(name).read()]));
      if (isReblended) values.shares = about.styles.map((_, n) => rows.get(`share-${n}`).read());
      const all = [values.content, values.style, values.tv, ...(values.shares ?? [])];
      if (!all.every((value) => value >= 0)) return;
      isReblended = false;
      send(values);
    }, DELAY);
  }

  function show(weights, { isPending, isOver }) {
    for (const { inputs } of rows.values()) for (const input of inputs) input.disabled = isOver;
    if (timer !== null || (!isOver && performance.now() - touched < BUSY && !isPending)) return;
    const isTyping = (id) => document.activeElement?.id === `${id}-number` && performance.now() - touched < 2 * BUSY;
    const shares = weights.shares ?? about.styles.map(() => 1 / about.styles.length);
    const whole = shares.reduce((sum, share) => sum + share, 0);
    const values = about.sliders.map(({ name }) => [name, weights[name]]);
    if (about.blended) {
      shares.forEach((share, n) => values.push([`share-${n}`, round(share / whole)]));
    }
    for (const [id, value] of values) if (!isTyping(id)) rows.get(id).set(value);
  }

  for (const slider of about.sliders) addRow(slider.name, slider.label, slider, scale(slider));
  if (about.blended) {
    element.append(build("h3", {}, "Shares of the styles"));
    const touch = () => { isReblended = true; };
    about.styles.forEach((name, n) => addRow(`share-${n}`, name, {}, linear, touch));
  }
  return { show, forget: () => { touched = -Infinity; } };
}
