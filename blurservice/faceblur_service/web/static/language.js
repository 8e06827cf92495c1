// The page's language: the browser's at first, then what the visitor chose.
import { byId } from "./dom.js";
import { WORDS } from "./words.js";

const KEY = "language";
const listeners = [];
let language = localStorage.getItem(KEY) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export const words = () => WORDS[language];
export const current = () => language;
export const onLanguage = (listener) => listeners.push(listener);

export function speak() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words()[element.dataset.text];
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words()[element.dataset.label]);
  for (const element of document.querySelectorAll("[data-alt]")) element.alt = words()[element.dataset.alt];
  byId("language").textContent = words().other;
  byId("language").lang = language === "zh" ? "en" : "zh-CN";
  for (const listener of listeners) listener();
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEY, language);
  speak();
}
