//! Servers on this machine that count who comes.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long a server waits for somebody who says nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that counts its connections.
pub struct Server {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Hands every connection to a function, each on a thread of its own.
    pub fn on(listener: TcpListener, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, serve) = (accepted.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_read_timeout(Some(PATIENCE));
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address, accepted }
    }

    /// On a free port of `127.0.0.1`.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}")), serve)
    }

    /// Connections so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads the header of a request.
pub fn heard(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => head.extend_from_slice(&buffer[..count]),
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Answers one request with a text.
pub fn answer(mut stream: impl Write, text: &str) {
    let length = text.len();
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{text}");
}

/// One server that is granted, and the same port of other addresses of this machine, where nobody may come.
pub struct Ground {
    pub good: Server,
    forbidden: Vec<Server>,
}

impl Ground {
    /// The address of the server that is granted. It stands for the public internet: nothing is dialled outside.
    pub const GOOD: &str = "127.0.0.2";

    /// Servers that answer everybody. Redirects under `/to/`.
    ///
    /// # Errors
    /// This machine has no such loopback addresses.
    pub fn start() -> Result<Self, String> {
        // Other tests take ports too.
        for _ in 0..20 {
            let first = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
            let port = first.local_addr().map_err(|error| error.to_string())?.port();
            let bind = |ip: &str| ip.parse().map(|ip: IpAddr| TcpListener::bind((ip, port)));
            let more = ["127.0.0.3", "::1", Self::GOOD].map(bind);
            if let [Ok(Ok(third)), Ok(Ok(sixth)), Ok(Ok(good))] = more {
                let forbidden = [first, third, sixth].map(|listener| Server::on(listener, serve)).into();
                return Ok(Self { good: Server::on(good, serve), forbidden });
            }
        }
        Err("127.0.0.3, ::1 and 127.0.0.2 cannot all be listened on".to_owned())
    }

    pub fn port(&self) -> u16 {
        self.good.address.port()
    }

    /// Panics where anybody came to an address that was not granted.
    pub fn check(&self, what: &str) {
        for server in &self.forbidden {
            assert_eq!(server.accepted(), 0, "{what}: somebody was let through to {}", server.address);
        }
    }
}

fn serve(mut stream: TcpStream) {
    let head = heard(&mut stream);
    let port = stream.local_addr().map_or(0, |address| address.port());
    let path = head.split(' ').nth(1).unwrap_or_default();
    match path.strip_prefix("/to/") {
        Some(status) => {
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:{port}/inside\r\nrefresh: 0;url=http://127.0.0.1:{port}/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            );
        }
        None => answer(stream, "good"),
    }
}
