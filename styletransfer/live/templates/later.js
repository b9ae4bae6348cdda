"use strict";

// What acts at the next size or start. `send` gets the values that differ from those that hold or
// wait; `show` displays these, except while the user is at work.
function createLater(element, layers, send) {
  const find = (id) => document.getElementById(id);
  const scale = find("later-scale");
  const detail = find("later-detail");
  const size = find("later-size");
  const button = element.querySelector("button");
  const LABELS = { style_scale: "style scale", detail: "detail", size: "size", style_layers: "style layers" };
  let expected = null; // the values once the run leaves its size
  let isTouched = false;

  const boxes = layers.map((name) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: name, autocomplete: "off" });
    const words = document.createElement("span");
    words.textContent = name;
    label.append(box, words);
    find("later-layers").append(label);
    return box;
  });

  // What is no number is sent as it is, so that the refusal quotes it.
  const number = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text));

  const read = () => ({
    style_scale: scale.value.split(",").map(number),
    detail: number(detail.value),
    size: number(size.value),
    style_layers: boxes.filter((box) => box.checked).map((box) => box.value),
  });

  function write(values) {
    scale.value = values.style_scale.join(", ");
    detail.value = values.detail;
    size.value = values.size;
    for (const box of boxes) box.checked = values.style_layers.includes(box.value);
  }

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const changes = () => Object.entries(read()).filter(([name, value]) => !same(value, expected[name]));

  function show({ holding, waiting, larger, sizes, isOver }) {
    const longest = Math.max(...sizes.at(-1).slice(0, 2));
    expected = { ...holding, size: longest, ...waiting };
    isTouched &&= changes().length > 0;
    // What is equal is left as it is: "1." may become 1.5.
    if (!isTouched && changes().length) write(expected);
    for (const input of [scale, detail, size, ...boxes]) input.disabled = isOver;
    button.disabled = isOver || !isTouched;
    const words = Object.entries(waiting).map(([name, value]) => `${LABELS[name]} ${[value].flat().join(", ")}`);
    const where = larger === null ? "No size follows; starting again small uses: " : "At the next size or start: ";
    const text = words.length && !isOver ? `${where}${words.join(" · ")}.` : "";
    if (find("waiting").textContent !== text) find("waiting").textContent = text;
  }

  for (const event of ["input", "change"]) {
    element.addEventListener(event, () => {
      isTouched = true;
      button.disabled = !expected || !changes().length;
    });
  }
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    send(Object.fromEntries(changes()));
  });
  return { show };
}
