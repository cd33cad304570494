// The objects of the scene, the largest first: {objects: [{id, words, count}], more}. Pointing at one lights it up, a
// click selects it.
const tell = (id) => element.closest(".job").dispatchEvent(new CustomEvent("gaussians-hover", { detail: { id } }));

drawWith((value) => {
  if (!value) return make("p", { class: "empty" }, make("b", {}, "No scene yet."), " Its objects are listed here.");
  if (!value.objects.length) return make("p", { class: "empty" }, make("b", {}, "No objects."), " This scene knows words, but nothing was grouped into things; clicks and queries work all the same.");
  return [
    make("ul", { class: "gs-objects" }, value.objects.map(({ id, words, count }) => make("li", {}, make("button", {
      type: "button", class: "small-button", "data-key": `object-${id}`,
      onclick: () => trigger("chosen", { id }), onpointerenter: () => tell(id), onpointerleave: () => tell(-1),
      onfocus: () => tell(id), onblur: () => tell(-1),
    }, make("b", { dir: "auto" }, words[0] || `Object ${id + 1}`), make("span", { class: "quiet" }, count.toLocaleString("en")))))),
    value.more > 0 && make("p", { class: "quiet" }, `and ${value.more} smaller ones`),
  ];
});
