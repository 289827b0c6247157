// Draws Mermaid diagrams as GitHub does, and keeps what is drawn while the page renews itself.
import mermaid from "./mermaid/mermaid.esm.min.mjs";

const dark = matchMedia("(prefers-color-scheme: dark)").matches;
mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: dark ? "dark" : "default" });
const drawings = new Map(); // source → SVG, or null while it is being drawn and where it cannot be
let count = 0;

function show() {
  for (const text of document.querySelectorAll("pre.mermaid")) {
    const source = text.textContent;
    if (!drawings.has(source)) draw(source);
    const drawing = drawings.get(source);
    if (!drawing) continue;
    const figure = document.createElement("figure");
    figure.className = "mermaid";
    figure.innerHTML = drawing;
    text.replaceWith(figure);
  }
}

async function draw(source) {
  drawings.set(source, null);
  try {
    const { svg } = await mermaid.render(`diagram-${++count}`, source);
    drawings.set(source, svg);
    show();
  } catch (error) {
    console.warn("shown as text:", error); // another kind of diagram than the one that is vendored
  }
}

document.addEventListener("page:updated", show);
show();
