// Ctrl K / ⌘ K: a combobox over /api/find, in a dialog. Without scripts the field at the top asks /find.
const dialog = document.getElementById("palette");
const field = dialog.querySelector("input");
const list = dialog.querySelector("ul");
const said = dialog.querySelector("[role=status]");
const WAIT = 120;

let asked = 0;
let timer = 0;
let at = -1;
const options = () => [...list.children];

const mark = (index) => {
  const all = options();
  at = all.length ? (index + all.length) % all.length : -1;
  all.forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
  if (at < 0) field.removeAttribute("aria-activedescendant");
  else {
    field.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  }
};
const option = (match, number) => {
  const item = document.createElement("li");
  item.id = `palette-${number}`;
  item.setAttribute("role", "option");
  item.dataset.address = match.address;
  for (const name of ["title", "detail"]) {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = match[name];
    item.append(part);
  }
  return item;
};
const show = (matches) => {
  list.replaceChildren(...matches.map(option));
  field.setAttribute("aria-expanded", String(matches.length > 0));
  said.textContent = matches.length ? "" : "Nothing of that name. Ids are looked up whole.";
  mark(0);
};
const ask = async () => {
  const mine = ++asked;
  try {
    const answer = await fetch(`/api/find?${new URLSearchParams({ q: field.value })}`);
    if (!answer.ok) throw new Error(answer.statusText);
    const { matches } = await answer.json();
    if (mine === asked) show(matches);
  } catch {
    if (mine !== asked) return;
    show([]);
    said.textContent = "The dashboard does not answer just now.";
  }
};
// A page keeps train, period and zone, as the links of the navigation do.
const follow = (chosen) => {
  const address = new URL(chosen.dataset.address, location.origin);
  const here = new URLSearchParams(location.search);
  if (!address.search) for (const name of ["trainId", "range", "tz"]) if (here.has(name)) address.searchParams.set(name, here.get(name));
  location.assign(address);
};
const open = (text = "") => {
  if (!dialog.open) dialog.showModal();
  field.value = text;
  field.focus();
  ask();
};

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    open();
  }
});
document.addEventListener("footplate:palette", () => open());
document.querySelector(".icon-link.phone")?.addEventListener("click", (event) => {
  event.preventDefault();
  open();
});
field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") mark(at + 1);
  else if (event.key === "ArrowUp") mark(at - 1);
  else if (event.key === "Enter") at >= 0 && follow(options()[at]);
  else return;
  event.preventDefault();
});
list.addEventListener("click", (event) => {
  const chosen = event.target.closest("[role=option]");
  if (chosen) follow(chosen);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
