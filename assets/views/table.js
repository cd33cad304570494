// A batch: {rows: [{name, label, best: [{label, confidence}], error}], notes, count, failed, model, time_words}.
const FIRST_ROWS = 200;
let whole = false;

function draw() {
  const value = props.value;
  if (!value) {
    host.replaceChildren(make("p", { class: "empty" }, make("b", {}, "No pictures yet."), " Choose files or a ZIP archive, then classify them all."));
    return;
  }
  const rows = whole ? value.rows : value.rows.slice(0, FIRST_ROWS);
  const cells = (row) => row.error
    ? [make("td", { class: "why", colspan: 3 }, row.error)]
    : [make("td", { dir: "auto" }, make("b", {}, row.label)),
      make("td", { class: "number" }, row.best.length ? percent(row.best[0].confidence) : ""),
      make("td", { class: "quiet", dir: "auto" }, row.best.slice(1).map((item) => `${item.label} ${percent(item.confidence)}`).join(", "))];
  host.replaceChildren(
    make("p", { class: "foot" }, `${value.count} pictures in ${value.time_words} with `,
      make("b", {}, value.model), value.failed ? `; ${value.failed} could not be read` : ""),
    ...(value.notes.length ? [make("ul", { class: "notes" }, value.notes.map((note) => make("li", { dir: "auto" }, note)))] : []),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Answers for all pictures" }, make("table", {},
      make("thead", {}, make("tr", {}, ["Picture", "Answer", "Confidence", "Next best"].map((word) => make("th", { scope: "col" }, word)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, make("th", { scope: "row", dir: "auto" }, row.name), cells(row)))))),
    ...(rows.length < value.rows.length ? [make("button", { type: "button", class: "more", onclick: () => { whole = true; draw(); } },
      `Show ${value.rows.length - rows.length} more`)] : []));
}

watch("value", () => { whole = false; draw(); });
draw();
