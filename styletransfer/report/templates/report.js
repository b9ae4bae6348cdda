"use strict";
(() => {
  const viewer = document.querySelector(".viewer");
  const radios = [...document.querySelectorAll(".pickers input")];
  const results = [...document.querySelectorAll(".result")];
  const content = document.querySelector("#content");
  const [width, height] = ["width", "height"].map((name) => Number(content.getAttribute(name)));

  // Choosing a result

  const layers = new Map();
  let pending = null;

  function layerOf(result) {
    if (!layers.has(result)) {
      const image = result.querySelector(".picture img").cloneNode();
      image.loading = "eager";
      layers.set(result, image);
    }
    return layers.get(result);
  }

  async function choose() {
    const choice = radios.filter((radio) => radio.checked).map((radio) => radio.value).join(" ");
    const result = results.find((each) => each.dataset.choice === choice) ?? results[0];
    pending = result;
    for (const each of document.querySelectorAll("[data-choice]")) {
      each.classList.toggle("chosen", each.dataset.choice === result.dataset.choice);
    }
    const isShown = await compared.showAfter(layerOf(result), () => pending === result);
    if (isShown) compared.stage.dataset.shown = result.id;
  }

  // Copying a command

  function addCopyButton(command) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.className = "copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      } catch {
        // Without access to the clipboard, select the text for the user to copy.
        getSelection().selectAllChildren(command);
      }
    });
    command.after(button);
  }

  document.documentElement.classList.add("js");
  const compared = createViewer(viewer, width, height, results.length > 1 ? 0 : 50);
  const contentLayer = content.cloneNode();
  contentLayer.removeAttribute("id");
  compared.showBefore(contentLayer);
  for (const radio of radios) radio.addEventListener("change", choose);
  document.querySelectorAll(".command").forEach(addCopyButton);
  choose();
})();
