// Single-key shortcuts. Off where the reader switched them off (WCAG 2.1.4), in fields, and while a dialog is open.
const sheet = document.getElementById("keys");
const off = () => document.documentElement.dataset.shortcuts === "off";
const inField = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog[open]");
const rows = () => [...document.querySelectorAll("main a.row, main [data-item]")].filter((row) => row.checkVisibility());

let went = -Infinity;
const go = (key) => {
  const link = document.querySelector(`a[data-go="${CSS.escape(key)}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
};
const move = (by) => {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
};
const toFilters = () => {
  const filters = document.querySelector("details.filters");
  if (!filters) return;
  filters.open = true;
  filters.querySelector("form :is(input:not([type=hidden]), select)")?.focus();
};
const toSearch = () => {
  const field = document.querySelector("[data-find]");
  if (field?.checkVisibility()) field.focus();
  else document.dispatchEvent(new CustomEvent("footplate:palette"));
};
const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  o: () => rows().includes(document.activeElement) && document.activeElement.click(),
  f: toFilters,
  "/": toSearch,
  "?": () => sheet.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (off() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || inField(event.target)) return;
  if (event.timeStamp - went < 1200) {
    went = -Infinity;
    if (go(event.key)) event.preventDefault();
    return;
  }
  if (event.key === "g") {
    went = event.timeStamp;
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});
