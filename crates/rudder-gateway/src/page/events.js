"use strict";

// The list ------------------------------------------------------------------------------------------------------------

/** What is asked for: a text or a person, and from where on. */
const wanted = { find: null, person: null, before: null };
let isLive = true;
let listed = [];

const STATES = { waiting: "waiting", retrying: "tried again", awaiting: "waits for its contact", delivered: "delivered", skipped: "not for Intercom", rejected: "rejected", failed: "failed", dropped: "dropped" };
const KINDS = { delivered: "good", failed: "bad", rejected: "slow", retrying: "slow", awaiting: "slow" };

const outcome = (event) => make("span", { className: `state ${KINDS[event.state] ?? ""}` }, STATES[event.state], event.code ? make("code", { textContent: event.code }) : null);

function line(event) {
  const tag = event.person?.slice(0, 6);
  const person = tag && make("button", { type: "button", className: "tag", textContent: event.user ?? tag, ariaLabel: `Events of user ${event.user ?? tag}` });
  if (person) {
    person.dataset.place = `person-${event.number}`;
    person.addEventListener("click", () => find({ person: event.person }, `of user ${event.user ?? tag}`));
  }
  const link = make("a", { href: `#events/${event.number}`, textContent: event.number, ariaLabel: `Event ${event.number}` });
  link.dataset.place = `event-${event.number}`;
  return make("tr", {}, make("td", { className: "number" }, link),
    make("td", { className: "time", textContent: moment(event.received_at) }),
    make("td", { className: "kind", textContent: event.event_type ?? "–" }), make("td", { className: "name", textContent: event.name ?? "–" }),
    make("td", {}, person || "–"), make("td", {}, outcome(event)), make("td", { className: "number tries", textContent: event.attempts || "–" }));
}

function drawList() {
  ifNew("lines", listed, () => $("lines").tBodies[0].replaceChildren(...listed.map(line)));
  const isSearch = wanted.find || wanted.person;
  $("lines").hidden = listed.length === 0;
  $("no-lines").hidden = listed.length > 0;
  $("no-lines").textContent = isSearch ? "None, as far back as it is kept: a million events, eight days." : "No event has come in yet.";
}

const query = () => JSON.stringify({ ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)), ...($("values").checked && { values: true }) });

async function load() {
  const { events, more } = await ask("events", query());
  listed = wanted.before ? [...listed, ...events] : events;
  $("older").hidden = !more;
  drawList();
}

async function find(what, words) {
  Object.assign(wanted, { find: null, person: null, before: null }, what);
  setLive(true);
  location.hash = "events";
  await told(load);
  const count = `${number(listed.length)}${$("older").hidden ? "" : " or more"} ${listed.length === 1 ? "event" : "events"}`;
  $("found").replaceChildren(...(words ? [`${count} ${words}. `, make("button", { type: "button", className: "plain", textContent: "Show all", onclick: () => { $("find").value = ""; find({}); } })] : []));
}

function setLive(is) {
  isLive = is;
  $("live").ariaPressed = String(is);
  $("live").textContent = is ? "Live: on" : "Live: paused";
}

$("search").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const text = $("find").value.trim();
  find(text ? { find: text } : {}, text && "found");
});
$("live").addEventListener("click", () => {
  setLive(!isLive);
  wanted.before = null;
  if (isLive) told(load);
});
$("values").addEventListener("change", () => { wanted.before = null; told(load); });
$("older").addEventListener("click", () => {
  setLive(false);
  wanted.before = listed.at(-1)?.number ?? null;
  told(load);
});

// One event ----------------------------------------------------------------------------------------------------------

const HAPPENED = { recalled: "Its contact has come: back in the queue", replayed: "Replayed", attempted: "A call failed", awaits: "Waits for its contact", delivered: "Delivered", skipped: "Not for Intercom", rejected: "Rejected", failed: "Failed", dropped: "Dropped", restored: "Restored" };

/** What has happened, in words. */
function sentence(step) {
  let what = HAPPENED[step.what] ?? step.what;
  if (step.edited) what += ", changed by hand";
  if (step.as_new) what += " as new";
  if (step.unchanged) what += ": it would have changed nothing";
  const call = step.operation?.replaceAll("_", " ");
  const parts = [step.path && `at ${step.path}`, step.attribute && `attribute ${step.attribute}`,
    step.status ? `${call ?? "it"} was answered ${step.status}` : call && `${call} was not answered`,
    step.intercom_code && `Intercom says ${step.intercom_code}`, step.calls && `${step.calls} ${step.calls === 1 ? "call" : "calls"}`,
    step.request_id && `request ${step.request_id}`];
  return [what, step.code && make("code", { className: KINDS[step.what === "attempted" ? "retrying" : step.what] ?? "", textContent: step.code }), make("span", { className: "soft", textContent: parts.filter(Boolean).join(" · ") })];
}

const stepItem = (at, ...children) => make("li", {}, make("time", { dateTime: new Date(at).toISOString(), textContent: moment(at) }), make("div", {}, ...children));

const remark = (note) => make("p", { className: "note" }, make("code", { textContent: note.code }), note.at ? ` at ${note.at}` : "", note.why ? `: ${note.why.meaning} ${note.why.advice}` : "");

function because({ event, why }) {
  if (!why) return [];
  const none = event.dead_letter && !["replay", "mend_then_replay"].includes(why.remedy) ? " To replay it as it is would come to the same." : "";
  return [make("div", { className: `note ${KINDS[event.state]}` }, make("p", {}, make("b", { textContent: "Why: " }), why.meaning), make("p", {}, make("b", { textContent: "What to do: " }), why.advice + none))];
}

function actions({ event, why, is_kept }) {
  const button = (textContent, onclick, className = "") => make("button", { type: "button", textContent, onclick, className });
  const id = event.dead_letter;
  const helps = ["replay", "mend_then_replay"].includes(why?.remedy);
  const shown = button($("one-event").hidden ? "Show the event" : "Hide the event", () => showEvent(event.number), "plain");
  shown.id = "show-event";
  shown.setAttribute("aria-expanded", String(!$("one-event").hidden));
  return [id && helps && button("Replay", () => act("replay", { ids: [id] })),
    id && button("Edit and replay", () => edit(event), helps ? "plain" : ""),
    is_kept && shown,
    id && button("Drop", () => act("drop", { ids: [id] }), "danger"),
    !is_kept && make("span", { className: "soft", textContent: "The event itself is gone: it is kept until it is delivered or dropped." })].filter(Boolean);
}

async function showEvent(id) {
  if ($("one-event").hidden) {
    const event = await told(() => ask(`events/${id}/event`));
    if (!event) return;
    $("one-event").textContent = JSON.stringify(event, null, 2);
  }
  $("one-event").hidden = !$("one-event").hidden;
  $("show-event").textContent = $("one-event").hidden ? "Show the event" : "Hide the event";
  $("show-event").ariaExpanded = String(!$("one-event").hidden);
}

let opened = null;
async function showOne(id) {
  let history;
  try {
    history = await ask(`events/${id}`);
  } catch (error) {
    if (opened === id) return;
    history = null;
    $("one-title").textContent = error.message;
    for (const part of ["why", "one-buttons", "steps"]) $(part).replaceChildren();
  }
  const isNew = opened !== id;
  opened = id;
  if (isNew) {
    $("one-event").hidden = true;
    drawn.delete("one");
  }
  if (history) {
    const { event, steps } = history;
    if (!history.is_kept) $("one-event").hidden = true;
    ifNew("one", history, () => {
      $("one-title").replaceChildren(`Event ${event.number}: ${event.event_type ?? "event"}${event.name ? ` “${event.name}”` : ""} `, outcome(event));
      $("why").replaceChildren(...because(history));
      $("one-buttons").replaceChildren(...actions(history));
      $("steps").replaceChildren(stepItem(event.received_at, "Received"), ...steps.map((step) => stepItem(step.at, ...sentence(step), ...(step.notes ?? []).map(remark))));
    });
  }
  $("list").hidden = true;
  $("one").hidden = false;
  if (isNew) $("one-title").focus();
}

/** Opens the event of a dead letter in the playground, to be replayed in its place. */
async function edit(event) {
  const body = await told(() => ask(`events/${event.number}/event`));
  if (body) beginEdit(event, body);
}

show.events = async () => {
  const { id } = place();
  if (id) return showOne(id);
  const back = opened;
  opened = null;
  $("list").hidden = false;
  $("one").hidden = true;
  if (isLive || listed.length === 0) await load();
  if (back) document.querySelector(`[data-place="event-${back}"]`)?.focus();
};
