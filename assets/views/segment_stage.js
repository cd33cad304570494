// The picture and what is drawn over it: regions, a mask that a click found, points and a box. It draws and it says what
// is under a place; what a click means is decided in segment_prompt.js.

const MODES = [["overlay", "Overlay"], ["map", "Label map"], ["heat", "Heat"], ["cut", "Cut out"]];
const OTHER_RGB = [128, 140, 143], FOUND_RGB = [255, 196, 61], MAX_TALL = 0.74;

function makeStage(canvas, frame) {
  const look = { mode: "overlay", opacity: 0.5, outlines: true, names: true, heat: null };
  let photo = null, size = null, answer = null, map = null, edges = null, heat = null, found = null;
  let hovered = 0, pinned = 0, prompt = { points: [], box: null }, cursor = null, isAsked = false;
  const hidden = new Set(), layer = document.createElement("canvas"), mask = document.createElement("canvas");
  const warm = document.createElement("canvas");

  const paper = () => rgbOf(frame.closest(".dark") ? "#0c1415" : "#f3f6f5");
  const region = (id) => (answer && id ? answer.regions[id - 1] : null);
  const label = (index) => answer.labels[index];
  const rgbOfRegion = (item) => (item.label ? rgbOf(label(item.label).colour) : OTHER_RGB);
  const isShown = (item) => !hidden.has(item.label ? label(item.label).name : "");

  function scoreOf(item, word) {
    const known = item.words.find((entry) => entry.word === word);
    return known ? known.score : 0;
  }

  // What one region looks like in the chosen mode: its inside and its edge.
  function looks(item) {
    if (!isShown(item)) return look.mode === "map" || look.mode === "cut" ? [pixel(paper(), 0.9), pixel(paper(), 0.9)] : [0, 0];
    const isActive = item.id === hovered || item.id === pinned, own = rgbOfRegion(item);
    const edge = pixel(isActive ? [255, 255, 255] : own, look.outlines || isActive ? 0.95 : 0);
    if (look.mode === "map") return [pixel(own, item.label ? 1 : 0.92), isActive || look.outlines ? pixel(isActive ? [255, 255, 255] : own, 1) : pixel(own, 1)];
    if (look.mode === "heat") return [heatOf() ? 0 : pixel(turbo(scoreOf(item, look.heat)), look.opacity), isActive ? edge : 0];
    if (look.mode === "cut") return item.label ? [0, isActive || look.outlines ? edge : 0] : [pixel(paper(), 0.88), pixel(paper(), 0.88)];
    const strength = item.label ? 1 : item.isGuess ? 0.7 : 0.3;
    const alpha = Math.min(look.opacity * strength + (isActive ? 0.22 : 0), 0.95);
    return [pixel(own, alpha), edge || pixel(own, alpha)];
  }

  function paintRegions() {
    if (!map) return;
    const fill = new Uint32Array(answer.regions.length + 1), line = new Uint32Array(fill.length);
    fill[0] = line[0] = look.mode === "map" || look.mode === "cut" ? pixel(paper(), look.mode === "map" ? 1 : 0.88) : 0;
    if (look.mode === "heat" && !heatOf()) fill[0] = line[0] = pixel(turbo(0), look.opacity);
    for (const item of answer.regions) {
      const [inside, edge] = looks(item);
      fill[item.id] = inside;
      line[item.id] = edge || inside;
    }
    paintMap(layer, map, edges, fill, line);
  }

  const heatOf = () => (heat ? heat.cells.get(look.heat) : null);

  // The score map of one word: few cells, smoothed as they are enlarged; without one, whole regions are coloured.
  function paintHeat() {
    const cells = look.mode === "heat" && heatOf();
    if (!cells) return;
    [warm.width, warm.height] = [heat.width, heat.height];
    const image = warm.getContext("2d").createImageData(heat.width, heat.height), out = new Uint32Array(image.data.buffer);
    const colours = Array.from({ length: 256 }, (_, step) => pixel(turbo(step / 255), 1));
    for (let i = 0; i < out.length; i += 1) out[i] = colours[cells[i]];
    warm.getContext("2d").putImageData(image, 0, 0);
  }

  function paintFound() {
    if (!found) return;
    const bit = 1 << found.chosen, edge = found.edges[found.chosen];
    const fill = new Uint32Array(256), line = new Uint32Array(256);
    for (let value = 0; value < 256; value += 1) {
      fill[value] = value & bit ? pixel(FOUND_RGB, 0.45) : 0;
      line[value] = value & bit ? pixel([255, 255, 255], 1) : pixel([20, 28, 30], 0.9);
    }
    paintMap(mask, found.map, edge, fill, line);
  }

  // The largest size that fits the column and leaves room for what stands below.
  function fit() {
    if (!size) return;
    const wide = frame.clientWidth, tall = Math.max(300, window.innerHeight * MAX_TALL);
    const scale = Math.min(wide / size.width, tall / size.height);
    const sharp = Math.min(window.devicePixelRatio || 1, 2);
    const css = [Math.max(1, Math.round(size.width * scale)), Math.max(1, Math.round(size.height * scale))];
    canvas.style.width = `${css[0]}px`;
    canvas.style.height = `${css[1]}px`;
    [canvas.width, canvas.height] = css.map((side) => Math.round(side * sharp));
    draw();
  }

  function drawNames(context, scale, sharp) {
    const font = 12.5 * sharp;
    context.font = `600 ${font}px "Source Sans Pro", system-ui, sans-serif`;
    context.textBaseline = "middle";
    const taken = [];
    for (const item of answer.regions) {
      if (!(item.label || item.isGuess) || !isShown(item)) continue;
      const name = item.label ? item.name : `${item.words[0].word}?`;
      const words = name.length > 22 ? `${name.slice(0, 21)}…` : name;
      const wide = context.measureText(words).width + 10 * sharp, tall = font * 1.5;
      const x = Math.min(Math.max(item.point[0] * scale - wide / 2, 2), canvas.width - wide - 2);
      const y = Math.min(Math.max(item.point[1] * scale - tall / 2, 2), canvas.height - tall - 2);
      const box = [x, y, x + wide, y + tall];
      if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      context.fillStyle = "rgba(12, 20, 21, .78)";
      context.beginPath();
      context.roundRect(x, y, wide, tall, 4 * sharp);
      context.fill();
      context.fillStyle = item.label ? label(item.label).colour : "#808c8f";
      context.fillRect(x, y + 3 * sharp, 3 * sharp, tall - 6 * sharp);
      context.fillStyle = "#fff";
      context.fillText(words, x + 6 * sharp, y + tall / 2 + sharp * 0.5);
    }
  }

  function drawMark(context, x, y, sharp, isInside) {
    context.beginPath();
    context.arc(x, y, 8 * sharp, 0, 2 * Math.PI);
    context.fillStyle = isInside ? "#0f6a70" : "#a11d2c";
    context.fill();
    context.lineWidth = 2 * sharp;
    context.strokeStyle = "#fff";
    context.stroke();
    context.beginPath();
    context.moveTo(x - 4 * sharp, y);
    context.lineTo(x + 4 * sharp, y);
    if (isInside) {
      context.moveTo(x, y - 4 * sharp);
      context.lineTo(x, y + 4 * sharp);
    }
    context.stroke();
  }

  function drawPrompt(context, scale, sharp) {
    if (prompt.box) {
      const [x0, y0, x1, y1] = prompt.box.map((side) => side * scale);
      for (const [colour, width] of [["rgba(12,20,21,.8)", 4], ["#fff", 1.8]]) {
        context.strokeStyle = colour;
        context.lineWidth = width * sharp;
        context.strokeRect(x0, y0, x1 - x0, y1 - y0);
      }
    }
    for (const [x, y, isInside] of prompt.points) drawMark(context, x * scale, y * scale, sharp, isInside);
    if (cursor) {
      const [x, y] = cursor.map((side) => side * scale), arm = 14 * sharp;
      for (const [colour, width] of [["rgba(12,20,21,.9)", 4], ["#fff", 1.6]]) {
        context.strokeStyle = colour;
        context.lineWidth = width * sharp;
        context.beginPath();
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          context.moveTo(x + (dx * arm) / 3, y + (dy * arm) / 3);
          context.lineTo(x + dx * arm, y + dy * arm);
        }
        context.stroke();
      }
    }
  }

  function drawNow() {
    isAsked = false;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!photo) return;
    context.imageSmoothingQuality = "high";
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    const isHeat = look.mode === "heat" && map;
    if (isHeat) { // the colours of heat need a grey photo under them
      context.globalCompositeOperation = "saturation";
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.globalCompositeOperation = "source-over";
    }
    const scale = canvas.width / size.width, sharp = canvas.width / canvas.clientWidth || 1;
    if (isHeat && heatOf()) {
      context.globalAlpha = look.opacity;
      context.drawImage(warm, 0, 0, canvas.width, canvas.height);
      context.globalAlpha = 1;
    }
    if (map) context.drawImage(layer, 0, 0, canvas.width, canvas.height);
    if (found) context.drawImage(mask, 0, 0, canvas.width, canvas.height);
    else if (map && look.names && !isHeat) drawNames(context, scale, sharp);
    drawPrompt(context, scale, sharp);
  }

  function draw() {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(drawNow);
  }

  function repaint() {
    paintRegions();
    paintHeat();
    draw();
  }

  new ResizeObserver(fit).observe(frame);
  window.addEventListener("resize", fit);

  return {
    look, hidden, region, repaint, draw,
    get answer() { return answer; },
    get size() { return size; },
    get photo() { return photo; },
    get pinned() { return pinned; },
    setPhoto(image, newSize) { photo = image; size = newSize; answer = map = heat = found = null; hovered = pinned = 0; cursor = null; hidden.clear(); fit(); },
    setAnswer(newAnswer, newMap, newHeat) {
      answer = newAnswer;
      map = newMap;
      heat = newHeat;
      edges = newMap && edgesOf(newMap);
      hovered = 0;
      if (!region(pinned)) pinned = 0;
      if (!answer || !answer.labels.some((item) => item.name === look.heat)) {
        const best = answer && [...answer.labels].slice(1).sort((a, b) => b.share - a.share)[0];
        look.heat = best ? best.name : null;
      }
      repaint();
    },
    setFound(newFound) { found = newFound; paintFound(); draw(); },
    setPrompt(newPrompt) { prompt = newPrompt; draw(); },
    setCursor(place) { cursor = place; draw(); },
    hover(id) { if (id !== hovered) { hovered = id; repaint(); } },
    pin(id) { if (id !== pinned) { pinned = id; repaint(); } },
    idAt(x, y) {
      if (!map) return 0;
      const column = Math.min(Math.floor((x / size.width) * map.width), map.width - 1);
      const row = Math.min(Math.floor((y / size.height) * map.height), map.height - 1);
      return map.cells[row * map.width + column] || 0;
    },
    thumbOfRegion(target, item) {
      if (photo && map) drawThumb(target, photo, size, item.box, (x, y) => x >= 0 && y >= 0 && x < size.width && y < size.height && this.idAt(x, y) === item.id, paper());
    },
    placeOf(event) {
      const box = canvas.getBoundingClientRect();
      const share = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      return [share[0] * size.width, share[1] * size.height].map((side, axis) => Math.min(Math.max(side, 0), axis ? size.height : size.width));
    },
    paper,
  };
}
