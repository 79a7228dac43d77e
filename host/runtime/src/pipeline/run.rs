//! Running a checked pipeline.

use super::Checked;
use crate::wasm::meter::Cancel;
use crate::wasm::sandbox::CallOptions;
use vox_model::{Failure, Outcome, Output, Type, Usage, Value};

impl Checked {
    /// Runs the pipeline over its input: every stage in a fresh sandbox with limits of its own. Ends with the
    /// first stage that fails or returns an err, whose number (0 first) stands beside the outcome.
    pub fn run(&self, input: Option<Value>, cancel: Option<&Cancel>) -> (usize, Outcome) {
        let mut piped = input;
        let last = self.steps.len().saturating_sub(1);
        for (index, step) in self.steps.iter().enumerate() {
            let outcome = match step.program.function(&step.function) {
                Ok(callable) => {
                    let first = callable.function().params.first().map(|p| &p.ty);
                    let first = piped.take().map(|value| wrapped(value, first));
                    let args = first.into_iter().chain(step.arguments.iter().cloned()).collect();
                    let options = CallOptions { cancel: cancel.cloned(), ..CallOptions::default() };
                    callable.call_with(args, options)
                }
                Err(error) => failed(error.to_string()),
            };
            let ended = outcome.result.is_err() || outcome.skill_error().is_some();
            if ended || index == last {
                return (index, outcome);
            }
            piped = match outcome.result {
                Ok(Some(Value::Result(Ok(Some(value))))) => Some(*value),
                Ok(value) => value,
                Err(_) => None,
            };
        }
        (0, failed("an empty pipeline".to_owned()))
    }
}

/// A value for an optional parameter.
fn wrapped(value: Value, ty: Option<&Type>) -> Value {
    match (ty, value) {
        (Some(Type::Option(_)), value @ Value::Option(_)) => value,
        (Some(Type::Option(_)), value) => Value::Option(Some(Box::new(value))),
        (_, value) => value,
    }
}

fn failed(what: String) -> Outcome {
    Outcome { result: Err(Failure::Host(what)), usage: Usage::default(), output: Output::default() }
}
