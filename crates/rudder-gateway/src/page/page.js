"use strict";

const $ = (id) => document.getElementById(id);
const number = (value) => Number(value).toLocaleString("en");
const SERIES = [["received", "Events in"], ["delivered", "Delivered"], ["rejected", "Rejected"], ["failed", "Failed"]];
const BARS = 60;

/** Makes an element. Text is always text: nothing that comes from an event is ever read as HTML. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const clock = (at, withDay) => new Date(at).toLocaleString([], { ...(withDay && { weekday: "short" }), hour: "2-digit", minute: "2-digit" });

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

// Figures and charts -------------------------------------------------------------------------------------------------

/** Draws again only what has changed, so that nobody loses their place. */
const drawn = new Map();
function ifNew(what, data, draw) {
  const text = JSON.stringify(data);
  if (drawn.get(what) === text) return;
  drawn.set(what, text);
  draw();
}

/** How it goes, in words, and as a colour beside them. */
function stateOf({ delivery, queue, now, trouble, outage }) {
  const closed = trouble.find((one) => one.closes_the_intake);
  if (closed) return ["bad", `No events are taken in: ${closed.meaning}.`];
  if (!delivery) return ["", "Starting …"];
  if (trouble.some((one) => one.code === "token_refused")) return ["bad", "Intercom does not accept the access token. Events are kept, and it is tried again every minute."];
  if (outage) return ["bad", `Intercom cannot be reached at ${outage.host}: ${outage.cause}. Events are kept, and it is tried again every few seconds.`];
  if (delivery.halted) return ["bad", "Intercom does not accept the access token. Events are kept, and it is tried again every minute."];
  const until = delivery.until ? ` for ${span(Math.max(0, delivery.until - now))}` : "";
  switch (delivery.waiting) {
    case "outage": return ["bad", "Intercom cannot be reached. Events are kept, and it is tried again every few seconds."];
    case "throttled": return ["slow", `Intercom has had too many calls; waiting${until}.`];
    case "rate_limit": return ["slow", `Keeping to the rate limit; waiting${until}.`];
    case "backoff": return ["bad", `Calls have failed; trying again${until ? ` in ${until.slice(5)}` : ""}.`];
    default:
      if (queue.events) return ["good", "Delivering."];
      return queue.dead_letters ? ["slow", "Some events could not be delivered: see below."] : ["good", "Everything is delivered."];
  }
}

function buckets(stats, minutes) {
  const width = Math.max(1, Math.ceil(minutes / BARS));
  const last = Math.floor(stats.now / 60000);
  const first = last - minutes + 1;
  const sums = Array.from({ length: Math.ceil(minutes / width) }, (_, at) => ({ at: (first + at * width) * 60000, received: 0, delivered: 0, rejected: 0, failed: 0 }));
  for (const minute of stats.minutes) {
    const bucket = sums[Math.floor((minute.minute - first) / width)];
    if (bucket) for (const [name] of SERIES) bucket[name] += minute[name];
  }
  return sums;
}

function chart(name, title, sums, withDay, width) {
  const values = sums.map((sum) => sum[name]);
  const total = values.reduce((a, b) => a + b, 0);
  const most = Math.max(1, ...values);
  const step = 300 / values.length;
  const bars = values.map((value, at) => {
    const height = value ? Math.max(1.5, (value / most) * 66) : 0;
    const bar = svg("rect", { x: at * step + 0.5, y: 80 - height, width: Math.max(0.5, step - 1), height });
    bar.append(svg("title", {}, `${clock(sums[at].at, withDay)}: ${number(value)}`));
    return bar;
  });
  const label = `${title}: ${number(total)} in the time shown, at most ${number(Math.max(...values))} at a time`;
  const drawing = svg("svg", { viewBox: "0 0 300 82", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("line", { x1: 0, x2: 300, y1: 80.5, y2: 80.5 }), ...bars);
  return make("figure", { className: name },
    make("figcaption", {}, make("span", { textContent: title }), make("b", { textContent: number(total) })), drawing,
    make("div", { className: "axis", ariaHidden: "true" }, make("span", { textContent: clock(sums[0].at, withDay) }),
      make("span", { textContent: total ? `peak ${number(most)} in ${width === 1 ? "a minute" : span(width * 60000)}` : "none in this time" }), make("span", { textContent: "now" })));
}

function showStats(stats) {
  const minutes = Number($("span").value);
  const sums = buckets(stats, minutes);
  const { queue, delivery } = stats;
  const [kind, state] = stateOf(stats);
  if ($("state").textContent !== state) $("state").textContent = state;
  $("state").className = kind;
  $("start").hidden = stats.minutes.length > 0 || stats.codes.length > 0 || queue.events > 0;
  $("waiting").textContent = number(queue.events);
  $("age").textContent = queue.oldest_age_ms === null ? "–" : span(queue.oldest_age_ms);
  $("dead").textContent = number(queue.dead_letters);
  $("delivered").textContent = number(sums.reduce((sum, bucket) => sum + bucket.delivered, 0));
  $("budget").textContent = delivery?.limit ? `${number(delivery.remaining)} of ${number(delivery.limit)}` : "–";
  $("no-budget").hidden = Boolean(delivery?.limit);
  $("calls").textContent = delivery ? number(delivery.calls) : "–";
  $("sandbox").hidden = !stats.sandbox;
  if (stats.sandbox) $("sandbox-link").href = stats.sandbox;
  ifNew("charts", [sums], () => {
    $("charts").replaceChildren(...SERIES.map(([name, title]) => chart(name, title, sums, minutes > 1440, Math.ceil(minutes / BARS))));
    const rows = sums.filter((sum) => SERIES.some(([name]) => sum[name])).reverse();
    $("table").tBodies[0].replaceChildren(...rows.map((sum) => make("tr", {}, make("td", { textContent: clock(sum.at, minutes > 1440) }),
      ...SERIES.map(([name]) => make("td", { textContent: number(sum[name]) })))));
  });
  ifNew("codes", stats.codes, () => showCodes(stats.codes, stats.now));
}

function showCodes(codes, now) {
  $("no-codes").hidden = codes.length > 0;
  $("codes").replaceChildren(...codes.map((code) => make("li", {},
    make("h3", {}, make("span", { className: `kind-${code.kind}`, textContent: code.code }), ` – ${number(code.count)} ${code.kind}`),
    make("p", { textContent: code.meaning }), make("p", {}, make("b", { textContent: "What to do: " }), code.advice),
    make("p", { className: "soft", textContent: `last ${span(now - code.last_at)} ago` }))));
  const chosen = $("code").value;
  $("code").replaceChildren(make("option", { value: "", textContent: "all" }),
    ...[...new Set(codes.map((code) => code.code))].map((code) => make("option", { value: code, textContent: code })));
  $("code").value = chosen;
}

// Dead letters -------------------------------------------------------------------------------------------------------

let oldest = null;

async function showLetters(more = false) {
  const code = encodeURIComponent($("code").value);
  const letters = await ask(`dead-letters?code=${code}${more && oldest ? `&before=${oldest}` : ""}`);
  if (letters.length) oldest = letters.at(-1).id;
  const draw = () => {
    const cards = letters.map(letterCard);
    if (more) $("letters").append(...cards); else $("letters").replaceChildren(...cards);
    $("no-letters").hidden = $("letters").childElementCount > 0;
    $("more").hidden = letters.length < 50;
    $("no-letters").textContent = $("code").value ? "There are none with this code." : "There are none.";
    $("all-buttons").hidden = $("letters").childElementCount === 0;
  };
  if (more) draw(); else ifNew("letters", letters, draw);
}

function letterCard(letter) {
  const event = make("pre", { hidden: true });
  const show = make("button", { type: "button", className: "plain", textContent: "Show the event", ariaExpanded: "false" });
  show.addEventListener("click", async () => {
    if (event.hidden) {
      const whole = await told(() => ask(`dead-letters/${letter.id}`));
      if (!whole) return;
      event.textContent = JSON.stringify(whole.event, null, 2);
    }
    event.hidden = !event.hidden;
    show.ariaExpanded = String(!event.hidden);
    show.textContent = event.hidden ? "Show the event" : "Hide the event";
  });
  const replay = make("button", { type: "button", textContent: "Replay", ariaLabel: `Replay dead letter ${letter.id}` });
  replay.addEventListener("click", () => act("replay", { ids: [letter.id] }));
  const drop = make("button", { type: "button", className: "danger", textContent: "Drop", ariaLabel: `Drop dead letter ${letter.id}` });
  drop.addEventListener("click", () => confirm("Delete this event for good?") && act("drop", { ids: [letter.id] }));
  const detail = Object.entries(letter.detail).map(([key, value]) => `${key.replaceAll("_", " ")}: ${value}`).join(" · ");
  return make("li", {},
    make("h3", {}, make("span", { className: `kind-${letter.kind}`, textContent: letter.code }), ` – ${letter.event_type ?? "event"}, no. ${letter.id}`),
    make("p", { className: "soft", textContent: `${letter.kind} ${clock(letter.at, true)} · ${detail}` }),
    make("p", { className: "buttons" }, replay, show, drop), event);
}

async function told(doing) {
  try {
    return await doing();
  } catch (error) {
    $("told").textContent = error.message;
    return null;
  }
}

async function act(what, chosen) {
  const how = what === "replay" && $("as-new").checked ? "?as_new=true" : "";
  const response = await told(() => ask(`dead-letters/${what}${how}`, JSON.stringify(chosen)));
  if (!response) return;
  $("told").textContent = what === "replay" ? `${number(response.replayed)} back in the queue.` : `${number(response.dropped)} deleted.`;
  await refresh();
}

const these = () => ($("code").value ? { code: $("code").value } : "all");
$("replay-all").addEventListener("click", () => act("replay", these()));
$("drop-all").addEventListener("click", () => confirm("Delete all of these events for good?") && act("drop", these()));
$("more").addEventListener("click", () => told(() => showLetters(true)));
$("code").addEventListener("change", () => told(() => showLetters()));

// Playground ---------------------------------------------------------------------------------------------------------

const SAMPLES = {
  "identify: a person and their company": { type: "identify", userId: "ann-1", traits: { name: "Ann Example", email: "ann@example.com", plan: "pro", address: { city: "Graz" }, company: { id: "acme", name: "Acme" }, createdAt: "2024-01-05T19:11:00.337Z" } },
  "identify: out of a company": { type: "identify", userId: "ann-1", traits: { email: "ann@example.com", company: { id: "acme", remove: true } } },
  "identify: found by phone": { type: "identify", userId: "ann-1", traits: { phone: "+43-1-555-0100" }, integrations: { INTERCOM: { lookup: "phone" } } },
  "track: what a person did": { type: "track", userId: "ann-1", event: "Order Completed", properties: { order_id: "1002", total: 145.99, currency: "EUR" } },
  "group: a company with tags": { type: "group", userId: "ann-1", groupId: "acme", traits: { name: "Acme", industry: "IT", employees: 450 }, context: { traits: { tags: ["vip"] } } },
  "with something wrong": { type: "identify", userId: "ann-1", traits: { email: "ann@example.com", createdAt: "soon", role: "boss" } },
};
for (const name of Object.keys(SAMPLES)) $("sample").append(make("option", { textContent: name }));
const useSample = () => { $("event").value = JSON.stringify(SAMPLES[$("sample").value], null, 2); };
$("sample").addEventListener("change", useSample);
useSample();

/** The fields of a call's body, with those of attributes and metadata one by one. */
function fieldsOf({ operation, body }, sources) {
  const from = (field) => sources.findLast((source) => source.field === field)?.source ?? "";
  if (operation.startsWith("search_")) {
    return body.query.value.map(({ field, value }) => [`${field} =`, value, from("lookup.value")]);
  }
  if (operation === "create_tag") return [["name", body.name, from("tags")]];
  return Object.entries(body ?? {}).flatMap(([name, value]) => {
    const isNested = ["custom_attributes", "metadata"].includes(name) && value && typeof value === "object";
    if (!isNested) return [[name, value, from(name)]];
    return Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner, from(`${name}.${key}`)]);
  });
}

function callCard(call, sources) {
  const rows = fieldsOf(call, sources).map(([field, value, source]) => make("tr", {}, make("td", {}, make("code", { textContent: field })),
    make("td", {}, make("code", { textContent: JSON.stringify(value) })), make("td", { className: "soft", textContent: source && `from ${source}` })));
  const when = { always: "", found: "if the contact is found: ", not_found: "if none is found: " }[call.when];
  const query = new URLSearchParams(call.query ?? {}).toString();
  return make("div", { className: "call" }, make("h3", {}, when, make("code", { textContent: `${call.method} ${call.path}${query && `?${query}`}` })),
    rows.length ? make("table", { className: "fields" }, make("thead", {}, make("tr", {}, ...["Field", "Value", "Source"].map((name) => make("th", { scope: "col", textContent: name })))),
      make("tbody", {}, ...rows)) : null);
}

function issue(what, kind) {
  return make("p", { className: kind }, make("b", { textContent: what.code }), what.path ? ` at ${what.path}: ` : ": ", `${what.message}. ${what.advice}`);
}

$("playground").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  try {
    const previews = await ask("preview", $("event").value);
    $("result").replaceChildren(...previews.flatMap((preview, at) => [
      make("h3", { textContent: `${previews.length > 1 ? `Event ${at + 1}, ` : ""}${preview.event_type ?? "event"}: ${preview.outcome === "skipped" ? "its integrations keep it from Intercom" : preview.outcome}` }),
      preview.error ? issue(preview.error, "kind-failed") : null,
      ...(preview.warnings ?? []).map((warning) => issue(warning, "warning")),
      ...(preview.calls ?? []).map((call) => callCard(call, preview.sources ?? [])),
    ]).filter(Boolean));
  } catch (error) {
    $("result").replaceChildren(make("p", { className: "kind-failed", textContent: error.message }));
  }
});

// Before anything has come in ----------------------------------------------------------------------------------------

$("start-browser").textContent = `rudderanalytics.load("KEY", "${location.origin}", { configUrl: "${location.origin}" });
rudderanalytics.identify("ann-1", { email: "ann@example.com" });`;
$("start-curl").textContent = `curl ${location.origin}/v1/identify -u KEY: -H 'Content-Type: application/json' \\
  -d '{"userId": "ann-1", "traits": {"email": "ann@example.com"}}'`;

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
    // Whoever has asked for older ones keeps what they see.
    if ($("letters").childElementCount <= 50 && !document.querySelector("#letters pre:not([hidden])")) await showLetters();
  } catch (error) {
    $("state").textContent = error instanceof TypeError ? "The gateway cannot be reached." : error.message;
  }
  timer = setTimeout(() => (document.hidden ? (timer = null) : refresh()), 3000);
}
document.addEventListener("visibilitychange", () => !document.hidden && refresh());
$("span").addEventListener("change", refresh);
refresh();
