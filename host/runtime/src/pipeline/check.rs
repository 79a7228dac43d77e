//! Proving that the types of a pipeline fit, before anything runs.

use super::{Argument, Fault, PipelineError, Stage};
use crate::program::Program;
use std::ops::Range;
use vox_model::{Function, LookupError, Type, Value, wave};

/// Opens the skill of a stage.
pub trait Resolve {
    /// The opened skill, or a message and how to mend it.
    ///
    /// # Errors
    /// What a person is told; the pipeline adds the place.
    fn open(&mut self, skill: &str) -> Result<std::sync::Arc<Program>, (String, Option<String>)>;
}

/// What the first stage wants piped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing: all its arguments are given.
    None,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A pipeline whose types fit.
pub struct Checked {
    pub(super) steps: Vec<Step>,
    input: Input,
    output: Option<Type>,
}

/// A stage ready to run.
pub(super) struct Step {
    pub(super) program: std::sync::Arc<Program>,
    pub(super) function: String,
    /// The arguments behind the piped one, or all where nothing is piped in.
    pub(super) arguments: Vec<Value>,
}

impl Checked {
    /// What the first stage wants.
    pub fn input(&self) -> Input {
        self.input
    }

    /// The type of the last stage's result.
    pub fn output(&self) -> Option<&Type> {
        self.output.as_ref()
    }
}

/// Checks a pipeline: every function exists, every argument reads as its parameter's type, every value that is
/// passed on fits where it goes.
///
/// # Errors
/// The first thing that does not fit, with its place.
pub fn check(text: &str, stages: &[Stage], resolve: &mut dyn Resolve) -> Result<Checked, PipelineError> {
    let mut steps = Vec::with_capacity(stages.len());
    let (mut input, mut output) = (Input::None, None);
    let mut piped: Option<(Type, Range<usize>)> = None;
    for (index, stage) in stages.iter().enumerate() {
        let program = resolve.open(&stage.skill).map_err(|(message, help)| PipelineError {
            fault: Fault::Skill,
            message,
            span: stage.name_span.start..stage.name_span.start + stage.skill.len(),
            label: "this skill".to_owned(),
            help,
        })?;
        let function = lookup(&program, stage)?;
        let params: Vec<&Type> = function.params.iter().map(|p| &p.ty).collect();
        let takes = match &piped {
            Some((ty, from)) => {
                fits(ty, function, stage, &text[from.clone()])?;
                1
            }
            None if index > 0 => return Err(nothing_piped(stage, &stages[index - 1])),
            // The first stage reads its input unless all its parameters are written out.
            None if stage.arguments.len() < params.len() && !params.is_empty() => {
                match first_input(&params, stage.arguments.len(), function) {
                    Some(kind) => {
                        input = kind;
                        usize::from(kind != Input::None)
                    }
                    None => return Err(no_input(stage, function)),
                }
            }
            None => 0,
        };
        let arguments = arguments(stage, function, takes)?;
        piped = passed_on(function).map(|ty| (ty, stage.span.clone()));
        output = function.result.clone();
        steps.push(Step { function: function.id.to_string(), arguments, program: program.clone() });
    }
    Ok(Checked { steps, input, output })
}

fn lookup<'p>(program: &'p Program, stage: &Stage) -> Result<&'p Function, PipelineError> {
    let at = stage.name_span.end - stage.function.len()..stage.name_span.end;
    program.function(&stage.function).map(|callable| callable.function()).map_err(|error| PipelineError {
        fault: Fault::Function,
        message: format!("{error} in `{}`", stage.skill),
        span: at,
        label: "this function".to_owned(),
        help: match &error {
            crate::FunctionError::Lookup(LookupError::Unknown { nearest, .. }) if !nearest.is_empty() => {
                Some(format!("did you mean `{}`?", nearest.join("` or `")))
            }
            crate::FunctionError::Lookup(LookupError::Unknown { known, .. }) => {
                Some(format!("it has: {}", known.join(", ")))
            }
            _ => None,
        },
    })
}

/// What a function hands to the next one: its result, without the `result` around it.
fn passed_on(function: &Function) -> Option<Type> {
    match function.result.as_ref()? {
        Type::Result(ok, _) => ok.as_deref().cloned(),
        ty => Some(ty.clone()),
    }
}

fn fits(ty: &Type, function: &Function, stage: &Stage, left: &str) -> Result<(), PipelineError> {
    let Some(first) = function.params.first() else {
        return Err(PipelineError {
            fault: Fault::Text,
            message: format!("`{function}` takes nothing, and {left} passes {ty} on"),
            span: stage.name_span.clone(),
            label: "takes no parameter".to_owned(),
            help: None,
        });
    };
    let wanted = match &first.ty {
        // A value also fits where it is optional.
        Type::Option(inner) if !ty.is_option() => inner,
        wanted => wanted,
    };
    if wanted.accepts(ty) {
        return Ok(());
    }
    Err(PipelineError {
        fault: Fault::Text,
        message: format!("`{}` takes {}, and {left} gives {ty}", stage.function, first.ty),
        span: stage.name_span.clone(),
        label: format!("its first parameter is `{}: {}`", first.name, first.ty),
        help: Some(format!("the signature is: {function}")),
    })
}

fn nothing_piped(stage: &Stage, before: &Stage) -> PipelineError {
    PipelineError {
        fault: Fault::Text,
        message: format!("`{}` returns nothing that could be passed on", before.function),
        span: stage.span.clone(),
        label: "gets no value".to_owned(),
        help: None,
    }
}

/// Whether the first stage reads its input, and as what. None where it lacks more than one argument, or wants a
/// first one that is neither text nor bytes.
fn first_input(params: &[&Type], given: usize, function: &Function) -> Option<Input> {
    let kind = match params[0] {
        Type::String => Some(Input::Text),
        ty if ty.is_bytes() => Some(Input::Bytes),
        _ => None,
    };
    match kind {
        Some(kind) if given + 1 >= function.required() => Some(kind),
        _ if given >= function.required() => Some(Input::None),
        _ => None,
    }
}

fn no_input(stage: &Stage, function: &Function) -> PipelineError {
    PipelineError {
        fault: Fault::Text,
        message: format!("`{}` lacks arguments", stage.function),
        span: stage.span.clone(),
        label: format!("{} given", stage.arguments.len()),
        help: Some(format!(
            "the signature is: {function}; only a first parameter of type string or list<u8> can come from the input"
        )),
    }
}

/// How many arguments may be written, beside the one that is piped in.
fn counted(count: usize, taken: usize) -> String {
    let more = if taken > 0 { " more" } else { "" };
    match count {
        0 => format!("no{more} argument"),
        1 => format!("1{more} argument"),
        count => format!("{count}{more} arguments"),
    }
}

fn arguments(stage: &Stage, function: &Function, taken: usize) -> Result<Vec<Value>, PipelineError> {
    let params = function.params.get(taken..).unwrap_or_default();
    let least = function.required().saturating_sub(taken);
    if stage.arguments.len() > params.len() {
        let extra = &stage.arguments[params.len()];
        return Err(PipelineError {
            fault: Fault::Text,
            message: format!(
                "`{}` takes {} here, and {} are given",
                stage.function,
                counted(params.len(), taken),
                stage.arguments.len()
            ),
            span: extra.span.clone(),
            label: "one too many".to_owned(),
            help: Some(format!("the signature is: {function}")),
        });
    }
    if stage.arguments.len() < least {
        return Err(PipelineError {
            fault: Fault::Text,
            message: format!("`{}` lacks the argument `{}`", stage.function, params[stage.arguments.len()].name),
            span: stage.span.clone(),
            label: "here".to_owned(),
            help: Some(format!("the signature is: {function}")),
        });
    }
    stage.arguments.iter().zip(params).map(|(arg, param)| value(arg, &param.ty, function)).collect()
}

fn value(argument: &Argument, ty: &Type, function: &Function) -> Result<Value, PipelineError> {
    let wants_text = match ty {
        Type::String => true,
        Type::Option(inner) => **inner == Type::String,
        _ => false,
    };
    let quoted = argument.text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    if let (true, Some(text)) = (wants_text, quoted) {
        let text = Value::String(text.to_owned());
        return Ok(if ty.is_option() { Value::Option(Some(Box::new(text))) } else { text });
    }
    wave::read(&argument.text, ty).map_err(|error| PipelineError {
        fault: Fault::Text,
        message: error.message,
        span: match error.span {
            Some(span) => argument.span.start + span.start..argument.span.start + span.end,
            None => argument.span.clone(),
        },
        label: format!("not a {ty}"),
        help: Some(format!("the signature is: {function}")),
    })
}
