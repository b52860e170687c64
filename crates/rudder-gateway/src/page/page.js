"use strict";

const $ = (id) => document.getElementById(id);
const number = (value) => Number(value).toLocaleString("en");

/** Makes an element. Text is always text: nothing that comes from an event is ever read as HTML. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const clock = (at, withDay) => new Date(at).toLocaleString([], { ...(withDay && { month: "short", day: "numeric" }), hour: "2-digit", minute: "2-digit" });

/** A time to the second, with the date unless it is today's. */
function moment(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], { ...(!isToday && { month: "short", day: "numeric" }), hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// Talking to the gateway ---------------------------------------------------------------------------------------------

let token = sessionStorage.getItem("token");

async function ask(path, body) {
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(`api/${path}`, { headers, body, method: body === undefined ? "GET" : "POST" });
  const read = await response.json();
  if (response.ok) return read;
  if (read.error?.code === "page_token" && !$("token-dialog").open) {
    $("token-wrong").textContent = token ? "That is not the token." : "";
    $("token-dialog").showModal();
  }
  const where = read.error?.field ? ` (at ${read.error.field})` : "";
  throw new Error((read.error?.message ?? `The gateway answered ${response.status}`) + where);
}

$("token-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  token = $("token").value.trim();
  sessionStorage.setItem("token", token);
  $("token").value = "";
  $("token-dialog").close();
  refresh();
});

/** Draws again only what has changed, and leaves the focus where it was. */
const drawn = new Map();
function ifNew(what, data, draw) {
  const text = JSON.stringify(data);
  if (drawn.get(what) === text) return;
  drawn.set(what, text);
  const place = document.activeElement?.dataset.place;
  draw();
  if (place && document.activeElement === document.body) document.querySelector(`[data-place="${place}"]`)?.focus();
}

// What was done, and undoing it --------------------------------------------------------------------------------------

let hide;
function tell(text, undo) {
  clearTimeout(hide);
  $("told").textContent = text;
  $("undo").hidden = !undo;
  $("undo").onclick = undo ?? null;
  if (text) hide = setTimeout(() => tell(""), undo ? 60000 : 10000);
}

async function told(doing) {
  try {
    return await doing();
  } catch (error) {
    tell(error.message);
    return null;
  }
}

/** Replays or drops dead letters. */
async function act(what, chosen, asNew = false) {
  const response = await told(() => ask(`dead-letters/${what}${asNew ? "?as_new=true" : ""}`, JSON.stringify(chosen)));
  if (!response) return;
  if (what === "replay") tell(`${number(response.replayed)} back in the queue.`);
  else tell(`${number(response.dropped)} dropped.`, async () => {
    const undone = await told(() => ask("dead-letters/restore", JSON.stringify({ at: response.at })));
    if (undone) tell(`${number(undone.restored)} restored.`);
    await refresh();
  });
  await refresh();
}

// Tabs ---------------------------------------------------------------------------------------------------------------

const TABS = ["overview", "events", "letters", "playground"];
/** What each tab shows: called when it is opened, and every few seconds. */
const show = {};

/** The tab, and the event whose history is shown. */
function place() {
  const [tab, id] = location.hash.slice(1).split("/");
  return { tab: TABS.includes(tab) ? tab : "overview", id: Number(id) || null };
}

function open() {
  const { tab } = place();
  for (const name of TABS) {
    const isOpen = name === tab;
    $(name).hidden = !isOpen;
    $(`tab-${name}`).ariaSelected = String(isOpen);
    $(`tab-${name}`).tabIndex = isOpen ? 0 : -1;
    if (isOpen) $(`tab-${name}`).scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

for (const name of TABS) $(`tab-${name}`).addEventListener("click", () => { location.hash = name; });
document.querySelector("[role=tablist]").addEventListener("keydown", (press) => {
  const at = TABS.indexOf(place().tab);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[press.key];
  if (to === undefined) return;
  press.preventDefault();
  const name = TABS.at(to % TABS.length);
  location.hash = name;
  $(`tab-${name}`).focus();
});
// The content is no place of its own.
document.querySelector(".skip").addEventListener("click", (click) => {
  click.preventDefault();
  $("main").focus();
});
window.addEventListener("hashchange", () => {
  open();
  refresh();
});

for (const snippet of [$("start-browser"), $("start-curl")]) {
  // Browsers let pages write there only over HTTPS, or on this machine.
  if (!navigator.clipboard) break;
  const copy = make("button", { type: "button", textContent: "Copy" });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(snippet.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  snippet.parentElement.after(copy);
}

// Over and over ------------------------------------------------------------------------------------------------------

let timer;
async function refresh() {
  clearTimeout(timer);
  try {
    showStats(await ask(`stats?minutes=${$("span").value}`));
    await show[place().tab]?.();
  } catch (error) {
    $("state").textContent = error instanceof TypeError ? "The gateway cannot be reached." : error.message;
    $("state").className = "bad";
  }
  clearTimeout(timer);
  timer = setTimeout(() => (document.hidden ? (timer = null) : refresh()), 3000);
}
document.addEventListener("visibilitychange", () => !document.hidden && refresh());
document.addEventListener("DOMContentLoaded", () => { open(); refresh(); });
