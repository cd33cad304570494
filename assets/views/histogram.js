// How other pictures score, where this one lies, and where the threshold stands: {edges, counts, value, threshold, what}.
const SVG = "http://www.w3.org/2000/svg", WIDTH = 600, HEIGHT = 120;

function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

function marker(kind, x) {
  return shape("line", { class: kind, x1: x, x2: x, y1: 0, y2: HEIGHT });
}

drawWith((value) => {
  if (!value) {
    return make("p", { class: "empty" }, make("b", {}, "No scores yet."), " After an answer you see here how pictures of all kinds score.");
  }
  const marks = [value.value, value.threshold ?? value.value];
  const first = Math.min(value.edges[0], ...marks), span = Math.max(value.edges[value.edges.length - 1], ...marks) - first || 1;
  const at = (score) => Math.min(Math.max((score - first) / span, 0), 1) * WIDTH;
  const most = Math.max(1, ...value.counts);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "histogram", role: "img",
    "aria-label": `This picture scores ${value.value.toFixed(3)}` +
      (value.threshold == null ? "" : `, the threshold is ${value.threshold.toFixed(3)}`) });
  value.counts.forEach((count, index) => {
    const left = at(value.edges[index]), right = at(value.edges[index + 1]), height = (HEIGHT - 6) * count / most;
    const below = value.threshold != null && value.edges[index + 1] <= value.threshold;
    svg.append(shape("rect", { x: left + 0.5, width: Math.max(right - left - 1, 0.5), y: HEIGHT - height, height, class: below ? "below" : "above" }));
  });
  svg.append(marker("this", at(value.value)));
  if (value.threshold != null) svg.append(marker("limit", at(value.threshold)));
  return [
    value.what && make("p", { class: "quiet" }, value.what),
    svg,
    make("p", { class: "scale" }, make("span", { class: "number" }, first.toFixed(2)), make("span", { class: "number" }, (first + span).toFixed(2))),
    make("ul", { class: "legend" },
      make("li", { class: "this" }, `this picture ${value.value.toFixed(3)}`),
      value.threshold != null && make("li", { class: "limit" }, `threshold ${value.threshold.toFixed(3)}`)),
  ];
});
