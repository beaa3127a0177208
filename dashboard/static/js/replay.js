// Plays a recorded stream again: the server keeps the time, this only writes down what comes.
// The bar is hidden until this runs: without JavaScript a link to the stream stands there.
const SLOW = matchMedia("(prefers-reduced-motion: reduce)");
const CALM_MS = 1000;

class Replay {
  constructor(root) {
    this.root = root;
    this.button = root.querySelector("[data-replay=play]");
    this.again = root.querySelector("[data-replay=again]");
    this.speed = root.querySelector("[data-replay=speed]");
    this.said = root.querySelector("[data-replay=said]");
    this.out = root.querySelector("[data-replay=out]");
    this.button.addEventListener("click", () => this.source ? this.pause() : this.play());
    this.again.addEventListener("click", () => { this.stop(); this.reset(); this.play(); });
    this.speed.addEventListener("change", () => { if (this.source) { this.stop(); this.play(); } });
    this.reset();
    root.querySelector("[data-replay=bar]").hidden = false;
  }

  reset() {
    this.last = 0;
    this.ended = false;
    this.blocks = new Map();
    this.waiting = [];
    this.out.replaceChildren();
    this.out.hidden = true;
    this.again.hidden = true;
    this.show("");
  }

  play() {
    if (this.ended) this.reset();
    this.out.hidden = false;
    this.again.hidden = false;
    this.button.textContent = "Pause";
    const query = new URLSearchParams({ view: "text", speed: this.speed.value, after: this.last });
    this.source = new EventSource(`${this.root.dataset.source}?${query}`);
    this.source.addEventListener("step", (event) => this.take(event));
    this.source.addEventListener("replay_end", (event) => this.end(JSON.parse(event.data)));
    this.source.addEventListener("error", () => {
      if (this.source?.readyState !== EventSource.CLOSED) return this.show("connection lost, trying again");
      this.stop();
      this.show("the server does not play this stream");
    });
    if (SLOW.matches) this.timer = setInterval(() => this.write(), CALM_MS);
  }

  stop() {
    this.source?.close();
    this.source = null;
    clearInterval(this.timer);
    this.write();
    this.button.textContent = "Play";
  }

  pause() { this.stop(); this.show(`paused at event ${this.last}`); }

  take(event) {
    this.last = Number(event.lastEventId);
    this.waiting.push(JSON.parse(event.data));
    // Whoever asked for less motion gets the text once a second and not letter by letter.
    if (!SLOW.matches) this.write();
  }

  write() {
    const steps = this.waiting.splice(0);
    for (const step of steps) if (step.block !== null && (step.text || step.block_type)) this.add(step);
    const now = steps.at(-1);
    if (now) this.show(`event ${this.last} · ${(now.at_us / 1e6).toFixed(2)} s · ${now.name || "no name"}`);
  }

  add(step) {
    let text = this.blocks.get(step.block);
    if (!text) {
      const head = document.createElement("b");
      head.textContent = step.block_type ?? "block";
      text = document.createElement("pre");
      text.className = "text";
      this.out.append(head, text);
      this.blocks.set(step.block, text);
    }
    text.append(step.text);
  }

  end(told) {
    this.stop();
    this.ended = true;
    this.show(`ended after ${told.events} events: ${told.outcome}`);
  }

  show(words) { this.said.textContent = words; }
}

for (const root of document.querySelectorAll("[data-source]")) new Replay(root);
