// Gaussians on the graphics card (WebGL2). The file of demos/gaussians/packing.py goes into textures as it is; the
// vertex shader projects each Gaussian as demos/gaussians/raster_project.py does (EWA splatting with 3DGS's
// conventions), so that the picture is the server's; what is drawn far to near is blended premultiplied.

const GPU_MAGIC = 0x31565347, NEAR_DEPTH = 0.2;

const VERTEX = `#version 300 es
precision highp float; precision highp int; precision highp usampler2D; precision highp sampler2D;
layout(location = 0) in uint index;
uniform usampler2D rows;
uniform sampler2D bands, layer;
uniform mat3 turn;
uniform vec3 shift, eye, mark;
uniform vec2 size;
uniform float focal, bandRange, strength, dim;
uniform int degree, mode, hovered;
out vec2 place;
out vec4 paint;

vec3 band(int k, int count) {
  int at = int(index) * count + k, wide = textureSize(bands, 0).x;
  return bandRange * texelFetch(bands, ivec2(at % wide, at / wide), 0).rgb;
}

// Signs and constants are those of demos/gaussians/colour.py.
vec3 harmonics(vec3 d) {
  int n = (degree + 1) * (degree + 1) - 1;
  float x = d.x, y = d.y, z = d.z;
  vec3 sum = 0.48860251 * (z * band(1, n) - y * band(0, n) - x * band(2, n));
  if (degree > 1) {
    float xx = x * x, yy = y * y, zz = z * z;
    sum += 1.0925485 * (x * y * band(3, n) - y * z * band(4, n) - x * z * band(6, n));
    sum += 0.31539157 * (2.0 * zz - xx - yy) * band(5, n) + 0.54627422 * (xx - yy) * band(7, n);
    if (degree > 2) {
      sum += -0.59004359 * y * (3.0 * xx - yy) * band(8, n) - 0.59004359 * x * (xx - 3.0 * yy) * band(14, n);
      sum += 2.8906114 * x * y * z * band(9, n);
      sum -= 0.4570458 * (4.0 * zz - xx - yy) * (y * band(10, n) + x * band(12, n));
      sum += 0.37317633 * z * (2.0 * zz - 3.0 * xx - 3.0 * yy) * band(11, n) + 1.4453057 * z * (xx - yy) * band(13, n);
    }
  }
  return sum;
}

// The turbo map of core/draw.py (Mikhailov 2019).
vec3 turbo(float t) {
  vec3 sum = vec3(59.28637943, 2.82956604, 27.34824973);
  sum = sum * t + vec3(-152.94239396, 4.27729857, -89.90310912);
  sum = sum * t + vec3(132.13108234, -14.18503333, 110.36276771);
  sum = sum * t + vec3(-42.66032258, 4.84296658, -60.58204836);
  sum = sum * t + vec3(4.6153926, 2.19418839, 12.64194608);
  return clamp(sum * t + vec3(0.13572138, 0.09140261, 0.1066733), 0.0, 1.0);
}

mat3 axesOf(uvec3 turns) {
  vec3 three = (vec3(turns & 32767u) / 32767.0 * 2.0 - 1.0) * 0.70710678;
  float fourth = sqrt(max(0.0, 1.0 - dot(three, three)));
  uint gone = turns.x >> 15 | turns.y >> 15 << 1;
  vec4 q = gone == 0u ? vec4(fourth, three) : gone == 1u ? vec4(three.x, fourth, three.yz)
    : gone == 2u ? vec4(three.xy, fourth, three.z) : vec4(three, fourth);
  float w = q.x, x = q.y, y = q.z, z = q.w;
  return 2.0 / dot(q, q) * mat3(-y * y - z * z, x * y + w * z, x * z - w * y, x * y - w * z, -x * x - z * z, y * z + w * x,
    x * z + w * y, y * z - w * x, -x * x - y * y) + mat3(1.0);
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0); // outside, unless all goes well
  int wide = textureSize(rows, 0).x / 2;
  ivec2 at = ivec2(int(index) % wide * 2, int(index) / wide);
  uvec4 first = texelFetch(rows, at, 0), second = texelFetch(rows, at + ivec2(1, 0), 0);
  vec3 mean = uintBitsToFloat(first.xyz), local = turn * mean + shift;
  float opacity = float(second.x >> 16) / 65535.0, logCut = log(255.0 * opacity);
  if (local.z <= ${NEAR_DEPTH.toFixed(1)} || logCut <= 0.0) return;

  int layerWide = textureSize(layer, 0).x;
  vec4 told = texelFetch(layer, ivec2(int(index) % layerWide, int(index) / layerWide), 0);
  int id = int(told.b * 255.0 + 0.5) + 256 * int(told.a * 255.0 + 0.5);
  float faded = mode == 2 ? dim * (1.0 - told.g) : 0.0, kept = pow(1.0 - faded, 2.5);
  if (opacity * kept < 1.0 / 255.0) return;

  vec2 spot = local.xy / local.z, half_ = 0.5 * size / focal, inside = clamp(spot, -1.3 * half_, 1.3 * half_);
  float scale = focal / local.z;
  mat3 world = transpose(turn); // its columns are the camera's axes
  vec3 a = scale * (world[0] - inside.x * world[2]), b = scale * (world[1] - inside.y * world[2]);
  uvec3 steps = uvec3(second.y & 65535u, second.y >> 16, second.z & 65535u);
  uvec3 turns = uvec3(second.z >> 16, second.w & 65535u, second.w >> 16);
  vec3 sigma = exp(vec3(steps) * (24.0 / 65535.0) - 16.0);
  mat3 axes = axesOf(turns);
  vec3 p = sigma * (a * axes), q = sigma * (b * axes), minors = cross(p, q);
  float aa = dot(p, p), bb = dot(p, q), cc = dot(q, q);
  float determinant = dot(minors, minors) + 0.3 * (aa + cc) + 0.09;
  aa += 0.3;
  cc += 0.3;
  float middle = 0.5 * (aa + cc), away = length(vec2(0.5 * (aa - cc), bb)), long_ = middle + away;
  if (!(long_ < 1e12)) return;
  float reach = sqrt(2.0 * logCut);
  vec2 along = abs(bb) > 1e-6 * long_ ? normalize(vec2(bb, long_ - aa)) : aa >= cc ? vec2(1.0, 0.0) : vec2(0.0, 1.0);
  vec2 across = vec2(-along.y, along.x);
  vec2 centre = focal * spot + 0.5 * size, extent = reach * sqrt(vec2(aa, cc));
  if (any(lessThan(centre + extent, vec2(0.0))) || any(greaterThan(centre - extent, size))) return;
  place = reach * (vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0);
  vec2 pixel = centre + place.x * sqrt(long_) * along + place.y * sqrt(determinant / long_) * across;
  gl_Position = vec4(2.0 * pixel.x / size.x - 1.0, 1.0 - 2.0 * pixel.y / size.y, 0.0, 1.0);

  vec3 colour = vec3(unpackHalf2x16(first.w), unpackHalf2x16(second.x).x);
  if (degree > 0) colour += harmonics(normalize(mean - eye));
  colour = max(colour, 0.0);
  float grey = dot(min(colour, 1.0), vec3(0.299, 0.587, 0.114));
  if (mode == 1) colour = mix(vec3(grey), turbo(told.r), strength * told.r);
  if (mode == 2) colour = mix(colour, mark * (0.35 + 0.65 * grey) + 0.25 * mark, strength * told.g);
  if (hovered > 0 && id == hovered) colour = mix(colour, mark, 0.6);
  paint = vec4(mix(colour, vec3(grey), faded), opacity * kept);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 place;
in vec4 paint;
out vec4 colour;
void main() {
  float alpha = min(0.99, paint.a * exp(-0.5 * dot(place, place)));
  if (alpha < 1.0 / 255.0) discard;
  colour = vec4(paint.rgb * alpha, alpha);
}`;

function compiled(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
    throw new Error(`The shaders of the viewer do not compile: ${logs.join(" ")} ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}

// {count, degree, bandRange, words: eight uint32 a Gaussian, bands: int8} out of a file.
function readPacked(buffer) {
  const head = new DataView(buffer);
  if (buffer.byteLength < 32 || head.getUint32(0, true) !== GPU_MAGIC) throw new Error("This is no packed scene.");
  const count = head.getUint32(4, true), degree = head.getUint32(8, true), bands = 3 * ((degree + 1) ** 2 - 1);
  if (buffer.byteLength !== 32 + (32 + bands) * count) throw new Error("The packed scene is cut short.");
  return {
    count, degree, bandRange: head.getFloat32(12, true),
    words: new Uint32Array(buffer, 32, 8 * count), bands: new Int8Array(buffer, 32 + 32 * count),
  };
}

function positionsOf({ words, count }) {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length), out = new Float32Array(3 * count);
  for (let i = 0; i < count; i += 1) for (let axis = 0; axis < 3; axis += 1) out[3 * i + axis] = floats[8 * i + axis];
  return out;
}

// Null if the browser has no WebGL2.
function makeGpu(canvas) {
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, stencil: false, powerPreference: "high-performance" });
  if (!gl) return null;
  let program, at, indices, textures, scene = null, layer = null, drawn = 0;

  function texture(unit, cells, [inside, format, kind], perCell, Kind) {
    const wide = Math.min(4096, gl.getParameter(gl.MAX_TEXTURE_SIZE)), texels = cells.length / perCell;
    const tall = Math.max(1, Math.ceil(texels / wide)), padded = new Kind(wide * tall * perCell);
    padded.set(cells);
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, textures[unit]);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, inside, wide, tall, 0, format, kind, padded);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  }

  function uploadScene() {
    const { words, bands, count } = scene, four = new Int8Array(Math.max((bands.length / 3) * 4, 4));
    for (let i = 0, to = 0; i < bands.length; i += 3, to += 4) four.set(bands.subarray(i, i + 3), to);
    texture(0, words, [gl.RGBA32UI, gl.RGBA_INTEGER, gl.UNSIGNED_INT], 4, Uint32Array);
    texture(1, four, [gl.RGBA8_SNORM, gl.RGBA, gl.BYTE], 4, Int8Array);
    gl.bindBuffer(gl.ARRAY_BUFFER, indices);
    gl.bufferData(gl.ARRAY_BUFFER, 4 * count, gl.DYNAMIC_DRAW);
  }

  const uploadLayer = () => texture(2, layer, [gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE], 4, Uint8Array);

  function start() {
    program = compiled(gl);
    at = new Proxy({}, { get: (known, name) => (known[name] ??= gl.getUniformLocation(program, name)) });
    textures = [0, 1, 2].map(() => gl.createTexture());
    indices = gl.createBuffer();
    gl.bindVertexArray(gl.createVertexArray());
    gl.bindBuffer(gl.ARRAY_BUFFER, indices);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribIPointer(0, 1, gl.UNSIGNED_INT, 0, 0);
    gl.vertexAttribDivisor(0, 1);
    gl.useProgram(program);
    for (const [unit, name] of ["rows", "bands", "layer"].entries()) gl.uniform1i(at[name], unit);
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    drawn = 0;
    if (scene) { uploadScene(); uploadLayer(); }
  }
  start();

  return {
    gl,
    restart: start,
    get scene() { return scene; },
    setScene(packed) { scene = packed; layer = new Uint8Array(4 * packed.count); drawn = 0; uploadScene(); uploadLayer(); },
    // heat and selection: a byte a Gaussian; ids: two bytes; what is not given stays.
    setLayer({ heat, selection, ids }) {
      for (let i = 0; i < scene.count; i += 1) {
        if (heat) layer[4 * i] = heat[i];
        if (selection) layer[4 * i + 1] = selection[i];
        if (ids) { layer[4 * i + 2] = ids[i] & 255; layer[4 * i + 3] = ids[i] >> 8; }
      }
      uploadLayer();
    },
    setOrder(order, kept) {
      gl.bindBuffer(gl.ARRAY_BUFFER, indices);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, order, 0, kept);
      drawn = kept;
    },
    uploadScene,
    draw(camera, look) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(...look.background.map((value) => value / 255), 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
      if (!scene || !drawn) return;
      gl.uniformMatrix3fv(at.turn, true, camera.rows.flat());
      gl.uniform3fv(at.shift, camera.shift);
      gl.uniform3fv(at.eye, camera.eye);
      gl.uniform3fv(at.mark, look.mark.map((value) => value / 255));
      gl.uniform2f(at.size, camera.width, camera.height);
      for (const [name, value] of [["focal", camera.focal], ["bandRange", scene.bandRange], ["strength", look.strength], ["dim", look.dim]]) gl.uniform1f(at[name], value);
      for (const [name, value] of [["degree", scene.degree], ["mode", look.mode], ["hovered", look.hovered]]) gl.uniform1i(at[name], value);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, drawn);
    },
    // RGB of the picture just drawn, upper row first; only in the same turn of the event loop as draw().
    read() {
      const { width, height } = canvas, cells = new Uint8Array(4 * width * height);
      gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, cells);
      return { width, height, cells };
    },
  };
}
