// Joins the parts of the page: pictures in, tiles and one large view, options, the gray channel.
import { setToken } from "./api.js";
import { byId, say } from "./dom.js";
import * as editor from "./editor.js";
import { change, isGray, refresh } from "./gray.js";
import { current, onLanguage, speak, switchLanguage, words } from "./language.js";
import { Pictures, uniqueNames } from "./pictures.js";
import * as tray from "./tray.js";
import * as viewer from "./viewer.js";
import { zip } from "./zip.js";

// Asking again changes nothing about these.
const FINAL = new Set(["no-picture", "picture-too-large", "unsupported-picture", "broken-picture", "picture-too-slow"]);
const page = document.documentElement;
const pictures = new Pictures();
let chosen = null;
let used = "";

pictures.options = () => Object.fromEntries(["mode", "strength", "sensitivity"].map((name) => [name, byId(name).value]));

function take(files) {
  const good = files.filter((file) => file.type.startsWith("image/") || /\.(heic|heif|hif)$/i.test(file.name)); // which not every browser knows
  if (good.length === 0) return fail("notPicture");
  byId("problem").hidden = true;
  editor.cancel();
  used = JSON.stringify(pictures.options());
  const [first] = pictures.add(good);
  select(first);
  byId("work").hidden = false;
  byId("drop").classList.add("small");
  byId("tray").hidden = pictures.all.length < 2;
  return undefined;
}

function fail(key, code = "") {
  byId("problem-text").dataset.text = key;
  byId("problem-text").textContent = words()[key] ?? key;
  byId("problem-code").textContent = code;
  byId("problem").hidden = false;
  for (const id of ["retry", "token"]) byId(id).hidden = true;
}

function explain({ code, requestId }) {
  const name = pictures.all.length > 1 ? [chosen.file.name] : [];
  const told = requestId ? [words().code(code, requestId)] : [];
  byId("problem-text").textContent = words().problems[code] ?? words().failed;
  byId("problem-code").textContent = [...name, ...told].join(" · ");
  byId("problem").hidden = false;
  byId("retry").hidden = FINAL.has(code);
  byId("token").hidden = code !== "unauthorized" && code !== "wrong-token";
}

function select(picture) {
  if (chosen !== picture) editor.cancel();
  chosen = picture;
  tray.mark(picture);
  present();
}

// What the chosen picture's state asks for: the large view, the reason it failed, or patience.
function present() {
  if (!chosen) return;
  const { state, problem, share } = chosen;
  byId("problem").hidden = state !== "failed";
  if (state === "failed") explain(problem);
  byId("working").hidden = state !== "waiting" && state !== "working";
  byId("progress").value = state === "waiting" ? 0 : 0.05 + share * 0.65;
  byId("working-text").textContent = tray.text(chosen);
  if (state === "done" && viewer.shownPicture() !== chosen) viewer.show(chosen);
  else if (state !== "done") viewer.hide();
}

function onChange({ detail: picture }) {
  tray.draw(picture);
  if (picture === chosen) {
    const wasShown = viewer.shownPicture() === picture;
    present();
    // The keyboard goes on where the eye is, but never out of somebody's hands.
    if (!wasShown && picture.state === "done" && document.activeElement === document.body) byId("slider").focus({ preventScroll: true });
  }
  summary();
}

function summary() {
  const [done, all] = [pictures.done.length, pictures.all.length];
  const told = words().progress(done, all, all - done - pictures.open);
  byId("batch").hidden = all < 2;
  byId("batch-text").textContent = told;
  byId("download-all").disabled = done === 0;
  if (all > 0 && pictures.open === 0) say(all === 1 ? byId("result-title").textContent : told);
}

async function downloadAll() {
  const button = byId("download-all");
  button.disabled = true;
  const url = URL.createObjectURL(await zip(uniqueNames(pictures.done)));
  const link = Object.assign(document.createElement("a"), { href: url, download: "faceblur.zip" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  button.disabled = false;
}

function again() {
  editor.cancel();
  pictures.clear();
  viewer.hide();
  tray.clear();
  chosen = null;
  for (const id of ["work", "problem", "working", "batch", "tray"]) byId(id).hidden = true;
  for (const id of ["file", "camera"]) byId(id).value = "";
  byId("drop").classList.remove("small");
  byId("file").focus();
}

function onOptions() {
  const { mode } = pictures.options();
  byId("strength").disabled = mode === "solid" || mode === "emoji";
  byId("mode-hint").dataset.text = mode === "solid" ? "solidHint" : "modeHint";
  byId("mode-hint").textContent = words()[byId("mode-hint").dataset.text];
  if (JSON.stringify(pictures.options()) === used || pictures.all.length === 0) return;
  if (pictures.all.length === 1) apply();
  else byId("apply").hidden = false;
}

function apply() {
  byId("apply").hidden = true;
  editor.cancel();
  const options = pictures.options();
  const before = JSON.parse(used || "{}");
  used = JSON.stringify(options);
  for (const picture of pictures.all) {
    if (before.sensitivity !== options.sensitivity) picture.found = null;
    pictures.redo(picture);
  }
}

async function adjust() {
  const picture = chosen;
  byId("adjust").disabled = true;
  viewer.uncover();
  try {
    const boxes = await editor.edit(picture, pictures.options().sensitivity);
    if (boxes) pictures.redo(picture, boxes);
    else viewer.slide(50);
  } catch (problem) {
    explain(problem);
    byId("retry").hidden = true; // the button "adjust" is still there
  }
  byId("adjust").disabled = false;
  byId("adjust").focus({ preventScroll: true });
}

async function toggle(wanted) {
  const box = byId("toggle-gray-mode");
  box.disabled = true;
  let text = wanted ? "joined" : "left";
  try {
    await change(wanted, current());
  } catch {
    text = "labFailed";
  }
  box.checked = isGray();
  box.disabled = false;
  tell(text);
}

function tell(text) {
  const message = byId("lab-message");
  message.dataset.text = text;
  message.textContent = words()[text];
  message.classList.toggle("bad", text === "labFailed" || text === "labAway");
  message.hidden = false;
}

function listenForPictures() {
  for (const id of ["file", "camera"]) {
    byId(id).addEventListener("change", (event) => {
      if (event.target.files.length > 0) take([...event.target.files]);
      event.target.value = ""; // the same file again is a change too
    });
  }
  const drop = byId("drop");
  // The whole window takes a drop: missing the frame must not leave the page.
  for (const name of ["dragenter", "dragover"])
    window.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  window.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length > 0) take([...event.dataTransfer.files]);
  });
  window.addEventListener("paste", (event) => event.clipboardData.files.length > 0 && take([...event.clipboardData.files]));
}

function listen() {
  listenForPictures();
  pictures.addEventListener("change", onChange);
  tray.onChoose(select);
  for (const id of ["mode", "strength", "sensitivity"]) byId(id).addEventListener("change", onOptions);
  byId("apply").addEventListener("click", apply);
  byId("adjust").addEventListener("click", adjust);
  byId("again").addEventListener("click", again);
  byId("retry").addEventListener("click", () => pictures.redo(chosen));
  byId("download-all").addEventListener("click", downloadAll);
  byId("token").addEventListener("submit", (event) => {
    event.preventDefault();
    setToken(byId("token-value").value);
    for (const picture of pictures.all) if (picture.state === "failed") pictures.redo(picture);
  });
  byId("toggle-gray-mode").addEventListener("change", async (event) => {
    await toggle(event.target.checked);
    byId("toggle-gray-mode").focus();
  });
  byId("language").addEventListener("click", switchLanguage);
  onLanguage(() => {
    byId("page-served").textContent = words().pageServed(page.dataset.version, page.dataset.track);
    present();
    summary();
  });
}

// A link with ?v=gray joins, one with ?v=stable leaves.
async function start() {
  const wanted = new URLSearchParams(location.search).get("v");
  if (wanted === "gray" || wanted === "stable") {
    await toggle(wanted === "gray");
    // So that a reload, after he changed his mind, does not switch again.
    return history.replaceState(null, "", location.pathname);
  }
  const away = !(await refresh());
  byId("toggle-gray-mode").checked = isGray();
  return away && tell("labAway");
}

byId("sensitivity").value = page.dataset.sensitivity;
byId("toggle-gray-mode").checked = isGray();
listen();
speak();
onOptions();
start();
