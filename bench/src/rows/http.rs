//! Outgoing requests: a fresh call for each, one GET in it.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote};
use crate::contenders::client::Client;
use crate::contenders::grants::services;
use crate::contenders::vox;
use crate::context::Context;
use crate::guests;
use crate::model::Row;
use crate::runner::{Contender, Plan};
use crate::server::{BODY, Server};
use anyhow::Result;
use vox_model::Limits;
use vox_runtime::{Granted, Host};

/// How many times what vox takes stock wasmtime takes at least: a connection for each request, and with https a session.
const SCHEMES: [(&str, f64); 2] = [("http", 3.0), ("https", 20.0)];

/// Both schemes.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(&context.temporary("server"))?;
    let services = services(&context.temporary("changes"), &server.pem()?);
    let host = vox::host_with(&context.temporary("cache"), 64, services)?;
    SCHEMES.iter().map(|(scheme, floor)| row(context, &server, &host, scheme, *floor)).collect()
}

fn row(context: &Context, server: &Server, host: &Host, scheme: &str, floor: f64) -> Result<Row> {
    let url = server.url(scheme);
    let guest = guests::of_tests(&context.root, "http_guest");
    let component = || guest.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
    let mut plan = Plan::new("http", format!("{scheme}: a fresh call that sends one GET, {BODY} bytes back"));
    let ours = component().and_then(|component| fresh(host, &component.display().to_string(), &url));
    plan.add("vox, a fresh sandbox, the connection kept across calls", ours);
    let authority = if scheme == "https" { Some(server.der()?) } else { None };
    let mut arguments = vec![url.as_bytes()];
    arguments.extend(authority.as_deref());
    for (label, mode, floor) in [
        ("stock wasmtime, a new store and instance, its own sender", Mode::Stock, Some(floor)),
        ("stock wasmtime, `instantiate_pre`, its own sender", Mode::StockPre, None),
    ] {
        let made = component()
            .and_then(|component| remote(context.stock(), (mode, Kind::Get, Work::Fresh), component, &arguments));
        plan.add(label, made.map(Remote::boxed));
        if let Some(floor) = floor {
            plan.floor(floor);
        }
    }
    let native = Client::new(server.port(scheme), authority.clone());
    plan.add("native hyper, the connection kept", native.map(|client| Box::new(client) as Box<dyn Contender>));
    plan.note("The server is a process of its own on this machine, reached by its address over HTTP/1.1. All limits of vox are armed, the grant names the method and the URL, every address is checked; nothing is written to an audit.");
    if scheme == "https" {
        plan.note("The stock sender trusts the roots of Mozilla and cannot be told of others. What it does for a request (connect, a new root store and TLS configuration, handshakes of TLS and HTTP, send) is done in its place by a hook that adds the test's authority, and nothing else.");
    }
    Ok(plan.run(context.settings))
}

fn fresh(host: &Host, component: &str, url: &str) -> Result<Box<dyn Contender>> {
    let mut granted = Granted::default();
    granted.http.allow.push(format!("GET {url}").parse()?);
    vox::fresh(vox::open_with(host, component, &granted, Limits::default())?, "get", vec![url.into()])
}
