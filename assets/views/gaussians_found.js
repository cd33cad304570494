// The answers to a query: {answers: [{query, is_found, sentence, peak, least, levels, centroid, size}], foot, notes}.
// Each has a strip: how strongly every level answers, and the mark that it must reach.
const LEVEL_NAMES = { subpart: "Details", part: "Parts", whole: "Whole things" };
const numbers = (values) => values.map((value) => value.toFixed(2)).join(", ");

function strip(answer) {
  return make("ol", { class: "gs-strip" }, answer.levels.map(({ level, peak, is_chosen }) => make("li", {
    class: is_chosen ? "chosen" : "", "--fraction": Math.min(Math.max(peak, 0), 1), "--least": answer.least,
  },
  make("span", { class: "name" }, LEVEL_NAMES[level] || level), make("span", { class: "number" }, peak.toFixed(2)),
  make("span", { class: "rail", "aria-hidden": "true" }, make("span"), make("i")))));
}

drawWith((value) => value && value.answers && [
  make("ol", { class: "gs-answers" }, value.answers.map((answer, index) => make("li", { class: answer.is_found ? "" : "none" },
    make("p", { class: "verdict-line" },
      make("button", {
        type: "button", class: "small-button", "data-key": `show-${index}`, title: "Show its heat in the scene",
        onclick: () => element.closest(".job").dispatchEvent(new CustomEvent("gaussians-show", { detail: { index } })),
      }, make("b", { dir: "auto" }, answer.query)),
      make("span", { dir: "auto" }, answer.sentence)),
    strip(answer),
    answer.centroid && make("p", { class: "quiet" }, `Centre ${numbers(answer.centroid)}; size ${numbers(answer.size)}`)))),
  make("p", { class: "foot" }, value.foot),
  value.notes.length > 0 && make("ul", { class: "notes" }, value.notes.map((note) => make("li", { dir: "auto" }, note))),
]);
