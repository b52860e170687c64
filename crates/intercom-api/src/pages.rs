//! Where the other pages of a list are: beyond a cursor, or at a URL.
//!
//! Source: the schemas `cursor_pages`, `pages_link` and `starting_after_paging` of Intercom's OpenAPI description 2.10
//! and <https://developers.intercom.com/docs/build-an-integration/learn-more/rest-apis/pagination>.

use crate::model::{fields, response, text_or};

text_or! {
    /// Where the other pages are.
    Pages {
        /// The URL of the next page.
        Url,
        /// This page's place among the others.
        Place(PagePlace),
    }
}

impl Pages {
    /// The cursor that asks for the next page.
    pub fn next_cursor(&self) -> Option<&str> {
        match self {
            Self::Place(place) => match place.next.as_ref()? {
                NextPage::Cursor(cursor) => cursor.starting_after.as_deref(),
                NextPage::Url(_) => None,
            },
            Self::Url(_) => None,
        }
    }

    /// The URL of the next page.
    pub fn next_url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Place(place) => match place.next.as_ref()? {
                NextPage::Url(url) => Some(url),
                NextPage::Cursor(_) => None,
            },
        }
    }
}

response! {
    /// A page's place among the others.
    PagePlace {
        optional {
            /// `pages`.
            object_type = "type": String,
            /// The page after this one; `null` or absent on the last.
            next: NextPage,
            /// The page before this one.
            prev: NextPage,
            /// The number of this page, from 1.
            page: i64,
            /// How many to a page.
            per_page: i64,
            /// How many pages there are.
            total_pages: i64,
        }
    }
}

text_or! {
    /// Another page.
    NextPage {
        /// Its URL.
        Url,
        /// The cursor to ask for it with.
        Cursor(Cursor),
    }
}

response! {
    /// The cursor to ask for a page with.
    Cursor {
        optional {
            /// The number of the page.
            page: i64,
            /// How many to a page.
            per_page: i64,
            /// What to give as `starting_after`.
            starting_after: String,
        }
    }
}

fields! {
    /// Which page of a search is wanted; the first if nothing is set.
    SearchPagination {
        optional {
            /// How many to a page, at most [`limits::PAGE_SIZE`](crate::limits::PAGE_SIZE).
            per_page: u32,
            /// The cursor that the page before named.
            starting_after: String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(text: &str) -> Pages {
        let pages: Pages = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&pages).unwrap(), text);
        pages
    }

    #[test]
    fn all_forms_are_read_and_written_back() {
        let cursor = pages(r#"{"type":"pages","next":{"per_page":2,"starting_after":"abc"},"page":1}"#);
        assert_eq!((cursor.next_cursor(), cursor.next_url()), (Some("abc"), None));
        let linked = pages(r#"{"next":"https://api.example/x?page=2","page":1,"per_page":50}"#);
        assert_eq!(
            (linked.next_cursor(), linked.next_url()),
            (None, Some("https://api.example/x?page=2"))
        );
        let url = pages(r#""https://api.example/y""#);
        assert_eq!(url.next_url(), Some("https://api.example/y"));
        for last in [
            r#"{"type":"pages","next":null,"page":3}"#,
            r#"{"type":"pages","page":3}"#,
        ] {
            let last = pages(last);
            assert_eq!((last.next_cursor(), last.next_url()), (None, None));
        }
    }
}
