// The models page: {offline, memory_mib, budget_mib, rows: [{name, task, title, note, size, params, licence, non_commercial, state, why,
// fraction, memory, last_used, source_url, actions: ["download", ...]}]}. Buttons trigger "action" with {name, action}.
const WORDS = {
  absent: "not here", downloaded: "on disk", downloading: "downloading", loading: "loading", ready: "in memory", failed: "failed",
};
const VERBS = { download: "Download", load: "Load", unload: "Unload", remove: "Delete files" };

function state(item) {
  const tail = item.state === "downloading" && item.fraction != null ? ` ${Math.round(100 * item.fraction)} %` : "";
  return make("span", { class: `state ${item.state}` }, (WORDS[item.state] || item.state) + tail, item.in_use ? " · in use" : item.last_used && ` · used ${item.last_used} ago`);
}

function row(item) {
  return make("li", { class: "model" },
    make("div", { class: "what" },
      make("h4", {}, item.title, make("code", {}, item.name)),
      make("p", {}, item.note),
      item.why && make("p", { class: "why" }, item.why)),
    make("dl", {},
      make("div", {}, make("dt", {}, "Size"), make("dd", {}, item.size)),
      make("div", {}, make("dt", {}, "Parameters"), make("dd", {}, item.params)),
      make("div", {}, make("dt", {}, "Licence"), make("dd", { class: item.non_commercial ? "warn" : "" },
        item.licence, item.non_commercial && make("span", { class: "flag" }, "non-commercial"))),
      make("div", {}, make("dt", {}, "Memory"), make("dd", {}, item.memory || "–"))),
    make("div", { class: "act" }, state(item), make("div", { class: "buttons" }, item.actions.map((action) =>
      make("button", {
        type: "button", class: "small-button", "data-key": `${action}-${item.name}`,
        "aria-label": `${VERBS[action]} ${item.title}`, onclick: () => trigger("action", { name: item.name, action }),
      }, VERBS[action])))));
}

drawWith((value) => {
  if (!value) return make("p", { class: "empty" }, "The list of models appears here.");
  const tasks = [...new Set(value.rows.map((item) => item.task))];
  return [
    make("p", { class: "quiet" }, `Models in memory take ${value.memory_mib} of ${value.budget_mib} MiB.`,
      value.offline && " Offline: only what is on this machine can be used."),
    ...tasks.flatMap((task) => [
      make("h3", { class: "task" }, task),
      make("ul", { class: "models" }, value.rows.filter((item) => item.task === task).map(row)),
    ]),
  ];
});
