//! How much of the network one call may use. Always armed.

use std::time::Duration;

/// The limits of outgoing HTTP. The defaults are those of the threat model; embedders lower them, and tests do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Requests of one call, all together; denied ones count.
    pub requests: u32,
    /// Requests of one call at the same time, until their answers are read or dropped.
    pub in_flight: u32,
    /// From the start until there is a connection: name look-up, TCP and TLS together.
    pub connect: Duration,
    /// From sending the request until the header of the answer is there, and between two pieces of its body.
    pub first_byte: Duration,
    /// From the start until the answer is read.
    pub exchange: Duration,
    /// Bytes of the header, and of the trailers, of an answer.
    pub header_bytes: u32,
    /// Fields of the header, and of the trailers, of an answer.
    pub header_fields: usize,
    /// Bytes of the body of an answer.
    pub response_body: u64,
    /// Bytes of the body of a request.
    pub request_body: u64,
    /// Different names that a skill may use in a minute under grants with a wildcard: each of them is a message to
    /// whoever serves the name.
    pub wildcard_names: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            requests: 32,
            in_flight: 8,
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            exchange: Duration::from_secs(60),
            header_bytes: 64 << 10,
            header_fields: 100,
            response_body: 8 << 20,
            request_body: 8 << 20,
            wildcard_names: 32,
        }
    }
}
