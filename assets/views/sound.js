// Tracks of a separation: {tracks: [{name, key, file, gain_db, picture, ticks, mask?, presence?, truth_db?, opinion?}], wanted, notes, foot}.
let isMatched = true;

// A player can only be turned down: the quietest track, after matching, stands at full volume.
function setVolumes(value) {
  const most = Math.max(...value.tracks.map((track) => track.gain_db));
  for (const [index, player] of [...host.querySelectorAll("audio")].entries()) {
    player.volume = isMatched ? 10 ** ((value.tracks[index].gain_db - most) / 20) : 1;
  }
}

function curve(points) {
  const step = 100 / Math.max(points.length - 1, 1);
  const line = points.map((value, index) => `${(index * step).toFixed(2)},${(24 - 24 * value).toFixed(2)}`).join(" ");
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, text] of [["viewBox", "0 0 100 24"], ["preserveAspectRatio", "none"], ["class", "moments"], ["aria-hidden", "true"]]) drawing.setAttribute(name, text);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  path.setAttribute("points", points.length > 1 ? line : `0,${24 - 24 * points[0]} 100,${24 - 24 * points[0]}`);
  drawing.append(path);
  return drawing;
}

function presenceLine(presence) {
  const words = presence.is_heard ? `heard, presence ${percent(presence.score)}` : `not heard here (presence ${percent(presence.score)})`;
  return make("p", { class: presence.is_heard ? "quiet" : "warn" }, words, presence.nearest && ` · leans on “${presence.nearest}”`);
}

function truthWords(own, whole) {
  const gain = own - whole;
  return `Against the true sound: SI-SDR ${own.toFixed(1)} dB, the whole has ${whole.toFixed(1)} dB (${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(1)})`;
}

function picture(address, words, ticks) {
  return make("figure", {}, make("div", { class: "spectrum" },
    make("img", { src: address, alt: words }),
    ticks.map((tick) => make("span", { class: "tick", "--share": tick.share, "aria-hidden": "true" }, tick.hz >= 1000 ? `${tick.hz / 1000} kHz` : `${tick.hz} Hz`))));
}

function track(item, value) {
  const isWanted = item.key === value.wanted;
  return make("section", { class: isWanted ? "heard wanted" : "heard" },
    make("h3", { dir: "auto" }, item.name),
    item.presence && presenceLine(item.presence),
    item.truth_db && make("p", { class: "quiet" }, truthWords(...item.truth_db)),
    item.opinion && make("p", { class: "quiet" }, item.opinion),
    make("audio", { controls: true, preload: "metadata", src: item.file.url, "data-key": `player-${item.key}`, "aria-label": item.name }),
    make("p", { class: "quiet gain" }, isMatched && Math.abs(item.gain_db) >= 0.05 ? `${item.gain_db > 0 ? "+" : ""}${item.gain_db.toFixed(1)} dB to be as loud as the whole` : ""),
    picture(item.picture, `Spectrogram of ${item.name}`, item.ticks),
    item.presence && curve(item.presence.curve),
    item.mask && make("details", {}, make("summary", {}, "Mask"), picture(item.mask, `Mask of ${item.name}`, item.ticks)));
}

drawWith((value) => {
  if (!value) return make("p", { class: "empty" }, make("b", {}, "Nothing separated yet."), " Drop a sound, name what to hear, and press Separate.");
  queueMicrotask(() => setVolumes(value));
  return [
    value.notes.length && make("ul", { class: "notes" }, value.notes.map((note) => make("li", { dir: "auto" }, note))),
    make("label", { class: "match" }, make("input", { type: "checkbox", checked: isMatched, "data-key": "match",
      onchange: (event) => { isMatched = event.target.checked; setVolumes(value); } }), " Equally loud, for a fair comparison"),
    value.tracks.map((item) => track(item, value)),
    make("p", { class: "foot" }, value.foot),
  ];
});
