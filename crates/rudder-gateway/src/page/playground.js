"use strict";

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
    // What it is looked up by comes last; the user's id may come before it.
    return body.query.value.map(({ field, value }, at, all) => [`${field} =`, value, from(at === all.length - 1 ? "lookup.value" : "external_id")]);
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

$("preview").addEventListener("submit", async (submit) => {
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

// Editing an event that was not delivered ----------------------------------------------------------------------------

/** The dead letter whose event is edited. */
let edited = null;

function beginEdit(event, body) {
  edited = event;
  $("editing").hidden = false;
  $("editing-what").textContent = `This is event ${event.number}${event.code ? `, which was not delivered: ${event.code}` : ""}. Change it, look at the calls, then replay it in its place.`;
  $("event").value = JSON.stringify(body, null, 2);
  $("result").replaceChildren();
  location.hash = "playground";
  open();
  $("event").focus();
}

function endEdit() {
  edited = null;
  $("editing").hidden = true;
}

$("replay-edited").addEventListener("click", async () => {
  const { number: id, dead_letter: letter } = edited;
  if (!await told(() => ask(`dead-letters/${letter}/edited`, $("event").value))) return;
  endEdit();
  tell("Back in the queue, as you have changed it.");
  location.hash = `events/${id}`;
});
$("edit-no-more").addEventListener("click", () => { endEdit(); useSample(); });
$("sample").addEventListener("change", endEdit);
