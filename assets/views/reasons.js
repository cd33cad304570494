// What spoke for each label: one bar a descriptor, its share of the label's cosine. The labels stand in order of the ranking.
function strip(item, least, most) {
  return make("li", { class: "reason", "--fraction": (item.cosine - least) / (most - least) },
    make("span", { class: "name", dir: "auto" }, item.descriptor), make("span", { class: "number" }, item.cosine.toFixed(3)),
    make("span", { class: "rail", "aria-hidden": "true" }, make("span")));
}

drawWith((value) => {
  const labels = value ? value.labels : [];
  if (!labels.length) {
    return make("p", { class: "empty" }, make("b", {}, "No descriptors in this answer."),
      " Set the method to “By description” to see which trait spoke for which label.");
  }
  const cosines = labels.flatMap((item) => item.bars.map((bar) => bar.cosine));
  const least = Math.min(...cosines, 0) - 0.005, most = Math.max(...cosines, least + 0.02); // the worst trait keeps a sliver
  return [
    make("p", { class: "quiet" }, "How well each trait fits the picture (cosine). A label's score is the mean of its bars."),
    labels.map((item, rank) => make("details", { class: "reasons", open: rank < 2 },
      make("summary", { dir: "auto" }, item.label),
      make("ul", {}, item.bars.map((bar) => strip(bar, least, most))))),
  ];
});
