// Light before and after: histograms, tone curve, numbers: {before, after, curve, noise, isUnchanged, notes, foot}.
const SVG = "http://www.w3.org/2000/svg", WIDE = 600, HIGH = 120, SQUARE = 160;
const NUMBER = { class: "number", style: "white-space:nowrap" }, HEAD = { scope: "col", style: "background:none" };

function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

function histograms(before, after) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", style: "width:100%;height:120px;display:block",
    "aria-label": `Histogram: mean ${percent(before.mean)} before, ${percent(after.mean)} after` });
  // The square root keeps small bars visible beside a peak.
  const most = Math.max(1, ...before.histogram, ...after.histogram) ** 0.5;
  for (const [kind, tones] of [["before", before], ["after", after]]) {
    const step = WIDE / tones.histogram.length;
    const points = tones.histogram.map((count, index) => `${(index + 0.5) * step},${HIGH - (HIGH - 4) * count ** 0.5 / most}`);
    const look = kind === "before" ? { fill: "var(--atlas-bar)", opacity: 0.75 } : { fill: "none", stroke: "var(--atlas-sea)", "stroke-width": 2.5, "vector-effect": "non-scaling-stroke" };
    svg.append(shape("polygon", { ...look, points: `0,${HIGH} ${points.join(" ")} ${WIDE},${HIGH}` }));
  }
  return svg;
}

function toneCurve(curve) {
  const svg = shape("svg", { viewBox: `0 0 ${SQUARE} ${SQUARE}`, role: "img", style: "width:150px;height:150px;display:block;border:1px solid var(--atlas-rail)", "aria-label": "Tone curve: after by before" });
  svg.append(shape("line", { stroke: "var(--atlas-bar)", "stroke-dasharray": "4 4", x1: 0, y1: SQUARE, x2: SQUARE, y2: 0 }));
  const points = curve.map(([x, y]) => `${x * SQUARE},${SQUARE - y * SQUARE}`).join(" ");
  svg.append(shape("polyline", { points, fill: "none", stroke: "var(--atlas-sea)", "stroke-width": 2.5 }));
  return svg;
}

function row(name, before, after) {
  return make("tr", {}, make("th", { scope: "row" }, name), make("td", NUMBER, before), make("td", NUMBER, after));
}

function light(value) {
  return value == null ? "–" : value.toFixed(2);
}

drawWith((value) => {
  if (!value) return null;
  const { before, after } = value;
  const share = (tones, name) => (tones[name] ? percent(tones[name] / tones.pixels) : "none");
  return [
    value.notes.map((text) => make("p", { class: "warn" }, text)),
    make("div", { style: "display:flex;flex-wrap:wrap;gap:16px;align-items:flex-end" },
      make("figure", { style: "flex:1 1 260px;min-width:0;margin:0" }, histograms(before, after), make("figcaption", { class: "quiet" },
        "Pixels from dark to bright: filled before, line after.")),
      make("figure", { style: "margin:0" }, toneCurve(value.curve), make("figcaption", { class: "quiet" }, "Tone curve: after by before."))),
    make("table", { style: "width:100%;max-width:440px;margin:10px 0;border-collapse:collapse;text-align:left" },
      make("thead", {}, make("tr", {}, make("td", {}), make("th", HEAD, "before"), make("th", HEAD, "after"))),
      make("tbody", {},
        row("Mean light", percent(before.mean), percent(after.mean)),
        row("CLIP, about 0 backlit, 1 well lit", light(before.light), light(after.light)),
        row("Burnt out", share(before, "clippedHigh"), share(after, "clippedHigh")),
        row("Pure black", share(before, "clippedLow"), share(after, "clippedLow")))),
    make("p", { class: "quiet" }, value.foot),
  ];
});
