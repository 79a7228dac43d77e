//! Names to addresses, asynchronously, asking only the name servers that were given.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

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
pub struct StubResolver(TokioResolver);

impl StubResolver {
    /// Asks these name servers.
    ///
    /// # Errors
    /// The resolver cannot be set up.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, ResolveError> {
        let server = |address: &SocketAddr| {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            server
        };
        let servers = servers.iter().map(server).collect();
        Self::with(ResolverConfig::from_name_servers(servers), ResolverOpts::default())
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
        builder.with_options(options).build().map(Self).map_err(|_| ResolveError::Unavailable)
    }
}

impl Resolve for StubResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let mut name = Name::from_ascii(name).map_err(|_| ResolveError::NotFound)?;
            name.set_fqdn(true);
            match self.0.lookup_ip(name).await {
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

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_told_from_a_name_that_is_not_there() {
        let (address, _) = server().await;
        let resolver = StubResolver::new(&[address]).unwrap();
        assert_eq!(resolver.resolve("silent.example.org").await, Err(ResolveError::Unavailable));
    }
}
