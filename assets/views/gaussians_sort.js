// Order by depth in a thread of its own: a counting sort on 16 bits. A float32 above 0 sorts like its bits, so equal
// steps of the key are equal shares of the depth, near and far alike.

// Runs in the worker: its text is all that goes there.
function sortingThread() {
  let positions = new Float32Array(0), depths = new Float32Array(0), bits = new Uint32Array(0);
  const counts = new Uint32Array(65537);
  onmessage = ({ data }) => {
    if (data.positions) {
      positions = data.positions;
      depths = new Float32Array(positions.length / 3);
      bits = new Uint32Array(depths.buffer);
      return;
    }
    const { forward: [fx, fy, fz], shift, near, limit } = data;
    const many = Math.min(limit, depths.length);
    let least = 0xffffffff, most = 0, kept = 0;
    for (let i = 0; i < many; i += 1) {
      const depth = fx * positions[3 * i] + fy * positions[3 * i + 1] + fz * positions[3 * i + 2] + shift;
      depths[i] = depth > near ? depth : 0;
      if (bits[i] === 0) continue;
      kept += 1;
      if (bits[i] < least) least = bits[i];
      if (bits[i] > most) most = bits[i];
    }
    const order = data.order && data.order.length >= kept ? data.order : new Uint32Array(Math.max(many, 1));
    const scale = 65535 / Math.max(most - least, 1);
    counts.fill(0);
    for (let i = 0; i < many; i += 1) if (bits[i]) counts[65535 - ((bits[i] - least) * scale | 0)] += 1;
    for (let key = 0, total = 0; key < 65536; key += 1) { const here = counts[key]; counts[key] = total; total += here; }
    for (let i = 0; i < many; i += 1) if (bits[i]) order[counts[65535 - ((bits[i] - least) * scale | 0)]++] = i;
    postMessage({ order, kept, limit, forward: data.forward, shift }, [order.buffer]);
  };
}

const TURNED_ENOUGH = Math.cos(0.4 * Math.PI / 180);

// Sorts again when the view has turned enough; take(order, kept) gets indices from far to near.
function makeSorter(take) {
  const source = URL.createObjectURL(new Blob([`(${sortingThread})()`], { type: "text/javascript" }));
  const worker = new Worker(source);
  URL.revokeObjectURL(source);
  let isBusy = false, wanted = null, last = null, spare = null, mine = 0;

  function send() {
    isBusy = true;
    last = wanted;
    wanted = null;
    worker.postMessage({ ...last, order: spare }, spare ? [spare.buffer] : []);
    spare = null;
  }

  worker.onmessage = ({ data }) => {
    isBusy = false;
    if (last.scene === mine) spare = take(data.order, data.kept, data.limit) || null;
    if (wanted) send();
  };

  return {
    setPositions(positions) { mine += 1; last = wanted = null; worker.postMessage({ positions }, [positions.buffer]); },
    // near: depth from which on a Gaussian is drawn; step: how far the eye may move along its view before a new sort.
    ask({ forward, shift, near, limit, step }) {
      const done = wanted || last;
      const isOld = !done || done.limit !== limit || dot3(done.forward, forward) < TURNED_ENOUGH || Math.abs(done.shift - shift) > step;
      if (!isOld) return;
      wanted = { forward, shift, near, limit, scene: mine };
      if (!isBusy) send();
    },
    get isBusy() { return isBusy; },
  };
}
