//! Running a checked pipeline.

use super::Checked;
use crate::wasm::sandbox::CallOptions;
use vox_model::{Effects, Failure, Outcome, Type, Value};

impl Checked {
    /// Runs the pipeline over its input: every stage in a fresh sandbox with limits of its own. Ends with the
    /// first stage that fails or returns an err, whose number (0 first) stands beside the outcome. What the stages
    /// left behind is gathered in it.
    pub fn run(&self, input: Option<Value>, stages: &mut dyn Stages) -> (usize, Outcome) {
        let (index, mut outcome, before) = self.steps(input, stages);
        outcome.effects.gather(before);
        (index, outcome)
    }

    fn steps(&self, input: Option<Value>, stages: &mut dyn Stages) -> (usize, Outcome, Effects) {
        let (mut piped, mut before) = (input, Effects::default());
        let last = self.steps.len().saturating_sub(1);
        for (index, step) in self.steps.iter().enumerate() {
            let outcome = match step.program.function(&step.function) {
                Ok(callable) => {
                    let first = callable.function().params.first().map(|p| &p.ty);
                    let first = piped.take().map(|value| wrapped(value, first));
                    let args: Vec<_> = first.into_iter().chain(step.arguments.iter().cloned()).collect();
                    let outcome = callable.call_with(args, stages.options(index));
                    stages.ended(index, &outcome);
                    outcome
                }
                Err(error) => failed(error.to_string()),
            };
            let ended = outcome.result.is_err() || outcome.skill_error().is_some();
            if ended || index == last {
                return (index, outcome, before);
            }
            before.gather(outcome.effects);
            piped = match outcome.result {
                Ok(Some(Value::Result(Ok(Some(value))))) => Some(*value),
                Ok(value) => value,
                Err(_) => None,
            };
        }
        (0, failed("an empty pipeline".to_owned()), before)
    }
}

/// Whoever runs a pipeline: gives each stage what its call brings, and hears how it ended.
pub trait Stages {
    /// What the call of this stage (0 first) brings besides its arguments.
    fn options(&mut self, stage: usize) -> CallOptions;
    /// How it ended.
    fn ended(&mut self, stage: usize, outcome: &Outcome);
}

/// Calls that bring nothing but their arguments.
pub struct Unattended;

impl Stages for Unattended {
    fn options(&mut self, _: usize) -> CallOptions {
        CallOptions::default()
    }
    fn ended(&mut self, _: usize, _: &Outcome) {}
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
    Outcome::failed(Failure::Host(what))
}
