"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const token = new URLSearchParams(location.search).get("token");
  const at = (path) => `${path}?token=${encodeURIComponent(token)}`;
  const ENDS = ["finished", "stopped", "failed"];
  const WORDS = { painting: "Painting", paused: "Paused", finished: "Finished", stopped: "Stopped", failed: "Failed" };
  const emptyViewer = document.querySelector(".viewer").cloneNode(true);
  const buttons = [...document.querySelectorAll("[data-do]")];
  let about = null;
  let now = null;
  let socket = null;
  let compared = null;
  let weights = null;
  let later = null;
  let final = null; // the size that the stage was made for
  let asked = ""; // the frame that was asked for
  let isTaking = false;
  let taken = 0; // frames
  const chart = createChart(find("chart"), find("legend"));

  // The connection

  let attempts = 0;
  let wasLost = false;

  function connect() {
    socket = new WebSocket(`ws://${location.host}${at("/news")}`);
    socket.binaryType = "blob";
    socket.addEventListener("message", ({ data }) => (data instanceof Blob ? take(data) : hear(JSON.parse(data))));
    socket.addEventListener("close", lose);
  }

  function lose() {
    asked = "";
    if (now && ENDS.includes(now.state)) return;
    wasLost = true;
    say("connection", "Connection lost; the painting may go on. Trying again …");
    show();
    attempts += 1;
    setTimeout(connect, Math.min(5000, 250 * 2 ** attempts));
  }

  function welcomeBack() {
    attempts = 0;
    if (!wasLost) return;
    wasLost = false;
    say("connection", "Connection is back.");
    setTimeout(() => { if (!wasLost) say("connection", ""); }, 4000);
  }

  function say(id, text) {
    find(id).textContent = text;
    find(id).hidden = !text;
  }

  function send(message) {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function hear(message) {
    if (message.about) {
      welcomeBack();
      about ??= message.about;
      chart.clear();
    } else if (message.refused) {
      say("refused", message.refused);
      weights?.forget();
      show();
    } else {
      chart.add(message.curve);
      now = message;
      if (!weights) begin();
      if (String(now.sizes.at(-1)) !== String(final)) setStage();
      askFrame();
      show();
    }
  }

  // Pictures: the page asks for one at the size that it displays, and for the next once that is shown

  function askFrame() {
    if (!compared || isTaking || document.hidden || socket.readyState !== WebSocket.OPEN) return;
    const frame = compared.displayed().map((length) => Math.max(1, length));
    if (asked === frame.join()) return;
    asked = frame.join();
    send({ frame });
  }

  async function take(data) {
    isTaking = true;
    const number = ++taken;
    const image = new Image();
    image.src = URL.createObjectURL(data);
    image.alt = "The picture so far";
    // Two may be decoded at once at the end, when the result comes unasked.
    await compared.showAfter(image, () => number === taken);
    URL.revokeObjectURL(image.src);
    compared.stage.dataset.shown = Number(compared.stage.dataset.shown ?? 0) + 1;
    isTaking = false;
    asked = "";
    askFrame();
  }

  function showBeside(path, className) {
    const image = new Image();
    image.src = at(path);
    image.alt = "";
    image.className = className;
    showBeside.newest = path;
    compared.showBefore(image, () => showBeside.newest === path);
  }

  // What is shown

  function figure(path, caption) {
    const made = document.createElement("figure");
    const image = new Image();
    image.src = at(path);
    image.alt = caption;
    const words = document.createElement("figcaption");
    words.textContent = caption;
    made.append(image, words);
    return made;
  }

  function addPicker(path, name, index) {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "beside", checked: index === 0, autocomplete: "off" });
    const words = document.createElement("span");
    words.textContent = name;
    radio.addEventListener("change", () => showBeside(path, index ? "covering" : ""));
    label.append(radio, words);
    return label;
  }

  function begin() {
    find("styles").textContent = about.styles.join(", ");
    find("tunnel").textContent = about.tunnel;
    find("columns").hidden = false;
    find("sources").append(...pictures().map(([path, name]) => figure(path, name)));
    document.addEventListener("visibilitychange", askFrame);
    weights = createWeights(find("sliders"), about, (values) => {
      say("refused", "");
      send({ do: "weigh", ...values });
    });
    later = createLater(document.querySelector("#later form"), about.layers, (settings) => {
      say("refused", "");
      send({ do: "change", settings });
    });
  }

  const pictures = () => [["/photograph", "Photograph"], ...about.styles.map((name, n) => [`/painting/${n}`, name])];

  // A new one whenever the result is to have another size, in whose pixels it zooms.
  function setStage() {
    final = now.sizes.at(-1);
    const [width, height] = final;
    for (const [name, value] of Object.entries({ width, height })) document.body.style.setProperty(`--${name}`, value);
    const viewer = emptyViewer.cloneNode(true);
    document.querySelector(".viewer").replaceWith(viewer);
    const fieldset = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = "Left of the line";
    fieldset.append(legend, ...pictures().map(([path, name], index) => addPicker(path, name, index)));
    find("pickers").append(fieldset);
    compared = createViewer(viewer, width, height, 0);
    [asked, isTaking] = ["", false];
    showBeside("/photograph", "");
    // After zooming, and once the window has another size.
    let waiting = null;
    new MutationObserver(() => {
      clearTimeout(waiting);
      waiting = setTimeout(askFrame, 150);
    }).observe(compared.stage, { attributes: true, attributeFilter: ["style"] });
  }

  function duration(seconds) {
    if (seconds === null) return "";
    if (seconds < 90) return ` · about ${Math.max(1, Math.round(seconds))} s left`;
    if (seconds < 5400) return ` · about ${Math.round(seconds / 60)} min left`;
    return ` · about ${(seconds / 3600).toFixed(1)} h left`;
  }

  function facts() {
    const step = now.step;
    if (!step) return "The picture appears after the first step.";
    const [width, height, iterations] = now.sizes[step.size];
    const place = now.sizes.length > 1 ? ` (size ${step.size + 1} of ${now.sizes.length})` : "";
    const left = ENDS.includes(now.state) ? "" : ` · ${step.left} ${step.left === 1 ? "step" : "steps"} left`;
    const time = now.state === "painting" ? duration(step.seconds) : "";
    return `Step ${step.iteration} of ${iterations} at ${width}×${height} px${place}${left}${time}`;
  }

  function showMarks(isOver) {
    const key = `${now.marks} ${isOver}`;
    if (find("marks").dataset.key === key) return;
    find("marks").dataset.key = key;
    find("marks").replaceChildren(...now.marks.map((steps) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.mark = steps;
      button.textContent = `Back to step ${steps}`;
      button.disabled = isOver;
      button.addEventListener("click", () => send({ do: "go back", steps }));
      return button;
    }));
  }

  function enable() {
    const isOver = !now || ENDS.includes(now.state) || socket.readyState !== WebSocket.OPEN;
    const step = now?.step;
    const has = {
      advance: step && now.larger !== null,
      restart: step && step.steps > 0,
      mark: step && !now.marks.includes(step.steps),
      save: step,
    };
    for (const button of buttons) button.disabled = isOver || !(has[button.dataset.do] ?? true);
    if (now) showMarks(isOver);
    return isOver;
  }

  function show() {
    if (!now) return;
    const isOver = enable();
    const state = find("state");
    const words = now.note ? `${WORDS[now.state]}: ${now.note}` : WORDS[now.state];
    if (state.textContent !== words) state.textContent = words;
    state.dataset.state = wasLost ? "lost" : now.state;
    find("facts").textContent = facts();
    if (find("saved").textContent !== now.saved) find("saved").textContent = now.saved;
    const all = now.sizes.reduce((sum, size) => sum + size[2], 0);
    find("progress").value = now.step ? Math.max(0, 1 - now.step.left / all) : 0;
    const isPaused = now.state === "paused";
    Object.assign(find("pause").dataset, { do: isPaused ? "resume" : "pause" });
    find("pause").textContent = isPaused ? "Go on" : "Pause";
    document.querySelector("[data-do=advance]").textContent = now.larger ? `Paint larger: ${now.larger} px` : "Paint larger";
    find("command").textContent = now.command;
    find("pending").textContent = now.asked ? "New weights take effect at the next step." : "";
    weights.show(now.asked ?? now.weights, { isPending: now.asked !== null, isOver });
    later.show({ ...now, isOver });
    document.title = `${WORDS[now.state]} · ${about.styles.join(", ")} · stylize`;
  }

  // Commands

  for (const button of buttons) {
    button.addEventListener("click", () => {
      say("refused", "");
      send({ do: button.dataset.do });
    });
  }

  const keys = { p: "#pause", m: "[data-do=mark]", s: "[data-do=save]" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("input[type=number], #later p input") || !(event.key.toLowerCase() in keys)) return;
    document.querySelector(keys[event.key.toLowerCase()]).click();
  });

  connect();
})();
