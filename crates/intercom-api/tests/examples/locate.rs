//! Where in a JSON text something is.

/// What is open at a place of the text.
enum Open {
    /// An object, and the key whose value is read.
    Object(Option<String>),
    /// An array, and how many items came before.
    Array(usize),
}

/// The JSON pointer of the value that ends, or is read, at a line and a column as `serde_json` counts them.
pub(crate) fn pointer_at(text: &[u8], line: usize, column: usize) -> String {
    let before: usize = text
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let text = &text[..text.len().min(before + column)];
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' => open.push(Open::Object(None)),
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' => _ = open.pop(),
            b',' => match open.last_mut() {
                Some(Open::Object(key)) => *key = None,
                Some(Open::Array(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let end = string_end(text, at);
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    *key = serde_json::from_slice(&text[at..end]).ok();
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    open.iter()
        .filter_map(|open| match open {
            Open::Object(key) => key.as_deref().map(|key| super::compare::inside("", key)),
            Open::Array(index) => Some(format!("/{index}")),
        })
        .collect()
}

/// One past the quote that ends the string.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Outer {
        list: Vec<Inner>,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        #[serde(rename = "a/b")]
        number: u8,
    }

    #[test]
    fn errors_are_found_where_they_are() {
        for (text, pointer) in [
            (
                "{\"x\":\"}\\\"\",\n \"list\": [{\"a/b\": 1},\n {\"a/b\": \"1\"}]}",
                "/list/1/a~1b",
            ),
            ("{\"list\": [{\"a/b\": 1}, {\"other\": [2]}]}", "/list/1"),
            ("{\"list\": 7}", "/list"),
            ("{\"a\": {\"b\": 1}}", ""),
            ("7", ""),
        ] {
            let error = serde_json::from_str::<Outer>(text).err().unwrap();
            assert_eq!(
                pointer_at(text.as_bytes(), error.line(), error.column()),
                pointer,
                "{text}: {error}"
            );
        }
    }
}
