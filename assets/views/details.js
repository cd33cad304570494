// What belongs right under the answer: time, model, notes; for answers by example also the ranking by name alone.
drawWith((value) => {
  if (!value) return null;
  const beside = value.by_name_alone || [];
  return [
    make("p", { class: "foot" },
      value.time_words, " with ", make("b", {}, value.model), `, ${value.method_words}`,
      value.is_independent && ". Each label is scored on its own"),
    value.notes.length > 0 && make("ul", { class: "notes" }, value.notes.map((note) => make("li", { dir: "auto" }, note))),
    beside.length > 0 && make("section", { class: "beside" },
      make("h4", {}, "The same picture by name alone"),
      make("ol", { class: "bars plain" }, beside.slice(0, 6).map((item) => make("li", {},
        make("div", { class: "bar", "--fraction": item.confidence },
          make("span", { class: "name", dir: "auto" }, item.label), make("span", { class: "number" }, percent(item.confidence)),
          make("span", { class: "rail", "aria-hidden": "true" }, make("span"))))))),
  ];
});
