// The gray channel as the browser knows it: remembered here, kept by the server.
const KEY = "grayModeEnabled";

export const isGray = () => localStorage.getItem(KEY) === "true";

const remember = (enabled) =>
  enabled ? localStorage.setItem(KEY, "true") : localStorage.removeItem(KEY);

// From joining on, every request of the page says so: that is what routes it to the gray version.
export const grayHeaders = () => (isGray() ? { "X-Gray-Enable": "true" } : {});

export async function change(enabled, language) {
  const answer = await fetch("/api/enable-gray", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "Accept-Language": language,
      ...(enabled ? { "X-Gray-Enable": "true" } : {}),
    },
    body: JSON.stringify({ enabled }),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  remember(enabled);
}

// The server knows best: membership ends after a day, or was ended on another device.
// Returns whether the channel is there at all.
export async function refresh() {
  try {
    const answer = await fetch("/api/enable-gray", { headers: grayHeaders() });
    if (!answer.ok) return true;
    const { enabled, available = true } = await answer.json();
    remember(enabled);
    return available;
  } catch {
    return true; // without an answer nothing changes
  }
}
