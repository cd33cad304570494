// Maps of regions as they come from the server, and how they become colours. Nothing is ever read back from a canvas:
// some browsers add noise there, and an id must be exact.

const FINE_CELLS = 1200;

// {width, height, bits: 8 | 16, data}: each row as its XOR with the row above, little endian, zlib, base64.
async function unpackMap(packed) {
  const raw = await inflate(packed.data);
  const cells = packed.bits === 8 ? new Uint8Array(raw) : new Uint16Array(raw);
  for (let i = packed.width; i < cells.length; i += 1) cells[i] ^= cells[i - packed.width];
  return grown({ width: packed.width, height: packed.height, cells });
}

// Small maps get several cells for one, so that an edge is as thin over a small picture as over a large one.
function grown({ width, height, cells }) {
  const times = Math.floor(FINE_CELLS / Math.max(width, height));
  if (times < 2) return { width, height, cells };
  const out = new cells.constructor(cells.length * times * times);
  for (let y = 0, i = 0; y < height * times; y += 1) {
    const row = Math.floor(y / times) * width;
    for (let x = 0; x < width * times; x += 1, i += 1) out[i] = cells[row + Math.floor(x / times)];
  }
  return { width: width * times, height: height * times, cells: out };
}

async function inflate(data) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// Score maps {names, width, height, data}: 256 steps, one word after the other -> the same with cells by name.
async function unpackHeat(packed) {
  const all = new Uint8Array(await inflate(packed.data)), size = packed.width * packed.height;
  const cells = new Map(packed.names.map((name, at) => [name, all.subarray(at * size, (at + 1) * size)]));
  return { width: packed.width, height: packed.height, cells };
}

// 1 where a cell touches a cell of another id; the rim of the picture is no edge.
function edgesOf({ width, height, cells }) {
  const edges = new Uint8Array(cells.length);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const here = cells[i];
      if (x + 1 < width && cells[i + 1] !== here) edges[i] = edges[i + 1] = 1;
      if (y + 1 < height && cells[i + width] !== here) edges[i] = edges[i + width] = 1;
    }
  }
  return edges;
}

function rgbOf(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// One pixel of ImageData as a number; alpha in [0, 1]. All browsers that draw today are little endian.
function pixel([red, green, blue], alpha) {
  return ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// Paint a map into a canvas of its size: fill[id] inside a region, line[id] on its edge.
function paintMap(canvas, map, edges, fill, line) {
  canvas.width = map.width;
  canvas.height = map.height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(map.width, map.height);
  const out = new Uint32Array(image.data.buffer), { cells } = map;
  for (let i = 0; i < out.length; i += 1) out[i] = (edges && edges[i] ? line : fill)[cells[i]];
  context.putImageData(image, 0, 0);
}

// The turbo map of core/draw.py (Mikhailov 2019), a polynomial for each channel.
const TURBO = [
  [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
  [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
  [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
];
function turbo(value) {
  return TURBO.map((terms) => {
    const sum = terms.reduceRight((total, term) => total * value + term, 0);
    return Math.round(255 * Math.min(Math.max(sum, 0), 1));
  });
}

// The part of a photo around a box, with everything that is not wanted faded: for lists and candidates.
function drawThumb(canvas, photo, size, boxXyxy, isWanted, paper) {
  const [left, top, right, bottom] = boxXyxy;
  const side = Math.max(right - left, bottom - top, 8) * 1.16;
  const x0 = (left + right - side) / 2, y0 = (top + bottom - side) / 2;
  const sharp = Math.min(window.devicePixelRatio || 1, 2), px = Math.round(canvas.clientWidth * sharp) || 96;
  canvas.width = canvas.height = px;
  const context = canvas.getContext("2d");
  const zoom = photo.naturalWidth / size.width;
  context.drawImage(photo, x0 * zoom, y0 * zoom, side * zoom, side * zoom, 0, 0, px, px);
  const veil = document.createElement("canvas");
  veil.width = veil.height = px;
  const image = veil.getContext("2d").createImageData(px, px), out = new Uint32Array(image.data.buffer);
  const cover = pixel(paper, 0.82);
  for (let y = 0, i = 0; y < px; y += 1) {
    for (let x = 0; x < px; x += 1, i += 1) {
      if (!isWanted(x0 + ((x + 0.5) / px) * side, y0 + ((y + 0.5) / px) * side)) out[i] = cover;
    }
  }
  veil.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(veil, 0, 0);
}
