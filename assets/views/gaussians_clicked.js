// What lies under a click: {sentence, is_something, words: [{word, score}], count, centroid, size, point, foot}.
const numbers = (values) => values.map((value) => value.toFixed(2)).join(", ");

drawWith((value) => value && make("section", { class: "gs-clicked", "aria-label": "What you clicked" },
  make("h4", {}, "What you clicked"),
  make("p", { dir: "auto" }, value.sentence),
  value.words.length > 0 && make("ol", { class: "seg-words" }, value.words.map(({ word, score }) => make("li", { "--fraction": score },
    make("span", { class: "name", dir: "auto" }, word), make("span", { class: "number" }, percent(score)),
    make("span", { class: "rail", "aria-hidden": "true" }, make("span"))))),
  value.is_something && make("p", { class: "quiet" }, `${value.count.toLocaleString("en")} Gaussians`,
    value.centroid && `; centre ${numbers(value.centroid)}; size ${numbers(value.size)}`),
  make("div", { class: "gs-act" },
    value.words.length > 0 && make("button", {
      type: "button", class: "small-button", "data-key": "find", onclick: () => trigger("asked", { word: value.words[0].word }),
    }, `Find “${value.words[0].word}”`),
    make("button", { type: "button", class: "small-button", "data-key": "drop", onclick: () => trigger("dropped", {}) }, "Close"))));
