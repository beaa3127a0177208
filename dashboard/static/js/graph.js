// The graph and the thread: a row's ancestors under the pointer, words that dim the rest, keys to what one looks for.
const html = document.documentElement;
const rows = () => document.querySelectorAll("[data-graph] .line");

const trace = (row) => {
  const graph = row?.closest("[data-graph]");
  for (const marked of document.querySelectorAll(".line.trace")) marked.classList.remove("trace");
  for (const each of document.querySelectorAll("[data-graph]")) each.classList.toggle("tracing", each === graph);
  if (!graph) return;
  const of = new Map([...graph.querySelectorAll(".line")].map((each) => [each.dataset.n, each]));
  for (let each = row; each; each = of.get(each.dataset.p)) each.classList.add("trace");
};
const under = (event) => trace(event.target.closest?.("[data-graph] .line"));
document.addEventListener("pointerover", under);
document.addEventListener("focusin", under);

const dim = (field) => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows()) {
    const said = row.textContent.toLowerCase();
    row.classList.toggle("dimmed", !words.every((word) => said.includes(word)));
  }
};
document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-dim]")) dim(event.target);
});
const reveal = () => {
  for (const label of document.querySelectorAll(".dim")) label.hidden = false;
};
document.addEventListener("htmx:after:swap", (event) => {
  reveal();
  document.querySelector("#peek[tabindex]")?.focus({ preventScroll: true });
  return event;
});
reveal();

const at = (each) => each === document.activeElement || each.contains(document.activeElement);
const step = (selector, by) => {
  const all = [...document.querySelectorAll(selector)];
  if (!all.length) return;
  const on = all.findIndex(at);
  const top = all.findIndex((each) => each.getBoundingClientRect().top >= 96);
  const from = on >= 0 ? on + by : by > 0 ? Math.max(top, 0) : (top < 0 ? all.length : top) - 1;
  const next = all[Math.min(Math.max(from, 0), all.length - 1)];
  next.scrollIntoView({ block: "start" });
  const link = next.querySelector("a");
  if (!link) next.tabIndex = -1;
  (link ?? next).focus({ preventScroll: true });
};
const PROMPTS = ".turn.prompt, .line.has-prompt";
const ERRORS = ".turn:has(.ending), .tool-card.failed, .line.has-error";
const BRANCHES = ".turn:has(.fork), .line:has(.lane-tag)";
const KEYS = { n: [PROMPTS, 1], p: [PROMPTS, -1], e: [ERRORS, 1], E: [ERRORS, -1], b: [BRANCHES, 1], B: [BRANCHES, -1] };

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") document.querySelector("#peek [data-close]")?.click();
  if (html.dataset.shortcuts === "off" || event.target.closest?.("input, textarea, select, dialog[open]")) return;
  const found = KEYS[event.key];
  if (!found) return;
  event.preventDefault();
  step(...found);
});
