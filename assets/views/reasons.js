// What spoke for each label: one bar a descriptor, its share of the label's cosine. The labels stand in order of the ranking.
function strip(item, most) {
  return make("li", { class: "reason", "--fraction": Math.max(item.cosine, 0) / most },
    make("span", { class: "name", dir: "auto" }, item.descriptor), make("span", { class: "number" }, item.cosine.toFixed(3)),
    make("span", { class: "rail", "aria-hidden": "true" }, make("span")));
}

drawWith((value) => {
  const labels = value ? Object.keys(value.descriptors || {}) : [];
  if (!labels.length) {
    return make("p", { class: "empty" }, make("b", {}, "No descriptors in this answer."),
      " Set the method to “By description” to see which trait spoke for which label.");
  }
  const ranked = value.ranked.map((item) => item.label).filter((label) => labels.includes(label)).slice(0, 8);
  const most = Math.max(0.01, ...ranked.flatMap((label) => value.descriptors[label].map((item) => item.cosine)));
  return [
    make("p", { class: "quiet" }, "How well each trait fits the picture (cosine). A label's score is the mean of its bars."),
    ranked.map((label, rank) => make("details", { class: "reasons", open: rank < 2 },
      make("summary", { dir: "auto" }, label),
      make("ul", {}, value.descriptors[label].map((item) => strip(item, most))))),
  ];
});
