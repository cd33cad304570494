// What a fit looks like by now: {src: data: address made by us, words}.
drawWith((value) => value && make("figure", { class: "gs-preview" },
  make("img", { src: value.src, alt: "The scene so far, seen from the first photo" }), make("figcaption", { class: "quiet" }, value.words)));
