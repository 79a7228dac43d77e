//! A server that gives back what it was sent, in every place of an answer and in every encoding.

use crate::servers::{Server, heard};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The ways in which a text is looked for, and sent back: name and text. Base64 at each of the three offsets, without
/// the characters that also hold bits of the neighbours.
pub fn forms(text: &str) -> Vec<(String, String)> {
    let hex = |upper: bool| -> String {
        text.bytes().fold(String::new(), |mut all, byte| {
            let _ = if upper { write!(all, "{byte:02X}") } else { write!(all, "{byte:02x}") };
            all
        })
    };
    let percent: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let json = text.replace('/', "\\/").replace('"', "\\\"");
    let mut all = vec![
        ("raw".to_owned(), text.to_owned()),
        ("hex".to_owned(), hex(false)),
        ("HEX".to_owned(), hex(true)),
        ("percent".to_owned(), percent),
        ("json".to_owned(), json),
    ];
    for offset in 0..3 {
        let padded = [&vec![b'u'; offset][..], text.as_bytes()].concat();
        let (start, end) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
        let plain = base64(&padded)[start..end].to_owned();
        all.push((format!("base64url-{offset}"), plain.replace('+', "-").replace('/', "_")));
        all.push((format!("base64-{offset}"), plain));
    }
    all
}

/// RFC 4648, section 4, without padding.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_usize, |all, byte| all << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..=three.len() {
            text.push(char::from(LETTERS[number >> (18 - 6 * at) & 63]));
        }
    }
    text
}

/// Where in an answer something can stand. The first part of the path names it, the second the form.
pub const PLACES: [&str; 10] =
    ["body", "bytes", "header", "trailer", "status", "extension", "early", "error", "garbage", "cut"];

/// A server that echoes a text and keeps what it was sent.
pub fn server(secret: &str) -> (Server, Arc<Mutex<String>>) {
    let heads = Arc::new(Mutex::new(String::new()));
    let (kept, secret) = (heads.clone(), secret.to_owned());
    let server = Server::start(move |mut stream| {
        let head = heard(&mut stream);
        kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(&head);
        let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').split('/');
        let (place, form) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let echo = match form {
            // What came over the wire, as it came and as base64.
            "head" => head.replace("\r\n", " | "),
            "head64" => base64(head.as_bytes()),
            form => forms(&secret).into_iter().find(|(name, _)| name == form).map(|(_, text)| text).unwrap_or_default(),
        };
        let _ = echoed(&mut stream, place, &echo);
    });
    (server, heads)
}

fn echoed(stream: &mut TcpStream, place: &str, echo: &str) -> std::io::Result<()> {
    let close = "connection: close\r\n";
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{close}\r\n");
    let length = echo.len();
    match place {
        "header" => write!(stream, "HTTP/1.1 200 OK\r\nx-echo: {echo}\r\ncontent-length: 0\r\n{close}\r\n"),
        "trailer" => write!(stream, "{chunked}2\r\nok\r\n0\r\nx-echo: {echo}\r\n\r\n"),
        "status" => write!(stream, "HTTP/1.1 200 {echo}\r\ncontent-length: 0\r\n{close}\r\n"),
        "extension" => write!(stream, "{chunked}2;x={echo}\r\nok\r\n0\r\n\r\n"),
        "early" => write!(
            stream,
            "HTTP/1.1 103 Early Hints\r\nlink: {echo}\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n{close}\r\nok"
        ),
        "error" => write!(stream, "HTTP/1.1 500 {echo}\r\ncontent-length: {length}\r\n{close}\r\n{echo}"),
        "garbage" => write!(stream, "{echo}\r\n\r\n"),
        "cut" => write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{close}\r\n{echo}", length + 10),
        "bytes" => {
            stream.set_nodelay(true)?;
            stream.write_all(chunked.as_bytes())?;
            for (at, byte) in echo.bytes().enumerate() {
                stream.write_all(b"1\r\n")?;
                stream.write_all(&[byte])?;
                stream.write_all(b"\r\n")?;
                // Some pieces come alone, and the pieces of most pairs together.
                if at % 7 == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            stream.write_all(b"0\r\n\r\n")
        }
        _ => write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{close}\r\n{echo}"),
    }
}
