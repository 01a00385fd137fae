// Keeps the page in step with the home: how much is asked, the questions themselves, and what happened. Without it all
// of that is there as well, as it was when the page was loaded.
"use strict";

const READ_FIRST = 800; // milliseconds in which a question that just came cannot be answered by a click meant for another
let seen = null;

const page = async () => new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");

function count(asked) {
  for (const each of document.querySelectorAll('[data-live="asked"]')) {
    each.textContent = asked || "";
    each.hidden = !asked;
  }
}

function readFirst(question) {
  const buttons = question.querySelectorAll("button");
  for (const each of buttons) each.disabled = true;
  setTimeout(() => { for (const each of buttons) each.disabled = false; }, READ_FIRST);
}

// New questions come below, and what is answered stays where it is: nothing moves under the pointer.
async function showAsked(asked) {
  const list = document.getElementById("asked");
  if (!list) return;
  const shown = [...list.querySelectorAll("[data-question]")];
  for (const each of shown) {
    if (asked.includes(each.dataset.question) || each.classList.contains("over")) continue;
    each.classList.add("over");
    const form = each.querySelector("form");
    const told = document.createElement("p");
    told.className = "over-note";
    told.textContent = "Not asked any more: it was answered, or whoever asked has ended.";
    form.replaceWith(told);
  }
  const known = new Set(shown.map((each) => each.dataset.question));
  if (asked.some((each) => !known.has(each))) {
    for (const each of (await page()).querySelectorAll("#asked [data-question]")) {
      if (known.has(each.dataset.question)) continue;
      const added = document.importNode(each, true);
      list.append(added);
      readFirst(added);
    }
  }
  list.querySelector("[data-empty]").hidden = list.querySelector("[data-question]") !== null;
}

// What a person has opened, or is in the middle of, is not taken from them: then a line says that there is more.
async function showHappened() {
  const here = document.getElementById("happened");
  if (!here) return;
  if (here.querySelector("details[open]") || here.contains(document.activeElement)) {
    document.getElementById("news").hidden = false;
    return;
  }
  const fresh = (await page()).getElementById("happened");
  if (fresh) here.replaceWith(document.importNode(fresh, true));
}

async function take(news) {
  if (news.asked) {
    count(news.asked.length);
    await showAsked(news.asked);
  }
  if (news.calls && seen !== null) await showHappened();
  seen = true;
}

let source = null;
let taking = Promise.resolve();

function listen() {
  if (source || document.hidden) return;
  source = new EventSource("/events");
  source.onmessage = (event) => { taking = taking.then(() => take(JSON.parse(event.data))).catch(() => {}); };
}

// A browser opens few connections to one server, so a page that nobody sees holds none.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && source) {
    source.close();
    source = null;
  }
  listen();
});
for (const each of document.querySelectorAll("#asked [data-question]")) readFirst(each);
listen();
