//! What programs are told when their request did not get an answer of the server.

use crate::problem::Problem;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use std::convert::Infallible;
use wasmtime_wasi_http::WasiBody;

/// An answer of ours: one line that says who speaks and why.
pub(super) fn said(status: StatusCode, text: &str) -> Response<WasiBody> {
    let mut response = Response::new(body(format!("vox: {text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Nothing to say, as after `CONNECT`.
pub(super) fn agreed() -> Response<WasiBody> {
    Response::new(body(String::new()))
}

fn body(text: String) -> WasiBody {
    Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// The answer to a request that came to nothing. How the person calls the skill is not known here.
pub(super) fn of(problem: &Problem) -> Response<WasiBody> {
    let status = match problem {
        Problem::Denied(_) | Problem::TakenBack => StatusCode::FORBIDDEN,
        Problem::Requests(_) | Problem::InFlight(_) | Problem::WildcardNames(_) => StatusCode::TOO_MANY_REQUESTS,
        Problem::RequestBody(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Problem::RequestLength(_) | Problem::Aborted => StatusCode::BAD_REQUEST,
        Problem::ConnectTime | Problem::FirstByte | Problem::ExchangeTime => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    let grant = match problem {
        Problem::Denied(denied) => denied.allow.as_ref().map(|flag| format!(", for good `vox grant SKILL {flag}`")),
        _ => None,
    };
    said(status, &format!("{problem}{}", grant.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Denied;

    async fn text(problem: &Problem) -> (u16, String) {
        let response = of(problem);
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_problem_is_one_line_with_a_status_that_says_whose_fault_it_is() {
        let allow = Some("--allow-http https://a.example".to_owned());
        let denied = Problem::Denied(Denied { rule: "the host is not granted".to_owned(), allow });
        let line = "vox: the host is not granted; --allow-http https://a.example would allow it, for good \
                    `vox grant SKILL --allow-http https://a.example`\n";
        assert_eq!(text(&denied).await, (403, line.to_owned()));
        for (problem, status) in [
            (Problem::TakenBack, 403),
            (Problem::Requests(1), 429),
            (Problem::InFlight(1), 429),
            (Problem::WildcardNames(1), 429),
            (Problem::RequestBody(1), 413),
            (Problem::Aborted, 400),
            (Problem::ConnectTime, 504),
            (Problem::NoAddress, 502),
            (Problem::Leak("x".to_owned()), 502),
        ] {
            let (got, line) = text(&problem).await;
            assert_eq!((got, line.lines().count()), (status, 1), "{line}");
        }
    }
}
