"use strict";
// What every page can do: light and dark, copying a command, sorting a table, enlarging a picture.

document.querySelector("button.theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme.includes("dark");
  root.dataset.theme = dark ? "light" : "dark";
  document.dispatchEvent(new Event("themechange"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("themechange")));

document.addEventListener("click", async (event) => {
  if (event.target.closest(".copy")) {
    const button = event.target.closest(".copy");
    const text = button.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "copied";
    } catch { // not allowed for a page from a file: the text is marked, and Ctrl-C takes it
      getSelection().selectAllChildren(text);
      button.textContent = "marked";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  }
  const head = event.target.closest("table.sorts th");
  if (head) sortBy(head);
  const enlarged = document.querySelector("dialog.enlarged");
  if (event.target.closest("dialog.enlarged")) enlarged.close();
  const picture = event.target.closest("figure.picture img");
  if (picture) {
    enlarged.classList.toggle("pixels", picture.closest(".pixels") !== null);
    enlarged.querySelector("img").src = picture.src;
    enlarged.querySelector("p").textContent = picture.alt;
    enlarged.showModal();
  }
});

// Sorts the rows of a table by a column: numbers by size (`data-value`, else the text), texts by the alphabet.
function sortBy(head) {
  const place = [...head.parentElement.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = head.closest("table").tBodies[0];
  const keyed = [...body.rows].filter((row) => !row.dataset.below).map((row) => {
    const cell = row.cells[place];
    const text = cell ? cell.dataset.value ?? cell.textContent.trim() : "";
    return { row, text, number: text === "" ? NaN : Number(text.replaceAll(",", "")) };
  });
  const sign = down ? -1 : 1;
  keyed.sort((a, b) => {
    const empty = Number(a.text === "") - Number(b.text === "");
    if (empty) return empty; // what is not known comes last, whichever way
    if (!Number.isNaN(a.number) && !Number.isNaN(b.number)) return sign * (a.number - b.number);
    return sign * a.text.localeCompare(b.text, undefined, { numeric: true });
  });
  for (const { row } of keyed) {
    const below = [];
    for (let next = row.nextElementSibling; next && next.dataset.below; next = next.nextElementSibling) below.push(next);
    body.append(row, ...below);
  }
}
