//! Requests of a program in a container of vox, by the proxy that its grants are enforced in.

use crate::contenders::local::local;
use crate::contenders::session::{Programs, finish};
use crate::runner::Contender;
use anyhow::{Result, anyhow};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use vox_capabilities::http::{Client, Grant, Http, HttpLimits, Options, StubResolver};
use vox_container::{Cancel, Command};
use vox_model::CallScope;
use vox_model::programs::Outlet;

/// The way out of one session, with as many requests as a measurement needs.
struct Way {
    http: Http,
    /// Where connections are served, as in the host of vox: one thread.
    runtime: Runtime,
}

impl Way {
    fn to(url: &str, authority: &[u8]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut options = Options::new(Arc::new(StubResolver::new(&[]).map_err(|error| anyhow!("{error}"))?));
        options.extra_roots = authority.to_vec();
        options.limits =
            HttpLimits { requests: u32::MAX, exchange: Duration::from_secs(3600), ..HttpLimits::default() };
        let client = Client::new(options)?;
        let grant = Grant { allow: vec![format!("GET {url}").parse()?], ..Grant::default() };
        let http = Http::new(&client, Arc::new(grant), CallScope::unwatched("bench"), "bench", None);
        Ok(Self { http, runtime })
    }

    fn outlet(&self) -> Arc<dyn Outlet> {
        let _entered = self.runtime.enter();
        self.http.outlet()
    }
}

/// A program in a warm container that sends requests by the proxy.
///
/// # Errors
/// The container does not start.
pub fn by_proxy(programs: &Rc<Programs>, words: &[String], url: &str, authority: &[u8]) -> Result<Box<dyn Contender>> {
    let way = Way::to(url, authority)?;
    let (session, cancel) = (programs.session(Some(way.outlet()))?, Cancel::new()?);
    let mut command = Command::new(words[0].as_str(), words[1..].iter().cloned());
    command.environment = session.environment();
    command.time = Duration::from_secs(120);
    let work = move || {
        // It lives as long as the session.
        let _way = &way;
        finish(&session, &command, &cancel)
    };
    Ok(local(work, |output| output))
}
