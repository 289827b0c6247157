// Keeps the story current without touching the two windows, and plays acts without leaving the page.
"use strict";
(() => {
  const EVERY = 700; // milliseconds
  const AGAIN = 3000;
  const again = new Map();
  const live = document.getElementById("live");
  let seen = performance.now(); // when the clock's data came

  const currentOf = (root) => root.querySelector("li.now details")?.id ?? null;

  // The bar keeps its element, so that it glides.
  const glide = (fresh) => {
    const [old, next] = [live, fresh].map((root) => root.querySelector("#bar"));
    if (!old || !next) return;
    for (const name of ["x", "width", "class"]) old.setAttribute(name, next.getAttribute(name));
    next.closest("svg").replaceWith(old.closest("svg"));
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
    if (currentOf(fresh) === currentOf(live)) {
      for (const one of live.querySelectorAll("details")) fresh.querySelector(`#${one.id}`).open = one.open;
    }
    const focused = document.activeElement?.dataset?.act;
    glide(fresh);
    live.replaceChildren(...fresh.childNodes);
    if (focused) live.querySelector(`[data-act="${focused}"]`)?.focus({ preventScroll: true });
    seen = performance.now();
  };

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) show(await answer.text());
  };

  // A page that changes because of the act may move the place that was turned to: turn to it once more.
  const turn = (name, address) => {
    if (!address) return;
    const frame = document.getElementById(name);
    clearTimeout(again.get(name));
    frame.src = address;
    if (address.includes("#")) again.set(name, setTimeout(() => (frame.src = address), AGAIN));
  };

  live.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.submitter.disabled = true;
    const answer = await fetch(event.target.action, { method: "POST", headers: { Accept: "application/json" } });
    const scene = await answer.json();
    turn("github", scene.github);
    turn("gatekeeper", scene.gatekeeper);
    await refresh();
    live.querySelector("li.now")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });

  setInterval(() => {
    if (!document.hidden && !live.querySelector("button:active")) refresh().catch(() => {}); // it is being stopped
  }, EVERY);

  setInterval(() => {
    const clock = document.getElementById("clock");
    const now = new Date(Number(clock.dataset.now) + (performance.now() - seen) * Number(clock.dataset.speed));
    const options = { weekday: "short", day: "2-digit", month: "short", year: "numeric", timeZone: "UTC" };
    clock.textContent = `${now.toLocaleDateString("en-GB", options)}, ${now.toISOString().slice(11, 19)} UTC`;
  }, 100);
})();
