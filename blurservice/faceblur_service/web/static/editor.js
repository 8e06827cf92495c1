// Correcting what was found: keep a face, remove a box, draw one. Pointer or keyboard.
import { detect } from "./api.js";
import { byId, make, say } from "./dom.js";
import { onLanguage, words } from "./language.js";

const SMALLEST = 8; // pixels of the picture; less is a slip of the finger
let state = null;

// Resolves with the boxes to hide, or null when nothing is to change.
export async function edit(picture, sensitivity) {
  const found = picture.found ?? (await detect(picture.file, sensitivity));
  picture.found = found;
  const boxes = (picture.boxes ?? found.faces).map((box) => ({ hide: true, ...box }));
  return new Promise((resolve) => {
    state = { found, boxes, resolve, chosen: null };
    byId("editor").hidden = false;
    byId("compare").classList.add("editing");
    draw();
    byId("boxes").querySelector("button")?.focus();
    if (boxes.length === 0) byId("add-box").focus();
  });
}

export function cancel() {
  finish(null);
}

function finish(result) {
  if (!state) return;
  const { resolve } = state;
  state = null;
  byId("editor").hidden = true;
  byId("compare").classList.remove("editing");
  byId("boxes").replaceChildren();
  resolve(result);
}

function draw() {
  const layer = byId("boxes");
  layer.replaceChildren(...state.boxes.map(button));
  byId("box-count").textContent = words().boxCount(state.boxes.filter((box) => box.hide).length);
}

function button(box, index) {
  const element = make("button", { type: "button", className: "box" });
  place(element, box);
  name(element, box, index);
  element.addEventListener("click", () => toggle(box, index));
  element.addEventListener("keydown", (event) => onKey(event, box, index));
  return element;
}

function name(element, box, index) {
  element.setAttribute("aria-pressed", String(box.hide));
  element.setAttribute("aria-label", words().boxName(index + 1, box.hide));
}

function place(element, { x, y, width, height }) {
  const share = (value, whole) => `${(value / whole) * 100}%`;
  element.style.left = share(x, state.found.width);
  element.style.top = share(y, state.found.height);
  element.style.width = share(width, state.found.width);
  element.style.height = share(height, state.found.height);
}

function toggle(box, index) {
  box.hide = !box.hide;
  draw();
  byId("boxes").children[index].focus();
  say(words().boxName(index + 1, box.hide));
}

function remove(index) {
  state.boxes.splice(index, 1);
  draw();
  (byId("boxes").children[Math.min(index, state.boxes.length - 1)] ?? byId("add-box")).focus();
  say(words().boxRemoved);
}

function onKey(event, box, index) {
  const step = Math.max(1, Math.round(state.found.width / 100));
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
  if (event.key === "Delete" || event.key === "Backspace") remove(index);
  else if (dx || dy) {
    if (event.shiftKey) Object.assign(box, { width: Math.max(SMALLEST, box.width + dx), height: Math.max(SMALLEST, box.height + dy) });
    else Object.assign(box, { x: box.x + dx, y: box.y + dy });
    place(event.currentTarget, box);
  } else return;
  event.preventDefault();
}

function addBox(box) {
  state.boxes.push({ ...box, hide: true });
  draw();
  byId("boxes").lastElementChild.focus();
  say(words().boxAdded);
}

// Drawing starts on the picture itself, not on a box: a box is there to be pressed.
function startDrawing(event) {
  if (!state || event.target !== byId("boxes") || event.button !== 0) return;
  const layer = byId("boxes");
  const bounds = layer.getBoundingClientRect();
  const point = ({ clientX, clientY }) => [
    clamp((clientX - bounds.left) / bounds.width) * state.found.width,
    clamp((clientY - bounds.top) / bounds.height) * state.found.height,
  ];
  const [x1, y1] = point(event);
  const ghost = layer.appendChild(make("div", { className: "box ghost" }));
  const boxTo = (moved) => {
    const [x2, y2] = point(moved);
    return { x: Math.round(Math.min(x1, x2)), y: Math.round(Math.min(y1, y2)), width: Math.round(Math.abs(x2 - x1)), height: Math.round(Math.abs(y2 - y1)) };
  };
  layer.setPointerCapture(event.pointerId);
  layer.onpointermove = (moved) => place(ghost, boxTo(moved));
  layer.onpointerup = (moved) => {
    layer.onpointermove = layer.onpointerup = layer.onpointercancel = null;
    ghost.remove();
    const box = boxTo(moved);
    if (box.width >= SMALLEST && box.height >= SMALLEST) addBox(box);
  };
  layer.onpointercancel = () => {
    layer.onpointermove = layer.onpointerup = layer.onpointercancel = null;
    ghost.remove();
  };
}

const clamp = (share) => Math.min(1, Math.max(0, share));

function middle() {
  const side = Math.round(Math.min(state.found.width, state.found.height) / 5);
  return { x: Math.round((state.found.width - side) / 2), y: Math.round((state.found.height - side) / 2), width: side, height: side };
}

byId("boxes").addEventListener("pointerdown", startDrawing);
byId("add-box").addEventListener("click", () => addBox(middle()));
byId("apply-boxes").addEventListener("click", () =>
  finish(state.boxes.filter((box) => box.hide).map(({ x, y, width, height }) => ({ x, y, width, height }))));
byId("cancel-boxes").addEventListener("click", cancel);
onLanguage(() => state && draw());
