//! Figure A2 in small: compile bombs end as accepted or rejected, and the host goes on.

use std::time::{Duration, Instant};
use vox_model::{Limits, Value};
use vox_runtime::{CompileError, CompileLimits, Compiler, Granted, Host, OpenError};
use vox_tests::{fixtures, need, needs, places, skills};

fn compiler() -> Result<Compiler, String> {
    Ok(Compiler::Child { program: places::vox()?, arguments: vec!["__compile".into()] })
}

/// The answer of a compiler that did its duty.
fn is_an_answer(compiled: &Result<Vec<u8>, CompileError>) -> bool {
    matches!(compiled, Ok(_) | Err(CompileError::Rejected(_) | CompileError::Limit(_) | CompileError::Died(_)))
}

#[test]
fn compile_bombs_are_contained() {
    let compiler = need!("vox", compiler());
    let limits = CompileLimits { memory: 1 << 30, time: Duration::from_secs(5) };
    let scale = u32::try_from(needs::scale()).unwrap_or(u32::MAX);
    let mut accepted = 0;
    for (what, bomb) in fixtures::BOMBS {
        for size in [1, 4, 12] {
            let bytes = bomb(size * scale);
            let started = Instant::now();
            let compiled = compiler.compile(&bytes, limits);
            let took = started.elapsed();
            assert!(is_an_answer(&compiled), "{what}, size {size}: {:?}", compiled.err());
            assert!(took <= limits.time + Duration::from_secs(2), "{what}, size {size}: {took:?}");
            accepted += u32::from(compiled.is_ok());
        }
    }
    // The small ones are harmless: if none compiled, the generators make rubbish.
    assert!(accepted >= 12, "only {accepted} of 36 compiled");
}

/// Bombs go the whole way of a skill; the next good skill opens and answers.
#[test]
fn a_host_survives_bombs() {
    let compiler = need!("vox", compiler());
    let host = Host::builder().compiler(compiler).build().unwrap_or_else(|error| panic!("{error}"));
    for (what, bomb) in fixtures::BOMBS {
        let (_folder, reference) = skills::placed(&bomb(2));
        match host
            .open(&reference, &Granted::default(), Limits::default())
            .map(|program| skills::call(&program, "go", vec![]))
        {
            Ok(outcome) => drop(outcome.result),
            Err(OpenError::Compile { .. } | OpenError::Inspect { .. }) => {}
            Err(other) => panic!("{what}: {other}"),
        }
    }
    let program = skills::opened(&host, &fixtures::assembled(fixtures::ANSWER), Limits::default());
    assert_eq!(skills::call(&program, "answer", vec![]).result.ok(), Some(Some(Value::U32(42))));
}

/// Too little time or memory is told as what it is.
#[test]
fn the_compilers_limits_hold() {
    let compiler = need!("vox", compiler());
    let bomb = fixtures::BOMBS[0].1(200);
    let slow = CompileLimits { memory: 4 << 30, time: Duration::from_millis(100) };
    let compiled = compiler.compile(&bomb, slow);
    assert!(matches!(compiled, Err(CompileError::Limit(_))), "{:?}", compiled.err());
    let tight = CompileLimits { memory: 24 << 20, time: Duration::from_secs(20) };
    let compiled = compiler.compile(&bomb, tight);
    assert!(matches!(compiled, Err(CompileError::Limit(_) | CompileError::Died(_) | CompileError::Rejected(_))));
    assert!(compiled.is_err());
}

/// A compiler that cannot be started is said, and nothing hangs.
#[test]
fn a_compiler_that_is_none_is_said() {
    let component = fixtures::assembled(fixtures::ANSWER);
    let limits = CompileLimits::for_size(component.len() as u64);
    for (program, unavailable) in [("/nonexistent/vox", true), ("/bin/true", false), ("/bin/cat", false)] {
        let compiler = Compiler::Child { program: program.into(), arguments: vec![] };
        let error = compiler.compile(&component, limits).err().unwrap_or_else(|| panic!("{program} compiled"));
        assert_eq!(matches!(error, CompileError::Unavailable(_)), unavailable, "{program}: {error}");
    }
}
