// All pictures as small tiles: what becomes of each, and which one is shown large.
import { byId, make } from "./dom.js";
import { onLanguage, words } from "./language.js";

const SIDE = 160;
const tiles = new Map();
let choose = () => {};
let thumbnails = Promise.resolve();

export const onChoose = (listener) => {
  choose = listener;
};

export function draw(picture) {
  const tile = tiles.get(picture) ?? add(picture);
  tile.item.dataset.state = picture.state;
  tile.progress.hidden = picture.state === "done" || picture.state === "failed";
  tile.progress.value = picture.state === "waiting" ? 0 : 0.05 + picture.share * 0.65;
  tile.badge.textContent = badge(picture);
  tile.button.setAttribute("aria-label", `${picture.file.name}: ${text(picture)}`);
  tile.button.title = text(picture);
  if (picture.state === "done" && tile.shown !== picture.result) {
    tile.shown = picture.result;
    // One after the other: two hundred decoders at once would end the tab.
    thumbnails = thumbnails.then(() => thumbnail(tile, picture.result.blob)).catch(() => {});
  }
}

export function mark(chosen) {
  for (const [picture, tile] of tiles) tile.button.setAttribute("aria-pressed", String(picture === chosen));
}

export function clear() {
  for (const tile of tiles.values()) if (tile.image.src) URL.revokeObjectURL(tile.image.src);
  tiles.clear();
  byId("tray").replaceChildren();
}

function add(picture) {
  const image = make("img", { alt: "", hidden: true, decoding: "async" });
  const badgeElement = make("span", { className: "badge" });
  const progress = make("progress", { max: 1, value: 0 });
  progress.setAttribute("aria-hidden", "true"); // the button's name says it
  const button = make("button", { type: "button", className: "tile" }, image, badgeElement, progress);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => choose(picture));
  const item = make("li", {}, button);
  byId("tray").append(item);
  const tile = { item, button, image, badge: badgeElement, progress, shown: null };
  tiles.set(picture, tile);
  return tile;
}

async function thumbnail(tile, blob) {
  const full = await createImageBitmap(blob);
  const scale = SIDE / Math.min(full.width, full.height);
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const [width, height] = [full.width * scale, full.height * scale];
  canvas.getContext("2d").drawImage(full, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  full.close();
  if (tile.image.src) URL.revokeObjectURL(tile.image.src);
  tile.image.src = URL.createObjectURL(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 }));
  tile.image.hidden = false;
}

function badge({ state, result }) {
  if (state === "done") return String(result.faces);
  return { waiting: "…", working: "", failed: "!" }[state];
}

export function text({ state, share, result, problem }) {
  if (state === "waiting") return words().waiting;
  if (state === "working") return share < 1 ? words().uploading(Math.round(share * 100)) : words().finding;
  if (state === "failed") return words().problems[problem.code] ?? words().failed;
  return words().found(result.faces);
}

onLanguage(() => {
  for (const picture of tiles.keys()) draw(picture);
});
