"""python-intercom 5, which is generated from Intercom's own description, against the sandbox."""

from intercom import CreateDataAttributeRequestOne, Intercom
from intercom.core.api_error import ApiError
from sandbox import TOKEN, calls, sandbox


def failure(call):
    """The status and first code of the error that a call ends with."""
    try:
        call()
    except ApiError as error:
        body = error.body if isinstance(error.body, dict) else error.body.dict()
        return error.status_code, body["errors"][0]["code"]
    raise AssertionError("the call should fail")


def bounded(pages):
    """All items of all pages, which have an end."""
    items = []
    for item in pages:
        items.append(item)
        assert len(items) < 100, "the pages have no end"
    return items


def attributes(client):
    tier = client.data_attributes.create(
        request=CreateDataAttributeRequestOne(name="plan_tier", model="contact", data_type="string")
    )
    listed = client.data_attributes.list(model="contact").data
    assert any(known.name == "plan_tier" and known.id == tier.id for known in listed)


def contacts(client):
    ann = client.contacts.create(
        request={
            "external_id": "u-1",
            "email": "ann@example.com",
            "name": "Ann",
            "phone": "+3531234567",
            "signed_up_at": 1700000000,
            "custom_attributes": {"plan_tier": "a"},
        }
    )
    lead = client.contacts.create(request={"role": "lead", "name": "Lea", "phone": "+3531234567"})
    assert client.contacts.find(ann.id).custom_attributes["plan_tier"] == "a"
    assert client.contacts.update(ann.id, name="Ann B", custom_attributes={"plan_tier": None}).name == "Ann B"
    for name in ["Bea", "Cleo", "Dora"]:
        client.contacts.create(request={"external_id": name, "name": name, "email": f"{name}@example.com"})
    names = {
        "operator": "OR",
        "value": [
            {"field": "name", "operator": "=", "value": "Ann B"},
            {"field": "external_id", "operator": "IN", "value": ["Bea", "Cleo", "Dora"]},
        ],
    }
    users = {"field": "role", "operator": "=", "value": "user"}
    # The client's own pager asks for the first page again and again.
    found, cursor = [], None
    while True:
        page = client.contacts.search(
            query={"operator": "AND", "value": [names, users]}, pagination={"per_page": 3, "starting_after": cursor}
        )
        found += page.items
        if not page.has_next:
            break
        cursor = page.response.pages.next.starting_after
    assert sorted(contact.name for contact in found) == ["Ann B", "Bea", "Cleo", "Dora"]
    assert len(bounded(client.contacts.list(per_page=2))) == 5
    assert client.contacts.show_contact_by_external_id("u-1").id == ann.id
    assert client.contacts.block_contact(found[-1].id).blocked is True
    return ann, lead


def companies(client, ann):
    fields = {"company_id": "co-1", "name": "Acme", "monthly_spend": 9001, "plan": "pro", "custom_attributes": {"seats": 3}}
    company = client.companies.create_or_update(request=fields)
    assert client.companies.update(company.id, request={"industry": "Tools"}).industry == "Tools"
    assert client.companies.find(company.id).plan.name == "pro"
    assert client.companies.retrieve(company_id="co-1").id == company.id
    client.companies.attach_contact(ann.id, company_id=company.id)
    for number in [2, 3]:
        other = client.companies.create_or_update(request={"company_id": f"co-{number}", "name": f"Company {number}"})
        client.companies.attach_contact(ann.id, company_id=other.id)
    assert [contact.id for contact in client.companies.list_attached_contacts(company.id).data] == [ann.id]
    assert len(bounded(client.companies.list(per_page=2))) == 3
    assert len(bounded(client.companies.scroll())) == 3
    assert client.companies.list_attached_segments(company.id).data == []
    return company


def tags(client, ann, company):
    tag = client.tags.create(request={"name": "vip"})
    client.tags.tag_contact(ann.id, tag_id=tag.id)
    assert [known.name for known in client.contacts.list_attached_tags(ann.id).data] == ["vip"]
    client.tags.untag_contact(ann.id, tag.id)
    client.tags.create(request={"name": "vip", "companies": [{"id": company.id}]})
    client.tags.create(request={"name": "vip", "companies": [{"id": company.id, "untag": True}]})
    assert client.tags.find(tag.id).name == "vip"
    assert [known.name for known in client.tags.list().data] == ["vip"]
    client.tags.delete(tag.id)


def events(client, lead):
    event = {"event_name": "ordered", "created_at": 1700000000}
    client.events.create(request={**event, "user_id": "u-1", "metadata": {"order": "o-1"}})
    client.events.create(request={**event, "id": lead.id})
    assert failure(lambda: client.events.create(request={**event, "user_id": "u-9"})) == (404, "not_found")
    assert client.events.list(type="user", user_id="u-1", summary=True).events[0].count == 1


def notes(client, ann):
    for number in [1, 2, 3]:
        client.notes.create(ann.id, body=f"<p>Note {number}</p>", admin_id="1")
    written = bounded(client.notes.list(ann.id, per_page=2))
    assert [note.body for note in written] == ["<p>Note 3</p>", "<p>Note 2</p>", "<p>Note 1</p>"]
    assert client.notes.find(int(written[0].id)).id == written[0].id


def endings(client, ann, lead, company):
    assert client.contacts.archive(lead.id).archived is True
    assert failure(lambda: client.contacts.find(lead.id)) == (404, "not_found")
    assert client.contacts.unarchive(lead.id).archived is False
    assert client.contacts.merge_lead_in_user(lead_id=lead.id, contact_id=ann.id).id == ann.id
    client.companies.detach_contact(ann.id, company.id)
    assert client.companies.delete(company.id).deleted is True
    assert client.contacts.delete(ann.id).deleted is True


def errors(client, url):
    another = Intercom(token="another", base_url=url)
    assert failure(lambda: another.tags.list()) == (401, "unauthorized")
    assert failure(lambda: client.companies.find("5f")) == (404, "company_not_found")
    assert failure(lambda: client.contacts.create(request={"external_id": "Bea"})) == (409, "conflict")
    wrong = {"external_id": "u-9", "custom_attributes": {"plan_tier": 1}}
    assert failure(lambda: client.contacts.create(request=wrong)) == (400, "parameter_invalid")
    assert failure(lambda: client.tickets.get("5")) == (501, "not_implemented_in_sandbox")


def main():
    with sandbox() as url:
        client = Intercom(token=TOKEN, base_url=url)
        attributes(client)
        ann, lead = contacts(client)
        company = companies(client, ann)
        tags(client, ann, company)
        events(client, lead)
        notes(client, ann)
        endings(client, ann, lead, company)
        errors(client, url)
        print(f"python-intercom 5: {calls(url)} calls")
    with sandbox("--rate-limit", "2/60s") as url:
        client = Intercom(token=TOKEN, base_url=url)
        once = {"max_retries": 0}
        # Two windows may touch.
        for _ in range(4):
            try:
                client.tags.list(request_options=once)
            except ApiError:
                pass
        assert failure(lambda: client.tags.list(request_options=once)) == (429, "rate_limit_exceeded")
        print("python-intercom 5: the rate limit is told")


if __name__ == "__main__":
    main()
