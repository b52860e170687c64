//! As much of an HTTP/1.1 client as the measurement needs: one connection, requests with a body, responses with a length. What it
//! costs is part of what is measured, so it is little.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Response<'b> {
    pub(crate) status: u16,
    pub(crate) body: &'b [u8],
}

/// How long one read or write may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request as [`request`] writes it, and waits for the response.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let (head_end, length) = loop {
            filled += self.read(filled)?;
            if let Some(end) = find(&self.buffer[..filled], b"\r\n\r\n") {
                let head = text(&self.buffer[..end])?;
                break (end + 4, content_length(head)?);
            }
        };
        let end = head_end + length;
        while filled < end {
            filled += self.read(filled)?;
        }
        let head = text(&self.buffer[..head_end])?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(Response {
            status: status.ok_or_else(|| invalid("no status"))?,
            body: &self.buffer[head_end..end],
        })
    }

    fn read(&mut self, filled: usize) -> io::Result<usize> {
        if self.buffer.len() < filled + 0x1_0000 {
            self.buffer.resize(filled + 0x4_0000, 0);
        }
        match self.stream.read(&mut self.buffer[filled..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

/// A request, ready to be sent.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: transformer\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!(
            "content-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n",
            body.len()
        ));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}

fn content_length(head: &str) -> io::Result<usize> {
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    value
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| invalid("no content length"))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| invalid("the head is not text"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
