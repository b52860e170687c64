// intercom-client 4 and 5, which send the token as the user name of HTTP Basic.
import assert from "node:assert/strict";
import { test } from "node:test";
import four from "intercom-client-4";
import five from "intercom-client-5";
import { TOKEN, withSandbox } from "./sandbox.mjs";

/** The status and first code of the error that a call ends with. */
const failure = (call) => call.then(() => assert.fail("the call should fail"), (error) => [error.statusCode ?? error.response?.status, (error.body ?? error.response?.data)?.errors?.[0]?.code]);

for (const [major, { Client, Operators, SearchContactOrderBy }] of [[4, four], [5, five]]) {
  const connect = (baseURL, token = TOKEN) => new Client({ tokenAuth: { token } }).useRequestOpts({ baseURL, headers: { "Intercom-Version": "2.10" } });

  test(`intercom-client ${major}`, (test) => withSandbox(test, [], async (url) => {
    const client = connect(url);

    const definition = await client.dataAttributes.create({ name: "plan_tier", model: "contact", dataType: "string", options: [{ value: "a" }, { value: "b" }] });
    assert.equal((await client.dataAttributes.update({ id: definition.id, description: "Which tier" })).description, "Which tier");
    assert.ok((await client.dataAttributes.list({ model: "contact" })).data.some(({ name }) => name === "plan_tier"));

    const ann = await client.contacts.createUser({ externalId: "u-1", email: "ann@example.com", name: "Ann", signedUpAt: 1700000000, customAttributes: { plan_tier: "a" } });
    const lead = await client.contacts.createLead({ name: "Lea", email: "lea@example.com" });
    assert.deepEqual([ann.role, lead.role], ["user", "lead"]);
    assert.equal((await client.contacts.find({ id: ann.id })).custom_attributes.plan_tier, "a");
    assert.equal((await client.contacts.update({ id: ann.id, name: "Ann B", isUnsubscribedFromMails: true })).unsubscribed_from_emails, true);
    for (const name of ["Bea", "Cleo", "Dora"]) await client.contacts.createUser({ externalId: name, name, email: `${name}@example.com` });

    // Nested groups, and pages of two.
    const query = {
      operator: Operators.AND,
      value: [
        { operator: Operators.OR, value: [{ field: "name", operator: Operators.EQUALS, value: "Ann B" }, { field: "external_id", operator: Operators.IN, value: ["Bea", "Cleo", "Dora"] }] },
        { operator: Operators.AND, value: [{ field: "role", operator: Operators.EQUALS, value: "user" }, { field: "created_at", operator: Operators.GREATER_THAN, value: 1560436650 }] },
      ],
    };
    const found = [];
    for (let startingAfter; ;) {
      const pagination = startingAfter ? { per_page: 3, starting_after: startingAfter } : { per_page: 3 };
      const page = await client.contacts.search({ data: { query, pagination, sort: { field: "name", order: SearchContactOrderBy?.DESC ?? "descending" } } });
      assert.equal(page.total_count, 4);
      found.push(...page.data.map(({ name }) => name));
      startingAfter = page.pages.next?.starting_after;
      if (!startingAfter) break;
    }
    assert.deepEqual(found, ["Dora", "Cleo", "Bea", "Ann B"]);
    const first = await client.contacts.list({ perPage: 2 });
    const second = await client.contacts.list({ perPage: 2, startingAfter: first.pages.next.starting_after });
    assert.deepEqual([first.data.length, second.data.length, second.pages.page], [2, 2, 2]);

    const company = await client.companies.create({ companyId: "co-1", name: "Acme", createdAt: 1600000000, monthlySpend: 9001, plan: "pro", size: 12, website: "https://example.com", industry: "Tools", customAttributes: { seats: 3 } });
    assert.equal((await client.companies.update({ companyId: company.id, name: "Acme & Co" })).name, "Acme & Co");
    assert.equal((await client.companies.find({ companyId: "co-1" })).plan.name, "pro");
    assert.equal((await client.companies.find({ name: "Acme & Co" })).id, company.id);
    await client.companies.attachContact({ contactId: ann.id, companyId: company.id });
    assert.deepEqual((await client.companies.listAttachedContacts({ companyId: company.id, page: 1, perPage: 15 })).data.map(({ id }) => id), [ann.id]);
    assert.deepEqual((await client.contacts.listAttachedCompanies({ id: ann.id, page: 1, perPage: 15 })).data.map(({ id }) => id), [company.id]);
    assert.equal((await client.companies.listAttachedSegments({ companyId: company.id })).data.length, 0);
    for (const number of [2, 3]) {
      const other = await client.companies.create({ companyId: `co-${number}`, name: `Company ${number}`, createdAt: 1600000000 + number, monthlySpend: 1, plan: "pro", size: 1, website: "https://example.com", industry: "Tools", customAttributes: {} });
      await client.companies.attachContact({ contactId: ann.id, companyId: other.id });
    }
    const listed = await client.companies.list({ page: 1, perPage: 2, order: "desc" });
    assert.deepEqual([listed.data.length, listed.total_count, listed.pages.total_pages], [2, 3, 2]);
    assert.equal((await client.companies.list({ page: 2, perPage: 2, order: "desc" })).data.length, 1);
    assert.equal((await client.companies.scroll.each({})).length, 3);

    const tag = await client.tags.create({ name: "vip" });
    assert.equal((await client.tags.update({ id: tag.id, name: "VIP" })).name, "VIP");
    await client.tags.tagContact({ contactId: ann.id, tagId: tag.id });
    assert.deepEqual((await client.contacts.listAttachedTags({ id: ann.id })).data.map(({ name }) => name), ["VIP"]);
    await client.tags.untagContact({ contactId: ann.id, tagId: tag.id });
    await client.tags.tagCompanies({ tagName: "VIP", companiesIds: [company.id] });
    assert.equal((await client.companies.list({ tagId: tag.id })).data.length, 1);
    await client.tags.untagCompanies({ tagName: "VIP", companiesIds: [company.id] });
    assert.deepEqual((await client.tags.list()).data.map(({ name }) => name), ["VIP"]);
    await client.tags.delete({ id: tag.id });

    await client.events.create({ eventName: "ordered", createdAt: 1700000000, userId: "u-1", metadata: { order: { url: "https://example.com/o/1", value: "o-1" } } });
    await client.events.create({ eventName: "ordered", createdAt: 1700000001, id: lead.id });
    assert.equal((await client.events.listBy({ userId: "u-1", perPage: 2 })).events[0].event_name, "ordered");
    assert.equal((await client.events.listBy({ userId: "u-1", summary: true })).events[0].count, 1);

    const admin = (await client.admins.list()).admins[0];
    const notes = [];
    for (const number of [1, 2, 3]) notes.push(await client.notes.create({ contactId: ann.id, adminId: admin.id, body: `<p>Note ${number}</p>` }));
    assert.equal((await client.notes.find({ id: notes[0].id })).body, "<p>Note 1</p>");
    const noted = await client.notes.list({ contactId: ann.id, page: 2, perPage: 2 });
    assert.deepEqual([noted.data.length, noted.total_count, noted.pages.total_pages, noted.data[0].body], [1, 3, 2, "<p>Note 1</p>"]);

    assert.equal((await client.contacts.archive({ id: lead.id })).archived, true);
    assert.deepEqual(await failure(client.contacts.find({ id: lead.id })), [404, "not_found"]);
    assert.equal((await client.contacts.unarchive({ id: lead.id })).archived, false);
    assert.equal((await client.contacts.mergeLeadInUser({ leadId: lead.id, userId: ann.id })).id, ann.id);
    await client.companies.detachContact({ contactId: ann.id, companyId: company.id });
    assert.equal((await client.companies.delete({ id: company.id })).deleted, true);
    assert.equal((await client.contacts.delete({ id: ann.id })).deleted, true);

    assert.deepEqual(await failure(client.contacts.find({ id: ann.id })), [404, "not_found"]);
    assert.deepEqual(await failure(client.companies.find({ companyId: "co-1" })), [404, "company_not_found"]);
    assert.deepEqual(await failure(client.contacts.createUser({ externalId: "Bea" })), [409, "conflict"]);
    assert.deepEqual(await failure(client.contacts.createUser({ externalId: "u-9", ownerId: "nobody" })), [400, "parameter_invalid"]);
    assert.deepEqual(await failure(client.articles.list({})), [501, "not_implemented_in_sandbox"]);
    assert.deepEqual(await failure(connect(url, "another").tags.list()), [401, "unauthorized"]);
  }));

  test(`intercom-client ${major}, a rate limit`, (test) => withSandbox(test, ["--rate-limit", "2/60s"], async (url) => {
    const outcomes = [];
    // Two windows may touch.
    for (let call = 0; call < 5; call += 1) outcomes.push(await connect(url).tags.list().then(() => [200], (error) => [...[error.statusCode ?? error.response?.status], (error.body ?? error.response?.data)?.errors?.[0]?.code]));
    assert.deepEqual([outcomes[0], outcomes.at(-1)], [[200], [429, "rate_limit_exceeded"]]);
  }));
}
