// Keeps a page current: asks for it again and puts the new <main> in place of the old one.
// Without this script the page stays as it was loaded (and reloads itself, see <noscript>).
"use strict";
const seconds = Number(document.documentElement.dataset.refresh);
const freshness = document.getElementById("freshness");
let lost = null;

function busy() {
  const selection = document.getSelection();
  const main = document.querySelector("main");
  return document.hidden || (selection && !selection.isCollapsed) || main.contains(document.activeElement);
}

async function refresh() {
  if (busy()) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const opened = [...document.querySelectorAll("details[open][id]")].map((one) => one.id);
    document.querySelector("main").replaceWith(page.querySelector("main"));
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    document.title = page.title;
    freshness.textContent = page.getElementById("freshness").textContent;
    freshness.className = "";
    lost = null;
  } catch {
    lost ??= new Date();
    freshness.className = "lost";
    freshness.textContent = `Gatekeeper does not answer since ${lost.toISOString().slice(11, 16)} UTC; shown is what was known then`;
  }
}

setInterval(refresh, seconds * 1000);
document.addEventListener("visibilitychange", refresh);
