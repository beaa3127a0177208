// The thread: a link to a request that is not on this page asks for the page that begins with it, and what is loaded
// above the words one reads does not move them.
// What stands above a turn gets its height only when it is drawn: it is gone to until it stays, or somebody scrolls.
let aimed = 0;
const settle = (turn, frames = 30) => {
  const own = (aimed += 1);
  const again = (left) => {
    if (own !== aimed || !left) return;
    turn.scrollIntoView({ behavior: "instant" });
    requestAnimationFrame(() => again(left - 1));
  };
  again(frames);
};
for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) {
  addEventListener(kind, () => { aimed += 1; }, { passive: true });
}

const aim = () => {
  const number = /^#m(\d+)$/.exec(location.hash)?.[1];
  if (!number) return;
  const found = document.getElementById(`m${number}`);
  const there = new URL(location.href);
  if (found) {
    settle(found);
  } else if (there.searchParams.get("number") !== number) {
    there.search = `?number=${number}`;
    location.replace(there);
  }
};
addEventListener("hashchange", aim);
addEventListener("load", aim);

let kept = null;
document.addEventListener("click", (event) => {
  const nav = event.target.closest?.(".earlier [hx-get]")?.closest(".earlier");
  const turn = nav?.nextElementSibling;
  if (turn) kept = { turn, top: turn.getBoundingClientRect().top };
});
document.addEventListener("htmx:after:swap", () => {
  if (!kept) return;
  const { turn, top } = kept;
  kept = null;
  (document.querySelector(".earlier [hx-get]") ?? turn.querySelector("a"))?.focus({ preventScroll: true });
  const back = () => scrollBy({ top: turn.getBoundingClientRect().top - top, behavior: "instant" });
  back();
  requestAnimationFrame(() => requestAnimationFrame(back));
});
