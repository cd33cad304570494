// Tracks of a separation: {tracks: [{name, key, file, gain_db, picture, ticks, mask?, presence?, truth_db?, opinion?}], wanted, notes, foot}.
let isMatched = true;

// A player can only be turned down: the quietest track, after matching, stands at full volume. What is not heard is next
// to nothing, and to match it would turn everything else down to a whisper.
const MOST_DB = 12;

function setVolumes(value) {
  const counts = value.tracks.filter((track) => !track.presence || track.presence.is_heard).map((track) => track.gain_db);
  const most = Math.min(Math.max(...counts), MOST_DB);
  for (const [index, player] of [...host.querySelectorAll("audio")].entries()) {
    player.volume = isMatched ? Math.min(10 ** ((value.tracks[index].gain_db - most) / 20), 1) : 1;
  }
}

function drawn(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, text] of Object.entries(attributes)) node.setAttribute(name, text);
  return node;
}

function curve(points, name) {
  const values = points.length > 1 ? points : [points[0], points[0]];
  const line = values.map((value, index) => `${(index * 100 / (values.length - 1)).toFixed(2)},${(24 - 24 * value).toFixed(2)}`).join(" ");
  const drawing = drawn("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", class: "moments", role: "img",
    "aria-label": `Presence of ${name} over time, from ${percent(Math.min(...values))} to ${percent(Math.max(...values))}` });
  drawing.append(drawn("polygon", { points: `0,24 ${line} 100,24` }), drawn("polyline", { points: line }));
  return make("figure", {}, make("figcaption", { class: "quiet" }, "Presence over time"), drawing);
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
    item.presence && curve(item.presence.curve, item.name),
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
