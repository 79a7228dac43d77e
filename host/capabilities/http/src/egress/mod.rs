//! The way out for the programs of a call: a proxy for their requests, under the grants of the skill.
//!
//! ```text
//! program → connection → proxy request ──────────────────────────────┐
//!                      └ CONNECT → TLS ended here → request ─ checked ┴→ the way of every request (sender.rs)
//! ```
//!
//! What a program asks for goes the way that the component's own requests go, with the same counts, the same secrets,
//! the same search of the answer and the same records. TLS of the program ends here, with a certificate of an authority
//! that lives as long as the call ([`authority`]); towards the server this host makes its own connection.

mod answer;
mod authority;
mod front;
mod tunnel;

use crate::sender::Call;
use authority::Authority;
use std::fmt;
use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vox_model::programs::Outlet;

/// Connections of the programs of one call at the same time.
const MAX_CONNECTIONS: usize = 64;

/// Connections of the programs of one call, all together: a handshake of TLS is work of the host, also where no request
/// follows that could be counted. Far more than the requests that a call may send.
const MAX_TAKEN: u32 = 1024;

/// How long the end waits for what was cut to be taken down. It takes microseconds on a machine that is not starved.
const ENDING: Duration = Duration::from_secs(2);

/// What a connection beyond [`MAX_CONNECTIONS`] is told.
const FULL: &str = "vox: programs can have 64 connections at a time; close one first\n";

/// What a connection beyond [`MAX_TAKEN`] is told.
const SPENT: &str = "vox: the programs of a call can make 1024 connections\n";

/// Takes the connections of programs.
pub(crate) struct Egress {
    call: Arc<Call>,
    /// Where connections are served.
    runtime: Handle,
    /// Made with the first container of the call.
    authority: OnceLock<Result<Arc<Authority>, String>>,
    places: Arc<Semaphore>,
    taken: AtomicU32,
    /// None once it has ended.
    tasks: Mutex<Option<JoinSet<()>>>,
    under_way: Arc<Gate>,
}

impl Egress {
    /// The way out of a call. Connections are served on this runtime, which needs I/O and time.
    pub(crate) fn new(call: Arc<Call>, runtime: Handle) -> Self {
        Self {
            call,
            runtime,
            authority: OnceLock::new(),
            places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            taken: AtomicU32::new(0),
            tasks: Mutex::new(Some(JoinSet::new())),
            under_way: Arc::default(),
        }
    }

    fn authority(&self) -> Result<Arc<Authority>, String> {
        self.authority.get_or_init(|| Authority::new().map(Arc::new).map_err(|error| error.to_string())).clone()
    }
}

impl Outlet for Egress {
    fn trust(&self) -> Result<String, String> {
        self.authority().map(|authority| authority.pem().to_owned())
    }

    fn variables(&self, address: SocketAddr, trust: &str) -> Vec<(String, String)> {
        let proxy = format!("http://{address}");
        // Programs do not agree on the case of the first ones, and each library has its own name for the others.
        let to_proxy = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map(|name| (name, proxy.as_str()));
        let direct = ["NO_PROXY", "no_proxy"].map(|name| (name, ""));
        let trusted =
            ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]
                .map(|name| (name, trust));
        let all = to_proxy.into_iter().chain(direct).chain(trusted).chain([("NODE_USE_ENV_PROXY", "1")]);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn take(&self, connection: TcpStream) {
        // Without the file no program can speak TLS here, and there is no container either.
        let Ok(authority) = self.authority() else { return };
        let Ok(place) = self.places.clone().try_acquire_owned() else { return turn_away(connection, FULL) };
        if self.taken.fetch_add(1, Ordering::Relaxed) >= MAX_TAKEN {
            return turn_away(connection, SPENT);
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tasks) = tasks.as_mut() else { return };
        while tasks.try_join_next().is_some() {}
        let (call, pass) = (self.call.clone(), Gate::enter(&self.under_way));
        tasks.spawn_on(
            async move {
                front::serve(call, authority, connection).await;
                drop((place, pass));
            },
            &self.runtime,
        );
    }

    fn end(&self) {
        // Dropping the set cuts its tasks; each takes down what became of its request when it is dropped.
        drop(self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.under_way.wait(ENDING);
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("scope", &self.call.scope).finish_non_exhaustive()
    }
}

/// Tells a connection that there is no place for it. It is not read from; the kernel's buffer takes that much at once.
fn turn_away(mut connection: TcpStream, why: &str) {
    let head = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: text/plain\r\n";
    if connection.set_nonblocking(true).is_ok() {
        let _ = connection.write_all(format!("{head}content-length: {}\r\n\r\n{why}", why.len()).as_bytes());
        let _ = connection.shutdown(Shutdown::Write);
    }
}

/// Counts what is under way, and lets a thread wait until nothing is.
#[derive(Default)]
struct Gate {
    count: Mutex<usize>,
    none: Condvar,
}

/// One that is under way, until it is dropped.
struct Pass(Arc<Gate>);

impl Gate {
    fn enter(gate: &Arc<Self>) -> Pass {
        *gate.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Pass(gate.clone())
    }

    fn wait(&self, time: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.none.wait_timeout_while(count, time, |count| *count > 0));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.none.notify_all();
    }
}
