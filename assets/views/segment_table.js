// A batch: {rows: [{name, labels: [{name, share, regions}], regions, error}], count, failed, notes, foot}.
const FIRST_ROWS = 200;
let whole = false;

function draw() {
  const value = props.value;
  if (!value) {
    host.replaceChildren(make("p", { class: "empty" }, make("b", {}, "No pictures yet."), " Choose files or a ZIP archive, then segment them all."));
    return;
  }
  const rows = whole ? value.rows : value.rows.slice(0, FIRST_ROWS);
  const cells = (row) => row.error
    ? [make("td", { class: "why", colspan: 2 }, row.error)]
    : [make("td", { class: "number" }, row.regions),
      make("td", { dir: "auto" }, row.labels.map((item) => `${item.name} ${percent(item.share)}`).join(", ") || "nothing found")];
  host.replaceChildren(
    make("p", { class: "foot" }, value.foot),
    ...(value.notes.length ? [make("ul", { class: "notes" }, value.notes.map((note) => make("li", { dir: "auto" }, note)))] : []),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Answers for all pictures" }, make("table", {},
      make("thead", {}, make("tr", {}, ["Picture", "Regions", "Labels found"].map((word) => make("th", { scope: "col" }, word)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, make("th", { scope: "row", dir: "auto" }, row.name), cells(row)))))),
    ...(rows.length < value.rows.length ? [make("button", { type: "button", class: "more", onclick: () => { whole = true; draw(); } },
      `Show ${value.rows.length - rows.length} more`)] : []));
}

watch("value", () => { whole = false; draw(); });
draw();
