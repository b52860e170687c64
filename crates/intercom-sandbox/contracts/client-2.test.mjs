// intercom-client 2, which was written for version 1 of the API: what version 2 still has of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import intercom from "intercom-client-2";
import { TOKEN, withSandbox } from "./sandbox.mjs";

const connect = (baseUrl, token = TOKEN) => new intercom.Client({ token }).usePromises().useRequestOpts({ baseUrl, headers: { "Intercom-Version": 2.4 } });

/** The status and first code of the error that a call ends with. */
const failure = (call) => call.then(() => assert.fail("the call should fail"), (error) => [error.statusCode, error.body?.errors?.[0]?.code]);

test("intercom-client 2", (test) => withSandbox(test, [], async (url) => {
  const client = connect(url);

  // What version 2 calls contacts, this client calls leads.
  const ann = (await client.leads.create({ email: "ann@example.com", external_id: "u-1", name: "Ann" })).body;
  assert.equal(ann.type, "contact");
  assert.equal((await client.leads.find({ id: ann.id })).body.email, "ann@example.com");
  await client.leads.create({ email: "bob@example.com", external_id: "u-2" });
  const contacts = (await client.leads.list()).body;
  assert.deepEqual(contacts.data.map((contact) => contact.external_id), ["u-1", "u-2"]);

  const company = (await client.companies.create({ company_id: "co-1", name: "Acme", custom_attributes: { seats: 3 } })).body;
  assert.equal((await client.companies.update({ company_id: "co-1", name: "Acme & Co" })).body.id, company.id);
  assert.equal((await client.companies.find({ id: company.id })).body.name, "Acme & Co");
  assert.equal((await client.companies.find({ company_id: "co-1" })).body.id, company.id);
  assert.equal((await client.companies.find({ name: "Acme & Co" })).body.custom_attributes.seats, 3);
  await client.post(`/contacts/${ann.id}/companies`, { id: company.id });
  assert.equal((await client.companies.list()).body.total_count, 1);
  // Its own `scroll` looks for the list that version 1 answered.
  assert.equal((await client.get("/companies/scroll", {})).body.data.length, 1);

  const tag = (await client.tags.tag({ name: "vip", companies: [{ id: company.id }], users: [{ id: ann.id }] })).body;
  assert.equal((await client.tags.list()).body.data[0].name, "vip");
  assert.deepEqual((await client.companies.listBy({ tag_id: tag.id })).body.data.map(({ id }) => id), [company.id]);
  await client.tags.untag({ name: "vip", companies: [{ id: company.id }] });
  assert.equal((await client.companies.find({ id: company.id })).body.tags.tags.length, 0);
  assert.equal((await client.tags.delete({ id: tag.id })).statusCode, 200);

  const event = { event_name: "ordered", created_at: 1700000000, metadata: { order: "o-1" } };
  assert.equal((await client.events.create({ ...event, user_id: "u-1" })).statusCode, 202);
  assert.equal((await client.events.create({ ...event, email: "bob@example.com" })).statusCode, 202);
  const events = (await client.events.listBy({ type: "user", user_id: "u-1" })).body.events;
  assert.deepEqual(events.map(({ event_name, metadata }) => [event_name, metadata.order]), [["ordered", "o-1"]]);
  assert.ok((await client.users.requestPermanentDeletion(ann.id)).body.id);

  // Version 1 of the API had these paths; whoever calls them is told that it is the sandbox that lacks them.
  const missing = [501, "not_implemented_in_sandbox"];
  assert.deepEqual(await failure(client.users.create({ email: "cid@example.com" })), missing);
  assert.deepEqual(await failure(client.customers.search({ query: {} })), missing);
  assert.deepEqual(await failure(client.counts.appCounts()), missing);

  assert.deepEqual(await failure(client.leads.find({ id: "5f00000000000000000000ff" })), [404, "not_found"]);
  assert.deepEqual(await failure(client.leads.create({ email: "bob@example.com" })), [409, "conflict"]);
  assert.deepEqual(await failure(client.leads.create({ email: "dan@example.com", nonsense: 1 })), [400, "bad_request"]);
  assert.deepEqual(await failure(connect(url, "another").leads.list()), [401, "unauthorized"]);
}));

test("intercom-client 2, a rate limit", (test) => withSandbox(test, ["--rate-limit", "2/60s"], async (url) => {
  const outcomes = [];
  // Two windows may touch.
  for (let call = 0; call < 5; call += 1) outcomes.push(await connect(url).tags.list().then(() => 200, ({ statusCode, headers }) => (headers["x-ratelimit-limit"] ? statusCode : "no headers")));
  assert.equal(outcomes[0], 200);
  assert.equal(outcomes.at(-1), 429);
}));
