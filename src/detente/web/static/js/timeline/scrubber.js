// The slider over change dates: keys, years, events, play.

import { h, $ } from "/static/js/dom.js";
import { date, shortDate } from "/static/js/format.js";
import { responsive } from "/static/js/resize.js";
import { hideTip, showTip } from "/static/js/tips.js";
import { EVENTS } from "/static/js/timeline/events.js";

const STEP_MS = 700;

/** scrubber(dates, words, {onMove(place), onSettle(place)}) -> {show(place)}. */
export function scrubber(dates, words, { onMove, onSettle }) {
  const input = $("#scrub");
  const play = $("#play");
  input.max = String(dates.length - 1);
  const left = (place) => `${(100 * place) / (dates.length - 1)}%`;

  // a year is written where its first change is, unless it would touch the one before
  const firsts = dates.map((day, place) => [day.slice(0, 4), place]).filter(([year, place]) => place === 0 || year !== dates[place - 1].slice(0, 4));
  responsive($("#years"), (width) => {
    let last = -Infinity;
    $("#years").replaceChildren(...firsts.filter(([, place]) => {
      const at = (width * place) / (dates.length - 1);
      if (at - last < 36) return false;
      last = at;
      return true;
    }).map(([year, place]) => {
      const mark = h("span", { text: year });
      mark.style.left = left(place);
      return mark;
    }));
  });

  const events = EVENTS.filter(([day]) => dates.includes(day)).map(([day, text]) => ({ place: dates.indexOf(day), text: `${shortDate(day)}: ${text}` }));
  for (const event of events) {
    event.node = h("button", { type: "button", tabindex: "-1", on: { click: () => jump(event.place) } });
    event.node.style.left = left(event.place);
    event.node.addEventListener("pointerenter", (e) => showTip(e.clientX, e.clientY, [event.text]));
    event.node.addEventListener("pointerleave", hideTip);
    $("#events").append(event.node);
    $("#event").append(h("option", { value: String(event.place), text: event.text }));
  }
  $("#event").addEventListener("change", (e) => { if (e.target.value) jump(Number(e.target.value)); });

  function jump(place) {
    if (input.disabled) return;
    stop();
    show(place);
    onMove(place);
    onSettle(place);
  }

  input.addEventListener("input", () => { stop(); onMove(input.valueAsNumber); });
  input.addEventListener("change", () => onSettle(input.valueAsNumber));
  input.addEventListener("keydown", (event) => {
    const years = { PageUp: 1, PageDown: -1 }[event.key];
    if (!years) return;
    event.preventDefault();
    const day = dates[input.valueAsNumber];
    const wanted = `${Number(day.slice(0, 4)) + years}${day.slice(4)}`;
    jump(Math.max(0, Math.min(dates.length - 1, d3.bisectRight(dates, wanted) - 1)));
  });

  let timer = 0;
  function stop() {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    play.setAttribute("aria-pressed", "false");
    play.setAttribute("aria-label", "Play through the dates");
    play.firstElementChild.textContent = "▶";
    onSettle(input.valueAsNumber);
  }
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (input.valueAsNumber >= dates.length - 1) { show(0); onMove(0); }
    play.setAttribute("aria-pressed", "true");
    play.setAttribute("aria-label", "Pause");
    play.firstElementChild.textContent = "❚❚";
    timer = setInterval(() => {
      const place = input.valueAsNumber + 1;
      if (place > dates.length - 1) return stop();
      show(place);
      return onMove(place);
    }, STEP_MS);
    return undefined;
  });

  function show(place) {
    if (input.valueAsNumber !== place) input.value = String(place);
    input.setAttribute("aria-valuetext", `${date(dates[place])}: ${words[place]}`);
    for (const event of events) event.node.classList.toggle("now", event.place === place);
    $("#event").value = events.some((e) => e.place === place) ? String(place) : "";
  }
  return { show, jump, enable() { input.disabled = false; play.disabled = false; } };
}
