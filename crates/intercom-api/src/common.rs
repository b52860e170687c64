//! What several endpoint families answer.

use crate::ids::ResourceId;
use crate::model::{response, text_or};

response! {
    /// Something, named by its kind and its id.
    Reference {
        optional {
            /// Its kind.
            object_type = "type": String,
            /// Its id.
            id: ResourceId,
        }
    }
}

response! {
    /// The first few of the things that hang on something, and where the others are.
    Addressables {
        optional {
            /// `list`.
            object_type = "type": String,
            /// At most ten of them.
            data: Vec<Addressable>,
            /// Where all of them are, below the API's base URL.
            url: String,
            /// How many there are.
            total_count: i64,
            /// Whether `data` holds only some.
            has_more: bool,
        }
    }
}

response! {
    /// Something, and where it is.
    Addressable {
        optional {
            /// Its kind.
            object_type = "type": String,
            /// Its id.
            id: ResourceId,
            /// Where it is, below the API's base URL.
            url: String,
        }
    }
}

text_or! {
    /// An image: its URL in requests, an object in responses.
    Avatar {
        /// The URL.
        Url,
        /// An object that holds the URL.
        Image(AvatarImage),
    }
}

impl Avatar {
    /// The URL, if there is an image.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Image(image) => image.image_url.as_deref(),
        }
    }
}

response! {
    /// An image.
    AvatarImage {
        optional {
            /// `avatar`.
            object_type = "type": String,
            /// The URL.
            image_url: String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_url_or_an_object() {
        for (text, url) in [
            (r#""https://img.example/a.png""#, Some("https://img.example/a.png")),
            (
                r#"{"type":"avatar","image_url":"https://img.example/b.png"}"#,
                Some("https://img.example/b.png"),
            ),
            (r#"{"type":"avatar","image_url":null}"#, None),
        ] {
            let avatar: Avatar = serde_json::from_str(text).unwrap();
            assert_eq!(avatar.url(), url);
            assert_eq!(serde_json::to_string(&avatar).unwrap(), text);
            assert!(!format!("{avatar:?}").contains("example"));
        }
    }
}
