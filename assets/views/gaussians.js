// The 3D viewer. Value: {scene: {key, place, file, start, cameras, ids}, patch, layer: {serial, items, show}, fly}
// or null; what the parts hold stands in demos/gaussians/present.py. Events: "picked" {camera, x, y}, "moved" {camera}, "opened" {}.
const MODES_3D = [["picture", "Picture"], ["heat", "Heat"], ["selection", "Selection"]];

const canvas = make("canvas", { class: "gs-canvas", tabindex: 0, role: "application", "aria-label": "The scene in 3D", "aria-describedby": "gs-keys" });
const cross = make("span", { class: "gs-cross", "aria-hidden": "true" });
const tags = make("div", { class: "gs-tags", "aria-hidden": "true" });
const veil = make("p", { class: "gs-veil", role: "status", hidden: true });
const frame = make("div", { class: "gs-frame", hidden: true }, canvas, tags, cross, veil);
const keys = make("p", { class: "only-heard", id: "gs-keys" },
  "Arrow keys turn the view, with Shift they move it. Plus and minus zoom, 0 goes back, F flies to what was found, " +
  "brackets step through the views of the photos, Enter asks what is in the middle.");
const heard = make("p", { class: "only-heard", role: "status", "aria-live": "polite" });
const empty = make("div", { class: "empty" }, make("b", {}, "No scene yet."), " Choose one on the left, or take a file of your own.");
const problem = make("p", { class: "gs-problem warn", role: "status", hidden: true });
const views = make("div", { class: "seg-bar" }), tools = make("div", { class: "seg-bar tools" });
const legend = make("div", { class: "gs-legend", hidden: true });
const hint = make("span", { class: "quiet hint" });
host.classList.add("gs");

const isCoarse = matchMedia("(pointer: coarse)").matches;
const USUAL_HINT = isCoarse ? "Swipe sideways to turn, pinch to zoom, tap a thing to ask what it is."
  : "Drag to turn, right drag to move, wheel to zoom, click a thing to ask what it is.";
let shown = { key: null, base: null, packed: null, patch: null, serial: null, item: 0 }, turn = 0, cameraAt = -1, hintTimer = 0, wasReduced = false;

function say(words) {
  hint.textContent = words;
  clearTimeout(hintTimer);
  hintTimer = setTimeout(() => { hint.textContent = USUAL_HINT; }, 4000);
}

function veiled(words) {
  veil.textContent = words;
  veil.hidden = !words;
}

const stage = makeStage3d(canvas, frame, {
  moved: tellMoved,
  drawn: placeTags,
  settled: () => { if (stage.stats.isReduced !== wasReduced) { wasReduced = stage.stats.isReduced; drawTools(); } },
  broken: veiled,
});

function tellMoved() {
  host.dataset.camera = JSON.stringify(stage.told()); // tests read it
  trigger("moved", { camera: stage.told() });
}

const value = () => props.value || {};
const items = () => (value().layer ? value().layer.items : []);
const item = () => items()[shown.item] || null;

// ---- the names of what was found, over the scene ----

function placeTags(camera) {
  const [width, height] = stage.size();
  for (const tag of tags.children) {
    const [x, y, z] = projected(camera, tag.point);
    const isIn = z > NEAR_DEPTH && x > 0 && y > 0 && x < width && y < height;
    tag.hidden = !isIn;
    if (isIn) tag.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
  }
}

function makeTags() {
  const wanted = [[], items(), [item()]][stage.look.mode], found = wanted.filter((entry) => entry && entry.point);
  tags.replaceChildren(...found.map((entry) => {
    const tag = make("span", { class: "gs-tag", dir: "auto" }, make("b", {}, entry.name));
    tag.point = entry.point;
    return tag;
  }));
}

// ---- how it is shown ----

function chip(key, word, { isOn = null, isOff = false, title = null, onclick }) {
  return make("button", { type: "button", class: "chip", "aria-pressed": isOn == null ? null : String(isOn), disabled: isOff, title, "data-key": key, onclick }, word);
}

function slider(key, word, of, title) {
  return make("label", { class: "check opacity", title }, word, make("input", {
    type: "range", min: 0, max: 1, step: 0.05, value: stage.look[of], "data-key": key,
    oninput: (event) => { stage.look[of] = +event.target.value; stage.repaint(); drawViews(); },
  }));
}

function setMode(name) {
  stage.look.mode = MODES_3D.findIndex(([mode]) => mode === name);
  makeTags();
  drawViews();
  stage.repaint();
}

function keepFocus(bar, draw) {
  const key = bar.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  draw();
  if (key) [...bar.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key && !node.disabled)?.focus({ preventScroll: true });
}

function drawViews() {
  const { mode, dim } = stage.look, has = items().length > 0;
  views.hidden = !stage.hasScene;
  const bar = () => views.replaceChildren(
    make("div", { class: "group", role: "group", "aria-label": "How the scene is shown" }, MODES_3D.map(([name, word], index) =>
      chip(`mode-${name}`, word, { isOn: mode === index, isOff: index > 0 && !has, onclick: () => setMode(name) }))),
    ...(items().length > 1 ? [make("label", { class: "check" }, "of", make("select", {
      "aria-label": "Which words", "data-key": "which", onchange: (event) => showItem(+event.target.value),
    }, items().map((entry, index) => make("option", { value: index, selected: index === shown.item }, entry.name))))] : []),
    ...(mode ? [slider("strength", mode === 1 ? "Heat" : "Mark", "strength", "How strongly it is coloured")] : []),
    ...(mode === 2 ? [slider("dim", "Fade the rest", "dim", "How much of everything else is taken away"),
      chip("isolate", "Isolate", { isOn: dim === 1, title: "Show only what was found", onclick: () => { stage.look.dim = dim === 1 ? 0 : 1; stage.repaint(); drawViews(); } })] : []));
  if (document.activeElement?.type !== "range" || !views.contains(document.activeElement)) keepFocus(views, bar);
  else views.querySelector("[data-key=isolate]")?.setAttribute("aria-pressed", String(dim === 1));
  drawLegend();
}

const TURBO_STOPS = [[48, 18, 59], [65, 69, 171], [70, 117, 237], [57, 162, 252], [27, 207, 212], [36, 236, 166],
  [97, 252, 108], [164, 252, 60], [209, 232, 52], [243, 198, 58], [254, 155, 45], [243, 99, 21], [217, 56, 6], [177, 25, 1], [122, 4, 3]];

function drawLegend() {
  const entry = item(), isHeat = stage.look.mode === 1;
  legend.hidden = !entry || stage.look.mode === 0;
  if (legend.hidden) return;
  const ramp = `linear-gradient(90deg, ${TURBO_STOPS.map((rgb) => `rgb(${rgb})`).join(", ")})`;
  legend.replaceChildren(...(isHeat
    ? [make("span", { class: "number" }, entry.low.toFixed(2)), make("span", { class: "ramp", "--ramp": ramp, "aria-hidden": "true" }),
      make("span", { class: "number" }, entry.high.toFixed(2)), make("span", { class: "quiet" }, "relevancy; 0.50 is as likely as the negative words")]
    : [make("span", { class: "swatch", "aria-hidden": "true" }), make("span", { dir: "auto" }, entry.name),
      make("span", { class: "quiet" }, entry.count ? `${entry.count.toLocaleString("en")} Gaussians` : "nothing was found")]));
}

function drawTools() {
  tools.hidden = !stage.hasScene;
  const cameras = (value().scene || {}).cameras || [];
  keepFocus(tools, () => tools.replaceChildren(
    make("div", { class: "group", role: "group", "aria-label": "View" },
      chip("home", "Reset", { title: "Back to the first view (0)", onclick: () => stage.reset() }),
      chip("fly", "Fly to it", { title: "Look at what was found (F)", isOff: !(item() && item().point), onclick: flyToIt })),
    ...(cameras.length > 1 ? [make("div", { class: "group", role: "group", "aria-label": "Views of the photos" },
      chip("before", "‹", { title: "The photo before", onclick: () => stepCamera(-1) }),
      chip("after", "›", { title: "The next photo", onclick: () => stepCamera(1) }))] : []),
    make("div", { class: "group", role: "group", "aria-label": "Picture" },
      (wasReduced || stage.look.isFinest) && chip("finest", "All detail", {
        isOn: stage.look.isFinest, title: "This device is slow, so at rest less is drawn; draw everything all the same",
        onclick: () => { stage.look.isFinest = !stage.look.isFinest; stage.repaint(); drawTools(); },
      }),
      chip("save", "Save picture", { title: "This view as PNG", onclick: savePicture }),
      chip("full", document.fullscreenElement ? "Leave full screen" : "Full screen", { isOff: !document.fullscreenEnabled, onclick: toggleFull })),
    hint));
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else frame.requestFullscreen();
}
document.addEventListener("fullscreenchange", drawTools);

function savePicture() {
  const { width, height } = canvas, { cells } = stage.picture(width, height);
  const sheet = make("canvas", {}), context = sheet.getContext("2d");
  [sheet.width, sheet.height] = [width, height];
  const image = context.createImageData(width, height), row = 4 * width;
  for (let y = 0; y < height; y += 1) image.data.set(cells.subarray((height - 1 - y) * row, (height - y) * row), y * row);
  context.putImageData(image, 0, 0);
  sheet.toBlob((blob) => {
    const address = URL.createObjectURL(blob);
    make("a", { href: address, download: "scene.png" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });
}

function flyToIt() {
  const entry = item();
  if (entry && entry.point) stage.fly({ ...stage.view, target: entry.point, distance: fittingDistance(Math.max(entry.radius, 1e-3) * 1.6, stage.fov) });
}
canvas.addEventListener("frame-selection", flyToIt);

function stepCamera(step) {
  const { cameras = [] } = value().scene || {};
  if (!cameras.length) return;
  cameraAt = (cameraAt + step + cameras.length) % cameras.length;
  stage.fly(viewOf(cameras[cameraAt].eye, cameras[cameraAt].target, stage.up));
  say(`View ${cameraAt + 1} of ${cameras.length}`);
}

// ---- what comes from the server ----

async function inflated(text, Kind = Uint8Array) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
}

async function loaded(scene) {
  const answer = await fetch(scene.file.url);
  if (!answer.ok) throw new Error("The scene is no longer kept here; choose it again.");
  const total = +answer.headers.get("content-length") || 0, pieces = [];
  let done = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { value: piece, done: isOver } = await reader.read();
    if (isOver) break;
    pieces.push(piece);
    done += piece.length;
    veiled(`Loading the scene · ${(done / 1e6).toFixed(1)}${total ? ` of ${(total / 1e6).toFixed(1)}` : ""} MB`);
  }
  return readPacked(await new Blob(pieces).arrayBuffer());
}

// Overwrite what an edit changed, starting from the file each time: undo is a patch like any other.
async function applyPatch(patch) {
  const { base, packed } = shown, wide = base.bands.length / base.count;
  const [at, rows, bands] = patch ? await Promise.all([inflated(patch.at, Uint32Array), inflated(patch.rows, Uint32Array), inflated(patch.bands, Int8Array)]) : [[], [], []];
  packed.words.set(base.words);
  packed.bands.set(base.bands);
  for (const [i, row] of at.entries()) {
    packed.words.set(rows.subarray(8 * i, 8 * i + 8), 8 * row);
    packed.bands.set(bands.subarray(wide * i, wide * (i + 1)), wide * row);
  }
  stage.changed();
}

async function showItem(index) {
  shown.item = index;
  const entry = item(), none = new Uint8Array(shown.packed.count);
  if (entry && !entry.cells) entry.cells = { heat: await inflated(entry.heat), selection: await inflated(entry.selection) };
  if (item() !== entry) return;
  stage.setLayer(entry ? entry.cells : { heat: none, selection: none });
  makeTags();
  drawViews();
  drawTools();
}

async function showScene(scene, mine) {
  const isSame = shown.place === scene.place;
  veiled("Loading the scene");
  const base = await loaded(scene);
  if (mine !== turn) return false;
  shown = { key: scene.key, place: scene.place, base, packed: { ...base, words: base.words.slice(), bands: base.bands.slice() }, patch: null, serial: null, item: 0 };
  frame.hidden = false;
  if (!isSame) { cameraAt = -1; stage.look.mode = 0; stage.look.dim = 0; }
  stage.look.background = scene.background;
  stage.setScene(shown.packed, scene.start, isSame);
  const { at } = value();
  if (at && at.eye && at.target) stage.move(viewOf(at.eye, at.target, stage.up));
  stage.setLayer({ ids: await inflated(scene.ids, Uint16Array) });
  tellMoved();
  return true;
}

async function update() {
  const { scene = null, patch = null, layer = null, fly = null } = value(), mine = (turn += 1);
  empty.hidden = Boolean(scene);
  if (!scene) { frame.hidden = views.hidden = tools.hidden = legend.hidden = true; host.dataset.ready = "empty"; return; }
  try {
    if (scene.key !== shown.key && !(await showScene(scene, mine))) return;
    if ((patch && patch.serial) !== (shown.patch && shown.patch.serial)) { shown.patch = patch; await applyPatch(patch); }
    if (mine !== turn) return;
    if ((layer && layer.serial) !== shown.serial) {
      shown.serial = layer ? layer.serial : null;
      await showItem(layer ? layer.first : 0);
      if (!layer) stage.look.mode = 0;
      else if (layer.show) stage.look.mode = MODES_3D.findIndex(([name]) => name === layer.show);
      if (fly) flyToIt();
    }
  } catch (error) {
    if (mine === turn) veiled(String(error.message || error));
    return;
  }
  if (mine !== turn) return;
  veiled("");
  makeTags();
  drawViews();
  drawTools();
  stage.repaint();
  host.dataset.key = scene.key; // tests wait for these three
  host.dataset.patch = patch ? patch.serial : 0;
  host.dataset.ready = layer ? `answer ${layer.serial}` : "scene";
}

// A row of the list of objects lights its Gaussians up; a row of the answers shows its heat.
const room = element.closest(".job");
room.addEventListener("gaussians-hover", ({ detail }) => {
  if (!stage || !stage.hasScene || stage.look.hovered === detail.id + 1) return;
  stage.look.hovered = detail.id + 1;
  stage.repaint();
});
room.addEventListener("gaussians-show", ({ detail }) => {
  if (!stage || !items()[detail.index]) return;
  if (!stage.look.mode) setMode("heat");
  showItem(detail.index);
});

if (stage) {
  makeControl(canvas, frame, stage, {
    picked: ([x, y]) => trigger("picked", { camera: stage.told(), x, y }),
    said: say, cameras: stepCamera,
  });
  canvas.picture = (width, height) => stage.picture(width, height); // for tests
  canvas.stats = () => stage.stats;
  canvas.look = stage.look;
  hint.textContent = USUAL_HINT;
  watch("value", update);
  update();
  if (!props.value) trigger("opened", {}); // the tab is seen for the first time
} else {
  problem.hidden = false;
  problem.textContent = "This browser has no WebGL2, so the scene cannot be turned here; queries and the pictures below work all the same.";
  empty.hidden = true;
  trigger("opened", {});
}
host.replaceChildren(problem, empty, views, frame, legend, tools, keys, heard);
