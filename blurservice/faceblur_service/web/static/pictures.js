// The visitor's pictures and what became of them; knows nothing of the page.
import { blur } from "./api.js";

// More at once would only wait in the service's queue.
const AT_ONCE = 2;
const EXTENSIONS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/avif": "avif", "image/tiff": "tif", "image/gif": "gif" };

export class Pictures extends EventTarget {
  all = [];
  #waiting = [];
  #running = 0;
  #serial = 0;

  add(files) {
    const added = files.map((file) => ({ id: (this.#serial += 1), file, state: "waiting", share: 0, result: null, boxes: null, problem: null }));
    this.all.push(...added);
    for (const picture of added) this.#queue(picture);
    return added;
  }

  // Work on a picture (again): options changed, boxes were corrected, or it failed.
  redo(picture, boxes = picture.boxes) {
    picture.boxes = boxes;
    picture.abort?.abort();
    this.#queue(picture);
  }

  clear() {
    for (const picture of this.all) picture.abort?.abort();
    this.all = [];
    this.#waiting = [];
  }

  options = () => ({});

  get done() {
    return this.all.filter((picture) => picture.state === "done");
  }

  get open() {
    return this.all.filter((picture) => picture.state === "waiting" || picture.state === "working").length;
  }

  #queue(picture) {
    Object.assign(picture, { state: "waiting", share: 0, problem: null });
    if (!this.#waiting.includes(picture)) this.#waiting.push(picture);
    this.#tell(picture);
    this.#next();
  }

  #next() {
    while (this.#running < AT_ONCE && this.#waiting.length > 0) {
      this.#running += 1;
      this.#work(this.#waiting.shift()).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #work(picture) {
    const abort = new AbortController();
    picture.abort = abort;
    picture.state = "working";
    this.#tell(picture);
    const onUpload = (share) => {
      picture.share = share;
      this.#tell(picture);
    };
    try {
      const result = await blur(picture.file, { ...this.options(), boxes: picture.boxes }, { onUpload, signal: abort.signal });
      if (abort.signal.aborted) return;
      Object.assign(picture, { state: "done", result });
    } catch (problem) {
      if (abort.signal.aborted) return;
      Object.assign(picture, { state: "failed", problem });
    }
    this.#tell(picture);
  }

  #tell(picture) {
    this.dispatchEvent(new CustomEvent("change", { detail: picture }));
  }
}

export function nameOf(picture) {
  const stem = picture.file.name.replace(/\.[^.]*$/, "") || "picture";
  return `${stem}-blurred.${EXTENSIONS[picture.result.blob.type] ?? "jpg"}`;
}

// Two photos of two phones may be called the same.
export function uniqueNames(pictures) {
  const used = new Set();
  return pictures.map((picture) => {
    let name = nameOf(picture);
    for (let n = 2; used.has(name); n += 1) name = nameOf(picture).replace(/(\.[^.]*)$/, `-${n}$1`);
    used.add(name);
    return { name, blob: picture.result.blob };
  });
}
