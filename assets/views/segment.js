// The picture of the segmentation tab. Value: {picture: {key, width, height, file} | null, answer: {serial, map, labels,
// regions, foot, notes} | null}; what a click found comes through the view segment_found as a DOM event. Events:
// "prompted" {key, serial, points, box}, "threshold" {label, value}, "edited" {what, ...}, "reset" {}.
const room = element.closest(".job");

const canvas = make("canvas", {
  class: "seg-canvas", tabindex: 0, role: "application", "aria-label": "The picture with its regions", "aria-describedby": "seg-keys", "data-tool": "inside",
});
const card = make("div", { class: "seg-card", hidden: true, "aria-hidden": "true" });
const frame = make("div", { class: "seg-frame" }, canvas, card);
const heard = make("p", { class: "only-heard", role: "status", "aria-live": "polite" });
const empty = make("div", { class: "empty" }, make("b", {}, "No picture yet."), " Choose one, or take one of the examples.",
  make("ul", {},
    make("li", {}, make("b", {}, "Name things."), "Write what to look for and press Segment: each label gets its colour."),
    make("li", {}, make("b", {}, "Or name nothing."), "Let the hub find the words itself."),
    make("li", {}, make("b", {}, "Or point."), "Click a thing, or drag a box around it: it is outlined and named at once.")));
const keys = make("p", { class: "only-heard", id: "seg-keys" },
  "Arrow keys move a crosshair, Shift moves it finely. Enter adds a point, Shift and Enter a point that does not belong, " +
  "B sets the corners of a box, Backspace takes back, Delete clears.");
const views = make("div", { class: "seg-bar" });
const tools = make("div", { class: "seg-bar tools" });
const legendHost = make("section", { class: "seg-legend", hidden: true, "aria-label": "Legend" }, make("ul", {}));
const regionsHost = make("section", { class: "seg-list", hidden: true, "aria-label": "Regions" });
const foundHost = make("section", { class: "seg-found", hidden: true, "aria-label": "Found by your click" });
const foot = make("div", { class: "seg-foot" });
host.classList.add("seg");

const stage = makeStage(canvas, frame);
let serial = 0, key = null, shownSerial = null, turn = 0;

// One question is on its way at a time, and the last one always goes out. (Gradio's "always_last" sends the data of the
// first one again in the place of the last.) Whoever hears an answer calls free(); a question that was lost frees itself.
function oneAtATime(send, patience_ms) {
  let waiting = null, isOut = false, timer = 0;
  const isBusy = () => room.querySelector(".status")?.dataset.state === "running";
  function free() {
    clearTimeout(timer);
    isOut = false;
    if (waiting) { const data = waiting; waiting = null; go(data); }
  }
  function watchOver() { timer = setTimeout(() => (isBusy() ? watchOver() : free()), patience_ms); }
  function go(data) {
    if (isOut) { waiting = data; return; }
    isOut = true;
    send(data);
    watchOver();
  }
  return { go, free, forget: () => { waiting = null; } };
}
const thresholds = oneAtATime((data) => trigger("threshold", data), 1500);
const questions = oneAtATime((data) => trigger("prompted", data), 4000);
function tell(what, data) {
  if (what === "threshold") thresholds.go(data);
  else trigger("edited", { what, ...data });
}
function repaint(isAll = false) {
  stage.repaint();
  drawLegend(stage.answer);
  if (isAll) { drawViews(); drawRegions(); }
}

const drawLegend = makeLegend(legendHost, stage, { tell, repaint });
const drawRegions = makeRegions(regionsHost, stage, { tell, repaint });
const drawFound = makeFound(foundHost, stage, { tell, drop: () => prompt.clear() });

// ---- what is under the pointer ----

let saidTimer = 0;
function look(id, problem = null, place = null, isSaid = false) {
  const item = stage.region(id || 0);
  stage.hover(item ? id : 0);
  if (problem) { heard.textContent = problem; hint.textContent = problem; }
  card.hidden = !item || !place;
  if (item && place) {
    card.classList.toggle("right", place[0] < stage.size.width / 2);
    card.style.setProperty("--swatch", item.label ? stage.answer.labels[item.label].colour : "#808c8f");
    card.replaceChildren(
      make("p", { class: "head" }, make("span", { class: "dot" }), make("b", { dir: "auto" }, item.label ? item.name : "other")),
      wordBars(item.words),
      make("p", { class: "quiet" }, `${percent(item.share)} of the picture · ${LEVEL_WORDS[item.level]}`));
  }
  if (!isSaid) return;
  clearTimeout(saidTimer);
  saidTimer = setTimeout(() => { heard.textContent = item ? `${item.name}, ${percent(item.score)}, ${percent(item.share)} of the picture` : "no region"; }, 250);
}

// ---- pointing ----

const hint = make("span", { class: "quiet hint" });
const isCoarse = matchMedia("(pointer: coarse)").matches;
const HINTS = {
  inside: isCoarse ? "Tap a thing to outline it." : "Click a thing to outline it, drag a box around it; Shift-click what does not belong.",
  outside: isCoarse ? "Tap what does not belong." : "Click what does not belong.",
  box: "Drag a box around one thing.", look: isCoarse ? "Tap a region to read its words." : "Point at a region to read its words.",
};

function ask(marks) {
  serial += 1;
  if (marks) questions.go({ key, serial, ...marks });
  else { questions.forget(); drawFound(null); trigger("reset", { serial }); }
}

const prompt = makePrompt(stage, canvas, { ask, look, changed: drawTools });

function drawTools({ tool, count } = { tool: prompt.tool, count: prompt.count }) {
  const button = (name, word, title, isOn, onclick, isOff = false) => make("button", {
    type: "button", class: "chip", "aria-pressed": isOn == null ? null : String(isOn), title, disabled: isOff, "data-key": `tool-${name}`, onclick,
  }, word);
  const focus = tools.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  hint.textContent = HINTS[tool];
  tools.replaceChildren(
    make("div", { class: "group", role: "group", "aria-label": "What a click does" },
      TOOLS.map(([name, word, title]) => button(name, word, title, tool === name, () => prompt.setTool(name)))),
    make("div", { class: "group", role: "group", "aria-label": "Clicks" },
      button("undo", "Undo", "Take back the last point or box (Backspace)", null, () => prompt.undo(), !count),
      button("clear", "Clear", "Take back all points (Delete)", null, () => prompt.clear(), !count)),
    hint);
  if (focus) [...tools.querySelectorAll("[data-key]")].find((node) => node.dataset.key === focus && !node.disabled)?.focus();
}

// ---- how it is shown ----

function drawViews() {
  const look = stage.look, focus = views.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const check = (name, word) => make("label", { class: "check" }, make("input", {
    type: "checkbox", checked: look[name], "data-key": `show-${name}`, onchange: (event) => { look[name] = event.target.checked; stage.repaint(); },
  }), word);
  const answer = stage.answer;
  views.hidden = !answer;
  if (!answer) return;
  views.replaceChildren(...[
    make("div", { class: "group", role: "group", "aria-label": "View" }, MODES.map(([name, word]) => make("button", {
      type: "button", class: "chip", "aria-pressed": String(look.mode === name), "data-key": `mode-${name}`,
      onclick: () => { look.mode = name; repaint(true); },
    }, word))),
    look.mode === "heat" ? make("label", { class: "check" }, "of", make("select", {
      "aria-label": "Label of the heat", "data-key": "heat", onchange: (event) => { look.heat = event.target.value; repaint(); },
    }, answer.labels.slice(1).map((item) => make("option", { value: item.name, selected: item.name === look.heat }, item.name)))) : [check("outlines", "Outlines"), check("names", "Names")],
    make("label", { class: "check opacity" }, "Opacity", make("input", {
      type: "range", min: 0, max: 1, step: 0.05, value: look.opacity, "data-key": "opacity", disabled: look.mode === "map" || look.mode === "cut",
      oninput: (event) => { look.opacity = +event.target.value; stage.repaint(); },
    })),
  ].flat());
  if (focus) [...views.querySelectorAll("[data-key]")].find((node) => node.dataset.key === focus)?.focus();
}

function drawFoot(answer) {
  foot.replaceChildren(...(answer ? [
    make("p", { class: "foot" }, answer.foot),
    ...(answer.notes.length ? [make("ul", { class: answer.regions.some((item) => item.label) ? "notes" : "notes warn" }, answer.notes.map((note) => make("li", { dir: "auto" }, note)))] : []),
  ] : []));
}

async function loadPhoto(picture) {
  const image = new Image();
  image.src = picture.file.url;
  await image.decode();
  return image;
}

async function update() {
  const { picture = null, answer = null } = props.value || {}, mine = (turn += 1);
  empty.hidden = Boolean(picture);
  frame.hidden = tools.hidden = !picture;
  try {
    const photo = picture && picture.key !== key ? await loadPhoto(picture) : null;
    const map = answer && (answer.serial !== shownSerial || photo) ? await unpackMap(answer.map) : null;
    const heat = map && answer.heat ? await unpackHeat(answer.heat) : null;
    if (mine !== turn) return;
    if (!picture || photo) {
      key = picture ? picture.key : null;
      prompt.clear(false);
      drawFound(null);
      stage.setPhoto(photo, picture && { width: picture.width, height: picture.height });
      shownSerial = null;
    }
    if (map || !answer) {
      shownSerial = answer ? answer.serial : null;
      stage.setAnswer(answer, map, heat);
    }
  } catch {
    if (mine === turn) { empty.hidden = false; empty.replaceChildren(make("b", {}, "The picture is no longer kept here."), " Drop it again."); }
    return;
  }
  drawViews();
  drawLegend(answer);
  drawRegions();
  drawFoot(answer);
  look(0);
  host.dataset.ready = String(answer ? answer.serial : picture ? "picture" : "empty"); // tests wait for it
}

// What a click found: {serial, map, items, best, foot}, {over} once points have done their work, null after a problem.
// Older answers than the last click are not heeded.
room.addEventListener("segment-found", async ({ detail }) => {
  questions.free();
  if (detail && detail.over) prompt.clear(false);
  if (!detail || detail.over) return drawFound(null);
  if (detail.serial !== serial || !stage.photo || !prompt.count) return undefined;
  const map = await unpackMap(detail.map);
  if (detail.serial !== serial || !prompt.count) return undefined;
  const edges = detail.items.map((_, index) => edgesOf({ ...map, cells: map.cells.map((cell) => (cell >> index) & 1) }));
  drawFound(detail, { map, edges });
  const name = detail.items[detail.best].words[0];
  heard.textContent = name ? `Found ${name.word}, ${percent(name.score)}` : "Found nothing here";
  return undefined;
});

new MutationObserver(() => stage.repaint()).observe(document.body, { attributeFilter: ["class"] }); // light or dark
host.replaceChildren(empty, views, frame, tools, keys, heard, foundHost, foot, legendHost, regionsHost);
drawTools();
watch("value", () => { thresholds.free(); update(); });
update();
