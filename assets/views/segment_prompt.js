// Pointing: a click is a point (Shift or Alt: what does not belong), a drag is a box, arrow keys move a crosshair. Every
// change asks the server at once; the answer offers up to three masks.

const DRAG_PX = 6, KEY_STEP = 0.02, MAX_POINTS = 64;
const TOOLS = [
  ["inside", "+ Add", "A click adds what belongs to the thing"], ["outside", "− Take away", "A click takes away what does not belong"],
  ["box", "Box", "Drag a rectangle around the thing"], ["look", "Look", "A tap only shows the words of a region"],
];

function makePrompt(stage, canvas, { ask, look, changed }) {
  let tool = "inside", history = [], box = null, points = [], start = null, isDragging = false, cursor = null, corner = null;

  const boxOf = ([x0, y0], [x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
  const isBox = (sides) => sides[2] - sides[0] >= 2 && sides[3] - sides[1] >= 2;
  const show = (draft = box) => { stage.setPrompt({ points, box: draft }); changed({ tool, count: history.length }); };

  function tell() {
    show();
    ask(points.length || box ? { points: points.map(([x, y, isInside]) => [x, y, isInside]), box } : null);
  }

  function addPoint([x, y], isInside) {
    if (points.length >= MAX_POINTS) return look(null, `${MAX_POINTS} points are the most; take some back first.`);
    history.push("point");
    points = [...points, [x, y, isInside]];
    return tell();
  }

  function addBox(sides) {
    history = history.filter((kind) => kind !== "box");
    history.push("box");
    box = sides;
    tell();
  }

  function undo() {
    const last = history.pop();
    if (last === "box") box = null;
    else if (last) points = points.slice(0, -1);
    if (last) tell();
  }

  function clear(isTold = true) {
    const had = history.length > 0;
    history = [];
    points = [];
    box = start = corner = null;
    isDragging = false;
    show();
    if (had && isTold) ask(null);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!stage.size || event.button !== 0 || !event.isPrimary) return;
    start = { at: [event.clientX, event.clientY], place: stage.placeOf(event), isTouch: event.pointerType === "touch" };
    cursor = null;
    stage.setCursor(null);
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!stage.size) return;
    const place = stage.placeOf(event);
    const mayDrag = start && tool !== "look" && (!start.isTouch || tool === "box");
    if (mayDrag && Math.hypot(event.clientX - start.at[0], event.clientY - start.at[1]) > DRAG_PX) isDragging = true;
    if (isDragging) show(boxOf(start.place, place));
    else if (event.pointerType !== "touch") look(stage.idAt(...place), null, place);
  });

  canvas.addEventListener("pointerup", (event) => {
    if (!start) return;
    const place = stage.placeOf(event), from = start.place, hasMoved = isDragging;
    const isNear = Math.hypot(event.clientX - start.at[0], event.clientY - start.at[1]) <= DRAG_PX * 2;
    start = null;
    isDragging = false;
    if (hasMoved) {
      const sides = boxOf(from, place);
      return isBox(sides) ? addBox(sides) : show();
    }
    if (!isNear) return undefined;
    const id = stage.idAt(...place);
    look(id, null, place);
    stage.pin(tool === "look" && stage.pinned === id ? 0 : id);
    if (tool === "inside" || tool === "outside") addPoint(place, (tool === "inside") !== (event.shiftKey || event.altKey));
    return undefined;
  });

  canvas.addEventListener("pointercancel", () => { start = null; isDragging = false; show(); });
  canvas.addEventListener("pointerleave", () => { if (!start) look(0); });
  canvas.addEventListener("blur", () => { cursor = corner = null; stage.setCursor(null); });

  function moveCursor(dx, dy, isFine) {
    const { width, height } = stage.size, step = isFine ? 1 : Math.max(1, Math.round(KEY_STEP * Math.max(width, height)));
    const [x, y] = cursor || [width / 2, height / 2];
    cursor = [Math.min(Math.max(x + dx * step, 0), width), Math.min(Math.max(y + dy * step, 0), height)];
    stage.setCursor(cursor);
    if (corner) show(boxOf(corner, cursor));
    look(stage.idAt(...cursor), null, cursor, true);
  }

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z";
    if (!stage.size || ((event.ctrlKey || event.metaKey) && !isUndo)) return;
    const place = cursor || [stage.size.width / 2, stage.size.height / 2];
    if (arrows[event.key]) moveCursor(...arrows[event.key], event.shiftKey);
    else if (event.key === "Enter" || event.key === " ") addPoint(place, !(event.shiftKey || event.altKey) && tool !== "outside");
    else if (event.key === "-" || event.key === "x") addPoint(place, false);
    else if (event.key === "b" && !corner) corner = place;
    else if (event.key === "b") {
      const sides = boxOf(corner, place);
      corner = null;
      if (isBox(sides)) addBox(sides); else show();
    } else if (event.key === "Backspace" || isUndo) undo();
    else if (event.key === "Delete") clear();
    else return;
    event.preventDefault();
  });

  return {
    undo, clear,
    get tool() { return tool; },
    setTool(name) { tool = name; canvas.dataset.tool = name; show(); },
    get count() { return history.length; },
  };
}
