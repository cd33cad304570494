// Ranked bars: gr.Label's payload {label, confidences: [{label, confidence}]}. A row is a button: it asks "why this label?".
const FIRST = 10, MOST = 300;
let shown = FIRST, chosen = null, last = null;

function row(item, rank, isAnswer) {
  const label = item.label;
  return make("li", {}, make("button", {
    type: "button", class: `bar${isAnswer ? " answer" : ""}${label === chosen ? " chosen" : ""}`, "data-key": `bar-${rank}`,
    "aria-pressed": label === chosen, title: "Show where it looked for this label", "--fraction": item.confidence,
    onclick: () => { chosen = label; trigger("picked", { label }); redraw(); },
  }, make("span", { class: "name", dir: "auto" }, label), make("span", { class: "number" }, percent(item.confidence)),
  make("span", { class: "rail", "aria-hidden": "true" }, make("span"))));
}

function render(value) {
  if (!value || !value.confidences || !value.confidences.length) {
    return make("p", { class: "empty" }, make("b", {}, "No answer yet."),
      " Choose a picture and a few labels, or take one of the examples.");
  }
  if (value !== last) { shown = FIRST; chosen = value.confidences[0].label; last = value; }
  const all = value.confidences;
  const isNone = value.label !== all[0].label;
  const rows = all.slice(0, shown).map((item, rank) => row(item, rank, !isNone && rank === 0));
  return [
    make("p", { class: isNone ? "verdict none" : "verdict" }, make("span", { dir: "auto" }, value.label),
      !isNone && make("span", { class: "number" }, percent(all[0].confidence))),
    make("ol", { class: "bars" }, rows),
    all.length > shown && shown < MOST && make("button", {
      type: "button", class: "more", onclick: () => { shown = MOST; redraw(); },
    }, `Show ${Math.min(all.length, MOST) - shown} more of ${all.length}`),
    all.length > MOST && shown >= MOST && make("p", { class: "quiet" }, `The best ${MOST} of ${all.length} labels.`),
  ];
}

function redraw() {
  const key = host.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  host.replaceChildren(...[render(props.value)].flat(9).filter(Boolean));
  if (key != null) host.querySelector(`[data-key="${key}"]`)?.focus();
}

watch("value", redraw);
redraw();
