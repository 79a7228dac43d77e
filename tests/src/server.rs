//! A server on loopback that keeps what it was asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What the server sends.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status line without the version, such as `200 OK`.
    pub status: &'static str,
    /// Fields of the header, each `name: value`.
    pub fields: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// `200 OK` with this body and its length.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status: "200 OK", fields: vec![format!("content-length: {}", body.len())], body }
    }

    /// A status with an empty body.
    pub fn status(status: &'static str) -> Self {
        Self { status, ..Self::ok("") }
    }
}

/// A server that runs until the test's process ends. It takes one request from each connection.
pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that answers each path.
    ///
    /// # Panics
    /// No port is free.
    pub fn start(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let request = header(&stream);
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                // A client that hangs up early has what it wanted.
                let _ = send(stream, &answer(&path));
            }
        });
        Self { address, asked }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The headers of all requests, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Request line and fields.
fn header(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines();
    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn send(mut stream: TcpStream, answer: &Answer) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {}\r\nconnection: close\r\n", answer.status)?;
    for field in &answer.fields {
        write!(stream, "{field}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&answer.body)
}

/// A port on loopback that nothing listens on.
///
/// # Panics
/// No port is free.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
    listener.local_addr().unwrap_or_else(|error| panic!("{error}")).port()
}
