//! What leaves vox over the network, and the secrets that go along. Sections 4.3 and 4.4 of the threat model, as
//! campaigns: every spelling, every answer of a name server, every echo.

mod asynchronous;
mod attacks;
mod authority;
mod canary;
mod cancelled;
mod certificates;
mod credentials;
mod echoes;
mod inside;
mod matrix;
mod oracle;
mod rebinding;
mod sending;
mod servers;
mod spellings;
mod urls;
