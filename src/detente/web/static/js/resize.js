// Redraws on a new width, a new colour scheme and for print.

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const print = window.matchMedia("print");

/** True where colours must suit a dark ground; paper is always light. */
export const isDark = () => dark.matches && !print.matches;

// on a projector the root letter is larger; drawings follow it by being drawn narrower and scaled up
const enlarged = () => Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);

/** Calls draw(width) now and whenever the node's width, the scheme or the medium changes. */
export function responsive(node, draw) {
  let width = 0;
  const again = () => { width = node.clientWidth; if (width > 0) draw(width / enlarged()); };
  new ResizeObserver(() => { if (node.clientWidth !== width) again(); }).observe(node);
  dark.addEventListener("change", again);
  print.addEventListener("change", again);
  window.addEventListener("beforeprint", again);
  window.addEventListener("afterprint", again);
  again();
}
