// The canvas with the scene: what is shown from where, and how finely. While the view moves, or on a weak card, fewer
// Gaussians (the file has the most visible first) are drawn at a lower resolution; at rest everything is.

// [resolution, share of the Gaussians, time against the first], the last measured in software.
const LEVELS_OF_DETAIL = [[1, 1, 1], [0.75, 1, 0.8], [0.6, 0.7, 0.5], [0.45, 0.45, 0.3], [0.33, 0.25, 0.16]];
const MOVING_MS = 30, RESTING_MS = 1200, REST_MS = 180, FLIGHT_MS = 400;

function makeStage3d(canvas, frame, { moved, drawn, settled, broken }) {
  const gpu = makeGpu(canvas);
  if (!gpu) return null;
  const look = { mode: 0, strength: 0.85, dim: 0, hovered: 0, isFinest: false, mark: [255, 196, 61], background: [12, 20, 21] };
  let up = [0, 0, 1], fov = 45, view = null, home = null, radius = 1, size = [1, 1];
  let pace = null, probes = 2, isMoving = false, isAsked = false, isDirty = false, restTimer = 0, flight = 0;
  let fence = null, begun = 0, spent = 0, camera = null, lastTold = "", detail = LEVELS_OF_DETAIL[0];

  const sorter = makeSorter((order, kept) => {
    gpu.setOrder(order, kept);
    ask();
    return order;
  });

  // The finest level that this card should draw in time, by what pictures took so far.
  function level() {
    if (look.isFinest && !isMoving) return LEVELS_OF_DETAIL[0];
    if (probes || pace == null) return LEVELS_OF_DETAIL.at(-1);
    const most = isMoving ? MOVING_MS : RESTING_MS;
    return LEVELS_OF_DETAIL.find(([, , time]) => pace * time < most) || LEVELS_OF_DETAIL.at(-1);
  }
  const cameraNow = (width, height) => cameraOf(view, up, fov, width, height);

  function fit() {
    const sharp = Math.min(window.devicePixelRatio || 1, 2) * level()[0];
    size = [canvas.clientWidth || 1, canvas.clientHeight || 1];
    const wanted = size.map((side) => Math.max(1, Math.round(side * sharp)));
    if (canvas.width !== wanted[0]) canvas.width = wanted[0];
    if (canvas.height !== wanted[1]) canvas.height = wanted[1];
  }

  function drawNow() {
    isDirty = false;
    fit();
    if (!view) return;
    camera = cameraNow(canvas.width, canvas.height);
    detail = level();
    const limit = Math.ceil(gpu.scene.count * detail[1]);
    sorter.ask({ forward: camera.rows[2], shift: camera.shift[2], near: NEAR_DEPTH, limit, step: 0.02 * view.distance });
    begun = performance.now();
    gpu.draw(camera, look);
    fence = gpu.gl.fenceSync(gpu.gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gpu.gl.flush();
    drawn(cameraNow(...size));
  }

  function learn([, , time]) {
    spent = performance.now() - begun;
    const now = spent / time;
    pace = pace == null || probes ? now : 0.6 * pace + 0.4 * now;
    if (!probes) return;
    probes -= 1; // the first picture waits for the shaders to be compiled; the second tells
    isDirty = true;
  }

  // One picture is on its way at a time: a slow card is never asked for more than it can do.
  function tick() {
    isAsked = false;
    if (gpu.gl.isContextLost()) { fence = null; return; }
    if (fence) {
      const state = gpu.gl.clientWaitSync(fence, 0, 0);
      if (state === gpu.gl.TIMEOUT_EXPIRED) return schedule();
      gpu.gl.deleteSync(fence);
      fence = null;
      learn(detail);
    }
    if (isDirty) drawNow();
    if (fence || isDirty) schedule();
    else if (!isMoving && !sorter.isBusy) {
      frame.dataset.still = "true";
      settled();
    }
  }

  function schedule() {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(tick);
  }

  function ask() {
    isDirty = true;
    frame.dataset.still = "false";
    schedule();
  }

  function rest() {
    isMoving = false;
    ask();
    const told = JSON.stringify(view);
    if (told !== lastTold) { lastTold = told; moved(); }
  }

  function move(changes, isFlying = false) {
    if (!view) return;
    if (!isFlying) cancelAnimationFrame(flight);
    view = { ...view, ...changes };
    view.elevation = between(view.elevation, -MOST_ELEVATION, MOST_ELEVATION);
    view.distance = between(view.distance, 0.02 * radius, 50 * radius);
    isMoving = true;
    clearTimeout(restTimer);
    restTimer = setTimeout(rest, REST_MS);
    ask();
  }

  function fly(to) {
    if (!view) return;
    cancelAnimationFrame(flight);
    const from = view, begin = performance.now(), isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const turn = ((to.azimuth - from.azimuth + 540) % 360) - 180;
    const step = () => {
      const t = isCalm ? 1 : Math.min((performance.now() - begin) / FLIGHT_MS, 1), eased = t * t * (3 - 2 * t);
      const along = (a, b) => a + (b - a) * eased;
      move({
        target: from.target.map((value, axis) => along(value, to.target[axis])),
        distance: Math.exp(along(Math.log(from.distance), Math.log(to.distance))),
        azimuth: from.azimuth + turn * eased, elevation: along(from.elevation, to.elevation),
      }, true);
      if (t < 1) flight = requestAnimationFrame(step);
    };
    step();
  }

  // The nearest Gaussian whose centre is within a few pixels of a place on the canvas, as a point of the world.
  function pointUnder([x, y]) {
    const { words, count } = gpu.scene, floats = new Float32Array(words.buffer, words.byteOffset, words.length);
    const now = cameraNow(...size);
    let best = null, least = Infinity;
    for (let i = 0; i < count; i += 1) {
      if (words[8 * i + 4] >>> 16 < 20000) continue;
      const point = [floats[8 * i], floats[8 * i + 1], floats[8 * i + 2]], [u, v, z] = projected(now, point);
      if (z > NEAR_DEPTH && z < least && Math.hypot(u - x, v - y) < 7) [best, least] = [point, z];
    }
    return best;
  }

  canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); broken("The graphics card dropped the scene; it comes back in a moment."); });
  canvas.addEventListener("webglcontextrestored", () => { gpu.restart(); fence = null; broken(""); refresh(); });
  new ResizeObserver(ask).observe(frame);

  function refresh() { // a new order, whatever the view
    if (gpu.scene) sorter.setPositions(positionsOf(gpu.scene));
    ask();
  }

  return {
    look, fly, move, pointUnder,
    get view() { return view; },
    get up() { return up; },
    get fov() { return fov; },
    get radius() { return radius; },
    get hasScene() { return Boolean(gpu.scene && view); },
    get stats() { return { ms: spent, count: gpu.scene ? gpu.scene.count : 0, level: detail, isReduced: !isMoving && detail !== LEVELS_OF_DETAIL[0] }; },
    repaint: ask,
    // packed: of readPacked(); start: {eye, target, up, fov, radius}; isKept: the view stays where it is.
    setScene(packed, start, isKept) {
      gpu.setScene(packed);
      [up, fov, radius] = [start.up, start.fov, start.radius];
      home = viewOf(start.eye, start.target, up);
      if (!isKept || !view) { cancelAnimationFrame(flight); view = home; lastTold = ""; }
      pace = null;
      probes = 2;
      refresh();
    },
    setLayer(layer) { gpu.setLayer(layer); ask(); },
    changed() { gpu.uploadScene(); refresh(); }, // rows of the scene were overwritten
    reset() { fly(home); },
    // What the server needs to see the same: the eye, where it looks, and the shape of the picture.
    told() {
      if (!view) return null;
      const { eye, over, target } = cameraNow(...size);
      return { eye, target, up: over, fov_deg: fov, width: size[0], height: size[1] };
    },
    size: () => size,
    // The picture at rest, at exactly this size, as {width, height, cells}; for saving and for tests.
    picture(width, height) {
      [canvas.width, canvas.height] = [width, height];
      gpu.draw(cameraNow(width, height), look);
      const cells = gpu.read();
      ask();
      return cells;
    },
  };
}
