// The sample calls of RudderStack's guide to its Intercom v2 destination, and what they lead to.
import assert from "node:assert/strict";

const traits = { name: "Alex Keener", email: "alex@example.com", company: { id: "group01", name: "Tech Group" }, createdAt: "Mon May 19 2019 18:34:24 GMT+0000 (UTC)" };

/** One function call each. The last two have addresses of their own: in the guide all three people share one, which would make them one contact. */
export const CALLS = [
  { call: "identify", userId: "1hKOmRA4GRlm", traits },
  { call: "identify", userId: "1hKOmRA4GRlm", traits: { ...traits, company: { ...traits.company, remove: true } } },
  { call: "identify", userId: "1hKOmRA4GRlm", traits: { ...traits, unsubscribedFromEmails: true } },
  { call: "track", userId: "1hKOmRA4GRlm", event: "Order Completed", properties: { order_id: "140021222", email: "alex@example.com", checkout_id: "EAP3211", products: "Sports Shoes", total: 145.99, currency: "USD" } },
  { call: "group", userId: "1hKOmRA4GRlm", groupId: "group123", traits: { name: "companyName", industry: "IT", employees: 450 } },
  { call: "identify", userId: "1hKOmRA4el9Z", traits: { email: "alex2@example.com", phone: "+1-202-555-0146" }, integrations: { INTERCOM: { lookup: "phone" } } },
  { call: "identify", userId: "alex98", traits: { name: "Alex Keener", createdAt: "2024-01-05T19:11:00.337Z", email: "alex98@example.com", phone: "+800 555\u20110100", address: { city: "New Orleans", state: "Louisiana" }, plan: "enterprise" }, integrations: { INTERCOM: { lookup: "phone" } } },
];

/** What the sandbox holds at the end. */
export function check(state) {
  const contact = (id) => state.contacts.find((found) => found.external_id === id) ?? assert.fail(`there is no contact ${id}`);
  const first = contact("1hKOmRA4GRlm");
  assert.equal(first.email, "alex@example.com");
  assert.equal(first.name, "Alex Keener");
  assert.equal(first.signed_up_at, 1558290864);
  assert.equal(first.unsubscribed_from_emails, true);
  const companies = Object.fromEntries(state.companies.map((company) => [company.company_id, company]));
  assert.deepEqual(Object.keys(companies).sort(), ["group01", "group123"].filter((id) => companies[id]).sort());
  assert.equal(companies.group123.name, "companyName");
  assert.equal(companies.group123.industry, "IT");
  assert.equal(companies.group123.custom_attributes.employees, 450);
  const linked = first.companies.data.map(({ id }) => state.companies.find((company) => company.id === id).company_id);
  assert.ok(linked.includes("group123"), `linked to ${linked}`);
  assert.equal(contact("1hKOmRA4el9Z").phone, "+1-202-555-0146");
  const last = contact("alex98");
  assert.deepEqual(last.custom_attributes, { address_city: "New Orleans", address_state: "Louisiana", plan: "enterprise" });
  assert.equal(state.contacts.length, 3);
  assert.equal(state.events.length, 1);
  const [event] = state.events;
  assert.equal(event.event_name, "Order Completed");
  assert.equal(event.metadata.total, 145.99);
  assert.ok(Math.abs(event.created_at - Date.now() / 1000) < 300, "the event has its time");
}
