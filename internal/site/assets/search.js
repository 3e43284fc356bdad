// Search over the sections of all pages: every word has to occur; a title counts more than a text, a page's title most.
"use strict";
const field = document.getElementById("search"), found = document.getElementById("found");
if (innerWidth > 800) document.querySelector("nav details").open = true;

function score(s, words) {
  let sum = 0;
  for (const w of words) {
    const n = 8 * s.page.toLowerCase().includes(w) + 5 * s.title.toLowerCase().includes(w) + Math.min(3, s.text.toLowerCase().split(w).length - 1);
    if (!n) return 0;
    sum += n;
  }
  return sum;
}

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter((w) => w);
  const hits = words.length ? sections.map((s) => [score(s, words), s]).filter(([n]) => n).sort((a, b) => b[0] - a[0]).slice(0, 12) : [];
  found.replaceChildren(...hits.map(([, s]) => {
    const item = document.createElement("li"), link = document.createElement("a"), text = document.createElement("p");
    link.href = field.dataset.up + s.url;
    link.textContent = s.page === s.title ? s.page : `${s.page}: ${s.title}`;
    const at = Math.max(0, s.text.toLowerCase().indexOf(words[0]) - 60);
    text.textContent = (at ? "… " : "") + s.text.slice(at, at + 200);
    item.append(link, text);
    return item;
  }));
  if (words.length && !hits.length) found.append("Nothing found.");
  found.hidden = !words.length;
}
field.oninput = search;
field.value = new URLSearchParams(location.search).get("q") ?? "";
search();
