//! Streams, exit codes and limits of scripts.

use crate::work::{Bench, ENGINES};
use std::io::Write as _;
use std::process::Stdio;
use vox_tests::need;

const ANY: [&str; 1] = ["--allow-subprocess"];

#[test]
fn streams_and_exit_codes_pass_through() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        bench.skill("x", &[("a.sh", "echo \"$# $1\"; wc -c; echo oops >&2; exit \"$2\"\n"), ("b.sh", "kill -9 $$\n")]);
        bench.run(0, &["import", "x"]);
        let words =
            ["run", "./x", "a.sh", "--allow-subprocess", "--limit-time", "120s", "--", "--flag with space", "7"];
        let mut command = bench.vox(&words);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|error| panic!("{error}"));
        let fed = child.stdin.take().map(|mut pipe| pipe.write_all(&[b'x'; 300_000]));
        assert!(matches!(fed, Some(Ok(()))));
        let ended = child.wait_with_output().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(ended.status.code(), Some(7), "{engine}: {}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(String::from_utf8_lossy(&ended.stdout), "2 --flag with space\n300000\n", "{engine}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "oops\n", "{engine}");
        // A signal counts as in a shell.
        bench.script(137, &["./x", "b.sh"], &ANY, &[]);
    }
}

#[test]
fn limits_end_a_script_and_say_so() {
    for engine in ENGINES {
        let bench = need!(engine, Bench::with(engine));
        let hungry = "print('begun', flush=True)\nx = bytearray(1 << 30)\n";
        let scripts = [("sleep.sh", "echo begun\nsleep 600\n"), ("print.sh", "seq 100000\n"), ("hungry.py", hungry)];
        bench.skill("x", &scripts);
        bench.run(0, &["import", "x"]);
        // The measurement is not part of the call's time.
        bench.script(0, &["./x", "print.sh"], &ANY, &[]);
        let ran = bench.run(6, &["run", "./x", "sleep.sh", "--allow-subprocess", "--limit-time", "8s"]);
        assert_eq!(ran.stdout, "begun\n", "{engine}: what was printed before is not lost");
        assert!(ran.stderr.contains("time limit") && ran.stderr.contains("--limit-time"), "{engine}: {}", ran.stderr);
        let ran = bench.script(6, &["./x", "hungry.py"], &ANY, &[]);
        assert!(ran.stderr.contains("memory limit"), "{engine}: {}", ran.stderr);
        let cut = bench.script(0, &["./x", "print.sh"], &["--allow-subprocess", "--limit-output", "100B"], &[]);
        // `seq 100000` prints 588,895 bytes.
        assert_eq!(cut.stdout.len(), 100, "{engine}");
        assert!(cut.stderr.contains("588795 bytes of what the script printed were cut"), "{engine}: {}", cut.stderr);
    }
}

#[test]
fn an_interpreter_that_the_image_lacks_is_named() {
    let engine = ENGINES[0];
    let bench = need!(engine, Bench::with(engine));
    bench.skill("x", &[("a.rb", "puts 1\n")]);
    bench.run(0, &["import", "x"]);
    let ran = bench.script(10, &["./x", "a.rb"], &ANY, &[]);
    assert!(ran.stderr.contains("ruby"), "{}", ran.stderr);
}
