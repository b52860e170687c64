//! Companies: create or update, find, list, scroll, delete.

use super::{Outcome, Success};
use crate::body::{Body, given};
use crate::error::ApiError;
use crate::json::{NULL, Seq, object};
use crate::pages::{COMPANIES_PER_PAGE, Numbered};
use crate::request::UnixMillis;
use crate::store::attributes::Model;
use crate::store::companies::{Company, Details};
use crate::target::Target;
use crate::workspace::{Scroll, Workspace};
use intercom_api::{ErrorCode, Value, limits};
use std::time::Duration;

/// What can be written of a company.
const WRITABLE: &[&str] = &[
    "company_id",
    "name",
    "plan",
    "size",
    "website",
    "industry",
    "monthly_spend",
    "remote_created_at",
    "update_last_request_at",
    "custom_attributes",
];

/// How many companies a page of a scroll holds.
const SCROLL_PAGE: usize = 100;

/// How long a scroll waits for its next page.
const SCROLL_LIFETIME: Duration = Duration::from_secs(60);

/// Reads everything but the ids and the custom attributes.
fn read_details(body: &Body, details: &mut Details) -> Result<(), ApiError> {
    body.refuse_unknown(WRITABLE)?;
    body.set_text("name", &mut details.name)?;
    body.set_text("plan", &mut details.plan)?;
    body.set_text("website", &mut details.website)?;
    body.set_text("industry", &mut details.industry)?;
    body.set_integer("size", &mut details.size)?;
    body.set_integer("remote_created_at", &mut details.remote_created_at)?;
    match body.get("monthly_spend") {
        // Fractions are cut off.
        Some(Value::Number(spend)) => {
            let whole = spend
                .as_i64()
                .map_or_else(|| spend.as_f64().trunc(), |whole| whole as f64);
            if whole > limits::MONTHLY_SPEND as f64 {
                let message = format!("monthly_spend must not be greater than {}", limits::MONTHLY_SPEND);
                return Err(ApiError::invalid("monthly_spend", message));
            }
            details.monthly_spend = Some(whole as i64);
        }
        _ => body.set_integer("monthly_spend", &mut details.monthly_spend)?,
    }
    Ok(())
}

impl Workspace {
    pub(super) fn company_response(&self, at: u32) -> Outcome {
        self.company_view(at)
            .map(|view| Success::json(&view))
            .ok_or_else(ApiError::company_not_found)
    }

    /// Puts a body's values into `details`, having checked all of them.
    fn write_company(&mut self, body: &Body, mut details: Details, now: UnixMillis) -> Result<Details, ApiError> {
        read_details(body, &mut details)?;
        if let Some(attributes) = body.object("custom_attributes")? {
            self.attributes.check(Model::Company, attributes)?;
            let into = &mut details.custom_attributes;
            self.attributes.write(Model::Company, attributes, into, now.seconds());
        }
        Ok(details)
    }

    fn change_company(&mut self, at: u32, body: &Body, now: UnixMillis) -> Outcome {
        let details = self.companies.get(at).map(|company| company.details.clone());
        let details = self.write_company(body, details.unwrap_or_default(), now)?;
        if let Some(company) = self.companies.get_mut(at) {
            company.details = details;
            company.updated_at = now.seconds();
        }
        self.company_response(at)
    }

    pub(super) fn upsert_company(&mut self, body: &[u8], now: UnixMillis) -> Outcome {
        let body = Body::parse(body)?;
        body.refuse_unknown(WRITABLE)?;
        let company_id = given("company_id", body.id("company_id")?)?;
        if let Some(at) = self.companies.by_company_id(&company_id) {
            return self.change_company(at, &body, now);
        }
        let details = self.write_company(&body, Details::default(), now)?;
        let at = self.companies.create(&company_id, details, now.seconds());
        self.company_response(at)
    }

    pub(super) fn update_company(&mut self, id: &str, body: &[u8], now: UnixMillis) -> Outcome {
        let (at, company) = self.company(id)?;
        let body = Body::parse(body)?;
        if body
            .id("company_id")?
            .is_some_and(|given| *given != *company.company_id)
        {
            return Err(ApiError::invalid("company_id", "company_id cannot be updated"));
        }
        self.change_company(at, &body, now)
    }

    pub(super) fn retrieve_company(&self, id: &str) -> Outcome {
        self.company(id).and_then(|(at, _)| self.company_response(at))
    }

    pub(super) fn delete_company(&mut self, id: &str) -> Outcome {
        let (at, _) = self.company(id)?;
        self.companies.delete(at);
        self.contacts.forget_company(at);
        Ok(Success::json(
            &object! { "id": id, "object": "company", "deleted": true },
        ))
    }

    /// `GET /companies`: one company by `company_id`; one, or several in a list, by `name`; else a list.
    pub(super) fn find_company(&self, target: &Target<'_>) -> Outcome {
        if let Some(company_id) = target.query("company_id") {
            let at = self.companies.by_company_id(&company_id);
            return at
                .ok_or_else(ApiError::company_not_found)
                .and_then(|at| self.company_response(at));
        }
        let path = self.url("/companies");
        if let Some(name) = target.query("name") {
            let is_named = |company: &Company| company.details.name.as_deref() == Some(&*name);
            let named: Vec<u32> = self.companies.those(is_named).collect();
            return match named[..] {
                [] => Err(ApiError::company_not_found()),
                [at] => self.company_response(at),
                _ => Ok(self.company_list(&named, &Numbered::from_query(target, COMPANIES_PER_PAGE)?, &path)),
            };
        }
        let page = Numbered::from_query(target, COMPANIES_PER_PAGE)?;
        if target.query("segment_id").is_some() {
            // There are no segments.
            return Ok(self.company_list(&[], &page, &path));
        }
        if let Some(tag) = target.query("tag_id") {
            let url = format!("{path}?tag_id={tag}");
            let tag = self.tag(&tag)?;
            let tagged: Vec<u32> = self.companies.those(|company| company.tags.contains(&tag)).collect();
            return Ok(self.company_list(&tagged, &page, &url));
        }
        Ok(self.company_list(&self.listed_companies(), &page, &path))
    }

    /// What lists show: the companies to which somebody belongs, the latest first.
    fn listed_companies(&self) -> Vec<u32> {
        let mut places: Vec<u32> = self.companies.those(Company::has_members).collect();
        places.reverse();
        places
    }

    pub(super) fn list_companies(&self, target: &Target<'_>) -> Outcome {
        let mut places = self.listed_companies();
        match target.query("order").as_deref() {
            None | Some("desc") => {}
            Some("asc") => places.reverse(),
            Some(_) => return Err(ApiError::invalid("order", "order must be asc or desc")),
        }
        let url = self.url("/companies/list");
        Ok(self.company_list(&places, &Numbered::from_query(target, COMPANIES_PER_PAGE)?, &url))
    }

    /// `GET /companies/scroll`: one scroll at a time, which ends with an empty page, or after a minute without a call.
    pub(super) fn scroll_companies(&mut self, target: &Target<'_>, now: UnixMillis) -> Outcome {
        let running = self
            .scroll
            .take()
            .filter(|scroll| now < scroll.last_used.after(SCROLL_LIFETIME));
        let scroll = match (target.query("scroll_param"), running) {
            (None, None) => {
                self.scrolls += 1;
                Scroll {
                    parameter: self.ids.request(u64::MAX - self.scrolls),
                    next: 0,
                    last_used: now,
                }
            }
            (None, Some(running)) => {
                self.scroll = Some(running);
                let message = "scroll already exists for this workspace";
                return Err(ApiError::new(400, ErrorCode::from("scroll_exists"), message));
            }
            (Some(parameter), Some(running)) if running.parameter == parameter => running,
            (Some(_), running) => {
                self.scroll = running;
                return Err(ApiError::new(404, ErrorCode::NotFound, "scroll parameter not found"));
            }
        };
        let listed = self.companies.those(Company::has_members);
        let shown: Vec<u32> = listed.filter(|at| *at >= scroll.next).take(SCROLL_PAGE).collect();
        let response = Success::json(&object! {
            "type": "list",
            "data": Seq(|| shown.iter().filter_map(|at| self.company_view(*at))),
            "pages": NULL,
            "total_count": NULL,
            // Nothing comes after an empty page.
            "scroll_param"?: shown.last().map(|_| &*scroll.parameter),
        });
        if let Some(last) = shown.last() {
            self.scroll = Some(Scroll {
                next: last.saturating_add(1),
                last_used: now,
                ..scroll
            });
        }
        Ok(response)
    }
}
