// The third output of the endpoint, as it is answered; the list of Gaussians is cut here, not there.
const MOST_GAUSSIANS = 12;

drawWith((value) => {
  if (!value) return make("p", { class: "empty" }, make("b", {}, "No answer yet."), " Here you see the JSON that the endpoint returns.");
  const cut = (key, inner) => (key === "gaussians" && inner.length > MOST_GAUSSIANS ? [...inner.slice(0, MOST_GAUSSIANS), `… ${inner.length - MOST_GAUSSIANS} more`] : inner);
  return [
    make("p", { class: "quiet" }, "The third output"),
    make("pre", { class: "seg-code", tabindex: 0 }, JSON.stringify(value, cut, 1)),
  ];
});
