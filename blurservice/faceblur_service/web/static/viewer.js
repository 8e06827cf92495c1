// One picture large: before and after with a slider, and who made it.
import { byId } from "./dom.js";
import { onLanguage, words } from "./language.js";
import { nameOf } from "./pictures.js";

let urls = [];
let shown = null;
let isSeen = true;

export const shownPicture = () => shown;

export function show(picture) {
  hide();
  shown = picture;
  urls = [URL.createObjectURL(picture.file), URL.createObjectURL(picture.result.blob)];
  const [before, after] = [byId("before"), byId("after")];
  // No browser but Safari shows a HEIC: its side stays empty and says so.
  before.onload = () => see(true);
  before.onerror = () => see(false);
  see(true);
  after.onload = () => byId("compare").style.setProperty("--ratio", String(after.naturalWidth / after.naturalHeight));
  [before.src, after.src] = urls;
  byId("download").href = urls[1];
  byId("download").download = nameOf(picture);
  slide(50);
  describe();
  byId("result").hidden = false;
}

export function hide() {
  for (const url of urls) URL.revokeObjectURL(url);
  [urls, shown] = [[], null];
  byId("result").hidden = true;
}

function see(value) {
  isSeen = value;
  byId("before").hidden = !value;
  byId("before-clip").style.background = value ? "" : "var(--line)";
  const tag = byId("tag-before");
  tag.dataset.text = value ? "before" : "unseen";
  tag.textContent = words()[tag.dataset.text];
}

// All of the original, to draw boxes on; where it cannot be shown, all of the result.
export function uncover() {
  slide(isSeen ? 100 : 0);
}

export function slide(value) {
  byId("slider").value = String(value);
  byId("compare").style.setProperty("--at", `${value}%`);
}

function describe() {
  if (!shown) return;
  const { faces, version, track, degraded } = shown.result;
  byId("result-title").textContent = words().found(faces);
  byId("served").textContent = degraded ? words().degraded(version, track) : words().served(version, track);
}

byId("slider").addEventListener("input", (event) => slide(Number(event.target.value)));
onLanguage(describe);
