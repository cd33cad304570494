// Cameras of the 3D viewer, as in demos/gaussians/cameras.py: x right, y down, z forward, pixel corners at whole numbers.
// A view is {target, distance, azimuth, elevation} with angles in degrees about an up direction; see orbit() there.

const dot3 = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross3 = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const plus3 = (a, b, times = 1) => [a[0] + times * b[0], a[1] + times * b[1], a[2] + times * b[2]];
const length3 = (a) => Math.hypot(...a);
const unit3 = (a) => { const long = length3(a) || 1; return [a[0] / long, a[1] / long, a[2] / long]; };
const between = (value, low, high) => Math.min(Math.max(value, low), high);
const RADIANS = Math.PI / 180, MOST_ELEVATION = 89;

// Three rows of a rotation that takes +z to the unit vector up.
function turnZTo(up) {
  const [x, y, z] = up;
  if (z < -1 + 1e-12) return [[1, 0, 0], [0, -1, 0], [0, 0, -1]];
  const k = 1 / (1 + z);
  return [[1 - k * x * x, -k * x * y, x], [-k * x * y, 1 - k * y * y, y], [-x, -y, 1 - k * (x * x + y * y)]];
}

const times3 = (rows, v) => rows.map((row) => dot3(row, v));
const transposed3 = (rows) => [0, 1, 2].map((column) => rows.map((row) => row[column]));

// The camera of a view: {eye, over, rows: world to camera, shift, focal in pixels, ...}.
function cameraOf(view, up, fovDeg, width, height) {
  const axes = turnZTo(unit3(up)), azimuth = view.azimuth * RADIANS, elevation = view.elevation * RADIANS;
  const [sa, ca, se, ce] = [Math.sin(azimuth), Math.cos(azimuth), Math.sin(elevation), Math.cos(elevation)];
  const eye = plus3(view.target, times3(axes, [sa * ce, -ca * ce, se]), view.distance);
  const over = times3(axes, [-sa * se, ca * se, ce]);
  const forward = unit3(plus3(view.target, eye, -1)), right = unit3(cross3(forward, over));
  const rows = [right, cross3(forward, right), forward];
  const focal = Math.min(width, height) / 2 / Math.tan((fovDeg * RADIANS) / 2);
  return { eye, over, rows, shift: rows.map((row) => -dot3(row, eye)), focal, width, height, target: view.target, fovDeg };
}

// The view whose camera stands at eye and looks at target; a roll about the viewing direction is given up.
function viewOf(eye, target, up) {
  const away = plus3(eye, target, -1), local = times3(transposed3(turnZTo(unit3(up))), unit3(away));
  return {
    target: [...target], distance: Math.max(length3(away), 1e-6),
    azimuth: Math.atan2(local[0], -local[1]) / RADIANS,
    elevation: between(Math.asin(between(local[2], -1, 1)) / RADIANS, -MOST_ELEVATION, MOST_ELEVATION),
  };
}

// Where a point of the world lands: [x, y, depth] in pixels of the camera's picture.
function projected(camera, point) {
  const [x, y, z] = times3(camera.rows, point).map((value, row) => value + camera.shift[row]);
  return [(camera.focal * x) / z + camera.width / 2, (camera.focal * y) / z + camera.height / 2, z];
}

// How far a ball of this radius must be to fill the field of view.
const fittingDistance = (radius, fovDeg) => radius / Math.sin((fovDeg * RADIANS) / 2);
