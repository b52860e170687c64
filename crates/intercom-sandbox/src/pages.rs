//! Pages of lists: by cursor for contacts, by number for companies.

use crate::body::Body;
use crate::error::ApiError;
use crate::ids::{Ids, Kind};
use crate::json::object;
use crate::target::Target;
use intercom_api::Value;
use intercom_api::limits::SEARCH_PAGE_SIZE;
use serde::Serialize;

/// The most contacts that a page can hold.
const MAX_PER_PAGE: usize = 150;

/// How many companies a page of a list of them holds unless another number is asked for.
pub(crate) const COMPANIES_PER_PAGE: usize = 15;

/// How many entries a page of any other list holds unless another number is asked for.
pub(crate) const PER_PAGE: usize = 50;

/// A page asked for by cursor, the id of the last contact on the page before, or by number.
pub(crate) struct Cursor {
    per_page: usize,
    page: usize,
    after: Option<u32>,
}

impl Cursor {
    /// Reads the `pagination` object of a search.
    pub(crate) fn from_search(body: &Body, ids: &Ids) -> Result<Self, ApiError> {
        let pagination = body.object("pagination")?;
        let per_page = pagination.and_then(|pagination| pagination.get("per_page"));
        let per_page = match per_page {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => Some(number.as_str()),
            Some(Value::String(text)) => Some(text.as_str()),
            Some(_) => Some(""),
        };
        let after = pagination.and_then(|pagination| pagination.get("starting_after"));
        let after = match after {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(_) => Some(""),
        };
        Self::new(per_page, after, None, ids)
    }

    /// Reads the query parameters of a list.
    pub(crate) fn from_query(target: &Target<'_>, ids: &Ids) -> Result<Self, ApiError> {
        Self::new(
            target.query("per_page").as_deref(),
            target.query("starting_after").as_deref(),
            target.query("page").as_deref(),
            ids,
        )
    }

    fn new(per_page: Option<&str>, after: Option<&str>, page: Option<&str>, ids: &Ids) -> Result<Self, ApiError> {
        let after = after.map(|cursor| {
            ids.read(Kind::Contact, cursor)
                .ok_or_else(|| ApiError::invalid("starting_after", "starting_after is not a cursor"))
        });
        Ok(Self {
            per_page: page_size(per_page, SEARCH_PAGE_SIZE as usize)?,
            page: page_number(page)?,
            after: after.transpose()?,
        })
    }

    /// The part of `places` that is on the page, and the `pages` object about it.
    pub(crate) fn cut<'a>(&self, places: &'a [u32], ids: &Ids) -> (&'a [u32], impl Serialize + use<>) {
        // Where that contact is no more, all others are in the order of creation, unless they are sorted.
        let behind = |after: u32| match places.iter().position(|place| *place == after) {
            Some(at) => at + 1,
            None => places.partition_point(|place| *place <= after),
        };
        let start = match self.after {
            Some(after) => behind(after),
            None => places.len().min((self.page - 1).saturating_mul(self.per_page)),
        };
        let end = places.len().min(start + self.per_page);
        let shown = &places[start..end];
        let last = shown.last().filter(|_| end < places.len());
        let pages = object! {
            "type": "pages",
            "next"?: last.map(|last| object! { "per_page": self.per_page, "starting_after": ids.write(Kind::Contact, *last) }),
            "page": start / self.per_page + 1,
            "per_page": self.per_page,
            "total_pages": places.len().div_ceil(self.per_page),
        };
        (shown, pages)
    }
}

/// A page asked for by number.
pub(crate) struct Numbered {
    per_page: usize,
    page: usize,
}

impl Numbered {
    /// Reads the query parameters; without one for it, a page holds that many.
    pub(crate) fn from_query(target: &Target<'_>, per_page: usize) -> Result<Self, ApiError> {
        Ok(Self {
            per_page: page_size(target.query("per_page").as_deref(), per_page)?,
            page: page_number(target.query("page").as_deref())?,
        })
    }

    /// The part of `places` that is on the page, and the `pages` object about it, with a link below `url`.
    pub(crate) fn cut<'a>(&self, places: &'a [u32], url: &str) -> (&'a [u32], impl Serialize + use<>) {
        let start = places.len().min((self.page - 1).saturating_mul(self.per_page));
        let end = places.len().min(start + self.per_page);
        let joint = if url.contains('?') { '&' } else { '?' };
        let next = (end < places.len()).then(|| {
            format!(
                "{url}{joint}per_page={}&page={}",
                self.per_page,
                self.page.saturating_add(1)
            )
        });
        let pages = object! {
            "type": "pages",
            "next": next,
            "page": self.page,
            "per_page": self.per_page,
            "total_pages": places.len().div_ceil(self.per_page),
        };
        (&places[start..end], pages)
    }
}

fn page_number(text: Option<&str>) -> Result<usize, ApiError> {
    text.map_or(Some(1), |text| text.parse().ok().filter(|page| *page > 0))
        .ok_or_else(|| ApiError::invalid("page", "page must be a positive integer"))
}

fn page_size(text: Option<&str>, default: usize) -> Result<usize, ApiError> {
    match text {
        None => Ok(default),
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|size| *size > 0)
            .map(|size| size.min(MAX_PER_PAGE))
            .ok_or_else(|| ApiError::invalid("per_page", "per_page must be a positive integer")),
    }
}
