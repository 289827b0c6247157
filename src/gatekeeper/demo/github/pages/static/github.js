// Keeps the page current without a flicker, and sends forms without losing the place.
"use strict";
(() => {
  const EVERY = 2000; // milliseconds
  const main = document.getElementById("main");
  const flash = document.getElementById("flash");
  let shown = main.innerHTML; // the server's last HTML, before anything is drawn in it: only what has changed is replaced

  const busy = () => {
    const field = document.activeElement;
    if (field && main.contains(field) && field.matches("input, textarea, select")) return true;
    if ([...main.querySelectorAll("option")].some((one) => one.selected && one.index > 0)) return true;
    return [...main.querySelectorAll("textarea, input:not([type])")].some((one) => one.value !== one.defaultValue);
  };

  // Each <details> with a key that lasts: the nearest id and its place below it.
  const details = () => {
    const seen = new Map();
    return [...main.querySelectorAll("details")].map((one) => {
      const near = one.closest("[id]").id;
      seen.set(near, (seen.get(near) ?? 0) + 1);
      return [`${near} ${seen.get(near)}`, one];
    });
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main").innerHTML;
    if (fresh === shown) return;
    shown = fresh;
    const opened = new Map(details().map(([key, one]) => [key, one.open]));
    main.innerHTML = fresh;
    for (const [key, one] of details()) one.open = opened.get(key) ?? one.open;
    document.dispatchEvent(new CustomEvent("page:updated"));
  };

  const refresh = async () => {
    const answer = await fetch(location.href);
    if (answer.ok) show(await answer.text());
  };

  setInterval(() => {
    if (!document.hidden && !busy()) refresh().catch(() => {}); // the server is restarting: try again in a moment
  }, EVERY);

  const complain = (text) => {
    flash.textContent = text;
    flash.hidden = !text;
  };

  main.addEventListener("submit", async (event) => {
    if (event.target.matches("[data-leaves]")) return; // the answer is another site's page
    event.preventDefault();
    const form = event.target;
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    const text = await answer.text();
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(text, "text/html");
      complain(page.querySelector(".refusal")?.textContent ?? `The server answered ${answer.status}.`);
      return;
    }
    complain("");
    const there = new URL(answer.url);
    if (there.pathname !== location.pathname) {
      location.assign(there);
      return;
    }
    form.reset();
    document.activeElement?.blur();
    shown = "";
    show(text);
  });

  document.getElementById("as").addEventListener("change", (event) => event.target.form.submit());
  document.documentElement.classList.add("scripted");
  refresh().catch(() => {});
})();
