//! Names to addresses, asynchronously, asking only the name servers that were given.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// Answers that are remembered.
const CACHED: u64 = 256;

/// How long an answer is remembered at most, whatever its owner says.
const MAX_AGE: Duration = Duration::from_secs(60);

/// How long one name server has for one try.
const PATIENCE: Duration = Duration::from_secs(3);

/// A name could not be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such name, or it has no address.
    #[error("the name has no address")]
    NotFound,
    /// No name server answered.
    #[error("no name server answered")]
    Unavailable,
}

/// The answer to come.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Looks names up. Asked once for each request; every address of the answer is checked before one is dialled, so an
/// implementation needs no filter of its own. It must not block.
pub trait Resolve: Send + Sync {
    /// The addresses of a name. The name is whole: no search list is to be tried.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// A stub resolver: asks recursive name servers over UDP and TCP, keeps answers for a minute at most, and reads no
/// hosts file.
///
/// What it keeps open towards name servers serves all calls, and lives longer than the one that opened it: a thread of its
/// own moves that, started by the first name that is looked up.
pub struct StubResolver {
    resolver: TokioResolver,
    thread: OnceLock<Runtime>,
}

impl StubResolver {
    /// Asks these name servers.
    ///
    /// # Errors
    /// The resolver cannot be set up.
    pub fn new(addresses: &[SocketAddr]) -> Result<Self, ResolveError> {
        Self::with(servers(addresses), ResolverOpts::default())
    }

    /// Asks the name servers that this system is set up with (`/etc/resolv.conf` on Linux).
    ///
    /// # Errors
    /// The system names none.
    pub fn system() -> Result<Self, ResolveError> {
        let (config, options) =
            hickory_resolver::system_conf::read_system_conf().map_err(|_| ResolveError::Unavailable)?;
        Self::with(ResolverConfig::from_name_servers(config.name_servers), options)
    }

    fn with(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, ResolveError> {
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = CACHED;
        options.positive_max_ttl = Some(MAX_AGE);
        options.negative_max_ttl = Some(MAX_AGE);
        options.timeout = options.timeout.min(PATIENCE);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = builder.with_options(options).build().map_err(|_| ResolveError::Unavailable)?;
        Ok(Self { resolver, thread: OnceLock::new() })
    }

    fn thread(&self) -> Result<&Handle, ResolveError> {
        if self.thread.get().is_none() {
            let mut builder = Builder::new_multi_thread();
            let made = builder.worker_threads(1).thread_name("vox-names").enable_all().build();
            // Whoever comes second takes the first one's.
            self.thread.set(made.map_err(|_| ResolveError::Unavailable)?).unwrap_or_else(Runtime::shutdown_background);
        }
        self.thread.get().map(Runtime::handle).ok_or(ResolveError::Unavailable)
    }
}

impl Drop for StubResolver {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.shutdown_background();
        }
    }
}

fn servers(addresses: &[SocketAddr]) -> ResolverConfig {
    let server = |address: &SocketAddr| {
        let mut server = NameServerConfig::udp_and_tcp(address.ip());
        for connection in &mut server.connections {
            connection.port = address.port();
        }
        server
    };
    ResolverConfig::from_name_servers(addresses.iter().map(server).collect())
}

impl Resolve for StubResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let mut name = Name::from_ascii(name).map_err(|_| ResolveError::NotFound)?;
            name.set_fqdn(true);
            let thread = self.thread()?;
            let mut found = pin!(self.resolver.lookup_ip(name));
            // An answer that is kept is given here and now; what has to be asked is opened and moved over there.
            let found = poll_fn(|context| {
                let _entered = thread.enter();
                found.as_mut().poll(context)
            });
            match found.await {
                Ok(found) => Ok(found.iter().collect()),
                Err(error) if error.is_no_records_found() => Err(ResolveError::NotFound),
                Err(_) => Err(ResolveError::Unavailable),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::op::{Message, ResponseCode};
    use hickory_resolver::proto::rr::{RData, Record, RecordType};
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use tokio::net::UdpSocket;

    /// A name server that knows `api.example.org`, answers nothing for `silent.example.org`, and keeps what it was asked.
    async fn server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let count = AtomicUsize::new(0);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let question = query.queries[0].clone();
                let name = question.name().to_string().to_lowercase();
                kept.lock().unwrap().push(name.clone());
                let mut answer = query.into_response();
                let nth = count.fetch_add(1, Ordering::SeqCst);
                let data = match (name.as_str(), question.query_type()) {
                    ("silent.example.org.", _) => continue,
                    ("api.example.org.", RecordType::A) => {
                        Some(RData::A(Ipv4Addr::new(192, 0, 2, u8::try_from(nth).unwrap()).into()))
                    }
                    ("api.example.org.", RecordType::AAAA) => {
                        Some(RData::AAAA(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()))
                    }
                    _ => None,
                };
                match data {
                    Some(data) => drop(answer.add_answer(Record::from_rdata(question.name().clone(), 300, data))),
                    None => answer.metadata.response_code = ResponseCode::NXDomain,
                }
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn both_families_come_back_for_the_whole_name_alone() {
        let (address, asked) = server().await;
        let resolver = StubResolver::new(&[address]).unwrap();
        let found = resolver.resolve("api.example.org").await.unwrap();
        assert!(found.iter().any(IpAddr::is_ipv4) && found.iter().any(IpAddr::is_ipv6), "{found:?}");
        assert_eq!(resolver.resolve("api.example.org").await.unwrap(), found, "kept for a while");
        assert_eq!(resolver.resolve("none.example.org").await, Err(ResolveError::NotFound));
        assert_eq!(resolver.resolve("api").await, Err(ResolveError::NotFound));
        let asked = asked.lock().unwrap();
        assert!(asked.iter().all(|name| name == "api." || name.ends_with("example.org.")), "{asked:?}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_told_from_a_name_that_is_not_there() {
        let (address, _) = server().await;
        let mut options = ResolverOpts::default();
        options.timeout = Duration::from_millis(50);
        let resolver = StubResolver::with(servers(&[address]), options).unwrap();
        assert_eq!(resolver.resolve("silent.example.org").await, Err(ResolveError::Unavailable));
    }

    #[test]
    fn what_one_call_opened_serves_the_next_on_another_reactor() {
        let reactor = || Builder::new_current_thread().enable_all().build().unwrap();
        let names = reactor();
        let (address, _) = names.block_on(server());
        std::thread::spawn(move || names.block_on(std::future::pending::<()>()));
        let resolver = StubResolver::new(&[address]).unwrap();
        // The first reactor is not moved any more when the second asks.
        let first = reactor();
        assert_eq!(first.block_on(resolver.resolve("none.example.org")), Err(ResolveError::NotFound));
        assert!(reactor().block_on(resolver.resolve("api.example.org")).is_ok());
        assert!(first.block_on(resolver.resolve("api.example.org")).is_ok());
    }
}
