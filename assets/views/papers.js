// The papers page: {rows: [{number, title, line, tab, status, where}]}; a filter by status and by tab.
let status = "all", tab = "all";

function choice(words, current, set) {
  return make("div", { class: "filter", role: "group" }, words.map(([value, word]) => make("button", {
    type: "button", class: "chip", "aria-pressed": value === current, "data-key": `chip-${value}`, onclick: () => { set(value); redraw(); },
  }, word)));
}

function render(value) {
  if (!value) return null;
  const tabs = [...new Set(value.rows.map((row) => row.tab))];
  const kept = value.rows.filter((row) => (status === "all" || row.status === status) && (tab === "all" || row.tab === tab));
  const count = (word) => value.rows.filter((row) => row.status === word).length;
  return [
    make("p", { class: "quiet" }, `${value.rows.length} papers: ${count("works")} work, ${count("in part")} in part, ${count("planned")} are planned.`),
    choice([["all", "All"], ["works", "Works"], ["in part", "In part"], ["planned", "Planned"]], status, (next) => { status = next; }),
    choice([["all", "Every tab"], ...tabs.map((name) => [name, name])], tab, (next) => { tab = next; }),
    make("ol", { class: "papers" }, kept.map((row) => make("li", { value: row.number },
      make("span", { class: "number", "aria-hidden": "true" }, row.number),
      make("div", {}, make("h4", {}, row.title), make("p", {}, row.line)),
      make("div", { class: "place" }, make("span", { class: "tab" }, row.tab),
        make("span", { class: `state ${row.status.replace(" ", "-")}` }, row.status), row.where && make("span", { class: "quiet" }, row.where))))),
    !kept.length && make("p", { class: "empty" }, "No paper of that kind."),
  ];
}

function redraw() {
  const key = host.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  host.replaceChildren(...[render(props.value)].flat(9).filter(Boolean));
  if (key != null) [...host.querySelectorAll("[data-key]")].find((node) => node.dataset.key === key)?.focus();
}

watch("value", redraw);
redraw();
