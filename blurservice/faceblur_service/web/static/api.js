// The service as the page calls it: a picture in, the hidden one or a problem out.
import { grayHeaders } from "./gray.js";

const TOKEN = "apiToken";
const BUSY_TRIES = 8;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const setToken = (token) => sessionStorage.setItem(TOKEN, token);

export class Problem extends Error {
  constructor(code, requestId) {
    super(code);
    Object.assign(this, { code, requestId });
  }
}

function ask(path, body, { onUpload = () => {}, signal, type, gray }) {
  // fetch cannot report how much of an upload is done.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.open("POST", path);
    request.responseType = "blob";
    if (type) request.setRequestHeader("Content-Type", type);
    for (const [name, value] of Object.entries(gray)) request.setRequestHeader(name, value);
    const token = sessionStorage.getItem(TOKEN);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = (event) => onUpload(event.lengthComputable ? event.loaded / event.total : 0);
    request.upload.onload = () => onUpload(1);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Problem("offline"));
    request.onabort = () => reject(new Problem("aborted"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

async function problemOf(request) {
  try {
    const told = JSON.parse(await request.response.text());
    // Who sent a token wants to know that it was the wrong one.
    const wrong = told.code === "unauthorized" && sessionStorage.getItem(TOKEN);
    return new Problem(wrong ? "wrong-token" : told.code, told.requestId);
  } catch {
    return new Problem("failed"); // a proxy answered, not the service
  }
}

// Asks again where that helps: when the service is busy, and once where it failed or nobody
// answered, then without the wish for gray. Hiding a picture twice changes nothing.
async function patiently(path, body, options) {
  let gray = grayHeaders();
  let failed = false;
  for (let busy = 0; ; ) {
    options.signal?.throwIfAborted();
    const request = await ask(path, body, { ...options, gray }).catch((problem) => problem);
    if (request.status === 200) return request;
    const again = request.code === "offline" || request.status >= 500;
    const full = request.status === 503 || request.status === 429;
    if (full && busy < BUSY_TRIES) {
      busy += 1;
      await wait(1000 * Number(request.getResponseHeader("Retry-After") ?? 1) * (0.5 + Math.random()));
    } else if (again && !full && !failed) {
      failed = true;
      gray = { "X-Gray-Enable": "never" };
      await wait(300);
    } else throw request instanceof Problem ? request : await problemOf(request);
  }
}

export async function blur(file, { mode, strength, sensitivity, boxes }, options) {
  const query = new URLSearchParams({ mode, strength, sensitivity });
  let body = file;
  if (boxes) {
    body = new FormData(); // many boxes do not fit into an address
    body.set("boxes", JSON.stringify(boxes));
    body.set("image", file, "image");
  }
  const request = await patiently(`/api/v1/blur?${query}`, body, { ...options, type: boxes ? "" : file.type });
  const header = (name) => request.getResponseHeader(`X-Face-Blur-${name}`);
  return {
    blob: request.response,
    faces: Number(header("Faces")),
    version: header("Version"),
    track: header("Track"),
    degraded: header("Degraded"),
  };
}

export async function detect(file, sensitivity, options = {}) {
  const request = await patiently(`/api/v1/detect?${new URLSearchParams({ sensitivity })}`, file, { ...options, type: file.type });
  return JSON.parse(await request.response.text());
}
