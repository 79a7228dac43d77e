//! Outgoing requests: fresh calls that send one, and fresh calls that send many one after the other, where little but
//! the sender is left.

use crate::contenders::child::{Kind, Mode, Remote, Work, remote};
use crate::contenders::client::Client;
use crate::contenders::grants::services;
use crate::contenders::vox;
use crate::context::Context;
use crate::guests;
use crate::model::Row;
use crate::runner::{Contender, Plan};
use crate::server::{BODY, Server, Speaks};
use anyhow::Result;
use vox_model::{Limits, Value};
use vox_runtime::{Granted, Host};

/// How many times what vox takes stock wasmtime takes at least: a connection for each request, and with https a session.
fn floor(speaks: Speaks) -> f64 {
    if speaks.is_secure() { 20.0 } else { 3.0 }
}

/// Requests of one call: one, and nearly as many as a call may send (`docs/limits.md`).
const REQUESTS: [u32; 2] = [1, 30];

/// Both schemes, and both kinds of certificates.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(&context.temporary("server"))?;
    let services = services(&context.temporary("changes"), &server.pem()?);
    let host = vox::host_with(&context.temporary("cache"), 64, services)?;
    let rows = REQUESTS.into_iter().flat_map(|requests| Speaks::ALL.map(|speaks| (speaks, requests)));
    rows.map(|(speaks, requests)| row(context, &server, &host, speaks, requests)).collect()
}

fn row(context: &Context, server: &Server, host: &Host, speaks: Speaks, requests: u32) -> Result<Row> {
    let url = server.url(speaks);
    let (kind, what) = match requests {
        1 => (Kind::Get, format!("one GET, {BODY} bytes back")),
        _ => (Kind::Repeat, format!("{requests} GETs in a row, {BODY} bytes back each")),
    };
    let guest = guests::of_tests(&context.root, "http_guest");
    let component = || guest.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
    let mut plan = Plan::new("http", format!("{}: a fresh call that sends {what}", speaks.title()));
    let ours = component().and_then(|component| fresh(host, &component.display().to_string(), &url, requests));
    plan.add("vox, a fresh sandbox, the connection kept across calls", ours);
    let authority = if speaks.is_secure() { Some(server.der()?) } else { None };
    let count = requests.to_string();
    let mut arguments = vec![url.as_bytes()];
    arguments.extend((requests > 1).then_some(count.as_bytes()));
    arguments.extend(authority.as_deref());
    for (label, mode, floor) in [
        ("stock wasmtime, a new store and instance, its own sender", Mode::Stock, Some(floor(speaks))),
        ("stock wasmtime, `instantiate_pre`, its own sender", Mode::StockPre, None),
    ] {
        let made =
            component().and_then(|component| remote(context.stock(), (mode, kind, Work::Fresh), component, &arguments));
        plan.add(label, made.map(Remote::boxed));
        if let Some(floor) = floor {
            plan.floor(floor);
        }
    }
    let native = Client::new(server.port(speaks), authority.clone(), requests);
    plan.add("native hyper, the connection kept", native.map(|client| Box::new(client) as Box<dyn Contender>));
    plan.note("The server is a process of its own on this machine, reached by its address over HTTP/1.1. All limits of vox are armed, the grant names the method and the URL, every address is checked; nothing is written to an audit.");
    if speaks == Speaks::HttpsRsa {
        plan.note("The server signs each handshake with an RSA key of 2048 bits, as many servers do, where in the other rows of https it is one on P-256.");
    }
    if speaks.is_secure() {
        plan.note("The stock sender trusts the roots of Mozilla and cannot be told of others. What it does for a request (connect, a new root store and TLS configuration, handshakes of TLS and HTTP, send) is done in its place by a hook that adds the test's authority, and nothing else.");
    }
    Ok(plan.run(context.settings))
}

fn fresh(host: &Host, component: &str, url: &str, requests: u32) -> Result<Box<dyn Contender>> {
    let mut granted = Granted::default();
    granted.http.allow.push(format!("GET {url}").parse()?);
    let program = vox::open_with(host, component, &granted, Limits::default())?;
    match requests {
        1 => vox::fresh(program, "get", vec![url.into()]),
        _ => vox::fresh(program, "repeat", vec![url.into(), Value::U32(requests)]),
    }
}
