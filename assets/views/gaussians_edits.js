// Edits by button: {target, count, done: [words], undone, has_hole}. Events: "edited" {verb, strength, colour, direction}.
const strength = make("input", { type: "range", min: 0, max: 1, step: 0.05, value: 1, "data-key": "strength", "aria-label": "Strength" });
const number = make("span", { class: "number" }, "1.00");
strength.addEventListener("input", () => { number.textContent = (+strength.value).toFixed(2); });
const colour = make("input", { type: "color", class: "swatch", value: "#cc1a1a", "data-key": "colour", "aria-label": "Colour" });
const body = make("div", { class: "gs-edit" });

const SHAPES = [["taller", 1, "Taller"], ["taller", -1, "Shorter"], ["wider", 1, "Wider"], ["wider", -1, "Narrower"],
  ["bigger", 1, "Bigger"], ["bigger", -1, "Smaller"], ["twist", 1, "Twist"]];
const WAYS = [["left", "←"], ["right", "→"], ["up", "↑"], ["down", "↓"], ["forward", "away"], ["back", "near"]];

function edit(verb, more = {}) {
  trigger("edited", { verb, strength: +strength.value, colour: colour.value, ...more });
}

function button(key, word, isOff, onclick, title = null) {
  return make("button", { type: "button", class: "chip", "data-key": key, disabled: isOff, title, onclick }, word);
}

function group(label, ...buttons) {
  return make("div", { class: "group", role: "group", "aria-label": label }, buttons);
}

function draw() {
  const value = props.value || { target: "", count: 0, done: [], undone: 0 }, isOff = !value.count;
  const key = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const sign = (verb, way) => () => edit(verb, { strength: way * +strength.value });
  body.replaceChildren(
    make("p", { class: isOff ? "quiet" : "" }, ...(isOff
      ? ["Find or click something first; what is selected can be edited here. A sentence works at any time."]
      : [make("b", { dir: "auto" }, value.target), ` is selected: ${value.count.toLocaleString("en")} Gaussians.`])),
    make("div", { class: "seg-bar" },
      group("Keep or take away", button("isolate", "Isolate", isOff, () => edit("isolate")), button("remove", "Remove", isOff, () => edit("remove"), "The hole behind it is not filled in")),
      make("label", { class: "check" }, colour, button("recolour", "Recolour", isOff, () => edit("recolour"))),
      make("label", { class: "check opacity" }, "Strength", strength, number)),
    make("div", { class: "seg-bar" },
      group("Shape", ...SHAPES.map(([verb, way, word]) => button(`${verb}${way}`, word, isOff, sign(verb, way))))),
    make("div", { class: "seg-bar" },
      make("span", { class: "quiet" }, "Move"), group("Move", ...WAYS.map(([way, word]) => button(`move-${way}`, word, isOff, () => edit("move", { direction: way }), `Move ${way}`))),
      make("span", { class: "quiet" }, "Copy"), group("Copy", ...WAYS.slice(0, 2).map(([way, word]) => button(`copy-${way}`, word, isOff, () => edit("duplicate", { direction: way }), `Copy to the ${way}`)))),
    make("div", { class: "seg-bar" },
      group("History", button("undo", "Undo", !value.done.length, () => edit("undo")), button("redo", "Redo", !value.undone, () => edit("redo")))),
    value.done.length ? make("ol", { class: "gs-history" }, value.done.map((words) => make("li", { dir: "auto" }, words))) : "",
    value.has_hole ? make("p", { class: "quiet" }, "What was removed leaves a hole: nothing is painted in behind it.") : "");
  if (key != null) [...body.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key && !node.disabled)?.focus({ preventScroll: true });
}

host.replaceChildren(body);
watch("value", draw);
draw();
