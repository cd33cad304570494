// Error curves of a diffusion model: each label's error less the winner's at the same noise: {steps, rows, confidence, model}.
const SVG = "http://www.w3.org/2000/svg", WIDTH = 600, HEIGHT = 190, PAD = 12;
const DASHES = ["", "9 5", "3 4", "12 4 3 4", "1 5"]; // told apart without colour, too

function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

function look(rank) {
  return { fill: "none", stroke: rank ? "var(--body-text-color)" : "var(--atlas-sea)", "stroke-width": rank ? 1.8 : 3,
    "stroke-dasharray": DASHES[rank % DASHES.length], "vector-effect": "non-scaling-stroke", opacity: rank ? 0.8 : 1 };
}

function key(rank) {
  const svg = shape("svg", { viewBox: "0 0 34 10", style: "width:34px;height:10px", "aria-hidden": "true" });
  svg.append(shape("line", { ...look(rank), x1: 0, x2: 34, y1: 5, y2: 5 }));
  return svg;
}

drawWith((value) => {
  if (!value) {
    return make("p", { class: "empty" }, make("b", {}, "No error curves in this answer."),
      " Set the method to “By diffusion” with a model of the hub: it adds noise to the picture and looks under which label it tells the noise best.");
  }
  const all = value.rows.flatMap((row) => row.above.filter((error) => error != null));
  const low = Math.min(0, ...all), span = Math.max(0, ...all) - low || 1;
  const first = value.steps[0], wide = value.steps[value.steps.length - 1] - first || 1;
  const x = (step) => PAD + (WIDTH - 2 * PAD) * (step - first) / wide;
  const y = (error) => HEIGHT - PAD - (HEIGHT - 2 * PAD) * (error - low) / span;
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    style: "width:100%;height:190px;display:block;border-bottom:1px solid var(--atlas-rail)",
    "aria-label": `Errors above those of ${value.rows[0].label}, by step` });
  value.rows.forEach((row, rank) => {
    const points = row.above.map((error, place) => (error == null ? null : `${x(value.steps[place])},${y(error)}`)).filter(Boolean);
    svg.append(shape("polyline", { ...look(rank), points: points.join(" ") }));
    if (rank) points.forEach((point) => { const [cx, cy] = point.split(","); svg.append(shape("circle", { cx, cy, r: 2.5, fill: "var(--body-text-color)", opacity: 0.8 })); });
  });
  return [
    make("p", { class: "quiet" }, `How much worse ${value.model} tells the noise under each label than under the winner, at the same noise. Above the line is worse.`),
    svg,
    make("p", { class: "scale" }, make("span", { class: "number" }, `step ${first}`), make("span", { class: "number" }, `step ${first + wide}`)),
    make("ul", { style: "list-style:none;padding:0;margin:8px 0" }, value.rows.map((row, rank) => make("li", { style: "display:flex;gap:8px;align-items:center" },
      key(rank), make("span", { dir: "auto" }, row.label), make("span", { class: "number quiet" }, rank ? `+${row.gap.toPrecision(2)}` : "wins")))),
    make("p", { class: "quiet" }, `With other noise the winner would beat the second in ${percent(value.confidence)} of cases (bootstrap over the noises).`),
  ];
});
