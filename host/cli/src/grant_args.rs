//! The flags that grant something: for one run of `call`, `pipe` and `run`, for good with `vox grant`.

#![allow(rustdoc::bare_urls, reason = "doc comments are the help texts here, and a terminal shows no brackets")]

use crate::error::CliError;
use clap::Args;
use std::fmt::Display;
use vox_capabilities::files::{Access, FolderGrant};
use vox_capabilities::{Granted, clock, config, gpu, http, kv, random, subprocess};

/// What a skill may have. Nothing unless it is named here, granted before, or in a trusted vox.toml.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Grants")]
pub struct GrantArgs {
    /// Let it read a folder; it sees the folder as DIR, or as GUEST
    #[arg(long, value_name = "DIR[::GUEST]")]
    allow_read: Vec<String>,
    /// Let it write to a folder; writes are staged until `vox approve`
    #[arg(long, value_name = "DIR[::GUEST]")]
    allow_write: Vec<String>,
    /// Let it write to a folder at once, without staging
    #[arg(long, value_name = "DIR[::GUEST]")]
    allow_write_through: Vec<String>,
    /// Let it send requests to a place, such as https://api.example.org/v1 or 'GET https://api.example.org'
    #[arg(long, value_name = "[METHODS ]URL")]
    allow_http: Vec<String>,
    /// Forbid requests to a place, whatever else allows them
    #[arg(long, value_name = "[METHODS ]URL")]
    deny_http: Vec<String>,
    /// Add a secret to its requests to a place; the skill never sees it (see `vox secret --help` for the form)
    #[arg(long, value_name = "BINDING")]
    secret: Vec<String>,
    /// Give it a store of its own that outlives the call, of this size [default: 1MiB]
    #[arg(long, value_name = "QUOTA", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_kv: Option<String>,
    /// Give it a setting
    #[arg(long, value_name = "NAME=VALUE")]
    config: Vec<String>,
    /// Let it see the time, in steps of a millisecond or as finely as the machine does [default: coarse]
    #[arg(long, value_name = "PRECISION", num_args = 0..=1, require_equals = true, default_missing_value = "coarse")]
    allow_clock: Option<String>,
    /// Give it the same random numbers in every run
    #[arg(long, value_name = "N")]
    random_seed: Option<String>,
    /// Let it run programs in a container, these or any; each is in the audit
    #[arg(long, value_name = "PROGRAMS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_subprocess: Vec<String>,
    /// Let it set an environment variable for its programs
    #[arg(long, value_name = "NAME")]
    allow_env: Vec<String>,
    /// Run its programs in a confined process of this machine instead of a container; it grants no program by itself
    #[arg(long)]
    trust: bool,
    /// Let its programs use accelerators, these or any
    #[arg(long, value_name = "IDS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    allow_gpu: Vec<String>,
}

fn wrong(flag: &str, text: &str, why: impl Display) -> CliError {
    CliError::usage(format!("{flag} {text}: {why}"))
}

impl GrantArgs {
    /// What the flags give.
    pub fn granted(&self) -> Result<Granted, CliError> {
        let mut granted = Granted::default();
        let here = std::env::current_dir().map_err(|error| CliError::usage(format!("the working folder: {error}")))?;
        for (flag, texts, access) in [
            ("--allow-read", &self.allow_read, Access::Read),
            ("--allow-write", &self.allow_write, Access::Write),
            ("--allow-write-through", &self.allow_write_through, Access::WriteThrough),
        ] {
            for text in texts {
                let folder = FolderGrant::parse(text, access, &here).map_err(|error| wrong(flag, text, error))?;
                granted.files.add(folder).map_err(|error| wrong(flag, text, error))?;
            }
        }
        for text in &self.allow_http {
            granted.http.allow.push(text.parse().map_err(|error| wrong("--allow-http", text, error))?);
        }
        for text in &self.deny_http {
            granted.http.deny.push(text.parse().map_err(|error| wrong("--deny-http", text, error))?);
        }
        for text in &self.secret {
            let binding: http::SecretBinding = text.parse().map_err(|error| wrong("--secret", text, error))?;
            granted.http.secrets.push(binding);
        }
        if let Some(text) = &self.allow_kv {
            granted.kv = text.parse::<kv::Grant>().map_err(|error| wrong("--allow-kv", text, error))?;
        }
        for text in &self.config {
            let one: config::Grant = text.parse().map_err(|error| wrong("--config", text, error))?;
            granted.config.merge(&one);
        }
        if let Some(text) = &self.allow_clock {
            granted.clock = text.parse::<clock::Grant>().map_err(|error| wrong("--allow-clock", text, error))?;
        }
        if let Some(text) = &self.random_seed {
            granted.random = text.parse::<random::Grant>().map_err(|error| wrong("--random-seed", text, error))?;
        }
        self.programs(&mut granted)?;
        Ok(granted)
    }

    fn programs(&self, granted: &mut Granted) -> Result<(), CliError> {
        for text in &self.allow_subprocess {
            let more: subprocess::Grant = text.parse().map_err(|error| wrong("--allow-subprocess", text, error))?;
            granted.subprocess.merge(&more);
        }
        for name in &self.allow_env {
            subprocess::variable(name).map_err(|error| wrong("--allow-env", name, error))?;
            granted.subprocess.environment.insert(name.clone());
        }
        granted.subprocess.trust |= self.trust;
        for text in &self.allow_gpu {
            let more: gpu::Grant = text.parse().map_err(|error| wrong("--allow-gpu", text, error))?;
            granted.gpu.merge(&more);
        }
        Ok(())
    }
}
