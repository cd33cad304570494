// A row of example pictures: [{title, thumb}]; thumb is a data: address made by us. A click asks for that example.
drawWith((value) => value && make("div", { class: "examples" },
  make("span", { class: "examples-word" }, "Or take one of these"),
  make("ul", {}, value.map((item, index) => make("li", {}, make("button", {
    type: "button", "data-key": `example-${index}`, title: item.title, onclick: () => trigger("picked", { index }),
  }, make("img", { src: item.thumb, alt: "", width: 72, height: 72 }), make("span", {}, item.title)))))));
