//! The rows: each asks one question of everybody.

mod calls;
mod cold;
mod echo;
mod egress;
mod files;
mod granted;
mod hop;
mod http;
pub mod memory;
mod oneshot;
mod programs;
mod size;

use crate::context::Context;
use crate::model::Row;
use anyhow::Result;

/// Measures one group of rows.
type Measure = fn(&Context) -> Result<Vec<Row>>;

/// All rows by the names that `--row` takes.
pub const ALL: &[(&str, &str, Measure)] = &[
    ("fresh", "a call in a fresh sandbox", calls::fresh),
    ("query", "a json.query in a fresh sandbox", calls::query),
    ("warm", "a call in a kept sandbox", calls::warm),
    ("cold", "opening a skill, from the cache and without", cold::rows),
    ("echo", "bytes in and out, 1 KB to 64 MB", echo::rows),
    ("hop", "one hop of a pipeline", hop::rows),
    ("granted", "a fresh call with capabilities that it does not use", granted::calls),
    ("decide", "the decision about a skill", granted::decisions),
    ("http", "a fresh call that sends a request", http::rows),
    ("files", "a file of 1 MB through a guest", files::rows),
    ("programs", "commands in containers and in the process tier", programs::rows),
    ("egress", "requests of programs in containers", egress::rows),
    ("oneshot", "whole processes", oneshot::rows),
    ("memory", "memory of a live instance", memory::rows),
    ("size", "size of the binaries", size::rows),
];
