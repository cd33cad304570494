// The exact texts that were sent to the model, label by label.
drawWith((value) => {
  if (!value || !(value.texts || []).length) {
    return make("p", { class: "empty" }, make("b", {}, "Nothing sent yet."), " The exact texts appear here with the answer.");
  }
  const isWhole = value.texts.reduce((sum, item) => sum + item.texts.length, 0) === value.text_count;
  return [
    make("p", { class: "quiet" }, `${value.text_count} texts went to ${value.model}` +
      (isWhole ? "." : `; those of the ${value.texts.length} best labels are shown.`)),
    value.texts.map((item, rank) => make("details", { class: "sent", open: rank < 3 || value.texts.length <= 6 },
      make("summary", { dir: "auto" }, item.label, make("span", { class: "quiet" }, ` ${item.count}`)),
      make("ul", {}, item.texts.map((text) => make("li", { dir: "auto" }, text)),
        item.texts.length < item.count && make("li", { class: "quiet" }, `… and ${item.count - item.texts.length} more`)))),
  ];
});
