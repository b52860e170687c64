//! Files of another kind: noticed by how they begin, and named with what to do.

/// A kind of file that has no events in it, or not as they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error("it is a zip archive: give the file inside, such as by: unzip -p FILE | rudder-intercom … -")]
    Zip,
    #[error(
        "it is an Excel workbook: export the events as newline-delimited JSON where they come from, rather than as a table"
    )]
    Excel,
    #[error(
        "it is an older Office file: export the events as newline-delimited JSON where they come from, rather than as a table"
    )]
    Office,
    #[error(
        "it is UTF-16 text, as Windows PowerShell writes: convert it by: iconv -f UTF-16 -t UTF-8 FILE > events.ndjson, or write \
         it with -Encoding utf8"
    )]
    Utf16,
    #[error(
        "it is CSV, a table: export the events as newline-delimited JSON, such as by: \
         duckdb -c \"COPY (FROM 'FILE') TO 'events.ndjson' (FORMAT json)\", with a column for each key of an event"
    )]
    Csv,
    #[error("it is a tar archive: give the file inside, such as by: tar -xOf FILE | rudder-intercom … -")]
    Tar,
    #[error("it is compressed with bzip2: unpack it, such as by: bzip2 -dc FILE | rudder-intercom … -")]
    Bzip2,
    #[error("it is compressed with xz: unpack it, such as by: xz -dc FILE | rudder-intercom … -")]
    Xz,
    #[error("it is a 7-Zip archive: give the file inside")]
    SevenZip,
    #[error(
        "it is a Parquet file: export the events as newline-delimited JSON, such as by: duckdb -c \"COPY (FROM 'FILE') TO 'events.ndjson' (FORMAT json)\""
    )]
    Parquet,
    #[error("it is an Avro file: export the events as newline-delimited JSON, such as by: avro-tools tojson FILE")]
    Avro,
    #[error("it is a SQLite database: give the file with the events; a journal and a gateway's store are no input")]
    Sqlite,
}

/// How much tells a table or an archive from everything else.
pub(super) const ENOUGH: usize = 4_096;

impl Foreign {
    /// What a file is that begins with these four bytes.
    pub(super) fn by_first(start: &[u8]) -> Option<Self> {
        Some(match start {
            [b'P', b'K', 3 | 5, 4 | 6] => Self::Zip,
            [0xd0, 0xcf, 0x11, 0xe0] => Self::Office,
            // With a byte order mark, or a brace or a bracket without one.
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => Self::Utf16,
            [b'B', b'Z', b'h', b'1'..=b'9'] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X'] => Self::Xz,
            [b'7', b'z', 0xbc, 0xaf] => Self::SevenZip,
            b"PAR1" => Self::Parquet,
            [b'O', b'b', b'j', 1] => Self::Avro,
            b"SQLi" => Self::Sqlite,
            _ => return None,
        })
    }

    /// Whether more than four bytes have to be looked at: an Excel workbook is a zip archive, and tables begin with a name.
    pub(super) fn needs_more(start: &[u8]) -> bool {
        let is_zip = Self::by_first(start) == Some(Self::Zip);
        let text = start.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(start);
        is_zip || matches!(text.first(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'"' | b'.'))
    }

    /// What a file is that begins with these bytes, which are all or [`ENOUGH`].
    pub(super) fn by_more(start: &[u8]) -> Option<Self> {
        let has = |wanted: &[u8]| memchr::memmem::find(start, wanted).is_some();
        match Self::by_first(start.get(..4).unwrap_or(start)) {
            Some(Self::Zip) if has(b"[Content_Types].xml") || has(b"xl/") => Some(Self::Excel),
            Some(known) => Some(known),
            None if start.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            None => is_header(start).then_some(Self::Csv),
        }
    }
}

/// Whether the first line names the columns of a table.
fn is_header(start: &[u8]) -> bool {
    let start = start.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(start);
    let Some(line) = start.split(|byte| *byte == b'\n').next() else {
        return false;
    };
    let is_name = |name: &[u8]| {
        let name = name.trim_ascii();
        let name = name
            .strip_prefix(b"\"")
            .and_then(|name| name.strip_suffix(b"\""))
            .unwrap_or(name);
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ' | b'/');
        !name.is_empty() && name.iter().all(is_letter)
    };
    [b',', b';', b'\t'].iter().any(|separator| {
        let names: Vec<&[u8]> = line.split(|byte| byte == separator).collect();
        names.len() > 1 && names.into_iter().all(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_their_first_line() {
        for table in [
            "userId,email,name\n1,a@example.org,Ann\n",
            "\u{feff}user_id;first name;e-mail\r\n",
            "\"userId\",\"traits.email\"\r\n",
            "user\temail\n",
            "a,b",
        ] {
            assert!(is_header(table.as_bytes()), "{table}");
        }
        for other in [
            "",
            "null\n",
            "\"text\"\n",
            "userId\n",
            "Id\":\"x\",\"type\":\"identify\"}\n",
            "true, false}\n{\"a\":1}\n",
            "a,,b\n",
            "x,{\"a\":1}\n",
        ] {
            assert!(!is_header(other.as_bytes()), "{other}");
        }
    }
}
