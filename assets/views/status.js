// The status line: {state, stage, text, fraction, eta, job}. One polite live region announces changes of state, not of numbers.
const STAGES = [["checking", "Check"], ["downloading", "Download"], ["loading", "Load"], ["running", "Run"]];
const line = make("div", { class: "status" });
const live = make("div", { class: "only-heard", role: "status", "aria-live": "polite" });
host.replaceChildren(line, live);

function stages(current) {
  const now = STAGES.findIndex(([stage]) => stage === current);
  return make("ol", { class: "stages", "aria-hidden": "true" }, STAGES.map(([, word], index) =>
    make("li", { class: index < now ? "past" : index === now ? "now" : "" }, word)));
}

let lastJob = 0, cancelled = null; // a word of a cancelled job may arrive after "cancelled": it is not heeded

function heeded(value) {
  if (value.state === "cancelled") cancelled = { job: lastJob, value };
  if (value.state !== "running") return value;
  if (cancelled && value.job === cancelled.job) return cancelled.value;
  lastJob = value.job;
  return value;
}

function show() {
  const value = heeded(props.value || { state: "idle", text: "" });
  line.dataset.state = value.state;
  const isRunning = value.state === "running" || value.state === "waiting";
  const bar = make("div", { class: value.fraction == null ? "track unknown" : "track", "--fraction": value.fraction ?? 0 },
    make("span"));
  line.replaceChildren(
    make("p", {}, make("span", { class: "words" }, value.text || ""),
      value.eta && make("span", { class: "eta" }, value.eta)),
    ...(isRunning ? [bar, stages(value.stage)] : []));
  line.hidden = !value.text || value.state === "done"; // the answer itself shows that it is done; only said aloud
  const heard = isRunning ? value.stage || value.state : value.text || "";
  if (live.textContent !== heard) live.textContent = heard;
}

// What a visitor has just asked for, or a problem, comes into view if it is not; nothing else moves the page.
let lastState = "idle";
function bringIntoView(state) {
  const isNews = state !== lastState && (state === "waiting" || state === "error");
  lastState = state;
  const box = line.getBoundingClientRect();
  if (!isNews || !box.height || (box.top >= 0 && box.bottom <= innerHeight)) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  line.scrollIntoView({ block: "start", behavior: isCalm ? "auto" : "smooth" });
}

watch("value", () => { show(); bringIntoView(line.dataset.state); });
show();
