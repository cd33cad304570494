// Words to try in this scene: {words: [..]}. A click asks for that word.
drawWith((value) => value && value.words.length > 0 && make("div", { class: "gs-words" },
  make("span", { class: "examples-word" }, "Try"),
  value.words.map((word, index) => make("button", {
    type: "button", class: "chip", "data-key": `word-${index}`, dir: "auto", onclick: () => trigger("picked", { word }),
  }, word))));
