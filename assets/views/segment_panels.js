// What stands beside the picture: the legend with its thresholds, the list of regions, the masks that a click found.

const LEVEL_WORDS = { subpart: "a detail", part: "a part", whole: "a whole thing" };
const FIRST_REGIONS = 24;

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS(svg.namespaceURI, "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const [name, value] of Object.entries({ d: path, fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" })) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}
const EYE = "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4";
const EYE_OFF = "M3 3l14 14M6 6c-2.500 1.300-4 4-4 4s3 5 8 5c1.200 0 2.300-.300 3.300-.700M9 5.100c5.500-.600 9 4.900 9 4.900s-.700 1.200-2 2.500";
const PEN = "M4 16l1-4L14 3l3 3-9 9z", CROSS = "M5 5l10 10M15 5L5 15", PLUS = "M10 4v12M4 10h12";

function wordBars(words) {
  return make("ol", { class: "seg-words" }, words.map(({ word, score }) => make("li", { "--fraction": score },
    make("span", { class: "name", dir: "auto" }, word), make("span", { class: "number" }, percent(score)),
    make("span", { class: "rail", "aria-hidden": "true" }, make("span")))));
}

// The legend keeps its nodes while the labels stay the same, so that a slider can be dragged while answers come back.
function makeLegend(host, stage, { tell, repaint }) {
  const rows = new Map();
  let names = "";

  function row(item) {
    const isOther = item.index === 0;
    const swatch = isOther
      ? make("span", { class: "swatch" })
      : make("input", {
        type: "color", class: "swatch", "aria-label": `Colour of ${item.name}`, "data-key": `colour-${item.name}`,
        oninput: (event) => { stage.answer.labels[item.index].colour = event.target.value; repaint(); },
        onchange: (event) => tell("recolour", { label: item.name, colour: event.target.value }),
      });
    const name = make("button", {
      type: "button", class: "name", dir: "auto", "data-key": `name-${item.name}`, title: `Show where ${item.name} is likely`,
      onclick: () => { stage.look.heat = item.name; repaint(true); },
    }, item.name);
    const eye = make("button", {
      type: "button", class: "eye icon-button", "data-key": `eye-${item.name}`,
      onclick: () => { const key = isOther ? "" : item.name; if (!stage.hidden.delete(key)) stage.hidden.add(key); repaint(true); },
    });
    const count = make("span", { class: "number count" });
    const slider = !isOther && make("input", {
      type: "range", min: 0, max: 1, step: 0.01, "aria-label": `Threshold of ${item.name}`, "data-key": `threshold-${item.name}`,
      oninput: (event) => { number.textContent = percent(+event.target.value); tell("threshold", { label: item.name, value: +event.target.value }); },
    });
    const number = make("span", { class: "number" });
    const best = make("span", { class: "best", "aria-hidden": "true" });
    const line = make("li", { class: "seg-label" }, swatch, name, count, eye, slider && make("span", { class: "slide" }, slider, best, number));
    return { line, swatch, name, eye, count, slider, number, best };
  }

  function fill(parts, item) {
    const isOff = stage.hidden.has(item.index ? item.name : "");
    parts.line.classList.toggle("off", isOff);
    parts.line.classList.toggle("none", item.regions === 0);
    parts.line.classList.toggle("chosen", stage.look.mode === "heat" && stage.look.heat === item.name);
    parts.line.style.setProperty("--swatch", item.colour);
    if (parts.slider || item.index) parts.swatch.value = item.colour;
    parts.eye.replaceChildren(icon(isOff ? EYE_OFF : EYE));
    parts.eye.setAttribute("aria-pressed", String(!isOff));
    parts.eye.setAttribute("aria-label", `${isOff ? "Show" : "Hide"} ${item.name}`);
    parts.count.textContent = item.regions ? `${item.regions} · ${percent(item.share)}` : item.index ? "not found" : "–";
    if (parts.slider && document.activeElement !== parts.slider) {
      parts.slider.value = item.threshold;
      parts.number.textContent = percent(item.threshold);
    }
    parts.best.style.setProperty("--at", Math.min(Math.max(item.best, 0), 1));
    if (parts.slider) parts.slider.title = `Regions below this stay “other”; the best scores ${percent(item.best)}`;
  }

  return (answer) => {
    host.hidden = !answer;
    if (!answer) return;
    const labels = [...answer.labels.slice(1), answer.labels[0]];
    const now = JSON.stringify(labels.map((item) => item.name));
    if (now !== names) {
      names = now;
      rows.clear();
      for (const item of labels) rows.set(item.name + item.index, row(item));
      host.querySelector("ul").replaceChildren(...[...rows.values()].map((parts) => parts.line));
    }
    for (const item of labels) { const parts = rows.get(item.name + item.index); if (parts) fill(parts, item); }
  };
}

function makeRegions(host, stage, { tell, repaint }) {
  let most = FIRST_REGIONS, renaming = 0, last = null;

  function nameField(item) {
    const finish = (isKept, value) => {
      renaming = 0;
      if (isKept && value.trim() && value.trim() !== item.name) tell("relabel", { id: item.id, label: value.trim() });
      draw();
    };
    return make("input", {
      type: "text", value: item.name, maxlength: 200, "aria-label": `New name of region ${item.id}`, list: "seg-known", "data-key": `field-${item.id}`,
      onkeydown: (event) => {
        if (event.key === "Enter") finish(true, event.target.value);
        if (event.key === "Escape") { event.stopPropagation(); finish(false, ""); }
      },
      onblur: (event) => { if (renaming === item.id) finish(true, event.target.value); },
    });
  }

  function row(item) {
    const second = item.words.find((entry) => entry.word !== item.name);
    const isPinned = stage.pinned === item.id;
    const colour = item.label ? stage.answer.labels[item.label].colour : null;
    const thumb = make("canvas", { class: "thumb", "aria-hidden": "true" });
    thumb.regionItem = item;
    return make("li", {
      class: `seg-region${isPinned ? " pinned" : ""}${item.label ? "" : " other"}`, "--swatch": colour,
      onpointerenter: () => stage.hover(item.id), onpointerleave: () => stage.hover(0),
    },
    make("button", {
      type: "button", class: "pick", "aria-pressed": String(isPinned), "data-key": `pick-${item.id}`,
      onclick: () => { stage.pin(isPinned ? 0 : item.id); repaint(true); },
    }, thumb, make("span", { class: "what" },
      make("span", { class: "name", dir: "auto" }, item.name),
      make("span", { class: "quiet", dir: "auto" }, second ? `or ${second.word} ${percent(second.score)}` : LEVEL_WORDS[item.level])),
    make("span", { class: "number" }, make("b", {}, percent(item.score)), make("span", { class: "quiet" }, percent(item.share)))),
    renaming === item.id ? nameField(item) : [
      make("button", { type: "button", class: "icon-button", "data-key": `rename-${item.id}`, "aria-label": `Rename ${item.name}, region ${item.id}`, title: "Rename", onclick: () => { renaming = item.id; draw(); host.querySelector("input[type=text]")?.select(); } }, icon(PEN)),
      make("button", { type: "button", class: "icon-button", "data-key": `remove-${item.id}`, "aria-label": `Remove ${item.name}, region ${item.id}`, title: "Remove", onclick: () => tell("remove", { id: item.id }) }, icon(CROSS)),
    ]);
  }

  function draw() {
    const answer = stage.answer;
    host.hidden = !answer || !answer.regions.length;
    if (host.hidden) return host.replaceChildren();
    if (answer.serial !== last) { last = answer.serial; renaming = 0; }
    const key = host.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const named = answer.regions.filter((item) => item.label), rest = answer.regions.filter((item) => !item.label);
    const all = [...named.sort((a, b) => b.score * b.share ** 0.25 - a.score * a.share ** 0.25), ...rest];
    const scrolled = host.querySelector("ol")?.scrollTop || 0;
    host.replaceChildren(
      make("h4", {}, `${named.length} ${named.length === 1 ? "region" : "regions"} with a name`, rest.length > 0 && make("span", { class: "quiet" }, ` and ${rest.length} other`)),
      make("ol", { class: "seg-regions" }, all.slice(0, most).map(row)),
      ...(all.length > most ? [make("button", { type: "button", class: "more", onclick: () => { most = 1e9; draw(); } }, `Show ${all.length - most} more`)] : []),
      make("datalist", { id: "seg-known" }, answer.labels.slice(1).map((item) => make("option", { value: item.name }))));
    host.querySelector("ol").scrollTop = scrolled;
    for (const thumb of host.querySelectorAll("canvas")) stage.thumbOfRegion(thumb, thumb.regionItem);
    if (key != null) [...host.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key)?.focus({ preventScroll: true });
    return undefined;
  }
  return draw;
}

// Up to three masks for one click; the best is chosen already, its first word is its name.
function makeFound(host, stage, { tell, drop }) {
  let value = null, packed = null, chosen = 0;

  function choose(index) {
    chosen = index;
    stage.setFound({ ...packed, chosen });
    for (const [at, button] of [...host.querySelectorAll(".mask")].entries()) button.setAttribute("aria-checked", String(at === chosen));
    const field = host.querySelector("input");
    field.value = value.items[chosen].words[0]?.word ?? "";
    host.querySelector(".seg-words")?.replaceWith(wordBars(value.items[chosen].words));
  }

  function accept() {
    const name = host.querySelector("input").value.trim();
    if (name) tell("accept", { serial: value.serial, index: chosen, label: name });
    else host.querySelector("input").focus();
  }

  function mask(item, index) {
    return make("button", {
      type: "button", class: "mask", role: "radio", "aria-checked": String(index === chosen), disabled: item.share === 0, "data-key": `mask-${index}`,
      title: `Outline sure to ${percent(item.predicted_iou)}`, onclick: () => choose(index),
    }, make("canvas", { class: "thumb", "aria-hidden": "true" }),
    make("span", { class: "name", dir: "auto" }, item.words[0]?.word ?? "nothing"),
    make("span", { class: "quiet" }, `${item.words[0] ? percent(item.words[0].score) : ""} · ${LEVEL_WORDS[item.level]} · ${percent(item.share)}`));
  }

  function thumbs() {
    const zoom = [packed.map.width / stage.size.width, packed.map.height / stage.size.height];
    for (const [index, canvas] of [...host.querySelectorAll(".mask canvas")].entries()) {
      const isIn = (x, y) => {
        const column = Math.floor(x * zoom[0]), line = Math.floor(y * zoom[1]);
        if (column < 0 || line < 0 || column >= packed.map.width || line >= packed.map.height) return false;
        return (packed.map.cells[line * packed.map.width + column] >> index) & 1;
      };
      const item = value.items[index];
      drawThumb(canvas, stage.photo, stage.size, item.share ? item.box : [0, 0, stage.size.width, stage.size.height], isIn, stage.paper());
    }
  }

  return (newValue, newPacked) => {
    value = newValue;
    packed = newPacked;
    host.hidden = !value;
    if (!value) { host.replaceChildren(); return stage.setFound(null); }
    chosen = value.best;
    host.replaceChildren(
      make("h4", {}, "What you pointed at"),
      make("div", { class: "both" },
        make("div", { class: "masks", role: "radiogroup", "aria-label": "Masks for this click" }, value.items.map(mask)),
        make("div", { class: "named" },
          wordBars(value.items[chosen].words),
          make("div", { class: "accept" },
            make("input", { type: "text", maxlength: 200, "aria-label": "Name of the new region", list: "seg-known", value: value.items[chosen].words[0]?.word ?? "", onkeydown: (event) => { if (event.key === "Enter" && !event.ctrlKey) accept(); } }),
            make("button", { type: "button", class: "small-button strong", "data-key": "accept", onclick: accept }, icon(PLUS), "Keep this region"),
            make("button", { type: "button", class: "small-button", "data-key": "drop", onclick: drop }, "Drop")))),
      make("p", { class: "foot" }, value.foot));
    stage.setFound({ ...packed, chosen });
    thumbs();
    return undefined;
  };
}
