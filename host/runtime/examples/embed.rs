//! A program that embeds vox: opens a skill of the bundle, calls a typed function, reads the outcome.
//!
//! `cargo run --release -p vox-runtime --example embed`

#![allow(clippy::print_stdout, reason = "an example that shows what it got")]

use std::sync::Arc;
use vox_bundle::{Bundle, Linkable};
use vox_model::{Failure, Limits, SkillRef, Value};
use vox_runtime::{Compiler, Granted, Host};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The bundle is ours, so it may be compiled in this process. For components of strangers give the host a
    // `Compiler::Child` and a `Cache`, as the `vox` command does.
    let host =
        Host::builder().library(Arc::new(Linkable::new(Bundle::embedded()))).compiler(Compiler::InProcess).build()?;

    let json = host.open(&SkillRef::Bundle("json".to_owned()), &Granted::default(), Limits::default())?;
    println!("json runs on the {} tier: {}", json.plan().tier, json.plan().reason);

    let query = json.function("query")?;
    println!("{}", query.function());

    let outcome = query.call(vec![Value::from(r#"{"stars":[3,5,4]}"#), Value::from(".stars | max")]);
    match &outcome.result {
        Ok(Some(value)) => println!("{:?} in {:?}", value.as_str(), outcome.usage.time),
        Ok(None) => println!("no result"),
        Err(Failure::Limit { limit, detail }) => println!("the {limit} limit: {detail}"),
        Err(other) => println!("{other}"),
    }

    // The skill's own errors are values, with the type that its interface gives them.
    let wrong = query.call(vec![Value::from("not json"), Value::from(".")]);
    println!("{:?}", wrong.skill_error());
    Ok(())
}
