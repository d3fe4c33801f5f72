// The whole scenario in the address: JSON, deflated, base64url after "#s=".

/** A link that is not opened; its message can be shown. */
export class LinkError extends Error {}

const MOST = 24_000;
const MOST_JSON = 400_000;

function toText(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function toBytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

async function piped(bytes, through, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) { await reader.cancel(); throw new RangeError("too long"); }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The fragment for what is shared, or null where it would be too long for an address. */
export async function encode(shared) {
  const bytes = new TextEncoder().encode(JSON.stringify(shared));
  const text = `#s=${toText(await piped(bytes, new CompressionStream("deflate-raw")))}`;
  return text.length > MOST ? null : text;
}

/** What a fragment holds: null without one. Throws a LinkError where it is damaged or too long. */
export async function decode(fragment) {
  if (!fragment.startsWith("#s=")) return null;
  const text = fragment.slice(3);
  if (text.length > MOST) throw new LinkError("The link is too long to be one of this page, so it was not opened. Ask for the YAML file instead.");
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await piped(toBytes(text), new DecompressionStream("deflate-raw"), MOST_JSON)));
  } catch {
    throw new LinkError("The link is damaged: the scenario in it cannot be read. It may have been cut off when it was copied.");
  }
  const { scenario } = value ?? {};
  const plain = (x) => typeof x === "object" && x !== null && !Array.isArray(x);
  if (!plain(scenario) || !Array.isArray(scenario.measures ?? []) || !(scenario.measures ?? []).every(plain)) throw new LinkError("The link is damaged: it holds no scenario.");
  return value;
}
