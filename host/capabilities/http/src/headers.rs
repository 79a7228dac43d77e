//! Which header fields belong to whom.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Fields that a skill neither sets nor sees: framing and hop-by-hop fields (RFC 9110, sections 7.6.1 and 10.1), the
/// host's own name, what proxies say about the way, and what makes servers take another method or path than the one
/// that was granted.
const FORBIDDEN: &[&str] = &[
    "alt-svc",
    "alt-used",
    "connection",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// The beginnings of families of such fields.
const FORBIDDEN_FAMILIES: &[&str] = &["x-forwarded-", "cf-connecting-", "true-client-ip"];

/// Fields that mean something else, or something wrong, behind a body (RFC 9110, section 6.5.1).
const NOT_BEHIND_A_BODY: &[HeaderName] = &[
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::RANGE,
    header::SET_COOKIE,
];

/// Whether a field is none of a skill's business, in requests, responses and trailers.
pub(crate) fn is_forbidden(name: &HeaderName) -> bool {
    let name = name.as_str();
    FORBIDDEN.contains(&name) || FORBIDDEN_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether a secret can be put into a field: it is nobody else's.
pub(crate) fn can_hold_secret(name: &HeaderName) -> bool {
    !is_forbidden(name) && name != header::CONTENT_LENGTH && name != header::ACCEPT_ENCODING
}

/// The fields of a request as they go out, without those that the host adds. The wasi side has refused the forbidden
/// ones already; they are taken out here too, because this is the last place where it can be done.
pub(crate) fn outgoing(mut fields: HeaderMap, secrets: bool) -> HeaderMap {
    retain(&mut fields, |name| !is_forbidden(name) && name != header::CONTENT_LENGTH);
    // An answer that is compressed cannot be searched for the secrets that went out.
    if secrets || !fields.contains_key(header::ACCEPT_ENCODING) {
        fields.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    fields
}

/// Takes out of trailers what has no place there, and the fields that the host sets itself.
pub(crate) fn trailers(fields: &mut HeaderMap, own: &[HeaderName]) {
    retain(fields, |name| !is_forbidden(name) && !NOT_BEHIND_A_BODY.contains(name) && !own.contains(name));
}

fn retain(fields: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<_> = fields.keys().filter(|name| !keep(name)).cloned().collect();
    for name in gone {
        fields.remove(name);
    }
}

/// Bytes of fields as they travel in HTTP/1.1.
pub(crate) fn size(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(names: &[&'static str]) -> HeaderMap {
        names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("x"))).collect()
    }

    /// N13, N14 of the threat model.
    #[test]
    fn what_belongs_to_the_host_does_not_go_out() {
        let kept = outgoing(
            map(&["host", "connection", "te", "content-length", "x-forwarded-for", "forwarded", "upgrade", "accept"]),
            false,
        );
        assert_eq!(kept.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept", "accept-encoding"]);
        for name in wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS {
            assert!(is_forbidden(&name), "{name}");
        }
    }

    #[test]
    fn a_wish_for_compression_is_heard_without_secrets_only() {
        let wish = || HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        assert_eq!(outgoing(wish(), false)[header::ACCEPT_ENCODING], "gzip");
        assert_eq!(outgoing(wish(), true)[header::ACCEPT_ENCODING], "identity");
    }

    #[test]
    fn trailers_carry_neither_credentials_nor_framing() {
        let mut fields = map(&["authorization", "transfer-encoding", "content-length", "x-key", "x-checksum"]);
        trailers(&mut fields, &[HeaderName::from_static("x-key")]);
        assert_eq!(fields.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-checksum"]);
    }
}
