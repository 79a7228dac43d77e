//! The side of `wasi:http`: the state of a call, and what is linked.

use crate::client::Client;
use crate::egress::Egress;
use crate::grant::Grant;
use crate::headers;
use crate::sender::{self, Call};
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use vox_model::programs::Outlet;
use vox_model::{CallScope, GrantOf};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::p2::bindings::http as interfaces;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

/// Bytes of one `fields` resource of a guest, as the engine counts them: text and the map around it.
const FIELDS: usize = 32 << 10;

/// Bytes that a guest can write to a body at once, and how many such pieces wait.
const PIECE: usize = 64 << 10;
const PIECES: usize = 1;

/// The HTTP side of one call.
pub struct Http {
    ctx: WasiHttpCtx,
    hooks: Hooks,
}

impl Http {
    /// The state of a fresh call. `tenant` names on whose behalf it runs, and keeps connections apart; `until` is when
    /// the call itself is over. Must be used on a tokio runtime with I/O and time.
    pub fn new(
        client: &Client,
        grant: GrantOf<Grant>,
        scope: CallScope,
        tenant: impl Into<Arc<str>>,
        until: Option<Instant>,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(client.0.limits.in_flight as usize));
        let call = Arc::new(Call {
            client: client.0.clone(),
            grant,
            scope,
            tenant: tenant.into(),
            until,
            begun: AtomicU32::new(0),
            slots,
        });
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(FIELDS);
        Self { ctx, hooks: Hooks(call) }
    }

    /// The way out for the programs of the same call: a proxy under the same grants, counts, secrets and records. Its
    /// connections are served on the runtime that this is called on.
    ///
    /// # Panics
    /// It is called outside of a runtime.
    pub fn outlet(&self) -> Arc<dyn Outlet> {
        Arc::new(Egress::new(self.hooks.0.clone(), Handle::current()))
    }

    /// Sends a request by the same way as a guest's: for other ways into the same call, such as a test.
    ///
    /// # Errors
    /// It is not granted, a limit is reached, or it fails; why stands in the record of the call.
    pub fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        sender::send(self.hooks.0.clone(), request, options)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("scope", &self.hooks.0.scope).finish_non_exhaustive()
    }
}

/// What the linked functions need of a store: the state of this crate and the store's table of resources.
pub struct HttpCtxView<'a> {
    /// The HTTP side of the call.
    pub http: &'a mut Http,
    /// The table that all interfaces of the store share.
    pub table: &'a mut ResourceTable,
}

/// Implemented by the data of a store whose linker has [`link`].
pub trait HttpView: Send {
    /// The parts of the store's data that HTTP works with.
    fn http(&mut self) -> HttpCtxView<'_>;
}

/// Links `wasi:http/types` and `wasi:http/outgoing-handler`, and nothing else: no sockets, no name look-up.
///
/// # Errors
/// An interface was linked already.
pub fn link<T: HttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let options = wasmtime_wasi_http::p2::bindings::LinkOptions::default();
    interfaces::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, view::<T>)?;
    interfaces::types::add_to_linker::<_, WasiHttp>(linker, &(&options).into(), view::<T>)
}

fn view<T: HttpView>(store: &mut T) -> WasiHttpCtxView<'_> {
    let HttpCtxView { http, table } = store.http();
    WasiHttpCtxView { hooks: &mut http.hooks, table, ctx: &mut http.ctx }
}

/// What `wasmtime-wasi-http` asks while a guest runs.
struct Hooks(Arc<Call>);

/// The answer, and the work that goes on besides it.
type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Hooks {
    /// `is_forbidden_header` asks this, and so do trailers that are forwarded.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(headers::is_forbidden)
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let answer = sender::send(self.0.clone(), request, options.unwrap_or_default());
        Box::new(async move {
            let response = answer.await?;
            // The body does all of its work itself.
            Ok((response, Box::new(async { Ok(()) }) as Box<_>))
        })
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        PIECES
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE
    }

    // The sender gives codes only; these stay quiet should the library ever have an error of its own, whose text
    // could hold what a server sent.
    fn p2_error_from_hyper(&mut self, _: &hyper::Error) -> ErrorCode {
        ErrorCode::HttpProtocolError
    }

    fn p2_error_from_connect(&mut self, _: &std::io::Error) -> ErrorCode {
        ErrorCode::ConnectionRefused
    }

    fn p2_error_from_tls(&mut self, _: &std::io::Error) -> ErrorCode {
        ErrorCode::TlsProtocolError
    }
}
