// What can be saved: {kinds: [{name, title, line}], saved: {count, name, size, file} | undefined}. A click asks for a
// file; when it is there the browser saves it, and a link stays in case it did not.
let lastCount = 0;

drawWith((value) => {
  const saved = value && value.saved;
  return value && [
    make("ul", { class: "seg-kinds" }, value.kinds.map(({ name, title, line }) => make("li", {}, make("button", {
      type: "button", class: "small-button", "data-key": `save-${name}`, onclick: () => trigger("asked", { kind: name }),
    }, make("b", {}, title), make("span", { class: "quiet" }, line))))),
    saved && make("p", { class: "copied", role: "status" }, "Saved ",
      make("a", { href: saved.file.url, download: saved.name }, saved.name), ` (${saved.size}).`),
  ];
});

watch("value", () => {
  const saved = props.value && props.value.saved;
  if (!saved || saved.count === lastCount) return;
  lastCount = saved.count;
  host.querySelector("a[download]").click();
});
