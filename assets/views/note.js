// One quiet line or a few: {lines: [..], warn: ".."}.
drawWith((value) => value && [
  (value.lines || []).map((text) => make("p", { class: "quiet" }, text)),
  value.warn && make("p", { class: "warn" }, value.warn),
]);
