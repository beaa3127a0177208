// The path of the place one points at in a JSON tree, to be copied. Arrow keys walk through the tree.
// The bar is hidden until this runs; without JavaScript the tree reads as it is.
const PLACES = ".j-row, .j-branch > summary, .j-long > summary";
const NODES = ".j-row, .j-branch, .j-long";

const keyOf = (node) => node.querySelector(":scope > .j-key, :scope > summary > .j-key")?.textContent;
const isList = (node) => [...node.querySelectorAll(":scope > summary > .j-mark")].at(-1)?.textContent === "[]";

const pathOf = (node) => {
  const parts = [];
  for (let at = node; at; at = at.parentElement.closest(NODES)) {
    const key = keyOf(at);
    const parent = at.parentElement.closest(NODES);
    if (key === undefined || !parent) break;
    if (isList(parent)) parts.unshift(`[${key}]`);
    else parts.unshift(/^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
  }
  return parts.join("") || ".";
};

const walk = (tree, from, step) => {
  const places = [...tree.querySelectorAll(PLACES)].filter((place) => place.checkVisibility());
  const next = places[places.indexOf(from) + step];
  if (!next) return;
  if (next.matches(".j-row")) next.tabIndex = -1;
  next.focus();
};

for (const bar of document.querySelectorAll("[data-paths]")) {
  const tree = document.getElementById(bar.dataset.paths);
  const shown = bar.querySelector("code");
  const point = (event) => {
    const node = event.target.closest(NODES);
    if (node) shown.textContent = pathOf(node);
  };
  tree.addEventListener("click", point);
  tree.addEventListener("focusin", point);
  tree.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = event.target.closest(PLACES);
    if (!step || !from) return;
    event.preventDefault();
    walk(tree, from, step);
  });
  bar.hidden = false;
}
