//! Requests of programs in containers: by the proxy of vox, and straight to the server.

use crate::contenders::egress::by_proxy;
use crate::contenders::process::{Process, find};
use crate::contenders::session::Programs;
use crate::context::Context;
use crate::model::Row;
use crate::runner::Plan;
use crate::server::{BODY, Server, Speaks};
use anyhow::{Result, anyhow};
use std::rc::Rc;
use vox_container::EngineKind;

/// Requests of one curl, on a connection that it keeps: few processes, so that they and not the start of one are measured.
const REQUESTS: usize = 200;

/// Both schemes, in a container of Podman.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(&context.temporary("egress-server"))?;
    let programs = Programs::new(EngineKind::Podman, &context.temporary("egress-containers")).map(Rc::new);
    [Speaks::Http, Speaks::Https].into_iter().map(|speaks| row(context, &server, &programs, speaks)).collect()
}

fn row(context: &Context, server: &Server, programs: &Result<Rc<Programs>>, speaks: Speaks) -> Result<Row> {
    let (url, authority) = (server.url(speaks), server.pem()?);
    let requests = || std::iter::repeat_n(url.clone(), REQUESTS);
    let mut plan =
        Plan::new("egress", format!("{}: one request of curl in a warm container, {BODY} bytes back", speaks.title()))
            .per_call(REQUESTS as f64);
    let words: Vec<String> = ["curl", "-sS"].map(str::to_owned).into_iter().chain(requests()).collect();
    let ours = programs.as_ref().map_err(|error| anyhow!("{error:#}"));
    plan.add("vox, by its proxy", ours.and_then(|programs| by_proxy(programs, &words, &url, &authority)));
    let straight = find("curl").map(|program| {
        // The server's certificate stands for itself, which OpenSSL does not take as an authority.
        let flags = ["-sS", "--noproxy", "*", "--insecure"].map(str::to_owned);
        Process::new(&program, flags.into_iter().chain(requests())).boxed()
    });
    plan.add("curl of this machine, straight to the server", straight);
    plan.note(format!("One curl sends {REQUESTS} requests over a connection that it keeps; the time is that of one. Grants, addresses and counts are checked for each, no limit but the number of requests is raised, nothing is written to an audit."));
    plan.note("A container of vox has no network, so the other side is the curl of this machine, which may be of another version.");
    Ok(plan.run(context.settings))
}
