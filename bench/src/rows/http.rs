//! Outgoing requests: fresh calls that send one, fresh calls that send many one after the other, where little but the
//! sender is left, and many fresh calls at once, where no processor waits for another to wake up.

use crate::contenders::child::{Kind, Mode, Work, remote};
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
use vox_runtime::{Granted, Host, Program};

/// How many times what vox takes stock wasmtime takes at least: a connection for each request, and with https a session.
fn floor(speaks: Speaks) -> f64 {
    if speaks.is_secure() { 20.0 } else { 3.0 }
}

/// What is done.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Requests of a call.
    requests: u32,
    /// Calls under way.
    at_once: u32,
}

/// One request, nearly as many as a call may send (`docs/limits.md`), and as many calls as keep two processors busy.
const LOADS: [Load; 3] =
    [Load { requests: 1, at_once: 1 }, Load { requests: 30, at_once: 1 }, Load { requests: 1, at_once: 16 }];

impl Load {
    fn title(self) -> String {
        let what = match self.requests {
            1 => format!("a fresh call that sends one GET, {BODY} bytes back"),
            requests => format!("a fresh call that sends {requests} GETs in a row, {BODY} bytes back each"),
        };
        if self.at_once > 1 { format!("{what}, {} calls at once", self.at_once) } else { what }
    }
}

/// Both schemes, and both kinds of certificates.
pub fn rows(context: &Context) -> Result<Vec<Row>> {
    let server = Server::start(&context.temporary("server"))?;
    let services = services(&context.temporary("changes"), &server.pem()?);
    let host = vox::host_with(&context.temporary("cache"), 64, services)?;
    let rows = LOADS.into_iter().flat_map(|load| Speaks::ALL.map(|speaks| (speaks, load)));
    rows.map(|(speaks, load)| row(context, &server, &host, speaks, load)).collect()
}

fn row(context: &Context, server: &Server, host: &Host, speaks: Speaks, load: Load) -> Result<Row> {
    let url = server.url(speaks);
    let Load { requests, at_once } = load;
    let guest = guests::of_tests(&context.root, "http_guest");
    let component = || guest.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"));
    let mut plan = Plan::new("http", format!("{}: {}", speaks.title(), load.title()));
    let ours = component().and_then(|component| fresh(host, &component.display().to_string(), &url, load));
    plan.add("vox, a fresh sandbox, the connection kept across calls", ours);
    if at_once > 1 {
        let on_threads = component().and_then(|component| {
            let program = opened(host, &component.display().to_string(), &url)?;
            vox::crowd(program, "get", vec![url.clone().into()], at_once)
        });
        plan.add("vox, the same, each call on a thread of its own", on_threads);
    }
    let authority = if speaks.is_secure() { Some(server.der()?) } else { None };
    let count = requests.to_string();
    let kind = if requests > 1 { Kind::Repeat } else { Kind::Get };
    let mut arguments = vec![url.as_bytes()];
    arguments.extend((requests > 1).then_some(count.as_bytes()));
    arguments.extend(authority.as_deref());
    for (label, mode, floor) in [
        ("stock wasmtime, a new store and instance, its own sender", Mode::Stock, Some(floor(speaks))),
        ("stock wasmtime, `instantiate_pre`, its own sender", Mode::StockPre, None),
    ] {
        let made =
            component().and_then(|component| remote(context.stock(), (mode, kind, Work::Fresh), component, &arguments));
        plan.add(label, made.map(|made| made.at_once(at_once).boxed()));
        if let Some(floor) = floor {
            plan.floor(floor);
        }
    }
    let native = Client::new(server.port(speaks), authority.clone(), requests, at_once);
    plan.add("native hyper, the connection kept", native.map(|client| Box::new(client) as Box<dyn Contender>));
    notes(&mut plan, speaks, at_once);
    Ok(plan.run(context.settings))
}

fn notes(plan: &mut Plan, speaks: Speaks, at_once: u32) {
    plan.note("The server is a process of its own on this machine, reached by its address over HTTP/1.1. All limits of vox are armed, the grant names the method and the URL, every address is checked; nothing is written to an audit.");
    if at_once > 1 {
        plan.note("The time is that of all calls divided by their number. All make their calls in tasks of a runtime with a thread for each processor, but for the line that says otherwise.");
    }
    if speaks == Speaks::HttpsRsa {
        plan.note("The server signs each handshake with an RSA key of 2048 bits, as many servers do, where in the other rows of https it is one on P-256.");
    }
    if speaks.is_secure() {
        plan.note("The stock sender trusts the roots of Mozilla and cannot be told of others. What it does for a request (connect, a new root store and TLS configuration, handshakes of TLS and HTTP, send) is done in its place by a hook that adds the test's authority, and nothing else.");
    }
}

fn fresh(host: &Host, component: &str, url: &str, load: Load) -> Result<Box<dyn Contender>> {
    let program = opened(host, component, url)?;
    let (function, args) = match load.requests {
        1 => ("get", vec![url.into()]),
        requests => ("repeat", vec![url.into(), Value::U32(requests)]),
    };
    match load.at_once {
        1 => vox::fresh(program, function, args),
        at_once => vox::tasks(program, function, args, at_once),
    }
}

fn opened(host: &Host, component: &str, url: &str) -> Result<&'static Program> {
    let mut granted = Granted::default();
    granted.http.allow.push(format!("GET {url}").parse()?);
    vox::open_with(host, component, &granted, Limits::default())
}
