// The third output of the endpoint, as it is answered; long run lengths are cut here, not there.
const MOST_REGIONS = 3, MOST_CHARS = 60;

drawWith((value) => {
  if (!value) return make("p", { class: "empty" }, make("b", {}, "No answer yet."), " Here you see the JSON that the endpoint returns.");
  const cut = (key, inner) => (typeof inner === "string" && inner.length > MOST_CHARS ? `${inner.slice(0, MOST_CHARS)}…` : inner);
  const regions = value.regions.slice(0, MOST_REGIONS), more = value.regions.length - regions.length;
  return [
    make("p", { class: "quiet" }, "The third output", more > 0 ? `; ${more} more regions follow` : ""),
    make("pre", { class: "seg-code", tabindex: 0 }, JSON.stringify({ ...value, regions }, cut, 1)),
  ];
});
