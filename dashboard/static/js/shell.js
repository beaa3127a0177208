// What every page does beside being read: say the machine's zone, close menus, say how old the page is.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
// For the next page; the reader's own choice and `?tz=` come first.
if (zone) document.cookie = `browser-zone=${zone}; path=/; max-age=31536000; samesite=lax`;

const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const ago = (seconds) => {
  const [unit, length] = STEPS.find(([, length]) => seconds >= length) ?? [];
  return unit ? ` (${words.format(-Math.floor(seconds / length), unit)})` : "";
};
const tick = () => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    time.dataset.text ??= time.textContent;
    const said = time.dataset.text + ago((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== said) time.textContent = said;
  }
};
tick();
setInterval(tick, 30_000);

// A page that asks for news says so when nobody answers, until somebody does.
const stale = document.getElementById("stale");
document.addEventListener("htmx:error", (event) => {
  if (event.detail?.error instanceof TypeError) stale.hidden = false;
});
document.addEventListener("htmx:after:request", () => { stale.hidden = true; });
