// Requests to the JSON twins. Every failure becomes an ApiError whose message can be shown as it is.

/** `kind` is the server's name of the error, or "offline", "bad-answer"; `status` the HTTP status or 0. */
export class ApiError extends Error {
  constructor(message, { kind = "error", status = 0, field = null, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { name: "ApiError", kind, status, field, retryAfter });
  }
}

const FALLBACK = {
  404: "The server does not know this address.",
  409: "The model found no equilibrium for this policy.",
  413: "The request is too large for the server.",
  422: "The server could not accept these values.",
  429: "Too many requests at once; wait a moment and try again.",
  503: "The server is busy with other requests; try again in a moment.",
};

/** True for the error of a request that was dropped because a newer one replaced it. */
export const aborted = (error) => error?.name === "AbortError";

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch (error) {
    if (aborted(error)) throw error;
    throw new ApiError("The server does not answer. Is `detente serve` still running?", { kind: "offline" });
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer) {
  let body = null;
  try { body = (await answer.json())?.error ?? null; } catch { /* not JSON: the fallback text stands */ }
  const retry = Number(answer.headers.get("Retry-After")) || null;
  const message = body?.message ?? FALLBACK[answer.status] ?? `The server answered with an error (${answer.status}).`;
  return new ApiError(message, { kind: body?.kind ?? "error", status: answer.status, field: body?.field ?? null, retryAfter: retry });
}

async function json(answer) {
  try { return await answer.json(); } catch (error) {
    if (aborted(error)) throw error;
    throw new ApiError("The server's answer was cut off or is not JSON.", { kind: "bad-answer", status: answer.status });
  }
}

const withBody = (body, options) => ({
  ...options, method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});

export const getJSON = async (url, { signal } = {}) => json(await ask(url, { signal, headers: { Accept: "application/json" } }));
export const postJSON = async (url, body, { signal } = {}) => json(await ask(url, withBody(body, { signal })));
export const postText = async (url, body, { signal } = {}) => (await ask(url, withBody(body, { signal }))).text();
export const deleteJSON = async (url, { signal } = {}) => json(await ask(url, { method: "DELETE", signal }));

/** Runs requests so that only the newest counts: an older one is aborted, its late answer dropped. */
export function newest() {
  let current = null;
  return async (work) => {
    current?.abort();
    const mine = (current = new AbortController());
    try {
      const value = await work(mine.signal);
      return mine === current ? { value } : { stale: true };
    } catch (error) {
      if (mine !== current || aborted(error)) return { stale: true };
      return { error };
    }
  };
}

/** An error as a message box; `again` adds a button that tries once more. */
export function showError(node, error, again = null) {
  const box = document.createElement("div");
  box.className = "message bad";
  box.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.textContent = error.message;
  box.append(text);
  if (again) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = "Try again";
    button.addEventListener("click", () => { node.replaceChildren(); again(); });
    box.append(button);
  }
  node.replaceChildren(box);
}
