// Moving the view: drag to orbit, right or Shift drag to pan, wheel or two fingers to zoom, arrow keys, and a click that
// asks what is there. On touch screens a vertical swipe still scrolls the page; so does the wheel until the scene was
// clicked.

const CLICK_PX = 5, KEY_DEGREES = 6, HALF_TURN_DEGREES = 200;

function makeControl(canvas, frame, stage, { picked, said, cameras }) {
  const pointers = new Map();
  let start = null, hasMoved = false, isPanning = false, lastClick = 0;

  const placeOf = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };

  function orbit(dx, dy) {
    const speed = HALF_TURN_DEGREES / Math.min(...stage.size());
    stage.move({ azimuth: stage.view.azimuth - dx * speed, elevation: stage.view.elevation + dy * speed });
  }

  function pan(dx, dy) {
    const [width, height] = stage.size(), camera = cameraOf(stage.view, stage.up, stage.fov, width, height);
    const perPixel = stage.view.distance / camera.focal;
    const moved = plus3(plus3(stage.view.target, camera.rows[0], -dx * perPixel), camera.rows[1], -dy * perPixel);
    stage.move({ target: moved });
  }

  const zoom = (factor) => stage.move({ distance: stage.view.distance * factor });

  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], apart: Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1) };
  };

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    if (!stage.hasScene) return;
    pointers.set(event.pointerId, placeOf(event));
    canvas.setPointerCapture(event.pointerId);
    if (pointers.size === 1) {
      start = placeOf(event);
      hasMoved = false;
      isPanning = event.button !== 0 || event.shiftKey || event.ctrlKey;
    } else hasMoved = true;
    frame.dataset.cross = "false";
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId), now = placeOf(event);
    if (!before || !stage.hasScene) return;
    const was = pointers.size === 2 ? spread() : null;
    if (!hasMoved && Math.hypot(now[0] - start[0], now[1] - start[1]) < CLICK_PX) return;
    hasMoved = true;
    pointers.set(event.pointerId, now);
    if (was) {
      const is = spread();
      zoom(was.apart / is.apart);
      pan(is.middle[0] - was.middle[0], is.middle[1] - was.middle[1]);
    } else if (pointers.size === 1) (isPanning ? pan : orbit)(now[0] - before[0], now[1] - before[1]);
  });

  function finish(event) {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type !== "pointerup" || hasMoved || isPanning || pointers.size) return;
    const isDouble = performance.now() - lastClick < 350;
    lastClick = isDouble ? 0 : performance.now();
    if (isDouble) centre(start);
    else picked(start);
  }
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);

  function centre(place) {
    const point = stage.pointUnder(place);
    if (point) stage.fly({ ...stage.view, target: point });
  }

  canvas.addEventListener("wheel", (event) => {
    if (!stage.hasScene) return;
    if (document.activeElement !== canvas && !event.ctrlKey) return said("Click the scene first to zoom with the wheel.");
    event.preventDefault();
    zoom(Math.exp(between(event.deltaY * (event.deltaMode ? 30 : 1), -200, 200) * 0.0015));
    return undefined;
  }, { passive: false });

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (!stage.hasScene || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = arrows[event.key], [width, height] = stage.size();
    if (arrow && event.shiftKey) pan(-arrow[0] * 0.06 * width, -arrow[1] * 0.06 * height);
    else if (arrow) stage.move({ azimuth: stage.view.azimuth + arrow[0] * KEY_DEGREES, elevation: stage.view.elevation - arrow[1] * KEY_DEGREES });
    else if (event.key === "+" || event.key === "=") zoom(0.85);
    else if (event.key === "-") zoom(1 / 0.85);
    else if (event.key === "0" || event.key === "Home") stage.reset();
    else if (event.key === "[") cameras(-1);
    else if (event.key === "]") cameras(1);
    else if (event.key === "Enter") picked([width / 2, height / 2]);
    else if (event.key === "f") canvas.dispatchEvent(new CustomEvent("frame-selection"));
    else return;
    frame.dataset.cross = "true";
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => { frame.dataset.cross = "false"; });
}
