// The page: take a picture in, show it before and after, switch the gray channel and the language.
import { change, grayHeaders, isGray, refresh } from "./gray.js";
import { WORDS } from "./words.js";

const byId = (id) => document.getElementById(id);
const page = document.documentElement;
const KINDS = ["image/jpeg", "image/png", "image/webp"];
const EXTENSIONS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

let language = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
let redraw = () => {};
let urls = [];
let running = null;

const words = () => WORDS[language];
const show = (...ids) => {
  for (const id of ["drop", "working", "problem", "result"]) byId(id).hidden = !ids.includes(id);
};

function speak() {
  page.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words()[element.dataset.text];
  byId("language").textContent = words().other;
  byId("language").lang = language === "zh" ? "en" : "zh-CN";
  byId("slider").setAttribute("aria-label", words().slider);
  byId("before").alt = words().beforeAlt;
  byId("after").alt = words().afterAlt;
  byId("page-served").textContent = words().pageServed(page.dataset.version, page.dataset.track);
  redraw();
}

function fail(text, code = "") {
  byId("problem-text").textContent = text;
  byId("problem-code").textContent = code;
  show("drop", "problem");
}

function send(file, onUpload) {
  // fetch cannot report how much of an upload is done.
  const request = new XMLHttpRequest();
  const answered = new Promise((resolve, reject) => {
    request.open("POST", "/api/v1/blur");
    request.responseType = "blob";
    request.setRequestHeader("Content-Type", file.type);
    for (const [name, value] of Object.entries(grayHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onUpload(event.lengthComputable ? event.loaded / event.total : 0);
    request.upload.onload = () => onUpload(1);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Error("offline"));
    request.send(file);
  });
  return { request, answered };
}

async function hide(file) {
  if (!KINDS.includes(file.type)) return fail(words().notPicture);
  running?.abort();
  show("working");
  const onUpload = (share) => {
    byId("progress").value = share * 0.7;
    byId("working-text").textContent = share < 1 ? words().uploading(Math.round(share * 100)) : words().finding;
  };
  onUpload(0);
  const { request, answered } = send(file, onUpload);
  running = request;
  try {
    await answered;
  } catch {
    return fail(words().offline);
  }
  if (running !== request) return undefined;
  if (request.status !== 200) return explain(request);
  return present(file, request);
}

async function explain(request) {
  let told = {};
  try {
    told = JSON.parse(await request.response.text());
  } catch {
    // A proxy answered, not the service.
  }
  fail(words().problems[told.code] ?? words().failed, told.code ? words().code(told.code, told.requestId) : "");
}

function present(file, request) {
  for (const url of urls) URL.revokeObjectURL(url);
  urls = [URL.createObjectURL(file), URL.createObjectURL(request.response)];
  [byId("before").src, byId("after").src] = urls;
  byId("download").href = urls[1];
  byId("download").download = `blurred.${EXTENSIONS[request.response.type] ?? "jpg"}`;
  const faces = Number(request.getResponseHeader("X-Face-Blur-Faces"));
  const version = request.getResponseHeader("X-Face-Blur-Version");
  const track = request.getResponseHeader("X-Face-Blur-Track");
  redraw = () => {
    byId("result-title").textContent = words().found(faces);
    byId("served").textContent = words().served(version, track);
  };
  redraw();
  slide(50);
  show("result");
  byId("slider").focus({ preventScroll: true });
}

function slide(value) {
  byId("slider").value = String(value);
  byId("compare").style.setProperty("--at", `${value}%`);
}

function again() {
  byId("file").value = "";
  show("drop");
  byId("file").focus();
}

async function toggle(event) {
  const box = event.target;
  const wanted = box.checked;
  box.disabled = true;
  let text = wanted ? "joined" : "left";
  try {
    await change(wanted, language);
  } catch {
    box.checked = isGray();
    text = "labFailed";
  }
  box.disabled = false;
  box.focus();
  tell(text);
}

function tell(text) {
  const message = byId("lab-message");
  message.dataset.text = text;
  message.textContent = words()[text];
  message.classList.toggle("bad", text === "labFailed");
  message.hidden = false;
}

function listen() {
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => event.target.files[0] && hide(event.target.files[0]));
  // The whole window takes a drop: missing the frame must not leave the page.
  for (const name of ["dragenter", "dragover"])
    window.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  window.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) hide(file);
  });
  window.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) hide(file);
  });
  byId("slider").addEventListener("input", (event) => slide(Number(event.target.value)));
  byId("again").addEventListener("click", again);
  byId("toggle-gray-mode").addEventListener("change", toggle);
  byId("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    localStorage.setItem("language", language);
    speak();
  });
}

speak();
listen();
byId("toggle-gray-mode").checked = isGray();
refresh().then((gray) => { byId("toggle-gray-mode").checked = gray; });
