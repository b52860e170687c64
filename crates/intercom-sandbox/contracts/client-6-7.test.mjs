// intercom-client 6 and 7, which are generated from Intercom's own description.
import assert from "node:assert/strict";
import { test } from "node:test";
import six from "intercom-client-6";
import * as seven from "intercom-client-7";
import { TOKEN, withSandbox } from "./sandbox.mjs";

/** The status and first code of the error that a call ends with. */
const failure = (call) => call.then(() => assert.fail("the call should fail"), (error) => [error.statusCode, error.body?.errors?.[0]?.code]);

/** All items of all pages. */
async function all(pages) {
  const items = [];
  for await (const item of await pages) {
    items.push(item);
    assert.ok(items.length < 100, "the pages have no end");
  }
  return items;
}

const CLIENTS = [
  [6, six, ["2.7", "2.11", "Unstable"]],
  [7, seven, ["2.10", "2.14", "2.16", "Preview", "Unstable"]],
];

for (const [major, { IntercomClient }, versions] of CLIENTS) {
  for (const version of versions) {
    const connect = (baseUrl, token = TOKEN) => new IntercomClient({ token, baseUrl, environment: baseUrl, version, maxRetries: 0 });
    const once = { maxRetries: 0 };
    const is216 = ["2.16", "Preview", "Unstable"].includes(version);
    // 2.14 is what this client asks for unless it is told otherwise, so it has all that this client has.
    const is214 = is216 || version === "2.14";

    test(`intercom-client ${major}, version ${version}`, (test) => withSandbox(test, [], async (url) => {
      const client = connect(url);

      const definition = await client.dataAttributes.create({ name: "plan_tier", model: "contact", data_type: "string" });
      const described = { data_attribute_id: `${definition.id}`, ...(major === 6 ? { description: "Which tier" } : { body: { description: "Which tier" } }) };
      assert.equal((await client.dataAttributes.update(described)).description, "Which tier");
      assert.ok((await client.dataAttributes.list({ model: "contact" })).data.some(({ name }) => name === "plan_tier"));

      const admin = (await client.admins.list()).admins[0];
      const ann = await client.contacts.create({ external_id: "u-1", email: "ann@example.com", name: "Ann", owner_id: is216 ? admin.id : Number(admin.id), custom_attributes: { plan_tier: "a" } });
      assert.deepEqual(ann.owner_id, is216 ? admin.id : Number(admin.id));
      const lead = await client.contacts.create({ role: "lead", name: "Lea", email: "lea@example.com", phone: "+3531234567" });
      assert.equal((await client.contacts.find({ contact_id: ann.id })).custom_attributes.plan_tier, "a");
      assert.equal((await client.contacts.update({ contact_id: ann.id, name: "Ann B", phone: "+3531234567" })).phone, "+3531234567");
      for (const name of ["Bea", "Cleo", "Dora"]) await client.contacts.create({ external_id: name, name, email: `${name}@example.com` });

      const query = {
        operator: "AND",
        value: [
          { operator: "OR", value: [{ field: "name", operator: "=", value: "Ann B" }, { field: "external_id", operator: "IN", value: ["Bea", "Cleo", "Dora"] }] },
          { operator: "AND", value: [{ field: "role", operator: "=", value: "user" }, { field: "created_at", operator: ">", value: 1560436650 }] },
        ],
      };
      const found = await all(client.contacts.search({ query, pagination: { per_page: 3 } }));
      assert.deepEqual(found.map(({ name }) => name).sort(), ["Ann B", "Bea", "Cleo", "Dora"]);
      assert.equal((await all(client.contacts.list({ per_page: 2 }))).length, 5);

      const fields = { company_id: "co-1", name: "Acme", remote_created_at: 1600000000, monthly_spend: 9001, plan: "pro", size: 12, custom_attributes: { seats: 3 } };
      const company = await client.companies.createOrUpdate(fields);
      assert.equal((await client.companies.createOrUpdate({ ...fields, name: "Acme & Co" })).id, company.id);
      assert.equal((await client.companies.update({ company_id: company.id, body: { industry: "Tools" } })).id, company.id);
      assert.equal((await client.companies.find({ company_id: company.id })).plan.name, "pro");
      assert.equal((await client.companies.retrieve({ name: "Acme & Co" })).id, company.id);
      await client.companies.attachContact({ contact_id: ann.id, id: company.id });
      for (const number of [2, 3]) {
        const other = await client.companies.createOrUpdate({ company_id: `co-${number}`, name: `Company ${number}` });
        await client.companies.attachContact({ contact_id: ann.id, id: other.id });
      }
      assert.deepEqual((await client.companies.listAttachedContacts({ company_id: company.id })).data.map(({ id }) => id), [ann.id]);
      // The description that this client is made from calls the list `companies`; its own examples call it `data`.
      const { response } = await client.contacts.listAttachedCompanies({ contact_id: ann.id, per_page: 2 });
      assert.deepEqual([response.data.length, response.total_count, response.pages.total_pages], [2, 3, 2]);
      assert.equal((await client.companies.listAttachedSegments({ company_id: company.id })).data.length, 0);
      assert.equal((await all(client.companies.list({ per_page: 2 }))).length, 3);
      assert.equal((await all(client.companies.scroll())).length, 3);

      const tag = await client.tags.create({ name: "vip" });
      await client.tags.tagContact({ contact_id: ann.id, id: tag.id });
      assert.deepEqual((await client.contacts.listAttachedTags({ contact_id: ann.id })).data.map(({ name }) => name), ["vip"]);
      await client.tags.untagContact({ contact_id: ann.id, tag_id: tag.id });
      await client.tags.create({ name: "vip", companies: [{ id: company.id }] });
      assert.equal((await client.companies.retrieve({ tag_id: tag.id })).data.length, 1);
      await client.tags.create({ name: "vip", companies: [{ id: company.id, untag: true }] });
      await client.tags.create({ name: "vip", users: [{ id: ann.id }] });
      assert.equal((await client.tags.find({ tag_id: tag.id })).name, "vip");
      assert.deepEqual((await client.tags.list()).data.map(({ name }) => name), ["vip"]);
      await client.tags.delete({ tag_id: tag.id });

      await client.events.create({ event_name: "ordered", created_at: 1700000000, user_id: "u-1", metadata: { price: { amount: 1200, currency: "eur" } } });
      await client.events.create({ event_name: "ordered", created_at: 1700000001, id: lead.id });
      assert.deepEqual(await failure(client.events.create({ event_name: "ordered", created_at: 1700000001, email: "lea@example.com" })), [404, "not_found"]);
      await client.events.summaries({ user_id: "u-1", event_summaries: { event_name: "paid", count: 3, first: 1600000000, last: 1700000000 } });
      assert.equal((await client.events.list({ type: "user", user_id: "u-1", summary: true })).events.length, 2);

      for (const number of [1, 2, 3]) await client.notes.create({ contact_id: ann.id, admin_id: admin.id, body: `<p>Note ${number}</p>` });
      const notes = await all(client.notes.list({ contact_id: ann.id, per_page: 2 }));
      assert.deepEqual(notes.map(({ body }) => body), ["<p>Note 3</p>", "<p>Note 2</p>", "<p>Note 1</p>"]);
      assert.equal((await client.notes.find({ note_id: notes[0].id })).id, notes[0].id);

      assert.equal((await client.contacts.listAttachedSegments({ contact_id: ann.id })).data.length, 0);
      assert.equal((await client.contacts.listAttachedSubscriptions({ contact_id: ann.id })).data.length, 0);
      assert.equal((await client.segments.list()).segments.length, 0);
      assert.equal((await client.subscriptionTypes.list()).data.length, 0);

      assert.equal((await client.contacts.archive({ contact_id: lead.id })).archived, true);
      assert.deepEqual(await failure(client.contacts.find({ contact_id: lead.id })), [404, "not_found"]);
      assert.equal((await client.contacts.unarchive({ contact_id: lead.id })).archived, false);
      assert.equal((await client.contacts.mergeLeadInUser({ from: lead.id, into: ann.id })).id, ann.id);
      assert.deepEqual(await failure(client.contacts.update({ contact_id: lead.id, name: "Lea" })), [410, "contact_merged"]);
      if (major === 7) {
        const dora = found.find(({ name }) => name === "Dora");
        assert.deepEqual(await failure(client.contacts.showContactByExternalId({ external_id: "u-9" })), [404, "not_found"]);
        if (is214) {
          assert.equal((await client.contacts.showContactByExternalId({ external_id: "u-1" })).id, ann.id);
          assert.equal((await client.contacts.blockContact({ contact_id: dora.id })).blocked, true);
        } else {
          assert.deepEqual(await failure(client.contacts.showContactByExternalId({ external_id: "u-1" })), [404, "not_found"]);
          assert.deepEqual(await failure(client.contacts.blockContact({ contact_id: dora.id })), [404, "not_found"]);
        }
      }
      await client.companies.detachContact({ contact_id: ann.id, company_id: company.id });
      assert.equal((await client.companies.delete({ company_id: company.id })).deleted, true);
      assert.equal((await client.contacts.delete({ contact_id: ann.id })).deleted, true);

      assert.deepEqual(await failure(client.contacts.find({ contact_id: ann.id })), [404, "not_found"]);
      assert.deepEqual(await failure(client.companies.find({ company_id: company.id })), [404, "company_not_found"]);
      assert.deepEqual(await failure(client.contacts.create({ external_id: "Bea" })), [409, "conflict"]);
      assert.deepEqual(await failure(client.contacts.create({ external_id: "u-9", custom_attributes: { plan_tier: 1 } })), [400, "parameter_invalid"]);
      assert.deepEqual(await failure(client.tickets.get({ ticket_id: "1" }, once)), [501, "not_implemented_in_sandbox"]);
      assert.deepEqual(await failure(connect(url, "another").tags.list()), [401, "unauthorized"]);
    }));
  }

  test(`intercom-client ${major}, a rate limit`, (test) => withSandbox(test, ["--rate-limit", "2/60s"], async (url) => {
    const client = new IntercomClient({ token: TOKEN, baseUrl: url, environment: url });
    const outcomes = [];
    // Two windows may touch.
    for (let call = 0; call < 5; call += 1) outcomes.push(await client.tags.list({ maxRetries: 0 }).then(() => [200], (error) => [error.statusCode, error.body?.errors?.[0]?.code]));
    assert.deepEqual([outcomes[0], outcomes.at(-1)], [[200], [429, "rate_limit_exceeded"]]);
  }));
}
