"use strict";

// A picture that is compared with another by a line to drag, zoomed and moved: used by the
// report and by the page of a running job. Width and height are those of the picture in pixels,
// `start` is where the line stands at first, in per cent.
function createViewer(viewer, width, height, start) {
  const stage = viewer.querySelector(".stage");
  const [before, after] = [".before", ".after"].map((name) => stage.querySelector(name));
  const handle = stage.querySelector(".handle");
  const split = viewer.querySelector("#split");
  const shownZoom = viewer.querySelector(".zoom output");
  const MAX_SCALE = 16; // screen pixels per picture pixel

  // Zoom and position: scale relative to fitting the viewer, and the picture's point at its centre

  const view = { scale: 1, x: 0.5, y: 0.5 };
  const fit = () => Math.min(stage.clientWidth / width, stage.clientHeight / height);
  const one = () => 1 / (window.devicePixelRatio || 1);

  function draw() {
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    const least = Math.min(1, one() / fit());
    const most = Math.max(1, (MAX_SCALE * one()) / fit());
    view.scale = Math.min(Math.max(view.scale, least), most);
    const scale = fit() * view.scale;
    const [x, y] = [clamp("x", w, width * scale), clamp("y", h, height * scale)];
    const lengths = { x, y, w: width * scale, h: height * scale };
    for (const [name, value] of Object.entries(lengths)) stage.style.setProperty(`--${name}`, `${value}px`);
    stage.classList.toggle("zoomed", view.scale > 1.001);
    stage.classList.toggle("pixels", scale >= 3 * one());
    shownZoom.value = `${Math.round((100 * scale) / one())} %`;
  }

  // Returns the picture's offset: it covers the stage, or is centred if it is smaller.
  function clamp(axis, space, length) {
    if (length <= space + 0.5) {
      view[axis] = 0.5;
      return (space - length) / 2;
    }
    const half = space / 2 / length;
    view[axis] = Math.min(Math.max(view[axis], half), 1 - half);
    return space / 2 - view[axis] * length;
  }

  // Zooms by a factor and keeps the picture's point under (x, y) in place.
  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const old = fit() * view.scale;
    const [dx, dy] = [x - stage.clientWidth / 2, y - stage.clientHeight / 2];
    const at = { x: view.x + dx / (width * old), y: view.y + dy / (height * old) };
    view.scale *= factor;
    draw();
    const now = fit() * view.scale;
    view.x = at.x - dx / (width * now);
    view.y = at.y - dy / (height * now);
    draw();
  }

  function move(dx, dy) {
    const scale = fit() * view.scale;
    view.x -= dx / (width * scale);
    view.y -= dy / (height * scale);
    draw();
  }

  function fitPicture() {
    Object.assign(view, { scale: 1, x: 0.5, y: 0.5 });
    draw();
  }

  const actions = {
    in: () => zoom(1.5),
    out: () => zoom(1 / 1.5),
    fit: fitPicture,
    whole: () => zoom(one() / (fit() * view.scale)),
  };

  // Before and after

  function drawSplit() {
    stage.style.setProperty("--split", `${split.value}%`);
    split.setAttribute("aria-valuetext", `${split.value} % content`);
  }

  function splitAt(clientX) {
    const box = stage.getBoundingClientRect();
    split.value = Math.round((100 * (clientX - box.left)) / box.width);
    drawSplit();
  }

  // Pointers: mouse and touch

  const pointers = new Map();
  let sliding = false;

  const pinch = ([a, b]) => ({
    x: (a.clientX + b.clientX) / 2,
    y: (a.clientY + b.clientY) / 2,
    length: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1,
  });

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
    sliding = pointers.size === 1 && (event.target === handle || view.scale <= 1.001);
    if (sliding && event.target === handle) splitAt(event.clientX);
  });

  stage.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const old = [...pointers.values()];
    pointers.set(event.pointerId, event);
    if (old.length === 2) {
      const [was, is] = [pinch(old), pinch([...pointers.values()])];
      const box = stage.getBoundingClientRect();
      move(is.x - was.x, is.y - was.y);
      zoom(is.length / was.length, is.x - box.left, is.y - box.top);
    } else if (sliding) {
      splitAt(event.clientX);
    } else {
      move(event.clientX - last.clientX, event.clientY - last.clientY);
    }
  });

  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      sliding = false;
    });
  }

  stage.addEventListener("wheel", (event) => {
    // The wheel scrolls the page unless the picture has the focus, and when zooming out
    // ends at the whole picture.
    if (!event.ctrlKey && document.activeElement !== stage) return;
    if (!event.ctrlKey && event.deltaY > 0 && view.scale <= 1.001) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 30 : 1;
    const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002));
    zoom(factor, event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });

  // Keys

  const STEP = 60; // screen pixels
  const keys = {
    "+": actions.in,
    "=": actions.in,
    "-": actions.out,
    "0": actions.fit,
    "1": actions.whole,
    ArrowLeft: () => move(STEP, 0),
    ArrowRight: () => move(-STEP, 0),
    ArrowUp: () => move(0, STEP),
    ArrowDown: () => move(0, -STEP),
  };

  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    // The whole picture cannot move, so the arrow keys scroll the page.
    if (event.key.startsWith("Arrow") && view.scale <= 1.001) return;
    event.preventDefault();
    keys[event.key]();
  });

  // Replaces the picture of a side once it is decoded, so that no blank frame appears, unless
  // `isCurrent` no longer holds. Resolves to whether it was shown.
  async function show(layer, image, isCurrent = () => true) {
    image.draggable = false;
    await image.decode().catch(() => {});
    if (!isCurrent()) return false;
    layer.replaceChildren(image);
    return true;
  }

  for (const button of viewer.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", actions[button.dataset.zoom]);
  }
  split.addEventListener("input", drawSplit);
  split.value = start;
  viewer.hidden = false;
  new ResizeObserver(draw).observe(stage);
  drawSplit();
  draw();
  return {
    stage,
    showBefore: (image, isCurrent) => show(before, image, isCurrent),
    showAfter: (image, isCurrent) => show(after, image, isCurrent),
    // The size at which the whole picture would be displayed, in pixels of the screen.
    displayed: () => [width, height].map((length) => Math.round((length * fit() * view.scale) / one())),
  };
}
