//! Names to addresses, asynchronously, asking only the name servers that were given.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use std::net::IpAddr;
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
    /// Asks these name servers, on port 53.
    ///
    /// # Errors
    /// The resolver cannot be set up.
    pub fn new(servers: &[IpAddr]) -> Result<Self, ResolveError> {
        let servers = servers.iter().map(|ip| NameServerConfig::udp_and_tcp(*ip)).collect();
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
