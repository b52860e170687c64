//! What is known of the workspace, and what calls make of it.

use super::answers::{Refusal, response};
use super::changes::Changes;
use super::companies::Companies;
use super::contacts::Contacts;
use super::questions::{EMAIL, EXTERNAL_ID, ID, Question};
use super::wanted::Wanted;
use intercom_api::{
    Attributes, Call, CompanyFields, ContactFields, ContactId, CreateContact, CreateDataAttribute, DataAttribute,
    DataAttributeModel, Filter, Operation, OperationId, Route, SearchContacts, SearchQuery, SearchValue, UpdateContact,
    UpsertCompany, Value, limits,
};
use intercom_delivery::client::CallError;
use intercom_delivery::{DefinedAttributes, Response};
use rudderstack_to_intercom::CompanyKey;
use std::collections::BTreeMap;

/// Something that has to be read first.
#[derive(Debug)]
pub(super) enum Need {
    People(Vec<Question>),
    Contact(ContactId),
    Company(CompanyKey),
    CompaniesOf(ContactId),
    Attributes(DataAttributeModel),
}

/// The copy, as far as it is known.
#[derive(Default)]
pub(super) struct State {
    pub(super) contacts: Contacts,
    pub(super) companies: Companies,
    pub(super) attributes: BTreeMap<&'static str, Result<Vec<DataAttribute>, Response>>,
    /// Custom attributes that would be created.
    defined: Vec<CreateDataAttribute>,
    pub(super) data_events: u64,
    pub(super) calls: BTreeMap<&'static str, u64>,
    /// Why the workspace could not be read.
    pub(super) failed: Option<CallError>,
}

fn model_name(model: &DataAttributeModel) -> &'static str {
    match model {
        DataAttributeModel::Company => "company",
        _ => "contact",
    }
}

fn body_of(call: &Call) -> Attributes {
    let body = call.body.as_ref().map(|body| serde_json::from_str(body.get()));
    body.and_then(Result::ok).unwrap_or_default()
}

fn query_of(call: &Call) -> Option<SearchQuery> {
    let body = call.body.as_ref()?;
    Some(SearchContacts::from_body(body.get().as_bytes()).ok()?.query)
}

fn questions_of(query: &SearchQuery, into: &mut Vec<Question>) {
    match query {
        SearchQuery::Group(group) => group.value.iter().for_each(|query| questions_of(query, into)),
        SearchQuery::Filter(Filter { field, value, .. }) => match value {
            SearchValue::List(values) => into.extend(values.iter().map(|value| Question::new(field, value))),
            value => into.push(Question::new(field, value)),
        },
    }
}

fn company_question(call: &Call) -> Option<CompanyKey> {
    call.query.iter().find_map(|(name, value)| match name.as_ref() {
        "company_id" => Some(CompanyKey::CompanyId(value.as_str().into())),
        "name" => Some(CompanyKey::Name(value.clone())),
        _ => None,
    })
}

/// The parameters of a call's path.
fn parameters(call: &Call) -> (String, String) {
    let route = Route::find(call.method, &call.path);
    let mut all = route.iter().flat_map(Route::parameters).map(str::to_owned);
    (all.next().unwrap_or_default(), all.next().unwrap_or_default())
}

impl State {
    /// Makes everything as it was read.
    pub(super) fn rewind(&mut self) {
        self.contacts.rewind();
        self.companies.rewind();
        self.data_events = 0;
        self.calls.clear();
        for attribute in std::mem::take(&mut self.defined) {
            if let Some(Ok(list)) = self.attributes.get_mut(model_name(&attribute.model)) {
                list.retain(|known| known.name.as_deref() != Some(&attribute.name));
            }
        }
    }

    /// What has been changed.
    pub(super) fn changes(&self, wanted: &Wanted) -> Changes {
        let mut changes = Changes::between(&self.contacts, &self.companies, wanted);
        changes.attributes = self
            .defined
            .iter()
            .map(|new| (new.model.clone(), new.name.clone()))
            .collect();
        changes.data_events = self.data_events;
        changes.calls = self.calls.values().sum();
        changes
    }

    /// The workspace's attributes of a model, or why it does not tell them.
    pub(super) fn listed(&mut self, model: &DataAttributeModel, list: Result<Vec<DataAttribute>, Response>) {
        self.attributes.insert(model_name(model), list);
    }

    /// Takes note of a call.
    pub(super) fn count(&mut self, call: &Call) {
        *self.calls.entry(call.operation.as_str()).or_default() += 1;
    }

    /// What has to be read before a call can be answered.
    pub(super) fn needs(&self, call: &Call) -> Vec<Need> {
        let mut questions = Vec::new();
        let mut needs = Vec::new();
        let body = || body_of(call);
        let mut ask = |body: &Attributes, names: &[(&str, &str)]| {
            for (name, field) in names {
                if let Some(text) = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()) {
                    questions.push(Question::text(field, text));
                }
            }
        };
        match call.operation {
            OperationId::SearchContacts => {
                if let Some(query) = query_of(call) {
                    questions_of(&query, &mut questions);
                }
            }
            OperationId::CreateContact => ask(&body(), &[(EXTERNAL_ID, EXTERNAL_ID), (EMAIL, EMAIL)]),
            OperationId::SubmitDataEvent => ask(&body(), &[("id", ID), ("user_id", EXTERNAL_ID), (EMAIL, EMAIL)]),
            OperationId::UpdateContact => {
                ask(&body(), &[(EXTERNAL_ID, EXTERNAL_ID), (EMAIL, EMAIL)]);
                needs.extend(self.unknown_contact(call));
            }
            OperationId::RetrieveContact | OperationId::DeleteContact => needs.extend(self.unknown_contact(call)),
            OperationId::AttachCompany | OperationId::DetachCompany => {
                needs.extend(self.unknown_contact(call));
                let (id, _) = parameters(call);
                let is_cut = self.contacts.get(&id).is_some_and(|known| known.has_more_companies);
                needs.extend(id.parse().ok().filter(|_| is_cut).map(Need::CompaniesOf));
            }
            OperationId::UpsertCompany => {
                let body = body();
                let id = body.get("company_id").and_then(Value::as_str);
                let key = id.map(|id| CompanyKey::CompanyId(id.into()));
                needs.extend(self.unknown_company(key));
            }
            OperationId::FindCompany => needs.extend(self.unknown_company(company_question(call))),
            _ => {}
        }
        questions.retain(|question| !self.contacts.knows(question));
        let (together, alone): (Vec<_>, Vec<_>) = questions.into_iter().partition(Question::goes_with_others);
        needs.extend((!together.is_empty()).then_some(Need::People(together)));
        needs.extend(alone.into_iter().map(|question| Need::People(vec![question])));
        needs
    }

    fn unknown_contact(&self, call: &Call) -> Option<Need> {
        let (id, _) = parameters(call);
        let id = id.parse().ok().filter(|_| !self.contacts.knows_id(&id));
        id.map(Need::Contact)
    }

    fn unknown_company(&self, question: Option<CompanyKey>) -> Option<Need> {
        question
            .filter(|question| !self.companies.knows(question))
            .map(Need::Company)
    }

    pub(super) fn answer(&mut self, call: &Call) -> Response {
        let (id, other) = parameters(call);
        let body = body_of(call);
        let done = match call.operation {
            OperationId::SearchContacts => match query_of(call) {
                Some(query) => Ok(self.contacts.search(&query)),
                None => Err(Refusal::invalid("the query cannot be read")),
            },
            OperationId::RetrieveContact => self.contacts.retrieve(&id),
            OperationId::CreateContact => self
                .check(&DataAttributeModel::Contact, &body, call)
                .and_then(|()| self.contacts.create(&body)),
            OperationId::UpdateContact => self
                .check(&DataAttributeModel::Contact, &body, call)
                .and_then(|()| self.contacts.update(&id, &body)),
            OperationId::DeleteContact => self.contacts.delete(&id),
            OperationId::UpsertCompany => self
                .check(&DataAttributeModel::Company, &body, call)
                .and_then(|()| self.companies.upsert(&body)),
            OperationId::FindCompany => match company_question(call) {
                Some(question) => self.companies.find(&question),
                None => Err(Refusal::unknown()),
            },
            OperationId::AttachCompany => {
                let company = body.get("id").and_then(Value::as_str).unwrap_or_default();
                let shown = self.companies.shown(company);
                shown.and_then(|shown| self.contacts.attach(&id, company).map(|()| shown))
            }
            OperationId::DetachCompany => self.contacts.detach(&id, &other).map(|()| Attributes::new()),
            OperationId::CreateTag => self.tag(&body),
            OperationId::SubmitDataEvent => self.contacts.submit(&body).map(|()| {
                self.data_events += 1;
                Attributes::new()
            }),
            OperationId::ListDataAttributes => return self.list_attributes(call),
            OperationId::CreateDataAttribute => self.define(call),
            _ => Err(Refusal::unknown()),
        };
        response(done)
    }

    fn tag(&mut self, body: &Attributes) -> Result<Attributes, Refusal> {
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
        let companies = body.get("companies").and_then(Value::as_array).unwrap_or_default();
        for company in companies {
            let id = company.as_object().and_then(|company| company.get("id"));
            self.companies
                .tag(id.and_then(Value::as_str).unwrap_or_default(), name)?;
        }
        Ok(Attributes::new().with("type", "tag").with("id", "1").with("name", name))
    }

    /// Fails for what Intercom is documented to refuse, and for custom attributes that are not there.
    fn check(&self, model: &DataAttributeModel, body: &Attributes, call: &Call) -> Result<(), Refusal> {
        let text = call.body.as_ref().map_or("null", |body| body.get());
        let is_valid = match call.operation {
            OperationId::UpsertCompany => serde_json::from_str::<CompanyFields>(text)
                .is_ok_and(|fields| UpsertCompany::new(fields).check().is_ok()),
            OperationId::CreateContact => serde_json::from_str::<ContactFields>(text)
                .is_ok_and(|fields| CreateContact::new(fields).check().is_ok()),
            _ => match parameters(call).0.parse::<ContactId>() {
                Ok(id) => UpdateContact::from_body(id, text.as_bytes()).is_ok_and(|update| update.check().is_ok()),
                Err(_) => false,
            },
        };
        if !is_valid {
            return Err(Refusal::invalid("Intercom is documented to refuse this"));
        }
        let Some(Ok(list)) = self.attributes.get(model_name(model)) else {
            return Ok(());
        };
        let Some(Value::Object(values)) = body.get("custom_attributes") else {
            return Ok(());
        };
        let defined = DefinedAttributes::new(model, list);
        let is_undefined = |(name, value): &(&str, &Value)| !value.is_null() && defined.data_type(name).is_none();
        match values.iter().find(is_undefined) {
            Some((name, _)) => Err(Refusal::undefined(name)),
            None => Ok(()),
        }
    }

    fn list_attributes(&self, call: &Call) -> Response {
        let model = call.query.iter().find(|(name, _)| name == "model");
        let model = if model.is_some_and(|(_, value)| value == "company") {
            "company"
        } else {
            "contact"
        };
        match self.attributes.get(model) {
            Some(Ok(list)) => {
                let body = serde_json::json!({"type": "list", "data": list});
                Response::new(200, body.to_string())
            }
            Some(Err(refused)) => refused.clone(),
            None => Response::new(404, Vec::new()),
        }
    }

    fn define(&mut self, call: &Call) -> Result<Attributes, Refusal> {
        let text = call.body.as_ref().map_or("null", |body| body.get());
        let new = CreateDataAttribute::from_body(text.as_bytes());
        let new = new.map_err(|_| Refusal::invalid("the attribute cannot be read"))?;
        if new.check().is_err() {
            return Err(Refusal::invalid("Intercom is documented to refuse this"));
        }
        let all = || self.attributes.values().flatten().flatten();
        let is_custom = |known: &&DataAttribute| known.custom == Some(true);
        let in_use = all()
            .filter(is_custom)
            .filter(|known| known.archived != Some(true))
            .count();
        let is_taken = all()
            .filter(is_custom)
            .any(|known| known.name.as_deref() == Some(&new.name));
        if is_taken || in_use >= limits::CUSTOM_ATTRIBUTES {
            return Err(Refusal::invalid("there cannot be another attribute of that name"));
        }
        if let Some(Ok(list)) = self.attributes.get_mut(model_name(&new.model)) {
            let mut attribute = DataAttribute::new();
            attribute.name = Some(new.name.clone());
            attribute.model = Some(new.model.clone());
            attribute.data_type = Some(new.data_type.clone());
            attribute.custom = Some(true);
            list.push(attribute);
        }
        let shown = Attributes::new()
            .with("type", "data_attribute")
            .with("name", new.name.as_str());
        self.defined.push(new);
        Ok(shown)
    }
}
