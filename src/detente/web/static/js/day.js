// A field for a day of the record: what lies outside it is said, once the reader has left the field.

import { h } from "/static/js/dom.js";
import { date } from "/static/js/format.js";

/** Calls onDay(day) for every day within the field's min and max. */
export function dayField(field, onDay) {
  const wrong = h("span", { class: "field-error", id: `${field.id}-wrong`, role: "alert", hidden: true });
  field.after(wrong);
  field.addEventListener("change", () => {
    if (!field.checkValidity()) return; // a year is typed digit by digit, so nothing is said yet
    wrong.hidden = true;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (field.value) onDay(field.value);
  });
  field.addEventListener("blur", () => {
    if (field.checkValidity()) return;
    wrong.textContent = `The record has the days from ${date(field.min)} to ${date(field.max)}.`;
    wrong.hidden = false;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", wrong.id);
  });
}
