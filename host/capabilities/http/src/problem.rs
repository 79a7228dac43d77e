//! Why an exchange did not come to its end: in words for the record, as a code for the skill.

use crate::policy::Denied;
use std::borrow::Cow;
use std::fmt;
use vox_model::Verdict;
use wasmtime_wasi_http::Error;

/// Why an exchange did not come to its end. None of these holds text of a server or of a library, because either
/// could hold a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No grant covers it; the rule and the flag are in the text.
    Denied(Denied),
    /// The grant was taken back; the record has it already.
    TakenBack,
    /// The call has sent as many requests as it may.
    Requests(u32),
    /// As many are under way as may be.
    InFlight(u32),
    /// Too many names under a wildcard.
    WildcardNames(usize),
    /// The name has no address.
    NoAddress,
    /// No name server answered.
    NoNameServer,
    /// Connecting took too long.
    ConnectTime,
    /// No address took the connection.
    Unreachable,
    /// The certificate is not trusted.
    Certificate(Distrust),
    /// TLS failed otherwise.
    Tls,
    /// No answer in time.
    FirstByte,
    /// The whole took too long.
    ExchangeTime,
    /// The connection broke.
    Broken,
    /// What came is no HTTP.
    Protocol,
    /// The header of the answer is too large.
    HeaderBytes(u32),
    /// The header of the answer has too many fields.
    HeaderFields(usize),
    /// The body of the answer is too large.
    ResponseBody(u64),
    /// The body of the request is too large.
    RequestBody(u64),
    /// The body of the request is longer or shorter than it was said to be.
    RequestLength(u64),
    /// The skill gave up on the body of the request.
    Aborted,
    /// A secret is not there.
    NoSecret(String),
    /// A secret cannot be sent.
    BadSecret(String, Cow<'static, str>),
    /// The answer is compressed and cannot be searched for the secret that was sent.
    Compressed,
    /// The answer held a secret.
    Leak(String),
}

/// Why a certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// It is for other names.
    Name,
    /// Nobody who is trusted signed it.
    Authority,
    /// Everything else: revoked, malformed, for another purpose.
    Other,
}

impl Distrust {
    pub(crate) fn of(error: &rustls::CertificateError) -> Self {
        use rustls::CertificateError as Why;
        match error {
            Why::Expired | Why::ExpiredContext { .. } => Self::Expired,
            Why::NotValidYet | Why::NotValidYetContext { .. } => Self::Early,
            Why::NotValidForName | Why::NotValidForNameContext { .. } => Self::Name,
            // The second where somebody has the name of an authority that is trusted, and not its key.
            Why::UnknownIssuer | Why::BadSignature => Self::Authority,
            _ => Self::Other,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Expired => "the certificate of the host has expired",
            Self::Early => "the certificate of the host is not valid yet; is the clock of this machine right?",
            Self::Name => "the certificate of the host is for another name",
            Self::Authority => {
                "nobody who is trusted signed the certificate of the host; for an authority of your own add --http-ca FILE"
            }
            Self::Other => "the certificate of the host is not valid",
        }
    }
}

impl Problem {
    /// Whether it was refused, or tried and failed.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Denied(_)
            | Self::TakenBack
            | Self::Requests(_)
            | Self::InFlight(_)
            | Self::WildcardNames(_)
            | Self::Leak(_) => Verdict::Denied,
            _ => Verdict::Failed,
        }
    }

    /// What the skill is told.
    pub(crate) fn code(&self) -> Error {
        match self {
            Self::Denied(_) | Self::TakenBack | Self::Requests(_) | Self::WildcardNames(_) => Error::HttpRequestDenied,
            Self::InFlight(_) => Error::ConnectionLimitReached,
            Self::NoAddress => Error::DnsError { rcode: Some("NXDOMAIN".to_owned()), info_code: None },
            Self::NoNameServer => Error::DnsTimeout,
            Self::ConnectTime => Error::ConnectionTimeout,
            Self::Unreachable => Error::ConnectionRefused,
            Self::Certificate(_) => Error::TlsCertificateError,
            Self::Tls => Error::TlsProtocolError,
            Self::FirstByte => Error::ConnectionReadTimeout,
            Self::ExchangeTime => Error::HttpResponseTimeout,
            Self::Broken => Error::ConnectionTerminated,
            Self::Protocol | Self::Aborted => Error::HttpProtocolError,
            Self::HeaderBytes(limit) => Error::HttpResponseHeaderSectionSize(Some(*limit)),
            Self::HeaderFields(_) => Error::HttpResponseHeaderSectionSize(None),
            Self::ResponseBody(limit) => Error::HttpResponseBodySize(Some(*limit)),
            Self::RequestBody(limit) => Error::HttpRequestBodySize(Some(*limit)),
            Self::RequestLength(length) => Error::HttpRequestBodySize(Some(*length)),
            Self::NoSecret(_) | Self::BadSecret(..) => Error::ConfigurationError,
            Self::Compressed => Error::HttpResponseContentCoding(None),
            Self::Leak(_) => Error::InternalError(Some("the answer was cut: it held a credential".to_owned())),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::TakenBack => f.write_str("the grant was taken back"),
            Self::Requests(limit) => write!(f, "a call can send {limit} requests"),
            Self::InFlight(limit) => write!(f, "a call can have {limit} requests under way; read or drop an answer first"),
            Self::WildcardNames(limit) => {
                write!(f, "a skill can use {limit} different names a minute under grants with a wildcard")
            }
            Self::NoAddress => f.write_str("the host name has no address"),
            Self::NoNameServer => f.write_str("no name server answered"),
            Self::ConnectTime => f.write_str("connecting took too long"),
            Self::Unreachable => f.write_str("the host did not take the connection"),
            Self::Certificate(why) => f.write_str(why.text()),
            Self::Tls => f.write_str("TLS failed"),
            Self::FirstByte => f.write_str("the host took too long to answer"),
            Self::ExchangeTime => f.write_str("the exchange took too long"),
            Self::Broken => f.write_str("the connection broke"),
            Self::Protocol => f.write_str("the answer is not valid HTTP"),
            Self::HeaderBytes(limit) => write!(f, "the header of the answer is larger than {limit} bytes"),
            Self::HeaderFields(limit) => write!(f, "the header of the answer has more than {limit} fields"),
            Self::ResponseBody(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Self::RequestBody(limit) => write!(f, "the body of the request is larger than {limit} bytes"),
            Self::RequestLength(length) => {
                write!(f, "the body of the request is not as long as its content-length of {length} bytes says")
            }
            Self::Aborted => f.write_str("the skill did not finish the body of the request"),
            Self::NoSecret(name) => write!(f, "the secret `{name}` is not there; store it, or take its binding out"),
            Self::BadSecret(name, why) => write!(f, "the secret `{name}` cannot be sent: {why}"),
            Self::Compressed => f.write_str(
                "the answer is compressed although `identity` was asked for, so it cannot be searched for the credential that was sent",
            ),
            Self::Leak(name) => write!(f, "the answer held the secret `{name}` and was cut"),
        }
    }
}
